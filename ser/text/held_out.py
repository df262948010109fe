"""Splits texts into training and validation: whole dialogues, and no validation text whose words are in training."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.kaldi.datadir import normalise_text

# What a corpus calls its own validation part, in utt2part.
VALIDATION = "validation"


class Split(NamedTuple):
    """Indices (int64) of the training and the validation texts; `said` describes the split in words."""

    train: np.ndarray
    valid: np.ndarray
    said: str


def split_off(
    utts: Sequence[str],
    texts: Mapping[str, str],
    labels: Sequence[str],
    dialogues: Mapping[str, str],
    parts: Mapping[str, str],
    fraction: float,
    seed: int,
) -> Split:
    """Split texts into a training and a validation part.

    The corpus's own validation part is taken, if it has one; else a random share of the dialogues, stratified by the
    rarest class of each dialogue. Without dialogues, texts with equal words (case, punctuation and blanks aside) stay
    together. Validation texts whose words are also in the training part are left out: in DailyDialog these are mostly
    "Yes." and repeated dialogues.

    Parameters
    ----------
    utts, labels : names and classes of the texts, of equal length.
    texts : name -> words.
    dialogues, parts : name -> dialogue, and name -> part of the corpus; empty where the corpus has none.
    fraction : share of the dialogues (or texts) for validation.

    Raises
    ------
    SerError
        If `fraction` is not between 0 and 1, or no text is left for validation.
    """
    words = [normalise_text(texts[utt]) or texts[utt].strip() for utt in utts]
    if any(parts.get(utt) == VALIDATION for utt in utts):
        is_valid = np.array([parts.get(utt) == VALIDATION for utt in utts])
        how = "the corpus's own validation part"
    else:
        units = _units(utts, words, dialogues)
        is_valid = _draw(units, labels, fraction, seed)
        chosen = {unit for unit, held in zip(units, is_valid, strict=True) if held}
        how = f"{len(chosen)} of {len(set(units))} {'dialogues' if dialogues else 'different texts'}"
    trained = {word for word, held in zip(words, is_valid, strict=True) if not held}
    is_seen = np.array([held and word in trained for word, held in zip(words, is_valid, strict=True)])
    valid = np.flatnonzero(is_valid & ~is_seen)
    said = f"validated by {how}: {len(valid)} texts; {is_seen.sum()} more are left out, whose words are in training too"
    if not len(valid) or not len(trained):
        raise SerError(
            f"{len(utts)} texts, {len(set(words))} of them different: {said}; give texts of more dialogues, or other"
            " ones for validation by --valid-data"
        )
    return Split(np.flatnonzero(~is_valid), valid, said)


def count_shared(train: Mapping[str, str], valid: Mapping[str, str]) -> int:
    """Count the texts of `valid` whose words are in `train` too; case, punctuation and blanks do not matter."""
    trained = {normalise_text(text) or text.strip() for text in train.values()}
    return sum((normalise_text(text) or text.strip()) in trained for text in valid.values())


def hold_out(labels: Sequence[str], fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split items at random, class by class, into training and validation indices.

    A class of two items or more has at least one in each part.
    """
    if not 0 < fraction < 1:
        raise SerError(f"valid_fraction is {fraction}; it must be over 0 and under 1 without a validation data dir")
    rng = np.random.default_rng(seed)
    valid = np.zeros(len(labels), dtype=bool)
    for label in sorted(set(labels)):
        members = rng.permutation([index for index, other in enumerate(labels) if other == label])
        valid[members[: min(max(1, round(fraction * len(members))), len(members) - 1)]] = True
    return np.flatnonzero(~valid), np.flatnonzero(valid)


def _units(utts: Sequence[str], words: Sequence[str], dialogues: Mapping[str, str]) -> list[str]:
    """Return the unit that each text is drawn with: its dialogue, or all texts with equal words."""
    sizes: dict[str, int] = {}
    for utt in utts:
        if utt in dialogues:
            sizes[dialogues[utt]] = sizes.get(dialogues[utt], 0) + 1
    return [
        f"dialogue {dialogues[utt]}" if sizes.get(dialogues.get(utt, ""), 0) > 1 else f"text {word}"
        for utt, word in zip(utts, words, strict=True)
    ]


def _draw(units: Sequence[str], labels: Sequence[str], fraction: float, seed: int) -> np.ndarray:
    """Draw units for validation, stratified by the rarest class of each: a mask (N,) over the texts."""
    counts = {label: labels.count(label) for label in set(labels)}
    rarest: dict[str, str] = {}
    for unit, label in zip(units, labels, strict=True):
        rarest[unit] = min(rarest.get(unit, label), label, key=lambda name: (counts[name], name))
    names = sorted(rarest)
    _, held = hold_out([rarest[name] for name in names], fraction, seed)
    chosen = {names[index] for index in held}
    return np.array([unit in chosen for unit in units])
