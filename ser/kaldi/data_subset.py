"""Make data directories from data directories: take a subset, split, fix, copy, combine."""

import contextlib
import itertools
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ser.errors import SerError
from ser.files import atomic_path
from ser.kaldi.datadir import entries, key_kind, read_table, table_names
from ser.kaldi.tables import invert, write_lists, write_map
from ser.kaldi.unicode_forms import compose, compose_keys

logger = logging.getLogger(__name__)

# At most this many dropped utterances are named in the log.
NUM_NAMED = 20


def subset(data_in: str | Path, utterances: Iterable[str], data_out: str | Path) -> int:
    """Write to `data_out` the lines of `data_in` for these utterances, their speakers and their recordings.

    Returns the number of utterances written; utterances that `data_in` does not have are skipped.
    """
    utt2spk = read_table(data_in, "utt2spk")
    kept = [utt for utt in dict.fromkeys(utterances) if utt in utt2spk]
    _distribute(data_in, utt2spk, {Path(data_out): kept})
    return len(kept)


def split(data_dir: str | Path, parts: int, per_utterance: bool = False) -> list[Path]:
    """Split a data directory into ``<data_dir>/split<parts>/1`` and so on, and return these paths.

    The parts follow each other in sorted order. A speaker stays in one part, unless `per_utterance` is set or there
    are fewer speakers than parts.

    Raises
    ------
    SerError
        If there are fewer utterances than parts.
    """
    utt2spk = read_table(data_dir, "utt2spk")
    utts = sorted(utt2spk)
    if not 1 <= parts <= len(utts):
        raise SerError(
            f"{data_dir}: cannot be split into {parts} parts; it has {len(utts)} utterances: give 1 to that many"
        )
    cuts = [len(utts) * part // parts for part in range(parts + 1)]
    if not per_utterance:
        edges = [0, *(at for at in range(1, len(utts)) if utt2spk[utts[at]] != utt2spk[utts[at - 1]]), len(utts)]
        nearest = [edges[np.abs(np.subtract(edges, cut)).argmin()] for cut in cuts]
        if all(first < last for first, last in itertools.pairwise(nearest)):
            cuts = nearest
    folder = Path(data_dir, f"split{parts}" + "utt" * per_utterance)
    outputs = {folder / str(part + 1): utts[cuts[part] : cuts[part + 1]] for part in range(parts)}
    _distribute(data_dir, utt2spk, outputs)
    return list(outputs)


def fix(data_dir: str | Path) -> None:
    """Sort the tables and keep only utterances that all tables have; copy the old tables to ``<data_dir>/.backup``.

    Ids are written with composed letters (Unicode NFC), so that tables of different programs have equal ids. Dropped
    utterances are listed with the reason, the first ones in the log and all in ``<data_dir>/.backup/dropped``.

    Raises
    ------
    SerError
        If no utterance is left, or a table is broken in a way that cannot be repaired automatically.
    """
    names = table_names(data_dir)
    backup = Path(data_dir, ".backup")
    backup.mkdir(exist_ok=True)
    for name in names:
        shutil.copy2(Path(data_dir, name), backup / name)
    for name in names:
        _compose_ids(data_dir, name)
    utt2spk = read_table(data_dir, "utt2spk")
    kept = set(utt2spk)
    dropped: dict[str, str] = {}
    segmented = "segments" in names
    for name in names:
        if name != "utt2spk" and (key_kind(name) == "utt" or (name == "wav.scp" and not segmented)):
            found = [key for key, _ in entries(data_dir, name)]
            # Compare before intersecting: for two million utterances that takes a tenth of the time.
            if len(found) != len(kept) or not all(key in kept for key in found):
                there = set(found)
                for utt in kept - there:
                    dropped.setdefault(utt, f"not in {name}")
                for key in there - utt2spk.keys():
                    dropped.setdefault(key, f"in {name}, not in utt2spk")
                kept &= there
    if segmented and "wav.scp" in names:
        recordings = read_table(data_dir, "wav.scp")
        segments = read_table(data_dir, "segments")
        for utt in [utt for utt in kept if segments[utt].split()[0] not in recordings]:
            dropped[utt] = f"its recording {segments[utt].split()[0]} is not in wav.scp"
            kept.remove(utt)
    if not kept:
        raise SerError(f"{data_dir}: no utterance is in all of {', '.join(names)}; make the directory again")
    write_map(backup / "dropped", dropped)
    # Keep the order of the table, which is nearly sorted, so that sorting two million ids is fast.
    _distribute(data_dir, utt2spk, {Path(data_dir): sorted(utt for utt in utt2spk if utt in kept)})
    logger.info("%s: kept %d of %d utterances; the old tables are in %s", data_dir, len(kept), len(utt2spk), backup)
    for utt in sorted(dropped)[:NUM_NAMED]:
        logger.warning("%s: dropped %s: %s", data_dir, utt, dropped[utt])
    if len(dropped) > NUM_NAMED:
        logger.warning("%s: dropped %d more; all are in %s/dropped", data_dir, len(dropped) - NUM_NAMED, backup)


def _compose_ids(data_dir: str | Path, name: str) -> None:
    """Rewrite a table whose ids (keys, or speakers and recordings in its values) are not in composed form (NFC)."""
    path = Path(data_dir, name)
    if path.read_bytes().isascii() or name == "spk2utt":
        return
    table = read_table(data_dir, name)
    composed = compose_keys(table, str(path))
    if name in ("utt2spk", "segments"):
        ids = {key: value.partition(" ")[0] for key, value in composed.items()}
        composed = {key: compose(ids[key]) + value[len(ids[key]) :] for key, value in composed.items()}
    if composed != table:
        logger.info("%s: its ids are written with composed letters now", path)
        write_map(path, composed)


def copy(data_in: str | Path, data_out: str | Path, utt_affixes: tuple[str, str], spk_affixes: tuple[str, str]) -> None:
    """Copy a data directory and add a (prefix, suffix) to all utterance ids and one to all speaker ids."""
    names = [name for name in table_names(data_in) if name != "spk2utt"]
    no_affixes = ("", "")
    for name in names:
        kind = key_kind(name)
        renamed = kind == "utt" or (kind == "rec" and "segments" not in names)
        before, after = utt_affixes if renamed else spk_affixes if kind == "spk" else no_affixes
        table = {before + key + after: value for key, value in read_table(data_in, name).items()}
        if name == "utt2spk":
            before, after = spk_affixes
            table = {utt: before + spk + after for utt, spk in table.items()}
            write_lists(Path(data_out, "spk2utt"), invert(table))
        write_map(Path(data_out, name), table)
    _remove_others(data_out, [*names, "spk2utt"])


def write_copies(
    data_in: str | Path, data_out: str | Path, originals: Mapping[str, str], left_behind: Iterable[str]
) -> None:
    """Write a data directory of copies of utterances; a copy has the lines of its original.

    Speakers and recordings keep their names; ``utt2uniq`` names the originals.

    Parameters
    ----------
    originals : id of the copy -> id of its original in `data_in`.
    left_behind : names of tables that are not copied.
    """
    utt2spk = read_table(data_in, "utt2spk")
    names = [name for name in table_names(data_in) if name not in {"spk2utt", *left_behind}]
    speakers = {utt2spk[utt] for utt in originals.values()}
    for name in names:
        table = read_table(data_in, name)
        kind = key_kind(name)
        if kind == "utt" or (kind == "rec" and "segments" not in names):
            table = {copy: table[utt] for copy, utt in originals.items()}
        elif kind == "spk":
            table = {spk: value for spk, value in table.items() if spk in speakers}
        write_map(Path(data_out, name), table)
    if "utt2uniq" not in names:
        write_map(Path(data_out, "utt2uniq"), originals)
    write_lists(Path(data_out, "spk2utt"), invert({copy: utt2spk[utt] for copy, utt in originals.items()}))
    _remove_others(data_out, [*names, "utt2uniq", "spk2utt"])


def combine(data_out: str | Path, inputs: Sequence[str | Path]) -> None:
    """Write the union of data directories; tables that only some of them have are left out and named in the log.

    ``utt2uniq`` (copy -> original) and ``utt2dialogue`` are kept even if only some have them: in the others, each
    utterance counts as its own original and as a dialogue of its own.

    Raises
    ------
    SerError
        If an utterance is in two inputs; if a speaker or recording has different values in two; if only some inputs
        have segments; or if only some have ``utt2augment`` and there are no features yet, because features made after
        that would be those of the clean recordings.
    """
    names = {str(data_dir): set(table_names(data_dir)) for data_dir in inputs}
    shared = set.intersection(*names.values()) - {"spk2utt"}
    partial = set.union(*names.values()) - shared - {"spk2utt"}
    for name in partial & ({"segments"} if "feats.scp" in shared else {"segments", "utt2augment"}):
        having = ", ".join(data_dir for data_dir in names if name in names[data_dir])
        raise SerError(f"{data_out}: only {having} has {name}; make it for the others, or combine after the features")
    own = partial & {"utt2uniq", "utt2dialogue"}
    partial -= own
    shared |= own
    if partial:
        logger.info("%s: not in all of its parts, so left out: %s", data_out, ", ".join(sorted(partial)))
    for name in sorted(shared):
        table: dict[str, str] = {}
        for data_dir in names:
            if name in names[data_dir]:
                added = read_table(data_dir, name)
            else:
                added = {utt: utt for utt in read_table(data_dir, "utt2spk")}
            _check_union(table, added, name, data_dir)
            table.update(added)
        write_map(Path(data_out, name), table)
        if name == "utt2spk":
            write_lists(Path(data_out, "spk2utt"), invert(table))
            logger.info("%s: %d utterances of %s", data_out, len(table), ", ".join(names))
    _remove_others(data_out, [*shared, "spk2utt"])


def _check_union(table: Mapping[str, str], added: Mapping[str, str], name: str, data_dir: str) -> None:
    for key in table.keys() & added.keys():
        if key_kind(name) == "utt":
            raise SerError(
                f"{data_dir}/{name}: the utterance '{key}' is in another of the inputs; rename it with copy_data_dir"
            )
        if table[key] != added[key]:
            raise SerError(
                f"{data_dir}/{name}: '{key}' is '{added[key]}' here, '{table[key]}' in another of the inputs"
            )


def _distribute(data_in: str | Path, utt2spk: Mapping[str, str], outputs: Mapping[Path, Sequence[str]]) -> None:
    """Write to each output directory the lines of its utterances; no utterance is in two outputs."""
    names = table_names(data_in)
    recordings: Mapping[str, str] = {}
    if "segments" in names:
        recordings = {utt: value.split()[0] for utt, value in read_table(data_in, "segments").items()}
    # Kind of key -> key -> numbers of the outputs that take its line.
    takers: dict[str, dict[str, tuple[int, ...]]] = {"utt": {}, "spk": {}, "rec": {}}
    for number, utts in enumerate(outputs.values()):
        only = (number,)
        takers["utt"].update(dict.fromkeys(utts, only))
        for kind, key_of in (("spk", utt2spk), ("rec", recordings)):
            for key in {key_of[utt] for utt in utts if utt in key_of}:
                takers[kind][key] = (*takers[kind].get(key, ()), number)
    if not recordings:
        takers["rec"] = takers["utt"]
    for name in names:
        if name != "spk2utt":
            _distribute_table(data_in, name, takers[key_kind(name) or ""], list(outputs))
    for path, utts in outputs.items():
        write_lists(path / "spk2utt", invert({utt: utt2spk[utt] for utt in utts}))
        _remove_others(path, [*names, "spk2utt"])


class _UnsortedError(Exception):
    pass


def _distribute_table(
    data_in: str | Path, name: str, takers: Mapping[str, tuple[int, ...]], outputs: Sequence[Path]
) -> None:
    """Write each line of a table to the outputs that take its key.

    A sorted table, which is the usual case, is copied line by line; any other is read into memory first.
    """
    try:
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(atomic_path(path / name)) for path in outputs]
            streams = [stack.enter_context(open(file, "w", encoding="utf-8", newline="\n")) for file in files]
            last = ""
            for key, value in entries(data_in, name):
                if key <= last:
                    raise _UnsortedError
                last = key
                for number in takers.get(key, ()):
                    streams[number].write(f"{key} {value}\n" if value else f"{key}\n")
    except _UnsortedError:
        table = read_table(data_in, name)
        for number, path in enumerate(outputs):
            write_map(path / name, {key: value for key, value in table.items() if number in takers.get(key, ())})


def _remove_others(data_dir: str | Path, names: Iterable[str]) -> None:
    """Remove tables that an earlier run left, because they describe other utterances."""
    for name in set(table_names(data_dir)) - set(names):
        Path(data_dir, name).unlink()
