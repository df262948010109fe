"""Decide which corpora train and test which models: roles, the conditions that follow from them, and folds.

A role is a list of corpora on which something is trained: the x-vector net's pretraining, its fine-tuning, the back
end, the text model. One corpus is scored. If a role contains the scored corpus, its model is trained once for each fold
of that corpus, without the utterances of the fold; if not, its model is trained once. Only this module decides that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ser.corpora.folds import natural_key
from ser.errors import SerError

# The condition in which nothing is trained on the scored corpus; also the "fold" of a model that is trained only once.
NONE = "none"


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in order of first appearance.

    >>> distinct(["cremad", "iemocap", "cremad"])
    ('cremad', 'iemocap')
    """
    return tuple(dict.fromkeys(names))


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names of folds or seeds and drop repeats: `none` first, then numbers by their value, then words.

    >>> in_order(["10", "2", "random", "none", "2"])
    ['none', '2', '10', 'random']
    """

    return sorted(set(names), key=lambda name: (name != NONE, natural_key(name)))


def next_fold(fold: str, folds: Iterable[str]) -> str:
    """Return the fold after `fold`, or the first after the last. It is the validation fold for the test fold `fold`.

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
    pretrain, finetune : corpora that train the x-vector net, first on speakers, then on emotions.
    backend : corpora that train LDA and PLDA.
    text_train : corpora that train the text model.
    test : the scored corpus.
    folds : folds of the scored corpus.
    """

    pretrain: tuple[str, ...]
    finetune: tuple[str, ...]
    backend: tuple[str, ...]
    text_train: tuple[str, ...]
    test: str
    folds: tuple[str, ...]

    @property
    def training(self) -> dict[str, tuple[str, ...]]:
        """The roles that have corpora, named as in their data dirs and models."""
        roles = {"pretrain": self.pretrain, "finetune": self.finetune, "backend": self.backend, "text": self.text_train}
        return {name: corpora for name, corpora in roles.items() if corpora}

    @property
    def speech(self) -> tuple[str, ...]:
        """The corpora on which the fine-tuned x-vector net depends, those of its pretraining included."""
        return distinct((*self.pretrain, *self.finetune))

    def trained_on(self, condition: str, modality: str) -> tuple[str, ...]:
        """Return the training corpora behind a score of ``speech``, ``text`` or ``speech+text`` in a condition."""
        speech = self.speech if "speech" in modality else ()
        text = self.text_train if "text" in modality else ()
        return self.corpora_of(condition, (*speech, *text, *self.backend))

    def train_name(self, condition: str, modality: str) -> str:
        """Return the value of the results' column `train`, such as ``voxceleb1+cremad``.

        If the back end was trained on other corpora than the fine-tuning, these follow:
        ``voxceleb1+cremad,backend:cremad+iemocap``.
        """
        net, backend = (self.corpora_of(condition, corpora) for corpora in (self.finetune, self.backend))
        if "speech" not in modality or not net or set(net) == set(backend):
            return "+".join(self.trained_on(condition, modality))
        text = self.text_train if "text" in modality else ()
        return f"{'+'.join(self.corpora_of(condition, (*self.speech, *text)))},backend:{'+'.join(backend)}"

    def conditions(self) -> list[str]:
        """List the conditions in which the run trains and scores.

        First `none`, without the scored corpus in training, if every role has another corpus to train on; then each
        fold of the scored corpus, if any role trains on it.

        Raises
        ------
        SerError
            If there is no condition: some role has only the scored corpus, and that has no folds.
        """
        roles = self.training.values()
        without = [NONE] if all(self.corpora_of(NONE, role) for role in roles) else []
        folds = in_order(self.folds) if any(self.test in role for role in roles) else []
        if not without and not folds:
            raise SerError(
                f"'{self.test}' is the only corpus of some role, and it has no folds here; name another corpus for the"
                " role, or score one that has folds"
            )
        return without + folds

    def corpora_of(self, condition: str, corpora: Iterable[str]) -> tuple[str, ...]:
        """Return the corpora that train in a condition: all of `corpora`, but in `none` without the scored corpus."""
        return tuple(name for name in distinct(corpora) if condition != NONE or name != self.test)

    def fold_of(self, condition: str, corpora: Iterable[str]) -> str:
        """Return the fold of a model trained on `corpora` in a condition: `none` if all conditions share the model."""
        return condition if self.test in corpora else NONE

    def folds_of(self, corpora: Iterable[str]) -> list[str]:
        """List the folds of models trained on `corpora`, over all conditions; empty if there are no corpora."""
        corpora = tuple(corpora)
        return in_order(self.fold_of(condition, corpora) for condition in self.conditions()) if corpora else []

    def trained_folds(self) -> list[str]:
        """List the folds for which some model is trained. Models of `none` are scored on the whole corpus."""
        return in_order(fold for corpora in self.training.values() for fold in self.folds_of(corpora))

    def trained_for(self, fold: str) -> list[str]:
        """List the roles that train a model for this fold."""
        return [name for name, corpora in self.training.items() if fold in self.folds_of(corpora)]
