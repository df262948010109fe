import pytest
import torch
from torch import nn

from ser.coattention.triplet_config import TripletConfig, make_triplet_net
from ser.coattention.triplets import (
    MeanTripletLoss,
    TripletLossConfig,
    TripletNet,
    semi_hard_negatives,
    squared_distances,
    triplet_terms,
)
from ser.config import load_config
from ser.errors import SerError
from ser.models.resnet import Resnet, ResnetConfig

ANCHORS = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 0.5]])
POSITIVES = torch.tensor([[1.0, 0.0], [3.0, 1.0], [0.0, 0.0]])
NEGATIVES = torch.tensor([[2.0, 0.0], [3.0, 1.2], [0.0, 3.0]])


def as_printed(anchors, positives, negatives, margin):
    """Compute Deng and Leung's formula: a plus between the distances, and no hinge."""
    return (anchors - positives).square().sum(1) + (anchors - negatives).square().sum(1) + margin


def test_terms_by_hand():
    # 1 - 4 + 1 = -2 and 0.25 - 6.25 + 1 = -5 are cut at 0; 1 - 1.44 + 1 = 0.56 is left.
    terms = triplet_terms(ANCHORS, POSITIVES, NEGATIVES, margin=1.0)
    torch.testing.assert_close(terms, torch.tensor([0.0, 0.56, 0.0]), rtol=0, atol=1e-6)
    assert as_printed(ANCHORS, POSITIVES, NEGATIVES, 1.0).sum().item() == pytest.approx(16.94, abs=1e-5)


def test_the_semi_hard_negative_is_the_nearest_one_beyond_the_positive():
    points = torch.tensor([[0.0], [1.0], [1.2], [3.0], [0.5]])
    recordings = torch.tensor([0, 0, 1, 1, 2])
    distances, other = squared_distances(points), recordings[:, None] != recordings
    # From 0 the positive is at 1; the others at 1.44, 9 and 0.25.
    assert semi_hard_negatives(distances, torch.tensor([0]), torch.tensor([1]), other).tolist() == [2]
    # From 1.2 the positive is at 3.24; all others are nearer, the furthest of them at 0.
    assert semi_hard_negatives(distances, torch.tensor([2]), torch.tensor([3]), other).tolist() == [0]


def numbers(clips: list[int], recordings: list[int] | None = None) -> torch.Tensor:
    """Return the numbers of clip and recording of each window; without `recordings`, each clip is a recording."""
    return torch.tensor([clips, recordings or clips]).T


def test_the_loss_is_the_mean_over_every_pair_of_a_clip():
    points = torch.tensor([[0.0], [1.0], [1.2], [3.0]])
    loss = MeanTripletLoss(TripletLossConfig(margin=0.5, min_spread=0.0))(points, numbers([0, 0, 1, 1]))
    # Pairs (0, 1): 1 - 1.44 + .5; (1, 0): 1 - 4 + .5; (1.2, 3): 3.24 - 1.44 + .5; (3, 1.2): 3.24 - 4 + .5.
    assert loss.item() == pytest.approx((0.06 + 0.0 + 2.3 + 0.0) / 4, abs=1e-5)


def test_another_clip_of_the_same_recording_is_neither_near_nor_far():
    points = torch.tensor([[0.0], [1.0], [1.2], [3.0], [2.0], [2.0]])
    loss = MeanTripletLoss(TripletLossConfig(margin=0.5, min_spread=0.0))
    # Clips 0 and 1 are of one recording. Their only negatives are at 2: 1 - 4 + .5, 1 - 1 + .5; then 3.24 - .64 + .5
    # and 3.24 - 1 + .5, since both negatives of these are nearer than the positive. Those of clip 2 are at 1.2 twice.
    terms = [0.0, 0.5, 3.1, 2.74, 0.0, 0.0]
    assert loss(points, numbers([0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1])).item() == pytest.approx(
        sum(terms) / 6, abs=1e-5
    )


def test_a_windows_own_recording_is_right_where_its_nearest_other_window_is_of_it():
    points = torch.tensor([[0.0], [0.1], [0.25], [3.0]])
    # The nearest one to 0.25 is 0.1, of the other recording.
    assert MeanTripletLoss.count_right(points, numbers([0, 0, 1, 1])).item() == 3
    assert MeanTripletLoss.count_right(points, numbers([0, 0, 1, 1], [0, 0, 0, 0])).item() == 4


@pytest.mark.parametrize("printed", [True, False])
def test_the_formula_as_printed_maps_everything_to_one_point_and_shors_does_not(printed):
    torch.manual_seed(0)
    windows = torch.randn(24, 8)
    clips = torch.arange(12).repeat_interleave(2).tolist()
    windows[1::2] = windows[::2] + 0.3 * torch.randn(12, 8)
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    others = torch.arange(24).roll(2)
    shors = MeanTripletLoss(TripletLossConfig(margin=0.1, min_spread=0.0))
    for _ in range(300):
        points = nn.functional.normalize(net(windows), dim=1)
        if printed:
            anchors, positives = points[::2], points[1::2]
            loss = as_printed(anchors, positives, points[others][::2], 0.1).mean()
        else:
            loss = shors(points, numbers(clips))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    spread = squared_distances(nn.functional.normalize(net(windows), dim=1)).mean().item()
    assert spread < 1e-3 if printed else spread > 0.5
    if printed:
        with pytest.raises(SerError, match=r"collapsed: the mean squared distance .* under 0\.01; lower"):
            guarded = MeanTripletLoss(TripletLossConfig(margin=0.1, min_spread=0.01))
            guarded(nn.functional.normalize(net(windows), dim=1), numbers(clips))


@pytest.mark.parametrize(
    ("clips", "recordings"), [([0, 0, 0], [0, 0, 0]), ([0, 1, 2], [0, 1, 2]), ([0, 0, 1], [0, 0, 0])]
)
def test_a_batch_without_a_pair_or_a_negative_is_refused(clips, recordings):
    found = rf"3 windows of {len(set(clips))} clips of {len(set(recordings))} recordings in a batch; .* on fewer GPUs"
    with pytest.raises(SerError, match=found):
        MeanTripletLoss(TripletLossConfig(0.1, 0.0))(torch.rand(3, 2), numbers(clips, recordings))


def test_nearly_equal_embeddings_stop_training_and_pass_in_validation():
    loss, embeddings = MeanTripletLoss(TripletLossConfig(0.1, 0.001)), torch.ones(3, 2)
    assert loss(embeddings, numbers([0, 0, 1])) == pytest.approx(0.1)
    with pytest.raises(SerError, match="collapsed"):
        loss(embeddings.requires_grad_(), numbers([0, 0, 1]))


def test_a_margin_of_zero_is_refused():
    with pytest.raises(SerError, match="margin is 0"):
        MeanTripletLoss(TripletLossConfig(0.0, 0.0))


def test_the_net_gives_unit_vectors():
    net = TripletNet(Resnet(ResnetConfig((4, 8), 1)), 8, 3).eval()
    vectors = net(torch.randn(5, 96, 64))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))


def test_a_fresh_yamnet_tells_windows_apart_in_validation_after_an_epoch_of_25_steps():
    torch.manual_seed(0)
    model = make_triplet_net(load_config(TripletConfig, "conf/coattention/triplet.yaml"))
    windows = 2.0 * torch.randn(32, 16, 96, 64) - 4.0  # about what log mel energies are
    with torch.no_grad():
        for batch in windows[:25]:
            model.train()(batch)
        apart = squared_distances(model.eval()(windows[30]))
    assert apart.sum() / (16 * 15) > 0.001  # min_spread of the settings
