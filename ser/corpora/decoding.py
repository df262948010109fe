"""Entries of wav.scp: files that libsndfile reads by their path, others as a command of ffmpeg."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ser.corpora.voxceleb2 import decode_command
from ser.errors import SerError

DECODED = {".m4a", ".aac", ".mp4", ".avi", ".mkv", ".webm", ".wma", ".mov"}


def wav_entries(paths: Iterable[Path], ffmpeg: str = "ffmpeg") -> dict[Path, str]:
    """Return the entry in wav.scp of each audio or video file.

    Raises
    ------
    SerError
        If a file needs ffmpeg, and the program `ffmpeg` is not installed.
    """
    entries = {}
    for path in paths:
        if path.suffix.lower() not in DECODED:
            entries[path] = str(path.absolute())
            continue
        if shutil.which(ffmpeg) is None:
            raise SerError(f"{path}: needs ffmpeg, and there is no program '{ffmpeg}': apt-get install ffmpeg")
        entries[path] = decode_command(ffmpeg, str(path.absolute()))
    return entries
