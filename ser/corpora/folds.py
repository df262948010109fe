"""Assign speakers to disjoint, balanced folds that are the same on every machine; split utterances at random."""

import re
from collections.abc import Iterable, Mapping

from ser.errors import SerError


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that orders the numbers in a name by value.

    >>> sorted(["10", "2", "a10", "a9", "1"], key=natural_key)
    ['1', '2', '10', 'a9', 'a10']
    """
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def assign_folds(genders: Mapping[str, str], num_folds: int) -> dict[str, str]:
    """Deal the speakers of each sex out to the folds in turn, in the order of their names.

    Nothing is random: a fold depends on the names alone. The second sex begins where the first ended, so that
    the folds' sizes differ by one speaker at most.

    Parameters
    ----------
    genders : speaker -> ``m`` or ``f``.
    num_folds : number of folds, at least 2 and at most the number of speakers.

    Returns
    -------
    speaker -> fold, ``1`` to str(num_folds).

    Examples
    --------
    >>> assign_folds({"a": "m", "b": "f", "c": "m", "d": "f", "e": "m"}, 2)
    {'b': '1', 'd': '2', 'a': '1', 'c': '2', 'e': '1'}
    """
    if not 2 <= num_folds <= len(genders):
        raise SerError(
            f"{num_folds} folds of {len(genders)} speakers: give 2 folds or more, each with at least one speaker"
        )
    dealt = sorted(genders, key=lambda speaker: (genders[speaker], speaker))
    return {speaker: str(turn % num_folds + 1) for turn, speaker in enumerate(dealt)}


def published_folds(folds: Mapping[str, str]) -> dict[str, str]:
    """Turn folds as they are published, fold -> speakers, into speaker -> fold.

    >>> published_folds({"1": "JE", "2": "KL DC"})
    {'JE': '1', 'KL': '2', 'DC': '2'}
    """
    return {speaker: fold for fold, speakers in folds.items() for speaker in speakers.split()}


def group_folds(folds: Iterable[str], groups: int) -> dict[str, str]:
    """Merge folds into `groups` larger folds, dealt out in turn: fold -> group; with 0 groups nothing is merged.

    >>> group_folds(["1", "2", "10"], 2)
    {'1': '1', '2': '2', '10': '1'}
    """
    names = sorted(set(folds), key=natural_key)
    if groups and not 2 <= groups <= len(names):
        raise SerError(
            f"{groups} groups of {len(names)} folds: give 2 or more, each with at least one fold, or 0 for none"
        )
    return {name: str(turn % groups + 1) if groups else name for turn, name in enumerate(names)}


def split_stratified(utt2class: Mapping[str, str], shares: Mapping[str, float], seed: int) -> dict[str, list[str]]:
    """Split utterances at random into parts of these shares, and ``train`` for the rest, stratified by class.

    Uses scikit-learn's `train_test_split`, the last part first, as Zhou et al. do in section 3.3.

    Examples
    --------
    >>> utt2class = {f"{index:02d}": "ab"[index % 2] for index in range(20)}
    >>> {part: len(utts) for part, utts in split_stratified(utt2class, {"valid": 0.2, "test": 0.1}, 0).items()}
    {'train': 14, 'valid': 4, 'test': 2}
    """
    from sklearn.model_selection import train_test_split

    if min(shares.values()) <= 0 or sum(shares.values()) >= 1:
        found = ", ".join(f"{part} {share:g}" for part, share in shares.items())
        raise SerError(
            f"shares of the parts: each must be over 0, and their sum under 1, to leave training data; found {found}"
        )
    rest, parts = sorted(utt2class), {}
    for part, share in reversed(list(shares.items())):
        size = round(share * len(utt2class))
        try:
            rest, parts[part] = train_test_split(
                rest, test_size=size, random_state=seed, stratify=[utt2class[utt] for utt in rest]
            )
        except ValueError as error:
            raise SerError(
                f"{len(utt2class)} utterances: no part '{part}' of {size} with every class: {error}"
            ) from error
    return {"train": sorted(rest)} | {part: sorted(parts[part]) for part in shares}


def balance_folds(counts: Mapping[str, Mapping[str, float]], num_folds: int) -> dict[str, str]:
    """Assign speakers to folds that have about equal counts: of utterances of each class, of each sex, of speakers.

    Speakers with the most utterances come first. Each goes to the fold that so far has the least of what this speaker
    has, with every count taken as a share of its total. Nothing is random, and no speaker is in two folds.

    Parameters
    ----------
    counts : speaker -> name of a count -> the speaker's count, such as ``{"anger": 12, "m": 1}``.
    num_folds : at least 2 and at most the number of speakers, so that no fold is empty.

    Returns
    -------
    speaker -> fold, ``1`` to str(num_folds).

    Examples
    --------
    >>> balance_folds({"a": {"anger": 3}, "b": {"anger": 1}, "c": {"sad": 1}, "d": {"sad": 3}}, 2)
    {'a': '1', 'd': '2', 'b': '2', 'c': '1'}
    """
    import numpy as np

    if not 2 <= num_folds <= len(counts):
        raise SerError(
            f"{num_folds} folds of {len(counts)} speakers, or groups of speakers who speak together: give 2 folds or "
            "more, each with at least one"
        )
    names = sorted({name for of_speaker in counts.values() for name in of_speaker})
    order = sorted(counts, key=lambda speaker: (-sum(counts[speaker].values()), speaker))
    # (speakers, counted things), then a column of ones: the number of speakers.
    table = np.array([[counts[speaker].get(name, 0.0) for name in names] + [1.0] for speaker in order])
    table /= np.maximum(table.sum(axis=0), 1.0)
    folds = np.zeros((num_folds, table.shape[1]))
    chosen = {}
    for speaker, shares in zip(order, table, strict=True):
        # Equal folds minimise the sum of squares. Adding the speaker to a fold raises it by 2 folds @ shares + a
        # constant, so take the fold with the least product, (num_folds,).
        fold = int(np.argmin(folds @ shares))
        folds[fold] += shares
        chosen[speaker] = str(fold + 1)
    return chosen
