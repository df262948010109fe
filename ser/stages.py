"""What each stage of a run wrote, as checksums, so that no later stage runs on something else.

``<exp>/stages/<n>.sha256`` has a line for each file that stage n wrote, in the form of sha256sum, which checks it too,
from the folder of run.sh. The list of the stage before is one of these files, so that a stage that is run again with
another outcome (of other options, for instance) is noticed where a later one still stands on the first. ``0.sizes``
beside it has size and path of the recordings that the data dirs name, by themselves or in a command: corpora are too
large to be read once more.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from ser.errors import SerError
from ser.files import sha256, write_text
from ser.kaldi import tables

SIZES = "0.sizes"
# The last stage that reads recordings.
LAST_OF_RECORDINGS = 2

# What no stage reads, or what its own reader checks.
_PRUNED = re.compile(r"\..*|log|q|audit|stages|experiments|detector|split\d+(utt)?")
_IGNORED = re.compile(r"\..*|commands\.txt|cost\.tsv|.*\.done")


def record(folder: Path, stage: int, roots: Sequence[Path]) -> None:
    """Note what a stage wrote, when it has ended well. It began when ``<exp>/log/stage_<n>.began`` was written.

    Parameters
    ----------
    folder : of the checksums, ``<exp>/stages``.
    roots : folders in which a stage writes.

    Raises
    ------
    SerError
        Naming a file that the stage wrote when it ran before, found done now, and that is not what it was.
    """
    recorded = {number: _read(path) for number, path in _tables(folder)}
    own = recorded.get(stage, {})
    later = {path for number, digests in recorded.items() if number > stage for path in digests}
    began_at = _began(folder, stage).stat().st_mtime_ns
    # An attempt that was cut off left files that the next one finds done: what is of no other stage, or changed since
    # the last good end of the stage that it is of, is its.
    since = _end_of_earlier(folder, stage, recorded) | dict.fromkeys(own, _time(_table(folder, stage)))
    files = {str(path): path.stat().st_mtime_ns for root in roots for path in _files(root)}
    written = [
        path for path, time in files.items() if time >= began_at or (path not in later and time >= since.get(path, 0))
    ]
    found_done = {path: own[path] for path in own.keys() & files.keys() - set(written)}
    if path := _first_changed({path: found_done[path] for path in found_done.keys() - later}):
        (root,) = (root for root in roots if Path(path).is_relative_to(root))
        raise SerError(
            f"{path}: changed since stage {stage} wrote it, which took it as done now; remove"
            f" {root / Path(path).relative_to(root).parts[0]} and run again from --stage {stage}"
        )
    before = [str(_table(folder, number)) for number in sorted(recorded) if number < stage][-1:]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = dict(zip(before + written, pool.map(sha256, before + written), strict=True))
    lines = (f"{digest}  {path}\n" for path, digest in sorted((found_done | digests).items()))
    write_text(_table(folder, stage), "".join(lines))
    if stage == 0:
        lists = [path for path in digests if path.endswith("/wav.scp")]
        names = sorted({name for path in lists for name in tables.named_files(path)})
        sizes = zip(_sizes(names), names, strict=True)
        write_text(folder / SIZES, "".join(f"{size} {name}\n" for size, name in sizes if size >= 0))


def check(folder: Path, stage: int) -> None:
    """Check, before a stage, that all stages before it ended well and that what they wrote is still that.

    A folder of which nothing is left was taken away on purpose: what needs it says so.

    Raises
    ------
    SerError
        Naming a stage that was cut off, or a file that changed or is gone.
    """
    for number in range(stage):
        if (began := _began(folder, number)).exists():
            raise SerError(
                f"{began}: stage {number} was cut off; run it again (--stage {number}), or remove this file if nothing"
                f" of stage {number} is needed"
            )
    recorded = {number: _read(path) for number, path in _tables(folder)}
    # A file that several stages wrote is what the last of them made of it, or an attempt at this stage.
    last = {path: number for number, digests in recorded.items() for path in digests}
    if _began(folder, stage).exists():
        ends = _end_of_earlier(folder, stage, recorded)
        last.update({path: stage for path, end in ends.items() if _time(Path(path)) >= end})
    earlier = {number: digests for number, digests in recorded.items() if number < stage}
    _check_order(folder, earlier)
    for number, digests in earlier.items():
        _check_files(folder, number, {path: digests[path] for path in digests if last[path] == number})
    check_recordings(folder, stage)


def check_recordings(folder: Path, stage: int) -> None:
    """Check that the recordings that a stage reads, or has read, are as long as when stage 0 prepared their corpus.

    Raises
    ------
    SerError
        Naming one that is not.
    """
    table = folder / SIZES
    if not (0 < stage <= LAST_OF_RECORDINGS and table.exists()):
        return
    sizes = {name: int(size) for size, name in (line.split(" ", 1) for line in _lines(table))}
    for (name, size), found in zip(sizes.items(), _sizes(list(sizes)), strict=True):
        if found != size:
            now = f"has {found} bytes, had {size} when" if found >= 0 else "cannot be read, but was there when"
            raise SerError(f"{name}: {now} stage 0 prepared its corpus; bring the file back, or begin with --stage 0")


def _check_order(folder: Path, recorded: dict[int, dict[str, str]]) -> None:
    """Take the lists of earlier stages out of those of later ones, when each is what the later stage stood on."""
    for number, digests in recorded.items():
        for earlier in recorded:
            table = _table(folder, earlier)
            digest = digests.pop(str(table), None)
            if digest is not None and digest != sha256(table):
                raise SerError(
                    f"{table}: stage {earlier} was run again, with another outcome, since stage {number} ran; run again"
                    f" from --stage {number}, or, if that is meant, take its line out of {_table(folder, number)}"
                )


def _check_files(folder: Path, stage: int, digests: Mapping[str, str]) -> None:
    present = [path for path in digests if os.path.isfile(path)]
    folders = {os.path.dirname(path) for path in present}
    remedy = f"run again from --stage {stage}, or, if that is meant, take its line out of {_table(folder, stage)}"
    for path in digests.keys() - set(present):
        if os.path.dirname(path) in folders:
            raise SerError(f"{path}: gone since stage {stage} wrote it; {remedy}")
    if path := _first_changed({path: digests[path] for path in present}):
        raise SerError(f"{path}: changed since stage {stage} wrote it; {remedy}")


def _first_changed(digests: Mapping[str, str]) -> str | None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = zip(digests.items(), pool.map(sha256, digests), strict=True)
        return next((path for (path, digest), now in found if now != digest), None)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files that are checked, also of folders on other disks that links lead to."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        folders[:] = [name for name in folders if not _PRUNED.fullmatch(name) and place not in seen]
        if place not in seen:
            yield from (Path(folder, name) for name in names if not _IGNORED.fullmatch(name))
        seen.add(place)


def _end_of_earlier(folder: Path, stage: int, recorded: Mapping[int, Mapping[str, str]]) -> dict[str, int]:
    """Map what the stages before one wrote to the time at which the last of them had ended."""
    earlier = [number for number in recorded if number < stage]
    end = max((_time(_table(folder, number)) for number in earlier), default=0)
    return {path: end for number in earlier for path in recorded[number]}


def _began(folder: Path, stage: int) -> Path:
    return folder.parent / "log" / f"stage_{stage}.began"


def _table(folder: Path, stage: int) -> Path:
    return folder / f"{stage}.sha256"


def _tables(folder: Path) -> list[tuple[int, Path]]:
    return sorted((int(path.stem), path) for path in folder.glob("*.sha256"))


def _read(path: Path) -> dict[str, str]:
    digests = {}
    for number, line in enumerate(_lines(path), start=1):
        if not (match := re.fullmatch(r"([0-9a-f]{64})  (.+)", line)):
            raise SerError(
                f"{path}:{number}: expected '<sha256>  <file>', found '{line[:80]}'; run again from --stage {path.stem}"
            )
        digests[match[2]] = match[1]
    return digests


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SerError(f"{path}: cannot be read: {error}; run again from --stage {path.stem}") from error


def _time(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _sizes(paths: list[str]) -> list[int]:
    blocks = [paths[start : start + 1000] for start in range(0, len(paths), 1000)]
    with ThreadPoolExecutor(32) as pool:  # a file server answers many at once
        return list(chain.from_iterable(pool.map(lambda block: [_size(path) for path in block], blocks)))


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return -1
