import numpy as np
import pytest
import torch

from ser.coattention.sequences import SequenceConfig, SequenceSource, read_sequences
from ser.errors import SerError
from ser.kaldi import ark, tables

CONFIG = SequenceConfig(batch_size=2, max_rows=0, drop_text=0.0)
LENGTHS = {"a-1": 2, "a-2": 5, "b-1": 1}


@pytest.fixture
def write(tmp_path):
    def run(name: str, matrices: dict[str, np.ndarray]) -> str:
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as writer:
            for utt, rows in matrices.items():
                writer.write(utt, rows)
        return f"scp:{tmp_path}/{name}.scp"

    tables.write_map(tmp_path / "utt2spk", {utt: utt[0] for utt in LENGTHS})
    return run


@pytest.fixture
def inputs(write):
    rng = np.random.default_rng(0)
    speech = {utt: rng.standard_normal((length, 3)).astype(np.float32) for utt, length in LENGTHS.items()}
    # The text of a-2 is missing; another corpus's utterance is there.
    text = {utt: np.full((2, 4), number, np.float32) for number, utt in enumerate(("a-1", "b-1", "z-9"))}
    return {"speech": write("speech", speech), "text": write("text", text)}


def test_batches_are_padded_with_zeros_and_masked(tmp_path, inputs):
    source = SequenceSource(read_sequences(tmp_path, inputs), np.array([0, 1, 2]), CONFIG, seed=None)
    (first, targets), (second, _) = source.batches(0)
    assert first["speech"].shape == (2, 5, 3) and first["text"].shape == (2, 2, 4)
    assert first["speech_mask"].tolist() == [[True, True, False, False, False], [True] * 5]
    assert first["text_mask"].tolist() == [[True, True], [False, False]]
    assert not first["speech"][0, 2:].any() and not first["text"][1].any()
    assert targets.tolist() == [0, 1]
    assert torch.equal(second["text"], torch.ones(1, 2, 4))


def test_a_modality_that_is_left_out_has_one_masked_row(tmp_path, inputs):
    source = SequenceSource(read_sequences(tmp_path, inputs).without(["text"]), np.zeros(3, int), CONFIG, seed=None)
    batches = [inputs for inputs, _ in source.batches(0)]
    assert [batch["text_mask"].tolist() for batch in batches] == [[[False], [False]], [[False]]]


def test_the_share_of_texts_that_is_dropped_changes_from_epoch_to_epoch(tmp_path, inputs):
    config = SequenceConfig(batch_size=3, max_rows=0, drop_text=0.5)
    source = SequenceSource(read_sequences(tmp_path, inputs), np.zeros(3, int), config, seed=1)
    shown = [int(next(source.batches(epoch))[0]["text_mask"].any(1).sum()) for epoch in range(200)]
    assert 0.42 < np.mean(shown) / 2 < 0.58
    assert all(next(source.batches(epoch))[0]["speech_mask"].any(1).all() for epoch in range(5))


def test_statistics_are_over_all_rows(tmp_path, inputs):
    mean, stddev, digest = read_sequences(tmp_path, inputs).summary("text", 0)
    # Two rows of 0 and two of 1.
    torch.testing.assert_close(mean, torch.full((4,), 0.5))
    torch.testing.assert_close(stddev, torch.full((4,), 0.5))
    assert digest != read_sequences(tmp_path, inputs).summary("text", 1)[2]


def test_a_long_sequence_is_thinned_at_equal_distances(tmp_path, write):
    rows = np.repeat(np.arange(9, dtype=np.float32)[:, None], 2, 1)
    sequences = read_sequences(tmp_path, {"speech": write("long", {"a-1": rows})})
    assert sequences.rows("speech", 0, 3)[:, 0].tolist() == [0, 4, 8]
    assert len(sequences.rows("speech", 0, 9)) == 9


def test_text_may_have_another_limit_than_speech(tmp_path, write):
    inputs = {name: write(name, {"a-1": np.ones((9, 2), np.float32)}) for name in ("speech", "text")}
    sequences = read_sequences(tmp_path, inputs)
    for most, rows in ((0, 3), (5, 5)):
        config = SequenceConfig(batch_size=3, max_rows=3, drop_text=0.0, max_tokens=most)
        (batch, _) = next(SequenceSource(sequences, np.zeros(3, int), config, None).batches(0))
        assert batch["speech"].shape[1] == 3 and batch["text"].shape[1] == rows


def test_archives_of_other_ids_of_vectors_and_of_nans_are_refused(tmp_path, write):
    with pytest.raises(SerError, match=r"it has speech for none of the 3 utterances of .*, such as 'a-1'"):
        read_sequences(tmp_path, {"speech": write("other", {"x": np.ones((2, 2), np.float32)})})
    with pytest.raises(SerError, match=r"expected matrices, found an array of shape \(5,\)"):
        read_sequences(tmp_path, {"speech": write("vectors", {"a-1": np.ones(5, np.float32)})})
    with pytest.raises(SerError, match="expected scp:<file>"):
        read_sequences(tmp_path, {"speech": "ark:x.ark"})
    bad = {
        "a-1": np.ones((1, 2), np.float32),
        "a-2": np.full((1, 2), np.nan, np.float32),
        "b-1": np.ones((1, 3), np.float32),
    }
    sequences = read_sequences(tmp_path, {"speech": write("bad", bad)})
    with pytest.raises(SerError, match="speech of a-2: it has infinity or NaN"):
        sequences.rows("speech", 1, 0)
    with pytest.raises(SerError, match=r"speech of b-1: expected shape \(rows, 2\), found \(1, 3\)"):
        sequences.rows("speech", 2, 0)


@pytest.mark.parametrize("config", [SequenceConfig(0, 0, 0.0), SequenceConfig(1, 0, 1.0)])
def test_bad_settings_are_refused(tmp_path, inputs, config):
    with pytest.raises(SerError, match="expected batch_size of 1 or more, and drop_text from 0"):
        SequenceSource(read_sequences(tmp_path, inputs), np.zeros(3, int), config, seed=0)
