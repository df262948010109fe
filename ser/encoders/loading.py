"""Loads the audio encoder of a given name: a folder of transformers, a name on the Hub, an imported net or our own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ser.asr.recogniser_dir import has_recogniser
from ser.config import read_yaml
from ser.encoders import hub, net_dir, onnx_net
from ser.encoders.asr_encoder import AsrEncoder
from ser.encoders.audio_encoder import AudioEncoder
from ser.encoders.folder import own_folder
from ser.encoders.frame_encoder import Emotion2vecEncoder, TransformersEncoder
from ser.encoders.patch_encoder import PatchEncoder
from ser.encoders.published import read_published
from ser.encoders.xvector_encoder import XVectorEncoder
from ser.errors import SerError
from ser.features import audioset
from ser.models.emotion2vec import Emotion2vec
from ser.models.resnet import Resnet, ResnetConfig
from ser.models.xvector import XVector, XVectorConfig
from ser.models.yamnet import NUM_CLASSES, Yamnet, YamnetConfig
from ser.training import model_dir

FrontEnd = Callable[[np.ndarray], np.ndarray]


def find_encoder(name: str) -> Path:
    """Return the folder that the encoder `name` is read from."""
    return own_folder(hub.find_folder(name))


def load_audio_encoder(
    name: str, device: torch.device | str = "cpu", max_seconds: float = 30.0, front_end: FrontEnd | None = None
) -> AudioEncoder:
    """Load the encoder `name`.

    Parameters
    ----------
    name : folder of transformers (config.json, preprocessor_config.json, model.safetensors), name on the Hub, folder
        of ``import_audio_net``, ``train_audio_encoder``, ``train_triplet`` or ``train_xvector``, a folder with
        emotion2vec's ``model.pt``, or a detector of system B, for its recogniser.
    device : device on which it is computed.
    max_seconds : longest window, for encoders with a state per frame.
    front_end : maps samples to features; only an x-vector net needs it.

    Raises
    ------
    SerError
        If there is no such encoder, or it is damaged.
    """
    folder, what = find_encoder(name), f"encoder '{name}'"
    if has_recogniser(folder):
        return AsrEncoder(what, folder, device)
    if onnx_net.is_onnx(folder):
        return onnx_net.load_onnx(folder, what, max_seconds)
    if net_dir.is_net(folder):
        kind, _, model = net_dir.load_net(folder)
    elif (folder / "config.json").is_file():
        model, extractor, kind = hub.load_pretrained(folder, name)
        return TransformersEncoder(what, model.to(device), hub.KINDS[kind], extractor, kind, max_seconds)
    elif pickled := sorted(folder.glob("*.pt")):
        published = read_published(pickled[0])
        kind = published.kind
        model = net_dir.NETS[kind][0].from_weights(published.config, published.weights)
    elif (folder / net_dir.CONFIG).is_file():
        kind, model = _load_own(folder)
    else:
        raise SerError(f"{what}: {folder} holds no config.json and no config.yaml; give the folder of an encoder")
    model = model.to(device)
    if isinstance(model, XVector):
        if front_end is None:
            raise SerError(f"{what}: an x-vector net needs a front end; give --front-end, such as conf")
        return XVectorEncoder(what, model, front_end)
    if isinstance(model, Emotion2vec):
        return Emotion2vecEncoder(what, model, max_seconds)
    return PatchEncoder(what, model, audioset.VGGISH if kind == "vggish" else audioset.YAMNET)


def _load_own(folder: Path) -> tuple[str, torch.nn.Module]:
    """Load a net that train_triplet or train_xvector has trained."""
    data = read_yaml(folder / net_dir.CONFIG)
    network = data.get("network") if isinstance(data, dict) else None
    weights = model_dir.load_weights(folder)
    try:
        if network == "resnet":
            config = model_dir.load_section(folder, "model", ResnetConfig)
            return "resnet", Resnet.from_weights(config, weights)
        if network == "yamnet":
            return "yamnet", Yamnet.from_weights(YamnetConfig(True, NUM_CLASSES), weights)
        return "xvector", XVector.from_weights(model_dir.load_section(folder, "model", XVectorConfig), weights)
    except (KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()[:200]
        raise SerError(f"{folder}: its weights are not those of its config.yaml: {reason}; train it again") from error
