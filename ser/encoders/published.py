"""Reads the published weights of YAMNet, VGGish and emotion2vec; nothing in a file is run.

The files are ``yamnet.tflite`` (Google's, for mobile use), ``yamnet.h5`` (Google's, for Keras), ``yamnet.pth`` and
``vggish.pth`` (torch ports of them) and ``model.pt`` (emotion2vec's). Any other file is refused: one with a missing,
extra or wrongly shaped array, with NaN or infinity, a pickle of other objects, or a truncated file. A changed file is
refused where all published files of its kind have a known digest (`KNOWN`), and where it has checksums of its own.
"""

import logging
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from ser.encoders import tflite
from ser.encoders.emotion2vec_file import map_emotion2vec
from ser.errors import SerError
from ser.files import sha256
from ser.models.emotion2vec import Emotion2vec, Emotion2vecConfig
from ser.models.vggish import Vggish, VggishConfig
from ser.models.yamnet import LAYERS, NUM_CLASSES, Yamnet, YamnetConfig

logger = logging.getLogger(__name__)

Kind = Literal["yamnet", "vggish", "emotion2vec"]

VGGISH = VggishConfig(hidden=4096, embedding=128)
# Form of file -> sha256 of the published files. The outputs of yamnet.tflite (3,959,752 bytes) were compared with those
# of its own interpreter. The other digests are those with which many public programs check their downloads: Google's
# yamnet.h5 (15,296,092 bytes), vggish-10086976.pth of torchvggish v0.1 and the plus-large release of emotion2vec.
KNOWN = {
    "yamnet.tflite": frozenset({"687f226c147a2caab4706fbbab5e9cecb14b9a368264bf61108078b1fddf68f5"}),
    "yamnet.h5": frozenset({"13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744"}),
    "vggish.pth": frozenset({"10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b"}),
    "emotion2vec.pt": frozenset({"be501a01f26fcdc7663a062dff86af839afbaef7c4de32f5e42d7e1ad2784da4"}),
}
# Forms with published files whose digest nobody has told: a file that is not in `KNOWN` may be one of those.
_OTHERS_EXIST = frozenset({"yamnet.pth", "emotion2vec.pt"})
# The first bytes of a file of torch.save before 1.6: a pickled number. Later files are zip archives. Any other file is
# refused at once, since a pickle may claim lengths that would fill the memory.
_TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_AGAIN = "get the file again where it was published"


@dataclass(frozen=True)
class Published:
    """A published net: its kind, its sizes, and its weights under the names of our module."""

    kind: Kind
    config: YamnetConfig | VggishConfig | Emotion2vecConfig
    weights: dict[str, Tensor]


def read_published(path: str | Path, any_version: bool = False, vggish: VggishConfig = VGGISH) -> Published:
    """Read a published file; its suffix determines the format.

    Parameters
    ----------
    path : ``.tflite``, ``.h5``, ``.pth`` or ``.pt``.
    any_version : whether any digest is accepted, not only those of `KNOWN`; a warning says that nothing was verified.
    vggish : sizes that a VGGish must have.

    Raises
    ------
    SerError
        If the file is not a published one; the message names the file, the fault and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise SerError(f"{path}: no such file; give .tflite, .h5 or .pth of YAMNet, .pth of VGGish, .pt of emotion2vec")
    if path.suffix not in _READERS:
        raise SerError(
            f"{path}: expected a name that ends in {', '.join([*_READERS, '.onnx'])}; for a checkpoint of TensorFlow 1 "
            "take a torch port of it (.pth)"
        )
    digest = sha256(path)
    # torch.hub's rule: the digits at the end of the name are the first ones of the digest.
    if (named := re.search(r"-([0-9a-f]{8,64})$", path.stem)) and not digest.startswith(named[1]):
        raise SerError(f"{path}: its sha256 is {digest[:8]}..., but its name says {named[1]}; {_AGAIN}")
    if path.suffix in (".tflite", ".h5"):
        _verify(path, digest, f"yamnet{path.suffix}", any_version)
    arrays = _READERS[path.suffix](path)
    if path.suffix == ".pt":
        _verify(path, digest, "emotion2vec.pt", any_version)
        sizes, weights = map_emotion2vec(path, arrays)
        return Published("emotion2vec", sizes, _checked(path, weights, Emotion2vec, sizes))
    if path.suffix == ".pth" and any(name.startswith("embeddings.") for name in arrays):
        _verify(path, digest, "vggish.pth", any_version)
        return Published("vggish", vggish, _checked(path, arrays, Vggish, vggish))
    if path.suffix == ".pth":
        _verify(path, digest, "yamnet.pth", any_version)
    config = YamnetConfig(batch_norm=path.suffix != ".tflite", num_classes=NUM_CLASSES)
    return Published("yamnet", config, _checked(path, arrays, Yamnet, config))


def _verify(path: Path, digest: str, form: str, any_version: bool) -> None:
    if digest in KNOWN.get(form, ()):
        return
    if not any_version and form not in _OTHERS_EXIST:
        raise SerError(
            f"{path}: its sha256 {digest[:12]}... is not that of the published file; {_AGAIN}, or give --any-version "
            f"true if it is another release of {form}"
        )
    logger.warning(
        "%s: not verified: no list has its sha256 %s...; compare it with what its publisher tells", path, digest[:12]
    )


def _checked(path: Path, arrays: Mapping[str, Tensor], cls: type[nn.Module], config: Any) -> dict[str, Tensor]:
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in cls(config).state_dict().items()}
    missing, extra = sorted(expected.keys() - arrays.keys()), sorted(arrays.keys() - expected.keys())
    if missing or extra:
        raise SerError(
            f"{path}: not the weights of {cls.__name__}: {len(missing)} of {len(expected)} arrays are missing"
            f"{_some(missing)}, {len(extra)} do not belong to it{_some(extra)}; {_AGAIN}"
        )
    for name, shape in expected.items():
        if tuple(arrays[name].shape) != shape:
            raise SerError(f"{path}: {name} is {tuple(arrays[name].shape)}, expected {shape}; {_AGAIN}")
        if not torch.isfinite(arrays[name]).all():
            raise SerError(f"{path}: {name} has infinity or NaN; {_AGAIN}")
    return {name: arrays[name].float().contiguous() for name in expected}


def _some(names: list[str]) -> str:
    return f" ({', '.join(name[:80] for name in names[:3])})" if names else ""


def _read_tflite(path: Path) -> dict[str, Tensor]:
    """Read the convolutions, which include the batch norms, and the classifier; no other operator has such weights."""
    wanted = (tflite.CONV_2D, tflite.DEPTHWISE_CONV_2D)
    operators = tflite.read_operators(path)
    convolutions = [operator for operator in operators if operator.code in wanted]
    dense = [operator for operator in operators if operator.code == tflite.FULLY_CONNECTED][-1:]
    names = ["layer1"]
    for number in range(2, len(LAYERS) + 1):
        names += [f"layer{number}.depthwise_conv", f"layer{number}.pointwise_conv"]
    if len(convolutions) != len(names) or not dense:
        raise SerError(
            f"{path}: expected YAMNet's {len(names)} convolutions and a classifier; found {len(convolutions)} and "
            f"{len(dense)}; {_AGAIN}"
        )
    arrays: dict[str, Tensor] = {}
    for name, operator in zip([*(f"{name}.conv" for name in names), "classifier"], convolutions + dense, strict=True):
        weight, bias = operator.constants[1:] if len(operator.constants) == 3 else (None, None)
        if weight is None or bias is None:
            raise SerError(f"{path}: {name} has no weights and biases in the file; {_AGAIN}")
        # Kernels are (O, H, W, I); a depthwise one is (1, H, W, C).
        depthwise = operator.code == tflite.DEPTHWISE_CONV_2D
        order = {2: (0, 1), 4: (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)}.get(len(weight.shape))
        if order is None or math.prod(weight.shape) > 1024 * 1024:
            raise SerError(f"{path}: {name} has the shape {weight.shape}, which no kernel of YAMNet has; {_AGAIN}")
        arrays[f"{name}.weight"] = torch.from_numpy(weight.array().transpose(order).copy())
        arrays[f"{name}.bias"] = torch.from_numpy(bias.array().copy())
    return arrays


def _read_h5(path: Path) -> dict[str, Tensor]:
    """Read a Keras file: kernels (H, W, I, O), depthwise ones (H, W, C, 1), batch norms of shift, mean and variance."""
    try:
        import h5py
    except ImportError as error:
        raise SerError(
            f"{path}: needs the package h5py, which is not installed; install the extra: utils/make_venv.sh --extras h5"
        ) from error
    arrays: dict[str, Tensor] = {}
    try:
        with h5py.File(path, "r") as file:
            datasets: dict[str, h5py.Dataset] = {}
            file.visititems(lambda name, item: datasets.update({name: item} if isinstance(item, h5py.Dataset) else {}))
            for name, dataset in datasets.items():
                # A link to another file, or an array computed from one: such a file is more than data.
                if dataset.external or dataset.is_virtual or dataset.dtype.kind != "f" or dataset.size > 1024 * 1024:
                    raise SerError(f"{path}: {name[:80]} is not an array of YAMNet's; {_AGAIN}")
                array = np.asarray(dataset[()], np.float32)
                own, order = _keras_name(name), {2: (1, 0), 4: (3, 2, 0, 1)}.get(array.ndim)
                if order is not None:
                    order = (2, 3, 0, 1) if "depthwise_kernel" in name else order
                    array = array.transpose(order)
                arrays[own] = torch.from_numpy(array.copy())
    except SerError:
        raise
    except Exception as error:  # whatever the HDF5 library finds wrong
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SerError(f"{path}: not an HDF5 file, or damaged: {reason}; {_AGAIN}") from error
    return arrays


def _keras_name(name: str) -> str:
    """Map the name of an array in the Keras file to its name in our module; unknown names are returned unchanged.

    >>> _keras_name("layer2/depthwise_conv/bn/layer2/depthwise_conv/bn/moving_variance:0")
    'layer2.depthwise_conv.bn.running_var'
    """
    layer, _, array = name.removesuffix(":0").rpartition("/")
    half = layer[: len(layer) // 2]
    if layer != f"{half}/{half}":
        return name
    if half in ("logits", "dense"):
        return {"kernel": "classifier.weight", "bias": "classifier.bias"}.get(array, name)
    own = {
        "kernel": "conv.weight", "depthwise_kernel": "conv.weight",
        "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
    }.get(array)  # fmt: skip
    return name if own is None else f"{half.replace('/', '.')}.{own}".replace("layer1.conv.", "layer1.")


def _read_pth(path: Path) -> dict[str, Tensor]:
    """Read a torch port: YAMNet's has ``fused`` in the names of its first layer, VGGish's has our module's names."""
    with open(path, "rb") as stream:
        start = stream.read(len(_TORCH_MAGIC))
    if not start.startswith(b"PK") and start != _TORCH_MAGIC:
        raise SerError(f"{path}: not a file of weights only: it does not begin like one of torch.save; {_AGAIN}")
    try:
        if start.startswith(b"PK"):
            _check_members(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch finds wrong with it
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SerError(
            f"{path}: not a file of weights only, or damaged: {reason}; code in a pickle is never run; {_AGAIN}"
        ) from error
    # Training programs put the table of weights under one more name.
    state = state.get("model", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise SerError(f"{path}: expected a table of names and arrays, found {type(state).__name__}; {_AGAIN}")
    arrays = {}
    for name, tensor in state.items():
        own = str(name).replace("layer1.fused.", "layer1.")
        if own.endswith(".bn.num_batches_tracked"):
            continue
        if own.endswith(".bn.weight"):
            if not bool((tensor == 1).all()):
                raise SerError(f"{path}: {name} is not 1, but YAMNet's batch norms have no scale; {_AGAIN}")
            continue
        arrays[own] = tensor
    return arrays


def _check_members(path: Path) -> None:
    """Compare the members of a zip archive with their checksums (CRC-32), which torch does not read."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        # Torch compresses nothing. Such members, or overlapping ones, could fill hours.
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("its members are compressed")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("its members are longer than the file")
        if (bad := archive.testzip()) is not None:
            raise ValueError(f"the numbers of {bad[:80]} do not match their checksum")


_READERS = {".tflite": _read_tflite, ".h5": _read_h5, ".pth": _read_pth, ".pt": _read_pth}
