"""Published files of an untrained YAMNet, made here: the three layouts of the same weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.models.yamnet import BATCH_NORM_EPSILON, LAYERS, Yamnet, YamnetConfig
from tests.encoders.flatbuffer import write_tflite


@pytest.fixture(scope="session")
def net() -> Yamnet:
    """An untrained YAMNet whose norms do something, and whose scores differ."""
    torch.manual_seed(0)
    model = Yamnet(YamnetConfig(batch_norm=True, num_classes=521)).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bn.bias")):
                tensor.normal_(0, 0.1)
    return model


@pytest.fixture(scope="session")
def published(net: Yamnet, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the file of `net` with a suffix: .pth, .h5 or .tflite."""
    folder = tmp_path_factory.mktemp("published")

    def give(suffix: str) -> Path:
        path = folder / f"yamnet{suffix}"
        if not path.exists():
            {".pth": _write_pth, ".h5": _write_h5, ".tflite": _write_folded}[suffix](net, path)
        return path

    return give


def _write_pth(net: Yamnet, path: Path) -> None:
    state = {}
    for name, tensor in net.state_dict().items():
        name = name.replace("layer1.", "layer1.fused.")
        state[name] = tensor
        if name.endswith(".bn.bias"):
            state[name.replace("bias", "weight")] = torch.ones_like(tensor)
            state[name.replace("bias", "num_batches_tracked")] = torch.tensor(7)
    torch.save(state, path)


def _write_h5(net: Yamnet, path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    kinds = {"bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    with h5py.File(path, "w") as file:
        for block in _blocks():
            keras = "layer1/conv" if block == "layer1" else block.replace(".", "/")
            kernel = "depthwise_kernel" if "depthwise" in block else "kernel"
            order = (2, 3, 0, 1) if "depthwise" in block else (2, 3, 1, 0)
            file[f"{keras}/{keras}/{kernel}:0"] = state[f"{block}.conv.weight"].transpose(order)
            for own, theirs in kinds.items():
                file[f"{keras}/bn/{keras}/bn/{theirs}:0"] = state[f"{block}.bn.{own}"]
        file["logits/logits/kernel:0"] = state["classifier.weight"].T
        file["logits/logits/bias:0"] = state["classifier.bias"]


def _write_folded(net: Yamnet, path: Path) -> None:
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    operators = [(9, [np.ones((64, 257), np.float32), np.zeros(64, np.float32)])]  # the mel matrix
    for block in _blocks():
        scale = 1 / np.sqrt(state[f"{block}.bn.running_var"] + BATCH_NORM_EPSILON)
        kernel = state[f"{block}.conv.weight"] * scale[:, None, None, None]
        bias = state[f"{block}.bn.bias"] - state[f"{block}.bn.running_mean"] * scale
        depthwise = "depthwise" in block
        operators.append((4 if depthwise else 3, [kernel.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1)), bias]))
    operators.append((9, [state["classifier.weight"], state["classifier.bias"]]))
    path.write_bytes(write_tflite(operators))


def _blocks() -> list[str]:
    later = [f"layer{n}.{half}" for n in range(2, len(LAYERS) + 1) for half in ("depthwise_conv", "pointwise_conv")]
    return ["layer1", *later]
