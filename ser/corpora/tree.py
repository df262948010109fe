"""Find the files of a corpus: skip files that operating systems add, and accept suffixes in upper or lower case."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".mp4", ".sph", ".aiff", ".aif", ".au"),
)

# What file systems, desktops, network storage and archivers put into folders; names that begin with a dot are hidden.
_JUNK = {
    *("lost+found", "@eadir", "@synoresource", "#recycle", "#snapshot", "__macosx", "$recycle.bin", "recycler"),
    *("system volume information", "thumbs.db", "desktop.ini", "icon\r", "network trash folder", "temporary items"),
}


def is_junk(name: str) -> bool:
    """Tell whether a file or folder of this name is no part of any corpus.

    >>> [is_junk(name) for name in ("._a.wav", ".DS_Store", "lost+found", "@eaDir", "a.wav")]
    [True, True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _JUNK


def list_folder(path: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of the files in `path`, each sorted, without junk."""
    folders: list[str] = []
    files: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if not is_junk(entry.name):
                (folders if entry.is_dir() else files).append(entry.name)
    return sorted(folders), sorted(files)


def files_below(folder: str | Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files at any depth whose suffix, in any case, is one of `suffixes`; in order, without junk."""
    if Path(folder).is_dir():
        yield from _walk(Path(folder), suffixes, frozenset())


def _walk(folder: Path, suffixes: tuple[str, ...], above: frozenset[str]) -> Iterator[Path]:
    # A link to a folder is followed, but not to one that it lies in.
    real = os.path.realpath(folder)
    if real in above:
        return
    folders, files = list_folder(folder)
    for name in files:
        if name.lower().endswith(suffixes):
            yield folder / name
    for name in folders:
        yield from _walk(folder / name, suffixes, above | {real})


def part_by_suffix(names: Iterable[str], suffixes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Split names of files into those with one of `suffixes`, and other audio files without such a file of one name.

    >>> part_by_suffix(["1.WAV", "1.mp3", "2.mp3", "notes.txt"], (".wav",))
    (['1.WAV'], ['2.mp3'])
    """
    audio = [name for name in names if name.lower().endswith(AUDIO_SUFFIXES)]
    taken = [name for name in audio if name.lower().endswith(suffixes)]
    stems = {os.path.splitext(name)[0] for name in taken}
    return taken, [name for name in audio if os.path.splitext(name)[0] not in stems]


def find_folders(folder: Path, name: str) -> list[Path]:
    """Return the folders in `folder` that are called `name`, in upper or lower case."""
    return [folder / found for found in list_folder(folder)[0] if found.lower() == name.lower()]


def id_fault(utt: str) -> str | None:
    """Return why an utterance cannot have this id, which was made from a file name; None if it can.

    >>> id_fault("id10001-video-00001 (1)")
    'white space in its name, of which ids are made: rename the file, or remove it if it is a copy'
    """
    if not _is_utf8(utt):
        return f"its name is not UTF-8: rename {utt.encode('utf-8', 'surrogateescape')!r}"
    if utt.startswith("\ufeff"):
        return "a byte order mark at the start of its name, which readers of tables remove: rename it"
    if utt.split() != [utt]:
        return "white space in its name, of which ids are made: rename the file, or remove it if it is a copy"
    return None


def path_fault(entry: str) -> str | None:
    """Return why ``wav.scp`` cannot hold this path, or this command; None if it can.

    >>> path_fault("/corpus/a\\n.wav")
    'a line feed or the like in its path: rename it'
    """
    if not _is_utf8(entry):
        part = next(part for part in entry.split("/") if not _is_utf8(part))
        return f"its path is not UTF-8: rename {part.encode('utf-8', 'surrogateescape')!r}"
    if re.search(r"[\n\r\x00\x0b\x0c]", entry):
        return "a line feed or the like in its path: rename it"
    if entry != entry.strip():
        return "white space at the end of its path: rename it"
    if entry.startswith("/") and entry.endswith("|"):
        return "'|' at the end of its path, which makes a command of it in wav.scp: rename it"
    return None


def escaped(name: str) -> str:
    """Return a name as one printable word: white space and unprintable characters become ``%20`` and so on.

    >>> escaped("00001 (1).wav")
    '00001%20(1).wav'
    """
    return "".join(
        character if character.isprintable() and not character.isspace() else _percent(character) for character in name
    )


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
