"""emotion2vec's published weights, ``model.pt``, by the names of our module."""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ser.errors import SerError
from ser.models.emotion2vec import Emotion2vecConfig

# Parts that were used in training alone, or classify: of the decoder, of the teacher, of the output.
_UNUSED = re.compile(r"(modality_encoders\.AUDIO\.decoder|_ema|recon_proj|cls_proj|proj|ema)\b")
_BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attn.qkv": "qkv",
    "attn.proj": "proj",
    "mlp.fc1": "fc1",
    "mlp.fc2": "fc2",
}
_NAMES = (
    (re.compile(r"local_encoder\.conv_layers\.(\d+)\.0\.weight"), r"convolutions.\1.conv.weight"),
    (re.compile(r"local_encoder\.conv_layers\.(\d+)\.2\.1\.(\w+)"), r"convolutions.\1.norm.\2"),
    (re.compile(r"project_features\.1\.(\w+)"), r"project_norm.\1"),
    (re.compile(r"project_features\.2\.(\w+)"), r"project.\1"),
    (re.compile(r"context_encoder\.norm\.(\w+)"), r"norm.\1"),
)


def map_emotion2vec(path: Path, arrays: Mapping[str, Tensor]) -> tuple[Emotion2vecConfig, dict[str, Tensor]]:
    """Read the sizes of the net off the shapes, and rename its arrays.

    Raises
    ------
    SerError
        Where an array that tells a size is missing; names that are none of the net's are kept as they are.
    """
    # Some files have the whole model under a name.
    plain = {re.sub(r"^(d2v_model|model)\.", "", name): tensor for name, tensor in arrays.items()}
    first = _count(plain, r"modality_encoders\.AUDIO\.context_encoder\.blocks\.(\d+)\.")
    weights: dict[str, Tensor] = {}
    for name, tensor in plain.items():
        if not _UNUSED.match(name):
            own = _own_name(name, first)
            # The scales of the heads are (1, 1, H, 1, 1); (1, H, 1, 1) in files before.
            weights[own] = tensor.reshape(-1, 1, 1) if own == "alibi_scale" else tensor
    try:
        kernels = [
            weights[f"convolutions.{index}.conv.weight"] for index in range(_count(weights, r"convolutions\.(\d+)\."))
        ]
        position = weights["positions.0.weight"]
        config = Emotion2vecConfig(
            kernels=tuple(kernel.shape[2] for kernel in kernels),
            strides=tuple(5 if index == 0 else 2 for index in range(len(kernels))),
            channels=kernels[0].shape[0],
            dim=weights["project.weight"].shape[0],
            heads=weights["alibi_scale"].shape[0],
            hidden=weights["blocks.0.fc1.weight"].shape[0],
            first_blocks=first,
            blocks=_count(weights, r"blocks\.(\d+)\.") - first,
            extra_tokens=weights["extra_tokens"].shape[1],
            position_layers=_count(weights, r"positions\.(\d+)\."),
            position_kernel=position.shape[2],
            position_groups=position.shape[0] // position.shape[1],
        )
    except (KeyError, IndexError, ZeroDivisionError) as error:
        raise SerError(
            f"{path}: not the weights of emotion2vec: no {error}, which tells a size; take the model.pt of its base or "
            "plus-base release"
        ) from error
    return config, weights


def _own_name(name: str, first: int) -> str:
    name = name.removeprefix("modality_encoders.AUDIO.")
    if match := re.fullmatch(r"(context_encoder\.)?blocks\.(\d+)\.(\w+(?:\.\w+)?)\.(weight|bias)", name):
        number = int(match[2]) + (0 if match[1] else first)
        return f"blocks.{number}.{_BLOCK.get(match[3], match[3])}.{match[4]}"
    if match := re.fullmatch(r"relative_positional_encoder\.(\d+)\.0\.(\w+)", name):
        return f"positions.{int(match[1]) - 1}.{match[2]}"  # the first of the sequence turns axes
    for pattern, own in _NAMES:
        if pattern.fullmatch(name):
            return pattern.sub(own, name)
    return name


def _count(arrays: Mapping[str, Tensor], pattern: str) -> int:
    found = [int(match[1]) for name in arrays if (match := re.match(pattern, name))]
    return 1 + max(found, default=-1)
