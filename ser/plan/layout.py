"""Names of all folders of a run, in data/<name> and exp/<name>."""

from dataclasses import dataclass
from pathlib import Path

from ser.plan.roles import NONE, in_order


@dataclass(frozen=True)
class Layout:
    """Folders of data dirs (`data`) and of models and results (`exp`). A fold is a name such as ``1`` or ``none``."""

    data: Path
    exp: Path

    @classmethod
    def of_run(cls, name: str) -> "Layout":
        """Return the layout of the run that --name names."""
        return cls(Path("data", name), Path("exp", name))

    @property
    def toy_corpora(self) -> Path:
        """Where a toy run makes its corpora."""
        return self.data / "corpora"

    def corpus(self, name: str) -> Path:
        """The data dir of a corpus, or of augmented copies of it, with all utterances."""
        return self.data / name

    @staticmethod
    def noisy(name: str) -> str:
        """The name of the noisy copies of a corpus, to use in a data dir's name in place of the corpus's name."""
        return f"{name}_aug"

    @staticmethod
    def at_speed(name: str, factor: str) -> str:
        """The name of the copies of a corpus that are spoken faster or slower."""
        return f"{name}_speed{factor}"

    def classes(self, name: str) -> Path:
        """The data dir of a corpus with classes instead of its own labels, in systems that train on one corpus."""
        return self.data / f"{name}_classes"

    def normalised(self, name: str) -> Path:
        """The data dir of a corpus with features for a network: mean-normalised, without silence."""
        return self.data / f"{name}_no_sil"

    def emotion(self, name: str) -> Path:
        """The data dir of the utterances of a corpus that belong to a class of emotion."""
        return self.data / f"{name}_emotion"

    def role(self, role: str, fold: str) -> Path:
        """The data dir of a role, or of a part such as train or valid, for a fold."""
        return self.data / f"{role}_{fold}"

    def test(self, fold: str) -> Path:
        """The data dir of the utterances that are scored in a fold; in the condition `none`, of all."""
        return self.role("test", fold)

    def model(self, kind: str, fold: str) -> Path:
        """The folder of a trained model, such as finetune or text."""
        return self.exp / f"{kind}_{fold}"

    def vectors(self, kind: str, fold: str, suffix: str = "") -> Path:
        """The folder of utterance vectors: embeddings, text_embeddings, speech+text or posteriors."""
        return self.exp / f"{kind}_{fold}{suffix}"

    def encoded(self, name: str) -> Path:
        """The folder of the embeddings of a published encoder, which are the same in all folds."""
        return self.exp / f"encoded_{name}"

    def trained(self, kind: str, weights: str) -> list[str]:
        """List the folds whose model of this kind is finished, that is, has its file of weights."""
        beginning = self.model(kind, "").name
        found = (path.parent.name for path in self.exp.glob(f"{beginning}*/{weights}"))
        return in_order(name.removeprefix(beginning) for name in found)

    def shared(self, root: Path, kind: str, condition: str) -> Path:
        """<root>/<kind>_<condition> if it exists, else <root>/<kind>_none, which all conditions share."""
        at = Layout(root, root)
        own = at.model(kind, condition)
        return own if own.exists() else at.model(kind, NONE)

    def cell(self, *names: str) -> Path:
        """The folder of a row of the results."""
        return self.cells / "_".join(names)

    @property
    def cells(self) -> Path:
        """The folder of all rows of the results."""
        return self.exp / "cells"

    def audit(self, fold: str) -> Path:
        """The table of what the test set of a fold shares with the training data."""
        return self.audits / f"{fold}.tsv"

    @property
    def audits(self) -> Path:
        """The folder of the audit of each fold."""
        return self.exp / "audit"

    @property
    def logs(self) -> Path:
        """The folder of the logs of job arrays."""
        return self.exp / "log"

    @property
    def card(self) -> Path:
        """The protocol card."""
        return self.exp / "protocol_card.md"

    @property
    def embedded(self) -> Path:
        """The data dir of all utterances of which embeddings are computed."""
        return self.data / "embedded"

    @property
    def test_text(self) -> Path:
        """The data dir of the scored utterances with the words that are scored."""
        return self.data / "test_text"

    @property
    def toy_bert(self) -> Path:
        """The folder of the tiny text model that a toy run starts from."""
        return self.exp / "bert_init"

    @property
    def plan(self) -> Path:
        """The folder of the plan."""
        return self.exp / "plan"
