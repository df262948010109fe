"""The folder of an imported net: ``config.yaml`` (kind and sizes), ``model.safetensors`` (with a checksum) and
``SOURCE`` (the original file, its digest and its licence). No other file is read."""

from pathlib import Path
from typing import Any

from torch import nn

from ser.config import from_mapping, read_yaml, to_yaml
from ser.encoders.published import Published
from ser.errors import SerError
from ser.files import sha256, write_text
from ser.models.emotion2vec import Emotion2vec, Emotion2vecConfig
from ser.models.vggish import Vggish, VggishConfig
from ser.models.yamnet import Yamnet, YamnetConfig
from ser.training import model_dir, pretrained_dir

CONFIG = "config.yaml"
NETS: dict[str, tuple[Any, Any]] = {
    "yamnet": (Yamnet, YamnetConfig),
    "vggish": (Vggish, VggishConfig),
    "emotion2vec": (Emotion2vec, Emotion2vecConfig),
}
_LICENCES = {
    "yamnet": "Google, TensorFlow models research/audioset/yamnet, Apache-2.0",
    "vggish": "Google, TensorFlow models research/audioset/vggish, Apache-2.0",
    "emotion2vec": "Ma et al., emotion2vec; see the licence of the place that it came from",
}


def save_net(folder: str | Path, net: Published, source: str | Path) -> None:
    """Write the folder of `net`, which was read from the file `source`; the weights are written last."""
    folder = Path(folder)
    write_text(folder / "SOURCE", f"{Path(source).name} sha256 {sha256(source)}\n{_LICENCES[net.kind]}\n")
    write_text(folder / CONFIG, f"kind: {net.kind}\nmodel:\n{_indented(to_yaml(net.config))}")
    cls, _ = NETS[net.kind]
    model_dir.save_weights(folder / model_dir.WEIGHTS, cls.from_weights(net.config, net.weights))


def save_encoder(folder: str | Path, origin: Path, encoder: Any) -> None:
    """Write the folder of `encoder`, which was loaded from the folder `origin` and then trained.

    It has the same format as `origin`, so that the same code reads both.
    """
    folder = Path(folder)
    whole = getattr(encoder, "whole", None)
    if whole is not None:  # of transformers
        pretrained_dir.save(folder, whole, encoder.extractor)
        return
    if (origin / CONFIG).is_file():
        write_text(folder / CONFIG, (origin / CONFIG).read_text(encoding="utf-8"))
    else:  # emotion2vec's own file
        write_text(folder / CONFIG, f"kind: emotion2vec\nmodel:\n{_indented(to_yaml(encoder.model.config))}")
    model_dir.save_weights(folder / model_dir.WEIGHTS, encoder.model)


def is_net(folder: str | Path) -> bool:
    """Tell whether `save_net` or `save_encoder` wrote `folder`."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        return False
    data = read_yaml(path)
    return isinstance(data, dict) and "kind" in data


def load_net(folder: str | Path) -> tuple[str, Any, nn.Module]:
    """Read an imported net; return its kind, its sizes and the module in eval mode.

    Raises
    ------
    SerError
        If a file is missing or damaged, or the weights do not fit the kind.
    """
    path = Path(folder) / CONFIG
    data = read_yaml(path)
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in NETS:
        raise SerError(f"{path}: expected kind: {' or '.join(NETS)}; import the net again (ser.bin.import_audio_net)")
    cls, config_class = NETS[kind]
    config = from_mapping(config_class, data.get("model"), f"{path}: model")
    weights = model_dir.load_weights(folder)
    try:
        return kind, config, cls.from_weights(config, weights)
    except (RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[-1].strip()[:200]
        raise SerError(f"{folder}: its weights are not those of a {kind}: {reason}; import the net again") from error


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
