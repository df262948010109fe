"""Online i-vectors, like Kaldi's ``ivector-extract-online2`` (online2/online-ivector-feature.cc).

Dehak et al., "Front-end factor analysis for speaker verification", TASLP 2011, describe the model; Peddinti et al.,
"Reverberation robust acoustic modeling using i-vectors with time delay neural networks", Interspeech 2015, section 2.2,
its use in speech recognition.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.ivector import kernels
from ser.ivector.extractor import Extractor
from ser.ivector.online_cmvn import OnlineCmvnOptions, cmvn_stats, online_cmvn
from ser.ivector.splice import Splice
from ser.ivector.ubm import Ubm
from ser.kaldi.ark import read_matrix_file
from ser.kaldi.ivector_files import OnlineIvectorOptions, SpliceOptions, read_extractor, read_ubm
from ser.kaldi.options import read_options


@dataclass
class SpeakerState:
    """A speaker's statistics from earlier utterances, for CMVN and for the i-vector."""

    linear: np.ndarray
    quadratic: np.ndarray
    num_frames: float = 0.0
    cmvn: np.ndarray | None = field(default=None)


class OnlineExtractor:
    """An extractor with its front end.

    Parameters
    ----------
    options : how statistics are accumulated; its file names are not used here.
    extractor, ubm, splice : must have been trained together.
    global_stats : (2, F + 1), CMVN statistics of a corpus.
    cmvn : options of the online CMVN before the UBM.
    """

    def __init__(
        self,
        options: OnlineIvectorOptions,
        extractor: Extractor,
        ubm: Ubm,
        splice: Splice,
        global_stats: np.ndarray,
        cmvn: OnlineCmvnOptions,
    ) -> None:
        if splice.outputs != ubm.dim or ubm.dim != extractor.dim or ubm.num_gaussians != extractor.num_gaussians:
            raise SerError(
                f"the transform gives {splice.outputs} features, the UBM takes {ubm.dim} (for {ubm.num_gaussians} "
                f"Gaussians), the extractor {extractor.dim} ({extractor.num_gaussians}); take all from one training"
            )
        if global_stats.shape != (2, splice.inputs + 1):
            raise SerError(
                f"global CMVN statistics of shape {global_stats.shape} do not fit a transform of {splice.inputs} "
                "features per frame; take both from one training, with its splice options"
            )
        self.options, self.extractor, self.ubm, self.splice = options, extractor, ubm, splice
        self.global_stats, self.cmvn = global_stats, cmvn

    @classmethod
    def load(cls, config: str | Path) -> "OnlineExtractor":
        """Load the extractor of an option file; relative paths in it start here, or else at the option file's folder.

        Raises
        ------
        SerError
            If a file is missing or broken, or the files do not fit each other.
        """
        options, files = read_options(OnlineIvectorOptions, config), cls.files(config)
        splice_options = read_options(SpliceOptions, files["splice_config"])
        splice = Splice(
            splice_options.left_context, splice_options.right_context, read_matrix_file(files["lda_matrix"])
        )
        return cls(
            options,
            Extractor(read_extractor(files["ivector_extractor"])),
            Ubm(read_ubm(files["diag_ubm"])),
            splice,
            read_matrix_file(files["global_cmvn_stats"]).astype(np.float64),
            read_options(OnlineCmvnOptions, files["cmvn_config"]),
        )

    @staticmethod
    def files(config: str | Path) -> dict[str, Path]:
        """Return the files that an option file names: option, with underscores -> path; SerError if one is missing."""
        options = read_options(OnlineIvectorOptions, config)
        return {name: _find(config, name, getattr(options, name)) for name in _FILES}

    @property
    def ivector_dim(self) -> int:
        return self.extractor.size

    def new_speaker(self) -> SpeakerState:
        """Return the state of a speaker without earlier utterances."""
        size = self.extractor.size
        linear, quadratic = np.zeros(size), np.zeros(size * (size + 1) // 2)
        linear[0] = self.extractor.offset
        quadratic[np.arange(size) * (np.arange(size) + 3) // 2] = 1.0  # the diagonal of a packed lower triangle
        return SpeakerState(linear, quadratic)

    def extract(self, features: np.ndarray, state: SpeakerState) -> np.ndarray:
        """Compute the i-vectors of an utterance, and add its statistics to the speaker's `state`.

        Parameters
        ----------
        features : (T, F) float32, T at least 1.

        Returns
        -------
        (ceil(T / period), S) float32: row i is the i-vector of frames 0 to i * period, minus the prior's mean.
        """
        options = self.options
        if features.ndim != 2 or not len(features) or features.shape[1] != self.splice.inputs:
            raise SerError(
                f"features of shape {features.shape}; expected {self.splice.inputs} a frame, at least one frame"
            )
        if not np.isfinite(features).all():
            frame = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            raise SerError(f"the features hold NaN or infinity, first in frame {frame}; make them again")
        features = np.ascontiguousarray(features, np.float32)
        normalised = self.splice(online_cmvn(features, self.global_stats, state.cmvn, self.cmvn))
        found = self.ubm.posteriors(normalised, options.num_gselect, options.min_post)
        heard = normalised if options.online_cmvn_iextractor else self.splice(features)
        ivectors = np.empty((-(-len(features) // options.ivector_period), self.extractor.size), np.float32)
        state.num_frames = kernels.estimate(
            heard,
            found.counts,
            found.gaussians,
            found.posts * np.float32(options.posterior_scale),
            self.extractor.projections,
            self.extractor.squares,
            state.linear,
            state.quadratic,
            state.num_frames,
            self.extractor.offset,
            options.max_count,
            options.ivector_period,
            options.num_cg_iters,
            ivectors,
        )
        stats = cmvn_stats(features)
        state.cmvn = stats if state.cmvn is None else state.cmvn + stats
        self._forget(state)
        return ivectors

    def _forget(self, state: SpeakerState) -> None:
        """Scale the statistics down to the weight of `max_remembered_frames`; the prior keeps its weight."""
        most = self.options.max_remembered_frames
        if state.cmvn is not None and state.cmvn[0, -1] > most:
            state.cmvn *= most / state.cmvn[0, -1]
        most *= self.options.posterior_scale
        if state.num_frames <= most:
            return
        scale, max_count = most / state.num_frames, self.options.max_count
        before, after = 1.0, 1.0
        if max_count > 0:
            before, after = (max(count, max_count) / max_count for count in (state.num_frames, most))
        state.linear *= scale
        state.quadratic *= scale
        state.num_frames = most
        state.linear[0] += self.extractor.offset * (after - scale * before)
        size = self.extractor.size
        state.quadratic[np.arange(size) * (np.arange(size) + 3) // 2] += after - scale * before


_FILES = ("cmvn_config", "splice_config", "lda_matrix", "global_cmvn_stats", "diag_ubm", "ivector_extractor")


def _find(config: str | Path, option: str, name: str) -> Path:
    if not name:
        raise SerError(f"{config}: no --{option.replace('_', '-')}; it names a file of the extractor")
    for path in (Path(name), Path(config).parent / name):
        if path.is_file():
            return path
    raise SerError(
        f"{config}: --{option.replace('_', '-')}={name}: no such file, here or in {Path(config).parent}; "
        "correct the path in the option file"
    )
