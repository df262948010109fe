"""Map the labels of a corpus to the classes of a system, by the files conf/emotions/*.map."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines


def read_label_map(path: str | Path) -> dict[str, str]:
    """Read lines ``<label of the corpus> <class>``; a ``#`` starts a comment.

    Raises
    ------
    SerError
        If a line does not have 2 fields, a label occurs twice (with file and line), or there is no line at all.
    """
    lines = read_text_lines(path, "the maps are conf/emotions/*.map")
    mapping: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        if len(fields) != 2:
            raise SerError(
                f"{path}:{number}: expected a native label and its class, found {len(fields)} fields: '{line}'"
            )
        if fields[0] in mapping:
            raise SerError(f"{path}:{number}: the label '{fields[0]}' has an earlier line; keep one line per label")
        mapping[fields[0]] = fields[1]
    if not mapping:
        raise SerError(f"{path}: no label in it; expected lines of a native label and its class")
    return mapping


def apply_label_map(mapping: Mapping[str, str], utt2emo: Mapping[str, str]) -> tuple[dict[str, str], Counter[str]]:
    """Map the labels; return utterance -> class, and the number of utterances of each label that the map lacks.

    >>> apply_label_map({"calm": "neutral"}, {"a-1": "calm", "a-2": "other"})
    ({'a-1': 'neutral'}, Counter({'other': 1}))
    """
    mapped = {utt: mapping[emotion] for utt, emotion in utt2emo.items() if emotion in mapping}
    return mapped, Counter(emotion for emotion in utt2emo.values() if emotion not in mapping)


def map_labels(mapping: Mapping[str, str], labels: str) -> list[str]:
    """Return the sorted classes of a value of ``utt2labels``; labels that the map lacks do not count.

    >>> map_labels({"joy": "happiness", "love": "happiness", "grief": "sadness"}, "love fear grief joy")
    ['happiness', 'sadness']
    """
    return sorted({mapping[label] for label in labels.split() if label in mapping})


def one_class(
    mapping: Mapping[str, str], utt2labels: Mapping[str, str]
) -> tuple[dict[str, str], Counter[str], list[str]]:
    """Map utterances that may have several labels.

    Returns utterance -> class for those whose labels give one class; the number of utterances without a class, by their
    labels; and the utterances of several classes.

    >>> one_class({"joy": "happiness", "grief": "sadness"}, {"a": "joy pride", "b": "joy grief", "c": "fear"})
    ({'a': 'happiness'}, Counter({'fear': 1}), ['b'])
    """
    classes = {utt: map_labels(mapping, labels) for utt, labels in utt2labels.items()}
    unlisted = Counter(utt2labels[utt] for utt, names in classes.items() if not names)
    mapped = {utt: names[0] for utt, names in classes.items() if len(names) == 1}
    return mapped, unlisted, [utt for utt, names in classes.items() if len(names) > 1]


def vote_shares(mapping: Mapping[str, str], votes: str) -> dict[str, float]:
    """Return the share of each class in the votes of a value of ``utt2votes``; labels that the map lacks do not count.

    >>> vote_shares({"excitement": "joy", "happiness": "joy", "sadness": "sad"}, "excitement:1 happiness:2 sadness:1")
    {'joy': 0.75, 'sad': 0.25}
    """
    counts: Counter[str] = Counter()
    for vote in votes.split():
        emotion, colon, count = vote.partition(":")
        if not colon or not count.isdecimal():
            raise SerError(f"utt2votes: expected 'emotion:count ...', found '{votes}'; prepare the corpus again")
        if emotion in mapping:
            counts[mapping[emotion]] += int(count)
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items() if count}
