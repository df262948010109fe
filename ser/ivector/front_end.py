"""The features that the UBM is trained on: frames are normalised, spliced, and projected to principal components."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ser.errors import SerError
from ser.ivector.online_cmvn import OnlineCmvnOptions, cmvn_stats, online_cmvn
from ser.ivector.splice import Splice
from ser.kaldi import ark

Tables = Callable[[], Iterable[tuple[str, np.ndarray]]]


def checked(tables: Tables) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the utterances that have frames.

    Raises
    ------
    SerError
        If an utterance, which is named, has another feature dimension than those before it, or numbers that are not
        finite.
    """
    width = 0
    for utt, features in tables():
        if features.ndim != 2 or not len(features):
            continue
        width = width or features.shape[1]
        if features.shape[1] != width:
            raise SerError(
                f"'{utt}' has {features.shape[1]} features per frame, earlier utterances {width}; make all alike"
            )
        ark.check_finite("features", utt, features)
        yield utt, features.astype(np.float32, copy=False)


def global_stats(tables: Tables) -> np.ndarray:
    """Return the CMVN statistics of a corpus: (2, F + 1) float64."""
    total = None
    for _, features in checked(tables):
        stats = cmvn_stats(features)
        total = stats if total is None else total + stats
    if total is None:
        raise SerError("no utterance with frames in the input; look at the features' log")
    return total


def normalised(tables: Tables, stats: np.ndarray, options: OnlineCmvnOptions, every: int = 1) -> Iterator[np.ndarray]:
    """Yield every `every`-th utterance after online CMVN, which starts anew for each utterance."""
    for number, (_, features) in enumerate(checked(tables)):
        if number % every == 0:
            yield online_cmvn(features, stats, None, options)


def principal_components(features: Iterable[np.ndarray], left: int, right: int, dim: int) -> np.ndarray:
    """Estimate the transform of spliced frames to their first `dim` principal components, scaled to variance 1.

    Returns
    -------
    (dim, F (left + 1 + right)) float64: ``final.mat``, where Kaldi has the LDA and MLLT of a recogniser.
    """
    count, splice = 0, None
    total, squares = np.zeros(0), np.zeros((0, 0))
    for matrix in features:
        if splice is None:
            width = matrix.shape[1] * (left + 1 + right)
            if not 1 <= dim <= width:
                raise SerError(f"front_end: dim={dim} of {width} spliced features; give 1 to {width}")
            splice = Splice(left, right, np.zeros((1, width)))
            total, squares = np.zeros(width), np.zeros((width, width))
        x = splice.join(matrix).astype(np.float64)
        count, total, squares = count + len(x), total + x.sum(axis=0), squares + x.T @ x
    if count < 2:
        raise SerError("too few frames for principal components; give more speech")
    mean = total / count
    values, vectors = np.linalg.eigh(squares / count - np.outer(mean, mean))
    best = np.argsort(values)[::-1][:dim]
    return vectors[:, best].T / np.sqrt(np.maximum(values[best], 1e-10))[:, None]
