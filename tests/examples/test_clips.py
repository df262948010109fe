from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.examples.clips import ClipConfig, ClipSource
from ser.kaldi import ark

LENGTHS = {"a": 4, "b": 6, "c": 9, "d": 6, "e": 2}


@pytest.fixture
def reader(tmp_path: Path) -> ark.Reader:
    """Feature 0 is the frame's number from 1, feature 1 the utterance's."""
    with ark.Writer(f"ark,scp:{tmp_path}/feats.ark,{tmp_path}/feats.scp") as writer:
        for number, (utt, length) in enumerate(LENGTHS.items()):
            frames = np.column_stack([np.arange(1, length + 1), np.full(length, number)])
            writer.write(utt, frames.astype(np.float32))
    return ark.Reader(tmp_path / "feats.scp")


def make(reader: ark.Reader, seed: int | None = None, targets: np.ndarray | None = None, **changes) -> ClipSource:
    config = ClipConfig(**({"frames": 6, "batch_size": 2} | changes))
    return ClipSource(reader, list(LENGTHS), np.arange(5) if targets is None else targets, config, seed)


def test_a_short_clip_is_followed_by_zeros_and_of_a_long_one_the_middle_is_taken(reader):
    clips = torch.cat([clips for clips, _ in make(reader).batches(0)])
    assert clips.shape == (5, 6, 2)
    assert clips[0, :, 0].tolist() == [1, 2, 3, 4, 0, 0]
    assert clips[1, :, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert clips[2, :, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert make(reader).num_cut == 1


def test_training_takes_another_part_of_a_long_clip_in_another_epoch(reader):
    source = make(reader, seed=0)
    starts = set()
    for epoch in range(30):
        for clips, targets in source.batches(epoch):
            starts.update(clips[targets == 2][:, 0, 0].tolist())
    assert starts == {1, 2, 3, 4}


def test_every_utterance_comes_once_an_epoch_with_its_own_target(reader):
    for epoch in range(3):
        batches = list(make(reader, seed=1).batches(epoch))
        assert len(batches) == make(reader).num_batches(epoch) == 3
        assert sorted(torch.cat([targets for _, targets in batches]).tolist()) == [0, 1, 2, 3, 4]
        for clips, targets in batches:
            assert clips[:, 0, 1].tolist() == targets.tolist()


def test_a_plan_is_a_function_of_seed_and_epoch_from_any_batch_on(reader):
    whole = list(make(reader, seed=3).batches(2))
    rest = list(make(reader, seed=3).batches(2, start=1))
    for (clips, targets), (again, same) in zip(whole[1:], rest, strict=True):
        assert torch.equal(clips, again) and torch.equal(targets, same)
    halves = [list(make(reader, seed=3).batches(2, 0, rank, 2)) for rank in range(2)]
    assert sorted(torch.cat([y for half in halves for _, y in half]).tolist()) == [0, 1, 2, 3, 4]


def test_targets_may_be_shares(reader):
    shares = np.eye(5, dtype=np.float32)
    clips, targets = next(iter(make(reader, targets=shares).batches(0)))
    assert targets.tolist() == shares[: len(clips)].tolist()


def test_statistics_are_of_all_frames_of_all_clips_zeros_included(reader):
    source = make(reader)
    frames = torch.cat([clips for clips, _ in source.batches(0)]).flatten(0, 1)
    mean, stddev = source.statistics()
    torch.testing.assert_close(mean, frames.mean(0))
    torch.testing.assert_close(stddev, frames.std(0, correction=0))


def test_clips_without_a_frame_are_refused(reader):
    with pytest.raises(SerError, match="data: frames must lie in"):
        make(reader, frames=0)


def test_an_empty_list_of_utterances_is_refused(reader):
    with pytest.raises(SerError, match="data: there is no utterance to make clips from"):
        ClipSource(reader, [], np.arange(0), ClipConfig(frames=6, batch_size=2), None)
