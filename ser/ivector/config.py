"""The settings of an i-vector extractor's training, as ``conf/asr_tdnn/ivector.yaml`` has them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrontEndConfig:
    """Section `front_end`: what the Gaussians see."""

    left_context: int  # frames that are joined with frame t, before it ...
    right_context: int  # ... and after it
    dim: int  # to which principal components bring them


@dataclass(frozen=True)
class UbmConfig:
    """Section `ubm`."""

    num_gaussians: int
    num_initial: int  # at the beginning; they are split until there are enough
    init_iterations: int  # in memory
    init_frames: int  # at most, of all utterances, in memory
    iterations: int  # over the data
    every_utterance: int  # 4: a quarter of the utterances
    every_frame: int  # 2: half the frames
    num_gselect: int  # Gaussians that a frame may belong to
    min_weight: float


@dataclass(frozen=True)
class ExtractorConfig:
    """Section `extractor`."""

    ivector_dim: int
    iterations: int
    every_frame: int
    num_gselect: int
    min_post: float
    posterior_scale: float  # frames are not independent, so each counts for less
    min_count: float  # scaled frames below which a Gaussian stays as it is


@dataclass(frozen=True)
class ExtractionConfig:
    """Section `extraction`: see `ser.kaldi.ivector_files.OnlineIvectorOptions`."""

    period: int
    max_count: float
    max_remembered_frames: float


@dataclass(frozen=True)
class IvectorConfig:
    """A whole file."""

    front_end: FrontEndConfig
    ubm: UbmConfig
    extractor: ExtractorConfig
    extraction: ExtractionConfig
    seed: int
