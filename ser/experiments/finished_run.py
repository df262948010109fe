"""What a grid takes from the finished run that it builds on: options, data dirs and models, and their digests."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from ser.errors import SerError
from ser.plan.facts import read_folds
from ser.plan.layout import Layout
from ser.plan.roles import Roles, distinct, in_order
from ser.plan.xvector_bert_options import Options
from ser.record.digests import Digests

WEIGHTS = "model.safetensors"


class FinishedRun:
    """A run; each method that returns a folder checks that it is there.

    Parameters
    ----------
    options : the run's options.
    at : its folders.
    digests : digests of its files.
    """

    def __init__(self, options: Options, at: Layout, digests: Digests) -> None:
        self.options, self.at, self._digests = options, at, digests

    @cached_property
    def roles(self) -> Roles:
        """The corpora of each role, with the folds of the test corpus in their order."""
        return self.options.roles(tuple(in_order(read_folds(self.emotion(self.options.test)))))

    def data_dir(self, folder: Path) -> Path:
        """Return a data dir of the run."""
        return self._given(folder, "utt2spk", "data dir")

    def emotion(self, name: str) -> Path:
        """Return the data dir of a corpus, or of copies of it, with the classes of emotion."""
        return self.data_dir(self.at.emotion(name))

    def corpora(self, names: Iterable[str]) -> list[Path]:
        """Return the data dirs of whole corpora, each once."""
        return [self.data_dir(self.at.corpus(name)) for name in distinct(names)]

    def model(self, kind: str, fold: str) -> Path:
        """Return the folder of a finished model."""
        return self._given(self.at.model(kind, fold), WEIGHTS, "finished model")

    def digest_data(self, *folders: Path) -> dict[str, str]:
        """Return data dir -> digest of its contents."""
        return {str(folder): self._digests.data_dir(folder) for folder in folders}

    def digest_model(self, folder: Path) -> dict[str, str]:
        """Return the folder of a model -> digest of its weights and settings."""
        return {str(folder): self._digests.model(folder)}

    def digest_file(self, path: Path) -> dict[str, str]:
        """Return file -> digest; an empty dict if the file does not exist."""
        return {str(path): self._digests.file(path)} if path.is_file() else {}

    def _given(self, folder: Path, name: str, what: str) -> Path:
        if not (folder / name).is_file():
            told = f"the options of earlier runs are in {self.at.exp}/commands.txt"
            raise SerError(f"{folder}: no {what}; make it by ./run.sh --name {self.options.name} ({told})")
        return folder
