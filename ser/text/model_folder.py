"""The folder of a text model: where its encoder lies, and what the results call it. Without torch, for plans too."""

from pathlib import Path

from ser.config import read_yaml
from ser.errors import SerError

# Where `train_text` and `train_text_labels` put the encoder in their model folder.
ENCODER_FOLDER = "encoder"


def find_folder(name: str) -> str:
    """Return the folder that holds the encoder `name`, or `name` itself if it is a name on the Hub.

    Raises
    ------
    SerError
        If `name` is neither, or the folder has no encoder.
    """
    path = Path(name)
    if (path / ENCODER_FOLDER).is_dir():
        path = path / ENCODER_FOLDER
    elif (path / "config.yaml").is_file():
        raise SerError(f"text model '{name}': its training is not finished; run the train_text command again")
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise SerError(f"text model '{name}': {path} holds no config.json; give the folder of a text model")
        return str(path)
    # A name on the Hub is `model` or `owner/model`.
    if path.is_absolute() or len(path.parts) > 2 or (len(path.parts) == 2 and path.parent.is_dir()):
        raise SerError(f"text model '{name}': no such folder; give --text-model a folder, or a name on the Hub")
    return name


def model_name(name: str) -> str:
    """Return what the results call a text model: the kind that its folder states, or its own name on the Hub.

    >>> model_name("google/mt5-base")
    'mt5-base'

    Raises
    ------
    SerError
        If `name` is neither a name nor a folder of a text model, or the folder does not state the kind.
    """
    folder = Path(find_folder(name))
    if not folder.is_dir():
        return folder.name
    path = folder / "config.json"
    settings = read_yaml(path)
    kind = settings.get("model_type") if isinstance(settings, dict) else None
    if not isinstance(kind, str) or not kind:
        raise SerError(f"{path}: no model_type, such as t5 or bert; get the model again")
    return kind
