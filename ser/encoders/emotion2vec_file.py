"""Maps emotion2vec's published weights, ``model.pt``, to the names of our module."""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ser.errors import SerError
from ser.models.emotion2vec import Emotion2vecConfig

# Parts that the encoder does not need: the decoder and the teacher (training only), and the classifier.
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
    """Infer the sizes of the net from the shapes of its arrays, and rename these; unknown names are kept.

    Raises
    ------
    SerError
        If an array from which a size is inferred is missing.
    """
    # Some files put the whole model under one more name.
    plain = {re.sub(r"^(d2v_model|model)\.", "", name): tensor for name, tensor in arrays.items()}
    first = _count(plain, r"modality_encoders\.AUDIO\.context_encoder\.blocks\.(\d+)\.")
    weights: dict[str, Tensor] = {}
    for name, tensor in plain.items():
        if not _UNUSED.match(name):
            own = _own_name(name, first)
            # The scales of the attention heads have the shape (1, 1, H, 1, 1), in older files (1, H, 1, 1).
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
            f"{path}: not the weights of emotion2vec: no {error}, from which a size is inferred; take the model.pt of "
            "its base or plus-base release"
        ) from error
    return config, weights


def _own_name(name: str, first: int) -> str:
    name = name.removeprefix("modality_encoders.AUDIO.")
    if match := re.fullmatch(r"(context_encoder\.)?blocks\.(\d+)\.(\w+(?:\.\w+)?)\.(weight|bias)", name):
        number = int(match[2]) + (0 if match[1] else first)
        return f"blocks.{number}.{_BLOCK.get(match[3], match[3])}.{match[4]}"
    if match := re.fullmatch(r"relative_positional_encoder\.(\d+)\.0\.(\w+)", name):
        return f"positions.{int(match[1]) - 1}.{match[2]}"  # module 0 of the sequence only swaps axes
    for pattern, own in _NAMES:
        if pattern.fullmatch(name):
            return pattern.sub(own, name)
    return name


def _count(arrays: Mapping[str, Tensor], pattern: str) -> int:
    found = [int(match[1]) for name in arrays if (match := re.match(pattern, name))]
    return 1 + max(found, default=-1)
