"""The folder of a trained model: its files, and how training begins and ends in it.

``model.safetensors`` (written last: if it is there, training is finished), ``config.yaml`` (the effective settings),
``classes.txt`` (one class per line, in the order of the outputs), ``train.tsv``, ``curve.png``, ``command.txt``,
``version.txt``, ``note.tsv`` (digests of the inputs and settings, and of the files that training wrote); while training
runs also ``checkpoint.pt`` and ``best.safetensors``.
"""

import hashlib
import logging
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import ser
from ser.config import from_mapping, read_yaml, to_yaml
from ser.errors import SerError
from ser.files import atomic_path, cannot_write, sha256, write_text
from ser.record.code import Sources
from ser.record.note import Note, first_changed, observe
from ser.versions import project_version

logger = logging.getLogger(__name__)

Config = TypeVar("Config")

WEIGHTS = "model.safetensors"
CHECKPOINT = "checkpoint.pt"
BEST = "best.safetensors"
NOTE = "note.tsv"

_CHECKSUM = "sha256"  # key of the weights' checksum, in the metadata of their file
_RETRAIN = "remove its folder and train the model again"


def begin(
    model_dir: str | Path, config: Any, inputs: Mapping[str, str | Path], digests: Mapping[str, str] | None = None
) -> bool:
    """Open `model_dir` for training; return whether training is still needed.

    Parameters
    ----------
    model_dir : folder, made if it does not exist.
    config : the effective settings, a dataclass of `ser.config`.
    inputs : name -> file whose contents determine the model (``utt2class``, the initial model's weights ...).
    digests : name -> digest of any other input, such as features, which are too large to be read whole.

    Returns
    -------
    bool
        False if a model with the same settings and inputs is finished; True if training must begin or resume.

    Raises
    ------
    SerError
        If the folder was begun with other settings or inputs; the message names the difference.
    """
    model_dir = Path(model_dir)
    command = shlex.join(sys.orig_argv)
    note = Note(
        settings=noted_settings(config),
        inputs={name: sha256(path) for name, path in inputs.items()} | dict(digests or {}),
        code=Sources(Path(ser.__file__).parents[1]).used_by(command),
    )
    # A training that failed before its first checkpoint may be replaced by one with other settings.
    if (model_dir / WEIGHTS).exists() or (model_dir / CHECKPOINT).exists():
        before = Note.read(model_dir / NOTE)
        if difference := before.difference(note):
            raise SerError(
                f"{model_dir} was begun with {difference}; remove {model_dir} to train it anew, or take another folder"
            )
        if (model_dir / WEIGHTS).exists():
            if path := first_changed({str(model_dir / name): made for name, made in before.outputs.items()}):
                raise SerError(f"{path}: changed or damaged since training wrote it; {_RETRAIN}")
            os.utime(model_dir / NOTE)  # now verified, so the stage's record reuses its digests
            if before.code != note.code:
                logger.warning("%s was trained by another version of the code; remove it to train it again", model_dir)
            logger.info("%s is already trained with these settings and inputs; nothing to do", model_dir)
            return False
        return True
    note.write(model_dir / NOTE)
    write_text(model_dir / "command.txt", command + "\n")
    write_text(model_dir / "version.txt", _version() + "\n")
    write_text(model_dir / "config.yaml", to_yaml(config))
    return True


def save_model(model_dir: str | Path, model: nn.Module, classes: Sequence[str]) -> None:
    """Finish a training: write the `model` and its `classes`, note the files that training wrote, drop the checkpoint.

    The weights get their name last, after the note has their digest: if they exist, the folder is complete.
    """
    model_dir = Path(model_dir)
    write_text(model_dir / "classes.txt", "".join(f"{name}\n" for name in classes))
    with atomic_path(model_dir / WEIGHTS) as unnamed:
        save_weights(unnamed, model)
        note = Note.read(model_dir / NOTE)
        outputs = {os.path.relpath(path, model_dir): made for path, made in observe(_written(model_dir)).items()}
        outputs[WEIGHTS] = observe([unnamed])[str(unnamed)]
        Note(note.settings, note.inputs, note.code, outputs).write(model_dir / NOTE)
    (model_dir / CHECKPOINT).unlink(missing_ok=True)
    (model_dir / BEST).unlink(missing_ok=True)


def save_weights(path: str | Path, model: nn.Module) -> None:
    """Write the parameters and buffers of `model` as safetensors with their own checksum, whole or not at all."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in model.state_dict().items():
        # safetensors refuses tensors that share memory, such as tied embeddings (T5's), so write copies of these.
        kept = tensors[name] = tensor.detach().cpu().contiguous()
        if kept.data_ptr() in seen:
            tensors[name] = kept.clone()
        seen.add(kept.data_ptr())
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, {_CHECKSUM: _checksum(tensors)})
        except SafetensorError as error:
            raise cannot_write(path, str(error)) from error


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file, or the one of the model folder `path`, to the CPU.

    Raises
    ------
    SerError
        If the file is missing or broken, or fails the checksum of `save_weights`. Files of other programs have none.
    """
    path = Path(path) / WEIGHTS if Path(path).is_dir() else Path(path)
    try:
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            expected = (file.metadata() or {}).get(_CHECKSUM)
    except FileNotFoundError as error:
        raise SerError(f"{path}: no such file; train the model to its end first") from error
    except (SafetensorError, OSError) as error:
        raise SerError(f"{path}: not a safetensors file: {error}; {_RETRAIN}") from error
    if expected is not None and _checksum(tensors) != expected:
        raise SerError(f"{path}: damaged: its numbers do not match its checksum; {_RETRAIN}")
    return tensors


def load_classes(model_dir: str | Path) -> list[str]:
    """Read the classes of a trained model, in the order of its outputs."""
    path = Path(model_dir) / "classes.txt"
    if not path.exists():
        raise SerError(f"{path}: no such file; is {model_dir} the folder of a trained model?")
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise SerError(f"{path}: damaged: {error}; train the model again") from error


def load_section(model_dir: str | Path, section: str, cls: type[Config]) -> Config:
    """Read one section of a model's ``config.yaml`` into the dataclass `cls`."""
    path = Path(model_dir) / "config.yaml"
    if not path.exists():
        raise SerError(f"{path}: no such file; is {model_dir} the folder of a trained model?")
    data = read_yaml(path)
    if not isinstance(data, dict) or section not in data:
        raise SerError(f"{path}: no section '{section}'; train the model again")
    return from_mapping(cls, data[section], f"{path}: {section}")


def warm_start(model: nn.Module, weights: Mapping[str, Tensor], same_classes: bool, output: str = "output") -> None:
    """Warm start: copy `weights` into the tensors of `model` with the same names; log what was not loaded.

    Parameters
    ----------
    model : layers that are not in `weights` keep their initial values.
    weights : weights of another model, which may have other classes and other last layers.
    same_classes : whether both models have the same classes in the same order; if not, `output` is not loaded.
    output : name of the layer whose rows are the classes.

    Raises
    ------
    SerError
        If a tensor of another layer has a different shape, or no name matches.
    """
    own = model.state_dict()
    fitting = {}
    for name, tensor in own.items():
        is_output = name.startswith(f"{output}.")
        if name not in weights or (is_output and not same_classes):
            continue
        if weights[name].shape == tensor.shape:
            fitting[name] = weights[name]
        elif not is_output:
            raise SerError(
                f"warm start: {name} is {tuple(weights[name].shape)} in the initial model and {tuple(tensor.shape)}"
                " here; set the sizes of the section `model` to those of the initial model"
            )
    if not fitting:
        raise SerError(f"warm start: the initial model has none of the layers {', '.join(_layers(own))}")
    model.load_state_dict(fitting, strict=False)
    logger.info("warm start: loaded %s", ", ".join(_layers(fitting)))
    for what, names in (("new here, not loaded", own.keys() - fitting), ("not used", weights.keys() - fitting)):
        if names:
            logger.info("warm start: %s: %s", what, ", ".join(_layers(sorted(names))))


def _layers(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _written(model_dir: Path) -> list[Path]:
    """List the files that training wrote in a model folder, without logs and files that only resuming needs."""
    passing = {NOTE, WEIGHTS, CHECKPOINT, BEST}
    files = (path for path in model_dir.rglob("*") if path.is_file() and not path.name.startswith("."))
    names = ((path, path.relative_to(model_dir).parts) for path in files)
    return sorted(path for path, parts in names if parts[0] not in passing | {"log", "q"})


def noted_settings(config: Any) -> dict[str, str]:
    """Return the effective settings as a note has them: dotted name -> value, defaults too."""
    return _flatten(yaml.safe_load(to_yaml(config)))


def _flatten(data: Any, prefix: str = "") -> dict[str, str]:
    """Flatten the settings of a YAML to dotted name -> value.

    >>> _flatten({"fit": {"seed": 0, "rates": [1, 2]}})
    {'fit.seed': '0', 'fit.rates': '[1, 2]'}
    """
    if not isinstance(data, dict):
        return {prefix: str(data)}
    return {k: v for key, item in data.items() for k, v in _flatten(item, f"{prefix}.{key}".lstrip(".")).items()}


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the names, types, shapes and values of arrays, whatever their order in a file."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _version() -> str:
    return f"{project_version()}, torch {torch.__version__}, Python {sys.version.split()[0]}"
