"""Reads the words of recordings from a file (--text-file) and matches each line to its recording."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ser.detect.recordings import SUFFIXES
from ser.errors import SerError
from ser.files import read_text_lines
from ser.kaldi.unicode_forms import compose

logger = logging.getLogger(__name__)

_NUM_EXAMPLES = 3
# What systems put behind the name of a copy, as in "f11 (2).wav".
_COPY = re.compile(r" +\(\d+\)(?= |$)")


def read_texts(path: str | Path, files: Sequence[Path]) -> dict[Path, str]:
    """Read the words of recordings; see `read_lines_of`."""
    texts = read_lines_of("words", path, files)
    if missing := [str(file) for file in files if file not in texts]:
        logger.info(
            "%s: no words for %d of %d recordings, which are scored by speech alone: %s",
            path,
            len(missing),
            len(files),
            ", ".join(missing[:_NUM_EXAMPLES]),
        )
    return texts


def read_lines_of(what: str, path: str | Path, files: Sequence[Path]) -> dict[Path, str]:
    """Read the words of recordings, or other values such as speakers; `what` names them in messages.

    A line is a key, a tab and the words; or a key, blanks and the words. A key is the recording's path as it is given,
    or the end of its absolute path (``name.wav``, ``folder/name.wav``), with the suffix or without. Without a tab, the
    key is the longest beginning of the line that fits a recording, so that names may hold blanks. Accented letters
    match in both forms of Unicode (NFC and NFD), since file names of a Mac use NFD and keyboards NFC.

    Parameters
    ----------
    path : UTF-8 text; empty lines are ignored.
    files : the recordings.

    Returns
    -------
    Recording -> its words, for those that are listed.

    Raises
    ------
    SerError
        With file and line, if a key fits two recordings, two lines give a recording different words, or a name with
        blanks is ambiguous. Also if no recording is listed.
    """
    fitting = _keys(files)
    texts: dict[Path, str] = {}
    lines: dict[Path, int] = {}
    for number, line in enumerate(
        read_text_lines(path, "give a file with a line for each recording and its words"), start=1
    ):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        key, words = _split(where, compose(line).removeprefix("./"), fitting)
        found = fitting.get(key, [])
        if len(found) > 1:
            raise SerError(
                f"{where}: '{key}' fits {len(found)} recordings, {found[0]} and {found[1]}; give more of the path, such"
                f" as '{found[0]}'"
            )
        for file in found:
            if texts.get(file, words) != words:
                raise SerError(
                    f"{where}: {file} is in line {lines[file]} too, with different {what}; keep one of the lines"
                )
            texts[file] = words
            lines.setdefault(file, number)
    if not texts:
        raise SerError(f"{path}: none of its recordings was given to the detector; name them by path, name or stem")
    return texts


def _keys(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Map each key to the recordings that it fits: by whole path, else by its end, else by its end without suffix."""
    keys: dict[str, list[Path]] = {}
    files = list(dict.fromkeys(files))
    for forms in (_whole, _ends, _stems):
        found: dict[str, list[Path]] = {}
        for file in files:
            for key in forms(file):
                found.setdefault(compose(key), []).append(file)
        for key, fitting in found.items():
            keys.setdefault(key, fitting)
    return keys


def _whole(file: Path) -> set[str]:
    return {str(file)}


def _ends(file: Path) -> set[str]:
    parts = file.absolute().parts[1:]  # the first is the root
    return {str(file.absolute()), *("/".join(parts[-count:]) for count in range(1, len(parts) + 1))}


def _stems(file: Path) -> set[str]:
    return _ends(file.with_suffix("")) if file.suffix else set()


def _split(where: str, line: str, fitting: dict[str, list[Path]]) -> tuple[str, str]:
    """Split a line into its key and its words."""
    if "\t" in line:
        key, _, words = line.partition("\t")
        return key.strip(), words.strip()
    line = line.strip()
    ends = [match.start() for match in re.finditer(r" +", line)] + [len(line)]
    keys = [line[:end] for end in reversed(ends) if line[:end] in fitting]
    if keys and _has_suffix(keys[0]):
        return keys[0], line[len(keys[0]) :].strip()
    key, _, words = line.partition(" ")
    if keys and (mark := _COPY.match(line[len(keys[0]) :])):
        raise _ambiguous(where, keys[0], keys[0] + mark[0])
    cut = next((word for word in words.split() if _has_suffix(word)), None)
    if len({tuple(fitting[key]) for key in keys}) > 1 or (cut is not None and not _has_suffix(key)):
        also = keys[0] if keys and keys[0] != key else line[: line.index(cut) + len(cut)] if cut else keys[-1]
        raise _ambiguous(where, key, also)
    return (keys[0], line[len(keys[0]) :].strip()) if keys else (key, words.strip())


def _ambiguous(where: str, one: str, other: str) -> SerError:
    return SerError(f"{where}: the recording may be '{one}' or '{other}'; put a tab between its name and its words")


def _has_suffix(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)
