"""Who trains what and is scored on what: roles, the conditions that follow from them, and folds.

A role is a list of corpora that something is trained on: the x-vector net's pretraining, its fine-tuning, the back
end, the text model. One corpus is scored. Where it is also in a role, what that role trains exists once for each fold
of that corpus, without the fold's utterances; what has no such role is trained once. Only this module decides that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ser.corpora.folds import natural_key
from ser.errors import SerError

# The condition in which nothing is trained on the corpus that is scored, and the fold of what is trained once.
NONE = "none"


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in order of first appearance.

    >>> distinct(["cremad", "iemocap", "cremad"])
    ('cremad', 'iemocap')
    """
    return tuple(dict.fromkeys(names))


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names of folds or seeds, each once: `none` first, then numbers by their value, then words.

    >>> in_order(["10", "2", "random", "none", "2"])
    ['none', '2', '10', 'random']
    """

    return sorted(set(names), key=lambda name: (name != NONE, natural_key(name)))


def next_fold(fold: str, folds: Iterable[str]) -> str:
    """Return the fold after `fold`, after the last the first: the one that validates the models which `fold` tests.

    >>> next_fold("2", ["1", "2", "10"]), next_fold("10", ["1", "2", "10"])
    ('10', '1')
    """
    ordered = in_order(folds)
    if fold not in ordered:
        raise SerError(f"no fold '{fold}'; there are {', '.join(ordered)}")
    return ordered[(ordered.index(fold) + 1) % len(ordered)]


@dataclass(frozen=True)
class Roles:
    """The corpora of each role of a run; a role without corpora trains nothing.

    Attributes
    ----------
    pretrain, finetune : of the x-vector net, on speakers and on emotions.
    backend : of LDA and PLDA.
    text_train : of the text model.
    test : the corpus that is scored.
    folds : of that corpus.
    """

    pretrain: tuple[str, ...]
    finetune: tuple[str, ...]
    backend: tuple[str, ...]
    text_train: tuple[str, ...]
    test: str
    folds: tuple[str, ...]

    @property
    def training(self) -> dict[str, tuple[str, ...]]:
        """The roles that train something, by the names of their data dirs and models."""
        roles = {"pretrain": self.pretrain, "finetune": self.finetune, "backend": self.backend, "text": self.text_train}
        return {name: corpora for name, corpora in roles.items() if corpora}

    @property
    def speech(self) -> tuple[str, ...]:
        """The corpora that an x-vector net of emotion depends on, through its pretraining too."""
        return distinct((*self.pretrain, *self.finetune))

    def trained_on(self, condition: str, modality: str) -> tuple[str, ...]:
        """Return the corpora that a score of ``speech``, ``text`` or ``speech+text`` depends on in a condition."""
        speech = self.speech if "speech" in modality else ()
        text = self.text_train if "text" in modality else ()
        return self.corpora_of(condition, (*speech, *text, *self.backend))

    def conditions(self) -> list[str]:
        """List what the run trains and scores.

        `none`, without the corpus that is scored, if every role has another to train on; then each of its folds, if any
        role trains on it.

        Raises
        ------
        SerError
            Where nothing follows: some role has that corpus alone, and it has no folds.
        """
        roles = self.training.values()
        without = [NONE] if all(self.corpora_of(NONE, role) for role in roles) else []
        folds = in_order(self.folds) if any(self.test in role for role in roles) else []
        if not without and not folds:
            raise SerError(
                f"'{self.test}' is all that some role trains on, and it has no folds here; name another corpus for the"
                " role, or score one that has folds"
            )
        return without + folds

    def corpora_of(self, condition: str, corpora: Iterable[str]) -> tuple[str, ...]:
        """Return those of `corpora` that are trained on in a condition: all, in `none` without the one scored."""
        return tuple(name for name in distinct(corpora) if condition != NONE or name != self.test)

    def fold_of(self, condition: str, corpora: Iterable[str]) -> str:
        """Return the fold of what is trained on `corpora` in a condition: `none` where all conditions share it."""
        return condition if self.test in corpora else NONE

    def folds_of(self, corpora: Iterable[str]) -> list[str]:
        """List the folds of what is trained on `corpora`, over all conditions; none where there are no corpora."""
        corpora = tuple(corpora)
        return in_order(self.fold_of(condition, corpora) for condition in self.conditions()) if corpora else []

    def trained_folds(self) -> list[str]:
        """List the folds that something is trained for. What is trained for `none` is scored on all of the corpus."""
        return in_order(fold for corpora in self.training.values() for fold in self.folds_of(corpora))

    def trained_for(self, fold: str) -> list[str]:
        """List the roles that train something for just this fold."""
        return [name for name, corpora in self.training.items() if fold in self.folds_of(corpora)]
