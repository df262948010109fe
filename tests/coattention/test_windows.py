import numpy as np
import pytest
import torch

from ser.coattention.windows import (
    WindowConfig,
    WindowSource,
    clips_and_recordings,
    read_recordings,
    recordings_table,
)
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


# a-2 is a copy of a-1.
CLIPS = {"a-1": "a", "a-2": "a", "b-1": "b", "c-1": "c", "d-1": "d"}
OWN = {clip: clip for clip in CLIPS.values()}


def test_each_batch_has_the_windows_of_different_clips_and_each_clip_comes_once(reader):
    source = WindowSource(reader, CLIPS, OWN, WindowConfig(20, 2, 2, 0), seed=3)
    assert source.num_short == 1
    assert source.num_batches(0) == 1
    ((windows, numbers),) = source.batches(0)
    assert windows.shape == (6, 20, 2)
    assert sorted(numbers.tolist()) == [[n, n] for n in (0, 0, 1, 1, 2, 2)]
    for window, (number, _) in zip(windows, numbers.tolist(), strict=True):
        utt = int(window[0, 0])
        assert {0: (0, 1), 1: (2,), 2: (4,)}[number].count(utt) == 1
        first = int(window[0, 1])
        assert torch.equal(window[:, 1], torch.arange(first, first + 20.0))
        assert first + 20 <= list(LENGTHS.values())[utt]


def test_two_windows_of_one_utterance_differ_and_lie_within_the_gap(reader):
    source = WindowSource(reader, CLIPS, OWN, WindowConfig(20, 3, 2, 5), seed=3)
    for epoch in range(30):
        for windows, _ in source.batches(epoch):
            for one, two in windows.reshape(-1, 2, 20, 2):
                if one[0, 0] == two[0, 0]:
                    assert 1 <= abs(one[0, 1] - two[0, 1]) <= 5


def test_an_epoch_is_the_same_each_time_and_unlike_the_next(reader):
    source = WindowSource(reader, CLIPS, OWN, WindowConfig(20, 3, 2, 0), seed=3)
    assert all(torch.equal(one, two) for one, two in zip(*(next(source.batches(1)) for _ in range(2)), strict=True))
    assert not torch.equal(next(source.batches(1))[0], next(source.batches(2))[0])
    one, two = (WindowSource(reader, CLIPS, OWN, WindowConfig(20, 3, 2, 0), seed=None) for _ in range(2))
    assert torch.equal(next(one.batches(0))[0], next(two.batches(0))[0])


def test_processes_share_out_whole_clips(reader):
    source = WindowSource(reader, CLIPS, OWN, WindowConfig(20, 3, 2, 0), seed=3)
    whole = next(source.batches(0))[1].tolist()
    parts = [next(source.batches(0, rank=rank, world=2))[1].tolist() for rank in range(2)]
    assert parts[0] == whole[:2] + whole[4:] and parts[1] == whole[2:4]


def test_a_process_with_two_clips_has_them_of_two_recordings(tmp_path):
    recordings = {f"{n}-{k}": str(n) for n, size in enumerate((2, 5, 3)) for k in range(size)}
    with ark.Writer(f"ark,scp:{tmp_path}/f.ark,{tmp_path}/f.scp") as writer:
        for clip in recordings:
            writer.write(clip, np.zeros((30, 2), np.float32))
    reader = ark.Reader(tmp_path / "f.scp")
    source = WindowSource(
        reader, dict(zip(recordings, recordings, strict=True)), recordings, WindowConfig(20, 16, 2, 0), 1
    )
    for epoch in range(20):
        parts = [next(source.batches(epoch, rank=rank, world=4))[1] for rank in range(4)]
        assert sorted(map(len, parts)) == [4, 4, 6, 6]
        assert all(len(numbers[:, 1].unique()) > 1 for numbers in parts)


def test_a_batch_that_leaves_a_process_a_single_clip_is_refused(reader):
    source = WindowSource(reader, CLIPS, OWN, WindowConfig(20, 3, 2, 0), seed=3)
    smallest = min(len(numbers) // 2 for _, numbers in source.batches(0))
    source.check_processes(smallest // 2)
    with pytest.raises(SerError, match=rf"a batch has {smallest} clips for {smallest // 2 + 1} processes"):
        source.check_processes(smallest // 2 + 1)


def test_too_few_long_recordings_are_refused(reader):
    with pytest.raises(SerError, match=r"1 recordings are longer than a window of 50 frames"):
        WindowSource(reader, CLIPS, OWN, WindowConfig(50, 2, 2, 0), seed=0)
    with pytest.raises(SerError, match="expected 2 windows"):
        WindowSource(reader, CLIPS, OWN, WindowConfig(20, 2, 1, 0), seed=0)


@pytest.mark.parametrize(
    ("sizes", "clips", "batches", "used"),
    [
        ((6, 3, 3), 4, 3, 12),
        # Of the largest recording an epoch has only as many clips as of all others.
        ((20, 1, 2), 2, 3, 6),
        ((5, 1), 8, 1, 2),
        ((1,) * 7, 3, 3, 7),
        # Half of the clips are of one recording, and a batch has only two or three.
        ((2, 4, 2), 3, 3, 8),
    ],
)
def test_each_batch_has_two_recordings_and_each_clip_of_the_others_comes_once(tmp_path, sizes, clips, batches, used):
    recordings = {f"{n}-{k}": str(n) for n, size in enumerate(sizes) for k in range(size)}
    with ark.Writer(f"ark,scp:{tmp_path}/f.ark,{tmp_path}/f.scp") as writer:
        for clip in recordings:
            writer.write(clip, np.zeros((30, 2), np.float32))
    reader = ark.Reader(tmp_path / "f.scp")
    source = WindowSource(
        reader, {clip: clip for clip in recordings}, recordings, WindowConfig(20, clips, 2, 0), seed=1
    )
    for epoch in range(20):
        found = [numbers for _, numbers in source.batches(epoch)]
        assert len(found) == source.num_batches(epoch) == batches
        assert all(len(numbers[:, 1].unique()) > 1 for numbers in found)
        seen = torch.cat(found)[::2]
        assert len(seen) == used and len(seen.unique(dim=0)) == used
        assert set(seen[:, 1].tolist()) == set(range(len(sizes)))
        rest = [n for n in range(len(sizes)) if sizes[n] <= sum(sizes) / 2]
        assert all((seen[:, 1] == n).sum() == sizes[n] for n in rest)


def test_copies_are_of_their_originals_clip_and_a_table_tells_the_recordings():
    originals = {"b-noise": "b"}
    utt2clip = {"a": "a", "b": "b", "b-noise": "b"}
    assert clips_and_recordings(list(utt2clip), originals, None) == (utt2clip, {"a": "a", "b": "b"})
    table = {"a": "video1", "b": "video2"}
    assert clips_and_recordings(["a", "b-noise"], originals, table)[1] == table
    # Of combined data dirs, whose table gives each copy of the one without dialogues a recording of its own.
    assert clips_and_recordings(["a", "a-speed"], {"a-speed": "a"}, {"a": "a", "a-speed": "a-speed"})[1] == {"a": "a"}
    # One copy in the table is enough, whichever of them it is.
    for told in ("a-noise", "a-speed"):
        copies = {"a-noise": "a", "a-speed": "a"}
        assert clips_and_recordings(list(copies), copies, {told: "video1"})[1] == {"a": "video1"}
    with pytest.raises(SerError, match="lacks 1 of 2 utterances, first 'c'"):
        clips_and_recordings(["a", "c"], {}, table)


def test_a_data_dir_tells_by_its_dialogues_or_else_its_segments_what_a_recording_is(tmp_path):
    assert recordings_table(tmp_path) is None
    (tmp_path / "segments").write_text("a talk1 0 2\nb talk1 2 4\nc talk2 0 -1\n")
    assert read_recordings(recordings_table(tmp_path)) == {"a": "talk1", "b": "talk1", "c": "talk2"}
    (tmp_path / "utt2dialogue").write_text("a scene\nb scene\nc scene\n")
    assert set(read_recordings(recordings_table(tmp_path)).values()) == {"scene"}
