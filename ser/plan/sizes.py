"""How large a corpus is: from its data dir, else by counting its files, else as it was published.

Published totals are those of ``conf/corpora.tsv``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ser.kaldi import tables
from ser.plan.corpora import Corpus, find, read_corpora

if TYPE_CHECKING:
    from ser.toy.corpora import ToyConfig

# More files than this are not counted: on a file server a walk through a million takes minutes.
MOST_COUNTED = 20_000
# Files whose headers tell the mean length.
SAMPLED = 50
FRAMES_PER_HOUR = 360_000


@dataclass(frozen=True)
class Size:
    """Utterances, hours of speech (0 where a corpus is text), folds (1 where it has none), and how they are known."""

    utts: int
    hours: float
    folds: int
    source: str
    decoded: bool  # whether a program decodes each utterance


def measure(corpus: str, data_dir: Path, folder: Path, toy: ToyConfig | None = None) -> Size | None:
    """Return the size of a corpus, cheaply: no sample is decoded. None where neither of its folders is there.

    Parameters
    ----------
    corpus : its name in run.sh.
    data_dir : what stage 0 makes of it.
    folder : the corpus as it is distributed, or a table of its utterances.
    toy : the sizes of the toy corpora, where it is one of these and need not be there.

    Raises
    ------
    SerError
        Of a corpus that is not known.
    """
    known = find(corpus, read_corpora())
    if (data_dir / "utt2spk").is_file():
        return _of_data_dir(data_dir, known)
    if toy is not None:
        from ser.toy.corpora import count_utterances

        utts = count_utterances(corpus, toy)
        return _size(known, utts, known.toy or 0.0, "settings of the toy corpora", decoded=False)
    if folder.is_file():  # a table of utterances, a line each under its header
        lines = folder.read_bytes().count(b"\n")
        return _size(known, max(1, lines - 1), known.seconds, "counted")
    if not folder.is_dir():
        return None
    if corpus == "dailydialog":
        utts = sum(path.read_bytes().count(b"__eou__") for path in _files(folder, known) if _has_turns(path))
        return _size(known, utts or known.utterances, 0.0, "counted" if utts else "published totals")
    paths = list(islice(_files(folder, known), MOST_COUNTED))
    if not paths or len(paths) == MOST_COUNTED:
        return _size(known, known.utterances, known.seconds, "published totals")
    return _size(known, len(paths), _mean_seconds(paths) or known.seconds, "counted")


def published(corpus: str, where: str) -> Size:
    """Return the published size of a corpus that is not there; `where` it was looked for goes into its source."""
    known = find(corpus, read_corpora())
    return _size(known, known.utterances, known.seconds, f"published totals: no {where}")


def _size(known: Corpus, utts: int, seconds: float, source: str, decoded: bool | None = None) -> Size:
    decoded = known.files == (".m4a",) if decoded is None else decoded
    return Size(utts, utts * seconds / 3600, known.folds, source, decoded)


def _of_data_dir(data_dir: Path, known: Corpus) -> Size:
    utts = sum(1 for _ in tables.read_lines(data_dir / "utt2spk"))
    hours = utts * known.seconds / 3600
    if (data_dir / "utt2num_frames").is_file():
        hours = sum(int(value) for _, _, value in tables.read_lines(data_dir / "utt2num_frames")) / FRAMES_PER_HOUR
    folds = known.folds
    if (data_dir / "utt2fold").is_file():
        folds = len(set(tables.read_map(data_dir / "utt2fold").values()))
    return Size(utts, hours, folds, "data dir", known.files == (".m4a",))


def _files(folder: Path, known: Corpus) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        if known.inside in ("", *Path(root).parts):
            yield from (Path(root, name) for name in names if name.lower().endswith(known.files))


def _has_turns(path: Path) -> bool:
    # The corpus has its dialogues once whole and once in parts; the parts are what a data dir is made of.
    return path.name.startswith("dialogues_") and path.name != "dialogues_text.txt" and "emotion" not in path.name


def _mean_seconds(paths: list[Path]) -> float:
    import soundfile

    lengths = []
    for path in paths[:: max(1, len(paths) // SAMPLED)]:
        try:
            lengths.append(soundfile.info(path).duration)
        except (soundfile.SoundFileError, OSError):  # a format that libsndfile has not; what is broken, stage 1 says
            continue
    return sum(lengths) / len(lengths) if lengths else 0.0
