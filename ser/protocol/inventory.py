"""Tables of the utterances of a data dir, completed by the tables of the corpora that it was made of."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ser.errors import SerError
from ser.kaldi import datadir


class Corpora:
    """Data dirs of whole corpora, as stage 1 writes them.

    They have tables that a combination of several corpora lacks, because only some of the corpora have them.

    Parameters
    ----------
    data_dirs : one for each corpus, named like it; no utterance is in two of them.
    """

    def __init__(self, data_dirs: Iterable[str | Path] = ()) -> None:
        self.dirs = {Path(data_dir).name: Path(data_dir) for data_dir in data_dirs}
        self._corpus: dict[str, str] = {}
        for name, path in self.dirs.items():
            self._corpus.update(dict.fromkeys(datadir.read_table(path, "utt2spk"), name))
        self._tables: dict[str, dict[str, str]] = {}

    def corpus(self, utt: str) -> str | None:
        """Return the name of the corpus that has this utterance; None if no corpus has it."""
        return self._corpus.get(utt)

    def table(self, name: str) -> Mapping[str, str]:
        """Read a table from all corpora that have it, and merge: utterance -> value."""
        if name not in self._tables:
            merged: dict[str, str] = {}
            for path in self.dirs.values():
                if (path / name).is_file():
                    merged.update(datadir.read_table(path, name))
            self._tables[name] = merged
        return self._tables[name]


class Inventory:
    """The utterances of one data dir.

    Attributes
    ----------
    path : the data dir.
    utt2spk : utterance -> speaker.
    originals : utterance -> the utterance that it is a copy of (utt2uniq), or itself if it is an original.
    """

    def __init__(self, data_dir: str | Path, corpora: Corpora) -> None:
        self.path = Path(data_dir)
        self.corpora = corpora
        self.utt2spk = datadir.read_table(self.path, "utt2spk")
        if not self.utt2spk:
            raise SerError(f"{self.path}/utt2spk: no utterances; make the data dir again")
        uniq = self.own_table("utt2uniq")
        # Interned: the name of an original is in memory once, however many copies it has.
        self.originals = {utt: sys.intern(uniq.get(utt, utt)) for utt in self.utt2spk}

    def own_table(self, name: str) -> Mapping[str, str]:
        """Read a table of the data dir itself; empty if the data dir does not have it."""
        return datadir.read_table(self.path, name) if (self.path / name).is_file() else {}

    def table(self, name: str) -> dict[str, str]:
        """Return utterance -> value, from the data dir, else from the corpus of the original."""
        own, told = self.own_table(name), self.corpora.table(name)
        values = {}
        for utt, original in self.originals.items():
            value = own.get(utt, told.get(original))
            if value is not None:
                values[utt] = value
        return values

    def qualified(self, name: str) -> dict[str, str]:
        """Return `table` with ``<corpus>/`` before each value: fold 1 of one corpus is not fold 1 of another."""
        return {utt: f"{self.corpora.corpus(self.originals[utt]) or '?'}/{v}" for utt, v in self.table(name).items()}
