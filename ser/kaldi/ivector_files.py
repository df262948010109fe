"""Read and write Kaldi's files of an i-vector extractor: ``final.ie``, ``final.dubm`` and the options.

Files may be binary or text. Kaldi's ivector/ivector-extractor.cc, gmm/diag-gmm.cc and online2/online-ivector-feature.h
define the formats.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.files import atomic_path
from ser.kaldi import objects
from ser.kaldi.model_cursor import Cursor


class UbmArrays(NamedTuple):
    """A mixture of G diagonal Gaussians in D dimensions, float64: weights (G,), means and variances (G, D)."""

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray


class ExtractorArrays(NamedTuple):
    """An i-vector extractor of G Gaussians, D features and i-vectors of dimension S, float64.

    `projections` (G, D, S) map an i-vector to the means of the Gaussians; `precisions` (G, D, D) are their inverse
    covariances; `weights` (G,) are those of the mixture; `offset` is the first element of the prior's mean, the only
    one that is not 0.
    """

    projections: np.ndarray
    precisions: np.ndarray
    weights: np.ndarray
    offset: float


@dataclass(frozen=True)
class SpliceOptions:
    """Options of Kaldi's splice-feats."""

    left_context: int = 4
    right_context: int = 4

    def __post_init__(self) -> None:
        if min(self.left_context, self.right_context) < 0:
            raise SerError(f"left-context={self.left_context}, right-context={self.right_context}: expected 0 or more")


@dataclass(frozen=True)
class OnlineIvectorOptions:
    """Options in the ``--config`` of Kaldi's ivector-extract-online2; the first seven name the extractor's files."""

    cmvn_config: str = ""
    splice_config: str = ""
    lda_matrix: str = ""
    global_cmvn_stats: str = ""
    diag_ubm: str = ""
    ivector_extractor: str = ""
    ivector_period: int = 10
    num_gselect: int = 5
    min_post: float = 0.025
    posterior_scale: float = 0.1
    max_count: float = 0.0
    num_cg_iters: int = 15
    max_remembered_frames: float = 1000.0
    use_most_recent_ivector: bool = False  # only for live decoding; extraction ignores it
    greedy_ivector_extractor: bool = False
    online_cmvn_iextractor: bool = False  # collect statistics of normalised features

    def __post_init__(self) -> None:
        if self.ivector_period < 1 or self.num_gselect < 1 or self.num_cg_iters < 1:
            raise SerError("ivector-period, num-gselect and num-cg-iters must be at least 1")
        if not 0 <= self.min_post < 0.5 or not 0 < self.posterior_scale <= 1:
            raise SerError(
                f"min-post={self.min_post} must be in [0, 0.5), posterior-scale={self.posterior_scale} in (0, 1]"
            )
        if not self.max_remembered_frames >= 0 or not self.max_count >= 0:
            raise SerError("max-remembered-frames and max-count must be 0 or more")


def read_ubm(path: str | Path) -> UbmArrays:
    """Read ``final.dubm``.

    Raises
    ------
    SerError
        If the file is missing, of another kind or truncated, or if its parts differ in size.
    """
    cursor = _open(path)
    if (first := cursor.token()) not in ("<DiagGMM>", "<DiagGMMBegin>"):
        raise SerError(f"{path}: begins with '{first[:40]}'; expected a mixture of diagonal Gaussians, <DiagGMM>")
    token = cursor.token()
    if token == "<GCONSTS>":  # constants that follow from the other parameters
        cursor.arrays("GCONSTS", 1)
        token = cursor.token()
    if token != "<WEIGHTS>":
        raise cursor.error(f"expected <WEIGHTS>, found '{token[:40]}'")
    (weights,) = cursor.arrays("WEIGHTS", 1)
    cursor.expect("<MEANS_INVVARS>")
    (scaled,) = cursor.arrays("MEANS_INVVARS", 1)
    cursor.expect("<INV_VARS>")
    (precisions,) = cursor.arrays("INV_VARS", 1)
    if cursor.token() not in ("</DiagGMM>", "<DiagGMMEnd>"):
        raise cursor.error("expected </DiagGMM>")
    if precisions.ndim != 2 or scaled.shape != precisions.shape or weights.shape != (len(precisions),):
        raise SerError(
            f"{path}: weights {weights.shape}, means {scaled.shape} and variances {precisions.shape} do not fit"
        )
    if not precisions.size or precisions.min() <= 0 or weights.min() <= 0:
        raise SerError(f"{path}: weights and variances must be above 0")
    return UbmArrays(weights, scaled / precisions, 1 / precisions)


def write_ubm(path: str | Path, ubm: UbmArrays) -> None:
    """Write a mixture for Kaldi's gmm-global-* programs: binary, single precision."""
    precisions = 1 / ubm.variances
    scaled = ubm.means * precisions
    constants = np.log(ubm.weights) - 0.5 * (
        precisions.shape[1] * np.log(2 * np.pi) - np.log(precisions).sum(1) + (ubm.means * scaled).sum(1)
    )
    parts = {"GCONSTS": constants, "WEIGHTS": ubm.weights, "MEANS_INVVARS": scaled, "INV_VARS": precisions}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        stream.write(objects.BINARY + b"<DiagGMM> ")
        for name, array in parts.items():
            stream.write(f"<{name}> ".encode() + _body(array.astype(np.float32)))
        stream.write(b"</DiagGMM> ")


def read_extractor(path: str | Path) -> ExtractorArrays:
    """Read ``final.ie``.

    Raises
    ------
    SerError
        If the file is missing, of another kind or truncated; if its parts differ in size; or if its weights depend on
        the i-vector (``--use-weights=true``).
    """
    cursor = _open(path)
    if (first := cursor.token()) != "<IvectorExtractor>":
        raise SerError(f"{path}: begins with '{first[:40]}'; expected <IvectorExtractor>, such as Kaldi's final.ie")
    cursor.expect("<w>")
    if cursor.arrays("w", 1)[0].size:
        raise SerError(f"{path}: its weights depend on the i-vector; train it with --use-weights=false")
    cursor.expect("<w_vec>")
    (weights,) = cursor.arrays("w_vec", 1)
    cursor.expect("<M>")
    count = cursor.integer("M")
    if count != len(weights) or count < 1:
        raise cursor.error(f"{count} projections and {len(weights)} weights")
    projections = cursor.arrays("M", count)
    cursor.expect("<SigmaInv>")
    triangles = cursor.arrays("SigmaInv", count)
    cursor.expect("<IvectorOffset>")
    offset = cursor.number("IvectorOffset")
    cursor.expect("</IvectorExtractor>")
    shape = projections[0].shape
    if any(matrix.ndim != 2 or matrix.shape != shape for matrix in projections) or not projections[0].size:
        raise SerError(f"{path}: the projections of its Gaussians differ in size, or have none")
    dim = shape[0]
    if any(triangle.size != dim * (dim + 1) // 2 for triangle in triangles):
        raise SerError(f"{path}: the variances of its Gaussians are not of {dim} features, as the projections are")
    precisions = np.zeros((count, dim, dim))
    rows, columns = np.tril_indices(dim)
    precisions[:, rows, columns] = precisions[:, columns, rows] = np.array([array.reshape(-1) for array in triangles])
    return ExtractorArrays(np.array(projections), precisions, weights, offset)


def write_extractor(path: str | Path, extractor: ExtractorArrays) -> None:
    """Write an extractor for Kaldi's ivector-extract* programs: binary, double precision."""
    count, dim, _ = extractor.projections.shape
    lower = np.tril_indices(dim)
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        stream.write(objects.BINARY + b"<IvectorExtractor> <w> " + _body(np.zeros((0, 0))))
        stream.write(b"<w_vec> " + _body(extractor.weights) + b"<M> " + struct.pack("<bi", 4, count))
        for matrix in extractor.projections:
            stream.write(_body(matrix))
        stream.write(b"<SigmaInv> ")
        for matrix in extractor.precisions:
            stream.write(b"DP " + struct.pack("<bi", 4, dim) + matrix[lower].astype("<f8").tobytes())
        stream.write(b"<IvectorOffset> " + struct.pack("<bd", 8, extractor.offset) + b"</IvectorExtractor> ")


def _open(path: str | Path) -> Cursor:
    try:
        return Cursor(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}; give the file of an i-vector extractor") from error


def _body(array: np.ndarray) -> bytes:
    """Encode an array without the binary marker, which stands only once, at the start of the file."""
    buffer = _Buffer()
    objects.write_binary(buffer, array)
    return buffer.getvalue()[len(objects.BINARY) :]


class _Buffer(io.BytesIO):
    # kaldi_io reads the attribute `mode` of the streams that it writes to.
    mode = "wb"
