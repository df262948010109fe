"""Speakers shared out to folds: disjoint, balanced by sex, the same on every machine."""

from collections.abc import Mapping

from ser.errors import SerError


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
            f"{num_folds} folds of {len(genders)} speakers: give 2 folds or more, each with a speaker at least"
        )
    dealt = sorted(genders, key=lambda speaker: (genders[speaker], speaker))
    return {speaker: str(turn % num_folds + 1) for turn, speaker in enumerate(dealt)}
