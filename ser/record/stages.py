"""Record the files that each stage of a run wrote, and check before a later stage that they have not changed.

``<exp>/stages/<n>.tsv`` is the note of stage n: its outputs are the files that the stage wrote, its one input is the
note of the stage before it. So if a stage is run again with another result (with other options, for instance), it is
noticed that later stages still rest on the old result. ``<exp>/stages/0.sizes`` lists size and path of the recordings
that the data dirs name, directly or in a command; only sizes, because corpora are too large to be read again.

A file is digested once: where a job, a training or an artefact has noted its outputs, the digest is taken from there.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import tables
from ser.record.note import Note, Output, first_changed, observe

SIZES = "0.sizes"
# The number of the last stage that reads recordings.
LAST_OF_RECORDINGS = 2

# Folders and files that are not recorded: no stage reads them, or their own reader checks them.
_PRUNED = re.compile(r"\..*|log|q|audit|plan|stages|experiments|detector|split\d+(utt)?")
_IGNORED = re.compile(r"\..*|commands\.txt|cost\.tsv|.*\.done|note\.tsv")
# The notes of jobs and trainings.
_NOTE = re.compile(r".*\.done|note\.tsv")


@dataclass(frozen=True)
class _Files:
    """The files of a run, file -> time of last change in ns, and the notes written since the stage began."""

    times: Mapping[str, int]
    notes: Sequence[str]


def record(folder: Path, stage: int, roots: Sequence[Path]) -> None:
    """Write the note of a stage that has ended well. It began when ``<exp>/log/stage_<n>.began`` was written.

    Parameters
    ----------
    folder : folder of the notes, ``<exp>/stages``.
    roots : folders in which a stage writes.

    Raises
    ------
    SerError
        If the stage took as done a file of its earlier run that has changed since then; the message names it.
    """
    recorded = {number: _read(path) for number, path in _tables(folder)}
    own = recorded.get(stage, Note()).outputs
    later = {path for number, note in recorded.items() if number > stage for path in note.outputs}
    began_at = _began(folder, stage).stat().st_mtime_ns
    files = _find_files(roots, began_at)
    # A stage that was cut off and run again finds some of its files done, written before it began. These files belong
    # to it: files written since it began, files that no other stage owns, and files modified after their owner last
    # ended well.
    owner_ended = _end_of_earlier(folder, stage, recorded) | dict.fromkeys(own, _time(_table(folder, stage)))
    written = [
        path
        for path, time in files.times.items()
        if time >= began_at or (path not in later and time >= owner_ended.get(path, 0))
    ]
    known = {path: made for note in files.notes for path, made in _noted(note)}
    found_done = {path: own[path] for path in own.keys() & files.times.keys() - set(written)}
    # Two kinds of files need no check: those that a job has just read to find its work done, and those that a later
    # stage rewrote.
    unread = {path: made for path, made in found_done.items() if path not in later and known.get(path) != made}
    if path := first_changed(unread):
        (root,) = (root for root in roots if Path(path).is_relative_to(root))
        raise SerError(
            f"{path}: changed since stage {stage} wrote it, which took it as done now; remove"
            f" {root / Path(path).relative_to(root).parts[0]} and run again from --stage {stage}"
        )
    before = [number for number in sorted(recorded) if number < stage][-1:]
    inputs = {str(_table(folder, number)): recorded[number].digest() for number in before}
    Note(inputs=inputs, outputs=found_done | observe(written, known)).write(_table(folder, stage))
    if stage == 0:
        lists = [path for path in (*found_done, *written) if path.endswith("/wav.scp")]
        names = sorted({name for path in lists for name in tables.named_files(path)})
        sizes = zip(_sizes(names), names, strict=True)
        write_text(folder / SIZES, "".join(f"{size} {name}\n" for size, name in sizes if size >= 0))


def check(folder: Path, stage: int, contents: bool = True) -> None:
    """Check, before a stage runs, that all earlier stages ended well and that their files are unchanged.

    A folder without any of its files left counts as removed on purpose: the step that needs it will say so.

    Parameters
    ----------
    folder : folder of the notes, ``<exp>/stages``.
    stage : the stage that is about to run.
    contents : True reads every file; False trusts files whose size and time of change are as noted.

    Raises
    ------
    SerError
        If a stage was cut off, or a file has changed or is gone; the message names it.
    """
    for number in range(stage):
        if (began := _began(folder, number)).exists():
            raise SerError(
                f"{began}: stage {number} was cut off; run it again (--stage {number}), or remove this file if nothing"
                f" of stage {number} is needed"
            )
    recorded = {number: _read(path) for number, path in _tables(folder)}
    # Path -> the last stage that wrote it: only that stage's note describes the file as it is now. An earlier, cut-off
    # attempt at this stage may have written it too.
    last = {path: number for number, note in recorded.items() for path in note.outputs}
    if _began(folder, stage).exists():
        ends = _end_of_earlier(folder, stage, recorded)
        last.update({path: stage for path, end in ends.items() if _time(Path(path)) >= end})
    earlier = {number: note for number, note in recorded.items() if number < stage}
    _check_order(folder, earlier)
    for number, note in earlier.items():
        own = {path: made for path, made in note.outputs.items() if last[path] == number}
        _check_files(folder, number, own, contents)
    check_recordings(folder, stage)


def check_recordings(folder: Path, stage: int) -> None:
    """Check that the recordings have the size in bytes that they had when stage 0 prepared their corpus.

    Only stages 1 to `LAST_OF_RECORDINGS` read recordings; for others nothing is checked.

    Raises
    ------
    SerError
        If the size of a recording differs or it cannot be read; the message names it.
    """
    table = folder / SIZES
    if not (0 < stage <= LAST_OF_RECORDINGS and table.exists()):
        return
    sizes = {name: int(size) for size, name in (line.split(" ", 1) for line in _lines(table))}
    for (name, size), found in zip(sizes.items(), _sizes(list(sizes)), strict=True):
        if found != size:
            now = f"has {found} bytes, had {size} when" if found >= 0 else "cannot be read, but was there when"
            raise SerError(f"{name}: {now} stage 0 prepared its corpus; bring the file back, or begin with --stage 0")


def _check_order(folder: Path, recorded: Mapping[int, Note]) -> None:
    """Check that each stage ran on the latest results of the stages before it."""
    for number, note in recorded.items():
        for earlier, before in recorded.items():
            table = _table(folder, earlier)
            digest = note.inputs.get(str(table))
            if digest is not None and digest != before.digest():
                raise SerError(
                    f"{table}: stage {earlier} was run again, with another result, since stage {number} ran; run again"
                    f" from --stage {number}, or, if that is intended, delete its line from {_table(folder, number)}"
                )


def _check_files(folder: Path, stage: int, outputs: Mapping[str, Output], contents: bool) -> None:
    present = [path for path in outputs if os.path.isfile(path)]
    folders = {os.path.dirname(path) for path in present}
    remedy = f"run again from --stage {stage}, or, if that is intended, delete its line from {_table(folder, stage)}"
    for path in outputs.keys() - set(present):
        if os.path.dirname(path) in folders:
            raise SerError(f"{path}: gone since stage {stage} wrote it; {remedy}")
    if changed := first_changed({path: outputs[path] for path in present}, contents):
        raise SerError(f"{changed}: changed since stage {stage} wrote it; {remedy}")


def _find_files(roots: Sequence[Path], since: int) -> _Files:
    """Find the files to record, also behind links to other disks, and the notes of jobs no older than `since` (ns).

    The outputs in such a note need no digest: its job has just written them, or read and compared them.
    """
    times, notes = {}, []
    for path, name in chain.from_iterable(map(_walk, roots)):
        time = os.stat(path).st_mtime_ns
        if not _IGNORED.fullmatch(name):
            times[path] = time
        if _NOTE.fullmatch(name) and time >= since:
            notes.append(path)
    return _Files(times, notes)


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and name of every file; each folder is visited once, even if links lead to it twice."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        folders[:] = [name for name in folders if not _PRUNED.fullmatch(name) and place not in seen]
        if place not in seen:
            yield from ((os.path.join(folder, name), name) for name in names if not name.startswith("."))
        seen.add(place)


def _end_of_earlier(folder: Path, stage: int, recorded: Mapping[int, Note]) -> dict[str, int]:
    """Map each file that earlier stages wrote to the time, in ns, at which the last of these stages ended."""
    earlier = [number for number in recorded if number < stage]
    end = max((_time(_table(folder, number)) for number in earlier), default=0)
    return {path: end for number in earlier for path in recorded[number].outputs}


def _began(folder: Path, stage: int) -> Path:
    return folder.parent / "log" / f"stage_{stage}.began"


def _table(folder: Path, stage: int) -> Path:
    return folder / f"{stage}.tsv"


def _tables(folder: Path) -> list[tuple[int, Path]]:
    return sorted((int(path.stem), path) for path in folder.glob("*.tsv"))


def _read(path: Path) -> Note:
    try:
        return Note.read(path)
    except SerError as error:
        if path.parent.name != "stages":
            return Note()  # a damaged note of a job counts as none; its files are read
        raise SerError(f"{error}; that is --stage {path.stem}") from error


def _noted(path: str) -> Iterator[tuple[str, Output]]:
    """Yield path and state of the outputs of a note; a training's note names them relative to its own folder."""
    folder = os.path.dirname(path) if os.path.basename(path) == "note.tsv" else ""
    for name, made in _read(Path(path)).outputs.items():
        yield os.path.join(folder, name), made


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SerError(f"{path}: cannot be read: {error}; run again from --stage {path.stem}") from error


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _sizes(paths: list[str]) -> list[int]:
    blocks = [paths[start : start + 1000] for start in range(0, len(paths), 1000)]
    with ThreadPoolExecutor(32) as pool:  # a file server answers many requests at once
        return list(chain.from_iterable(pool.map(lambda block: [_size(path) for path in block], blocks)))


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return -1
