"""The folder of an audio encoder: which of its files the encoder is read from."""

from pathlib import Path

from ser.asr.recogniser_dir import has_recogniser, recogniser_files

# Where train_audio_encoder puts the encoder in its model folder.
ENCODER_FOLDER = "encoder"


def own_folder(folder: Path) -> Path:
    """Return the folder of the encoder itself, which `folder` is or, if it is the folder of a training, has."""
    return folder / ENCODER_FOLDER if (folder / ENCODER_FOLDER).is_dir() else folder


def encoder_files(folder: Path) -> list[Path]:
    """List the files of an encoder. Folders inside, in which its embeddings may lie, are not part of it."""
    own = own_folder(folder)
    if has_recogniser(own):
        return recogniser_files(own)
    return sorted(path for path in own.glob("*") if path.is_file())
