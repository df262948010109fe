import itertools

import pytest

from ser.asr.wer import WordErrors, by_speaker, interval, word_errors


def fewest(reference: tuple[str, ...], found: tuple[str, ...]) -> int:
    """Levenshtein's distance as its definition has it."""
    if not reference or not found:
        return len(reference) + len(found)
    return min(
        fewest(reference[1:], found[1:]) + (reference[0] != found[0]),
        fewest(reference[1:], found) + 1,
        fewest(reference, found[1:]) + 1,
    )


def test_errors_are_the_fewest_that_mend_it():
    sequences = [sequence for length in range(4) for sequence in itertools.product("ab", repeat=length)]
    for reference, found in itertools.product(sequences, repeat=2):
        errors = word_errors(reference, found)
        assert errors.errors == fewest(reference, found)
        assert len(reference) - errors.deletions + errors.insertions == len(found)
        assert errors.words == len(reference)


def test_rates_add_up_by_speaker():
    errors = {"s1-a": WordErrors(1, 0, 0, 4), "s2-b": WordErrors(0, 2, 1, 6), "s1-c": WordErrors(0, 0, 0, 6)}
    found = by_speaker(errors, {"s1-a": "s1", "s2-b": "s2", "s1-c": "s1"})
    assert {speaker: value.rate for speaker, value in found.items()} == {"s1": 0.1, "s2": 0.5}
    assert sum(errors.values(), WordErrors()).rate == pytest.approx(0.25)
    low, high = interval(found.values())
    assert (low, high) == (pytest.approx(0.1), pytest.approx(0.5))
