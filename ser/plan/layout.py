"""The folders of a run, and nothing else: what is called how in data/<name> and exp/<name>."""

from dataclasses import dataclass
from pathlib import Path

from ser.plan.roles import NONE


@dataclass(frozen=True)
class Layout:
    """Folders of data dirs (`data`) and of models and results (`exp`). A fold is a name such as ``1`` or ``none``."""

    data: Path
    exp: Path

    @classmethod
    def of_run(cls, name: str) -> "Layout":
        """Return the folders of the run of that --name."""
        return cls(Path("data", name), Path("exp", name))

    @property
    def toy_corpora(self) -> Path:
        """Where a toy run makes its corpora."""
        return self.data / "corpora"

    def corpus(self, name: str) -> Path:
        """The data dir of a corpus, or of copies of it, with all its utterances."""
        return self.data / name

    def normalised(self, name: str) -> Path:
        """The same with features ready for a network: normalised, without silence."""
        return self.data / f"{name}_no_sil"

    def emotion(self, name: str) -> Path:
        """The utterances of it that belong to a class."""
        return self.data / f"{name}_emotion"

    def role(self, role: str, fold: str) -> Path:
        """What a role, or a part such as train or valid, has for a fold."""
        return self.data / f"{role}_{fold}"

    def test(self, fold: str) -> Path:
        """What is scored in a fold; in `none` all."""
        return self.role("test", fold)

    def model(self, kind: str, fold: str) -> Path:
        """A trained model, such as finetune or text."""
        return self.exp / f"{kind}_{fold}"

    def vectors(self, kind: str, fold: str, suffix: str = "") -> Path:
        """Vectors of utterances: embeddings, text_embeddings, speech+text, posteriors."""
        return self.exp / f"{kind}_{fold}{suffix}"

    def shared(self, root: Path, kind: str, condition: str) -> Path:
        """<root>/<kind>_<condition> where that is there, else the one that all conditions share."""
        own = root / f"{kind}_{condition}"
        return own if own.exists() else root / f"{kind}_{NONE}"

    def cell(self, *names: str) -> Path:
        """The folder of a row of the results."""
        return self.exp / "cells" / "_".join(names)

    def audit(self, fold: str) -> Path:
        """The table of what a fold's test set shares with what trains."""
        return self.exp / "audit" / f"{fold}.tsv"

    @property
    def plan(self) -> Path:
        """Where the plan is written."""
        return self.exp / "plan"
