import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.examples.frames import FrameBatches, FrameDataConfig, vote
from ser.kaldi import ark
from ser.models.frame_classifier import FrameClassifier, FrameClassifierConfig

LENGTHS = {"a": 5, "b": 40, "c": 12, "d": 7, "e": 30}
LABELS = np.array([0, 1, 2, 1, 0])


@pytest.fixture
def reader(tmp_path: Path) -> ark.Reader:
    with ark.Writer(f"ark,scp:{tmp_path}/a.ark,{tmp_path}/a.scp") as writer:
        for number, (utt, count) in enumerate(LENGTHS.items()):
            array = np.full((count, 3), float(number), np.float32)
            array[:, 0] = np.arange(count)
            writer.write(utt, array)
    return ark.Reader(tmp_path / "a.scp")


def test_each_utterance_gives_as_many_frames_of_its_class(reader):
    source = FrameBatches(reader, list(LENGTHS), LABELS, FrameDataConfig(utts=2, frames=10), seed=3)
    batches = list(source.batches(0))
    assert len(batches) == source.num_batches(0) == 3
    seen = torch.cat([frames[:, 1] for frames, _ in batches]).long()
    assert torch.bincount(seen).tolist() == [10] * 5
    for frames, classes in batches:
        assert classes.tolist() == [LABELS[int(number)] for number in frames[:, 1]]
    # No frame of a longer utterance comes twice, and all of a shorter one come.
    of_b = torch.cat([frames[frames[:, 1] == 1, 0] for frames, _ in batches])
    of_a = torch.cat([frames[frames[:, 1] == 0, 0] for frames, _ in batches])
    assert len(set(of_b.tolist())) == 10
    assert sorted(of_a.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_batches_depend_on_epoch_and_number_alone(reader):
    source = FrameBatches(reader, list(LENGTHS), LABELS, FrameDataConfig(utts=2, frames=10), seed=3)
    whole = [frames for frames, _ in source.batches(1)]
    later = [frames for frames, _ in source.batches(1, start=2)]
    assert torch.equal(whole[2], later[0])
    assert not all(torch.equal(a, b) for a, (b, _) in zip(whole, source.batches(2), strict=True))
    halves = [next(source.batches(1, rank=rank, world=2))[0] for rank in range(2)]
    assert sum(map(len, halves)) == len(whole[0])


def test_validation_takes_every_frame(reader):
    source = FrameBatches(reader, list(LENGTHS), LABELS, FrameDataConfig(utts=2, frames=10), seed=None)
    assert sum(len(frames) for frames, _ in source.batches(0)) == sum(LENGTHS.values())


def test_the_class_is_that_of_the_largest_sum_of_probabilities():
    scores = torch.log(torch.tensor([[0.9, 0.05, 0.05], [0.3, 0.6, 0.1], [0.3, 0.6, 0.1]]))

    class Given(nn.Module):
        def forward(self, frames):
            return scores

    found = vote(Given(), np.zeros((3, 2), np.float32))
    np.testing.assert_allclose(found.probabilities, [0.5, 1.25 / 3, 0.25 / 3], atol=1e-6)
    # Two of three frames are for another class than the sum.
    assert (found.agreeing, found.frames) == (pytest.approx(1 / 3), 3)
    logs = vote(Given(), np.zeros((3, 2), np.float32), by="log")
    expected = np.array([0.9 * 0.09, 0.05 * 0.36, 0.05 * 0.01])
    np.testing.assert_allclose(logs.probabilities, expected / expected.sum(), atol=1e-6)
    assert math.isclose(logs.probabilities.sum(), 1.0)


def test_inputs_are_standardised_and_a_linear_classifier_has_no_dense_layer():
    torch.manual_seed(0)
    model = FrameClassifier(FrameClassifierConfig(hidden=0, dropout=0.0), 4, 3).train()
    frames = 100 + 7 * torch.randn(1000, 4)
    np.testing.assert_allclose(model.norm(frames).detach().std(0), 1.0, atol=0.01)
    assert model.dense is None
    assert model(frames).shape == (1000, 3)
    assert FrameClassifier(FrameClassifierConfig(hidden=8, dropout=0.1), 4, 3)(frames).shape == (1000, 3)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(SerError, match="hidden >= 0 and dropout in"):
        FrameClassifierConfig(hidden=-1, dropout=0.0)
    with pytest.raises(SerError, match="utts and frames of 1 or more"):
        FrameDataConfig(utts=0, frames=3)
