import numpy as np
import pytest
import torch

from ser.coattention.windows import WindowConfig, WindowSource, read_recordings, recordings_of, recordings_table
from ser.errors import SerError
from ser.kaldi import ark

LENGTHS = {"a-1": 60, "a-2": 30, "b-1": 45, "c-1": 20, "d-1": 21}


@pytest.fixture
def reader(tmp_path):
    # Feature 0 is the utterance's number, feature 1 the frame's.
    with ark.Writer(f"ark,scp:{tmp_path}/f.ark,{tmp_path}/f.scp") as writer:
        for number, (utt, frames) in enumerate(LENGTHS.items()):
            writer.write(utt, np.stack([np.full(frames, number), np.arange(frames)], 1).astype(np.float32))
    return ark.Reader(tmp_path / "f.scp")


RECORDINGS = {"a-1": "a", "a-2": "a", "b-1": "b", "c-1": "c", "d-1": "d"}


def test_each_batch_has_the_windows_of_different_recordings_and_each_recording_comes_once(reader):
    source = WindowSource(reader, RECORDINGS, WindowConfig(20, 2, 2, 0), seed=3)
    assert source.num_short == 1
    assert source.num_batches(0) == 1
    ((windows, numbers),) = source.batches(0)
    assert windows.shape == (6, 20, 2)
    assert sorted(numbers.tolist()) == [0, 0, 1, 1, 2, 2]
    for window, number in zip(windows, numbers, strict=True):
        utt = int(window[0, 0])
        assert {0: (0, 1), 1: (2,), 2: (4,)}[int(number)].count(utt) == 1
        first = int(window[0, 1])
        assert torch.equal(window[:, 1], torch.arange(first, first + 20.0))
        assert first + 20 <= list(LENGTHS.values())[utt]


def test_two_windows_of_one_utterance_differ_and_lie_within_the_gap(reader):
    source = WindowSource(reader, RECORDINGS, WindowConfig(20, 3, 2, 5), seed=3)
    for epoch in range(30):
        for windows, _ in source.batches(epoch):
            for one, two in windows.reshape(-1, 2, 20, 2):
                if one[0, 0] == two[0, 0]:
                    assert 1 <= abs(one[0, 1] - two[0, 1]) <= 5


def test_an_epoch_is_the_same_each_time_and_unlike_the_next(reader):
    source = WindowSource(reader, RECORDINGS, WindowConfig(20, 3, 2, 0), seed=3)
    assert all(torch.equal(one, two) for one, two in zip(*(next(source.batches(1)) for _ in range(2)), strict=True))
    assert not torch.equal(next(source.batches(1))[0], next(source.batches(2))[0])
    fixed = WindowSource(reader, RECORDINGS, WindowConfig(20, 3, 2, 0), seed=None)
    assert next(fixed.batches(0))[1].tolist() == [0, 0, 1, 1, 2, 2]


def test_processes_share_out_whole_recordings(reader):
    source = WindowSource(reader, RECORDINGS, WindowConfig(20, 3, 2, 0), seed=3)
    whole = next(source.batches(0))[1].tolist()
    parts = [next(source.batches(0, rank=rank, world=2))[1].tolist() for rank in range(2)]
    assert parts[0] == whole[:2] + whole[4:] and parts[1] == whole[2:4]


def test_too_few_long_recordings_are_refused(reader):
    with pytest.raises(SerError, match=r"1 recordings are longer than a window of 50 frames"):
        WindowSource(reader, RECORDINGS, WindowConfig(50, 2, 2, 0), seed=0)
    with pytest.raises(SerError, match="expected 2 windows"):
        WindowSource(reader, RECORDINGS, WindowConfig(20, 2, 1, 0), seed=0)


def test_copies_are_of_their_originals_recording_and_a_table_goes_first():
    originals = {"b-noise": "b"}
    assert recordings_of(["a", "b", "b-noise"], originals, None) == {"a": "a", "b": "b", "b-noise": "b"}
    table = {"a": "video1", "b": "video2"}
    assert recordings_of(["a", "b-noise"], originals, table) == {"a": "video1", "b-noise": "video2"}
    # Of combined data dirs, whose table gives each copy of the one without dialogues a recording of its own.
    assert recordings_of(["a", "a-speed"], {"a-speed": "a"}, {"a": "a", "a-speed": "a-speed"})["a-speed"] == "a"
    with pytest.raises(SerError, match="lacks 1 of 2 utterances, first 'c'"):
        recordings_of(["a", "c"], {}, table)


def test_a_data_dir_tells_by_its_dialogues_or_else_its_segments_what_a_recording_is(tmp_path):
    assert recordings_table(tmp_path) is None
    (tmp_path / "segments").write_text("a talk1 0 2\nb talk1 2 4\nc talk2 0 -1\n")
    assert read_recordings(recordings_table(tmp_path)) == {"a": "talk1", "b": "talk1", "c": "talk2"}
    (tmp_path / "utt2dialogue").write_text("a scene\nb scene\nc scene\n")
    assert set(read_recordings(recordings_table(tmp_path)).values()) == {"scene"}
