"""Measure the size of a corpus: from its data dir, else by counting its files, else from the published totals.

``conf/corpora.tsv`` has the published totals.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ser.corpora.decoding import DECODED
from ser.kaldi import tables
from ser.plan.corpora import Corpus, find, read_corpora

if TYPE_CHECKING:
    from ser.toy.corpora import ToyConfig

# Counting stops at this number of files: on a file server, listing a million takes minutes.
MOST_COUNTED = 20_000
# Number of files whose headers are read to estimate the mean length.
SAMPLED = 50
FRAMES_PER_HOUR = 360_000
TABLES = {".csv", ".tsv"}


@dataclass(frozen=True)
class Size:
    """Utterances, hours of speech (0 for text), folds (1 if there are none), and the source of these numbers."""

    utts: int
    hours: float
    folds: int
    source: str
    decoded: bool  # whether an external program decodes each utterance


def measure(corpus: str, data_dir: Path, folder: Path, toy: ToyConfig | None = None) -> Size | None:
    """Return the size of a corpus without decoding audio; None if neither its data dir nor its folder exists.

    Parameters
    ----------
    corpus : name of the corpus in conf/corpora.tsv.
    data_dir : the data dir that stage 0 makes of it.
    folder : the corpus as distributed, or a table of its utterances.
    toy : settings of the toy corpora, if it is one of them; it need not exist yet.

    Raises
    ------
    SerError
        If the corpus is unknown.
    """
    known = find(corpus, read_corpora())
    if (data_dir / "utt2spk").is_file():
        size = of_data_dir(data_dir, known.seconds)
        return replace(size, folds=size.folds or known.folds, decoded=_is_decoded(known))
    if toy is not None:
        from ser.toy.corpora import count_utterances

        utts = count_utterances(corpus, toy)
        return _size(known, utts, known.toy or 0.0, "settings of the toy corpora", decoded=False)
    if folder.is_file():  # a table: a header, then a line for each utterance
        lines = folder.read_bytes().count(b"\n")
        return _size(known, max(1, lines - 1), known.seconds, "counted")
    if not folder.is_dir():
        return None
    if corpus == "dailydialog":
        utts = sum(path.read_bytes().count(b"__eou__") for path in _files(folder, known) if _has_turns(path))
        return _size(known, utts or known.utterances, 0.0, "counted" if utts else "published totals")
    paths = list(islice(_files(folder, known), MOST_COUNTED))
    # A table has many utterances, and a folder may have the same ones in several.
    if not paths or len(paths) == MOST_COUNTED or set(known.files) <= TABLES:
        return _size(known, known.utterances, known.seconds, "published totals")
    return _size(known, len(paths), _mean_seconds(paths) or known.seconds, "counted")


def published(corpus: str, where: str) -> Size:
    """Return the published size of a corpus that was not found; `where`, the missing folder, is named as its source."""
    known = find(corpus, read_corpora())
    return _size(known, known.utterances, known.seconds, f"published totals: no {where}")


def _size(known: Corpus, utts: int, seconds: float, source: str, decoded: bool | None = None) -> Size:
    decoded = _is_decoded(known) if decoded is None else decoded
    return Size(utts, utts * seconds / 3600, known.folds, source, decoded)


def _is_decoded(known: Corpus) -> bool:
    return set(known.files) <= DECODED


def of_data_dir(data_dir: Path, seconds: float) -> Size:
    """Return the size of a data dir, with 0 folds if it tells none; without its utt2num_frames by mean `seconds`."""
    utts = sum(1 for _ in tables.read_lines(data_dir / "utt2spk"))
    hours = utts * seconds / 3600
    if (data_dir / "utt2num_frames").is_file():
        hours = sum(int(value) for _, _, value in tables.read_lines(data_dir / "utt2num_frames")) / FRAMES_PER_HOUR
    folds = 0
    if (data_dir / "utt2fold").is_file():
        folds = len(set(tables.read_map(data_dir / "utt2fold").values()))
    return Size(utts, hours, folds, "data dir", decoded=False)


def _files(folder: Path, known: Corpus) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        if known.inside in ("", *Path(root).parts):
            yield from (Path(root, name) for name in names if name.lower().endswith(known.files))


def _has_turns(path: Path) -> bool:
    # DailyDialog has its dialogues twice, in one file and split into parts; the data dir is made of the parts.
    return path.name.startswith("dialogues_") and path.name != "dialogues_text.txt" and "emotion" not in path.name


def _mean_seconds(paths: list[Path]) -> float:
    import soundfile

    lengths = []
    for path in paths[:: max(1, len(paths) // SAMPLED)]:
        try:
            lengths.append(soundfile.info(path).duration)
        except (soundfile.SoundFileError, OSError):  # not a format of libsndfile, or broken: stage 1 will say
            continue
    return sum(lengths) / len(lengths) if lengths else 0.0
