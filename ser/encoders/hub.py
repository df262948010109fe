"""Loads encoders of the Hugging Face Hub, from a folder or the Hub's cache, without running their code or a pickle."""

import json
import os
from pathlib import Path
from typing import Any

import torch

from ser.errors import SerError
from ser.text.bert import quieten
from ser.training import pretrained_dir

# model_type of config.json -> the attribute of AutoModel's model that is the encoder.
KINDS = {
    "wav2vec2": "", "wavlm": "", "hubert": "", "data2vec-audio": "", "unispeech": "", "unispeech-sat": "", "sew": "",
    "sew-d": "", "wav2vec2-conformer": "", "wav2vec2-bert": "", "audio-spectrogram-transformer": "",
    "whisper": "encoder", "moonshine": "encoder",
}  # fmt: skip
_FILES = ["config.json", "preprocessor_config.json", "*.safetensors", "model.safetensors.index.json"]
# These arrays are used only in training, so a release may lack them.
_SPARE = ("masked_spec_embed", "pooler.", "decoder.")


def find_folder(name: str) -> Path:
    """Return the folder of the encoder `name`: `name` itself, or one in the Hub's cache, downloaded if needed.

    Raises
    ------
    SerError
        If there is no such folder, and the Hub cannot be reached or does not know the name.
    """
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_absolute() or len(path.parts) > 2 or (len(path.parts) == 2 and path.parent.is_dir()):
        raise SerError(f"encoder '{name}': no such folder; give a folder, or a name on the Hub such as owner/model")
    from huggingface_hub import snapshot_download

    quieten()
    for offline in (True, False):
        try:
            folder = Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=offline))
        except Exception as error:  # whatever the Hub's client says
            if offline:
                continue
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:200]
            where = "the Hub is switched off (HF_HUB_OFFLINE)" if _is_offline() else reason
            raise SerError(
                f"encoder '{name}': no such folder, not in the cache, and the Hub does not give it: {where}; give a "
                "folder, or run once where the Hub can be reached"
            ) from error
        # Another program may have fetched config.json alone.
        if not offline or list(folder.glob("*.safetensors")):
            return folder
    raise AssertionError("unreachable")


def _is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE) or os.environ.get("HF_HUB_OFFLINE", "") in ("1", "true", "TRUE")


def load_pretrained(folder: Path, name: str) -> tuple[torch.nn.Module, Any, str]:
    """Load the model in `folder`, in float32 and eval mode; return it, its feature extractor and its kind.

    The encoder is the model itself, or the part of it that `KINDS` names. Messages begin with `name`.

    Raises
    ------
    SerError
        If a file is missing, the weights are a pickle, incomplete or damaged, or the kind is not in `KINDS`.
    """
    for file in ("config.json", "preprocessor_config.json"):
        if not (folder / file).is_file():
            raise SerError(f"encoder '{name}': {folder} holds no {file}; get the whole folder of the model")
    if not list(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        found = f"only {', '.join(pickled[:2])}, which is a pickle and is never read" if pickled else "no weights"
        raise SerError(
            f"encoder '{name}': {folder} holds {found}; convert it to model.safetensors once: load it in transformers "
            "where you trust it, then model.save_pretrained(folder, safe_serialization=True)"
        )
    kind = _read_kind(folder, name)
    pretrained_dir.check(folder)
    quieten()
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModel

    settings = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **settings)
        if "/" in str(getattr(config, "_attn_implementation", None)):
            raise ValueError("its config.json asks for an attention kernel of the Hub, which is code and never run")
        extractor = AutoFeatureExtractor.from_pretrained(folder, **settings)
        model, report = AutoModel.from_pretrained(
            folder, config=config, use_safetensors=True, output_loading_info=True, **settings
        )
    except Exception as error:  # whatever the settings in a folder of others make transformers do
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:300]
        raise SerError(f"encoder '{name}' cannot be loaded: {reason}; get the model's folder again") from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(_SPARE) and "decoder" not in key)
    if missing or report["mismatched_keys"]:
        raise SerError(
            f"encoder '{name}': its file of weights lacks {len(missing)} arrays ({', '.join(missing[:3])}), and "
            f"{len(report['mismatched_keys'])} have a wrong size; get the model's folder again"
        )
    return model.float().eval(), extractor, kind


def _read_kind(folder: Path, name: str) -> str:
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = data.get("model_type") if isinstance(data, dict) else None
    except (OSError, ValueError, RecursionError) as error:
        raise SerError(
            f"encoder '{name}': {folder}/config.json is damaged: {str(error)[:200]}; get it again"
        ) from error
    if kind not in KINDS:
        raise SerError(
            f"encoder '{name}': the model type {str(kind)[:80]} is not supported; give one of {', '.join(KINDS)}"
        )
    return kind
