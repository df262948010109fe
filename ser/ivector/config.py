"""The settings of conf/asr_tdnn/ivector.yaml, by which an i-vector extractor is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrontEndConfig:
    """Section `front_end`: the features that the UBM is trained on."""

    left_context: int  # frames before frame t that are spliced with it
    right_context: int  # frames after frame t that are spliced with it
    dim: int  # number of principal components that are kept of the spliced frames


@dataclass(frozen=True)
class UbmConfig:
    """Section `ubm`: training of the universal background model."""

    num_gaussians: int
    num_initial: int  # Gaussians at the beginning; they are split until there are num_gaussians
    init_iterations: int  # passes over the frames in memory
    init_frames: int  # most frames, of all utterances, that are held in memory for these passes
    iterations: int  # passes over the data on disk
    every_utterance: int  # 4: these passes use a quarter of the utterances
    every_frame: int  # 2: these passes use half of the frames
    num_gselect: int  # Gaussian selection: number of Gaussians that a frame is shared among
    min_weight: float


@dataclass(frozen=True)
class ExtractorConfig:
    """Section `extractor`: training of the i-vector extractor."""

    ivector_dim: int
    iterations: int
    every_frame: int
    num_gselect: int
    min_post: float
    posterior_scale: float  # factor of the posteriors, under 1, since neighbouring frames are not independent
    min_count: float  # a Gaussian with a lower sum of scaled posteriors is not updated


@dataclass(frozen=True)
class ExtractionConfig:
    """Section `extraction`: see `ser.kaldi.ivector_files.OnlineIvectorOptions`."""

    period: int
    max_count: float
    max_remembered_frames: float


@dataclass(frozen=True)
class IvectorConfig:
    """All sections of the file."""

    front_end: FrontEndConfig
    ubm: UbmConfig
    extractor: ExtractorConfig
    extraction: ExtractionConfig
    seed: int
