"""Two names for one voice, planted in embeddings of known voices."""

import numpy as np
import pytest

from ser.errors import SerError
from ser.protocol.voices import compare_voices


def planted(num_names: int, same: dict[int, int], each: int = 12, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Embeddings of names with voices of their own, but that name `same[n]` has the voice of name n."""
    rng = np.random.default_rng(seed)
    voices = 2.0 * rng.standard_normal((num_names, 24))
    for one, other in same.items():
        voices[other] = voices[one]
    vectors = np.repeat(voices, each, axis=0) + rng.standard_normal((num_names * each, 24))
    # A direction of the channel that is louder than the voices, and tells nothing.
    vectors[:, 0] += 20.0 * rng.standard_normal(len(vectors))
    return vectors, [f"s{name:02}" for name in range(num_names) for _ in range(each)]


def test_names_that_share_a_voice_are_found_and_no_others():
    for same in ({}, {3: 17}, {number: number + 10 for number in range(5)}):
        found = compare_voices(*planted(30, same)).alike()
        assert {pair[:2] for pair in found} == {(f"s{one:02}", f"s{other:02}") for one, other in same.items()}


def test_a_name_with_few_utterances_is_compared_by_as_many_of_each():
    vectors, names = planted(30, {3: 17}, each=20)
    kept = [place for place, name in enumerate(names) if name != "s17" or place % 2]
    voices = compare_voices(vectors[kept], [names[place] for place in kept])
    assert [pair[:2] for pair in voices.alike()] == [("s03", "s17")]
    assert voices.pairs.shape == (30, 30) and voices.own.shape == (30,)
    np.testing.assert_allclose(voices.pairs, voices.pairs.T, atol=1e-12)


def test_too_few_names_are_refused():
    vectors, names = planted(3, {})
    with pytest.raises(SerError, match="3 speakers have 4 utterances or more; a comparison of voices needs 4"):
        compare_voices(vectors, names)
