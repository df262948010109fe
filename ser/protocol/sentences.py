"""Accuracy of a lookup table "sentence -> class", which shows how far the sentence alone determines the class.

If actors speak different sentences in each emotion, a text model can learn the sentences instead of the emotion. SAVEE
(Haq and Jackson) is such a corpus: the table reaches 75 % on its 7 classes, where chance is 25 %.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError


@dataclass(frozen=True)
class TableScore:
    """Scores of a table "sentence -> class"; all are shares of 1.

    Attributes
    ----------
    known : share of test utterances whose sentence is also in the training data.
    accuracy, recall : accuracy of the table, and its mean recall over classes. If n classes are equally frequent for a
        sentence, each counts 1 / n. A sentence that is not in the training data gets the most frequent training class.
    majority : accuracy of the most frequent training class.
    """

    known: float
    accuracy: float
    recall: float
    majority: float


def score_table(
    train: Mapping[str, str], train_classes: Mapping[str, str], test: Mapping[str, str], test_classes: Mapping[str, str]
) -> TableScore | None:
    """Learn the table from one side and score it on the other.

    Parameters
    ----------
    train, test : utterance -> its sentence, normalised; utterances without words are skipped.
    train_classes, test_classes : utterance -> class.

    Returns
    -------
    TableScore or None
        None if a side has no utterance with words and a class.

    Examples
    --------
    >>> score_table({"a": "oh no", "b": "well"}, {"a": "sad", "b": "calm"}, {"c": "oh no"}, {"c": "sad"}).accuracy
    1.0
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    overall: Counter[str] = Counter()
    for utt, sentence in train.items():
        if sentence and utt in train_classes:
            counts[sentence][train_classes[utt]] += 1
            overall[train_classes[utt]] += 1
    scored = [utt for utt, sentence in test.items() if sentence and utt in test_classes]
    if not overall or not scored:
        return None
    right, common = defaultdict(list), _chance(overall)
    for utt in scored:
        chances = _chance(counts[test[utt]]) if test[utt] in counts else common
        right[test_classes[utt]].append(chances.get(test_classes[utt], 0.0))
    return TableScore(
        known=sum(test[utt] in counts for utt in scored) / len(scored),
        accuracy=sum(map(sum, right.values())) / len(scored),
        recall=float(np.mean([np.mean(values) for values in right.values()])),
        majority=sum(common.get(test_classes[utt], 0.0) for utt in scored) / len(scored),
    )


def deal_sentences(pairs: Iterable[tuple[str, str]], parts: int) -> dict[str, int]:
    """Deal sentences out to parts in turn, class by class: sentence -> part, 0 to parts - 1.

    Parameters
    ----------
    pairs : sentence and class of each utterance; a sentence belongs to its most frequent class.
    parts : number of parts.

    Raises
    ------
    SerError
        If there are fewer sentences than parts.

    >>> deal_sentences([("no", "sad"), ("oh", "sad"), ("well", "calm"), ("", "sad"), ("yes", "calm")], 2)
    {'well': 0, 'yes': 1, 'no': 0, 'oh': 1}
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence, name in pairs:
        if sentence:
            counts[sentence][name] += 1
    if len(counts) < parts:
        raise SerError(f"{len(counts)} sentences cannot be dealt out to {parts} parts; lower their number")
    home = {sentence: min(names, key=lambda name: (-names[name], name)) for sentence, names in counts.items()}
    order = sorted(counts, key=lambda sentence: (home[sentence], sentence))
    return {sentence: turn % parts for turn, sentence in enumerate(order)}


def _chance(counts: Counter[str]) -> dict[str, float]:
    """Return the most frequent classes, each with probability 1 / n if n classes tie."""
    most = max(counts.values())
    best = [name for name, count in counts.items() if count == most]
    return dict.fromkeys(best, 1.0 / len(best))
