import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.training.losses import LossConfig, class_probabilities, classification_loss, cross_entropy


def test_plain_loss_is_the_mean_negative_log_probability():
    logits, targets = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1])
    loss = cross_entropy(LossConfig(0.0, "none"), [5, 5])(logits, targets)
    assert loss.item() == pytest.approx((0.693147 + 2.126928) / 2, abs=1e-5)


def test_balanced_classes_have_equal_parts_whatever_their_number():
    logits = torch.tensor([[1.0, 0.0]] * 9 + [[0.0, 2.0]])
    targets = torch.tensor([0] * 9 + [1])
    loss = cross_entropy(LossConfig(0.0, "balanced"), [9, 1])(logits, targets)
    parts = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    assert loss.item() == pytest.approx(((parts[0] + parts[9]) / 2).item(), abs=1e-6)


def test_binary_cross_entropy_by_hand():
    # log(1 + e^-2), log(1 + e^-1), log 2, log(1 + e^-3): the first class is there, the others are not.
    logits = torch.tensor([[2.0, -1.0, 0.0, -3.0]])
    expected = np.array([0.126928, 0.313262, 0.693147, 0.048587])
    for targets in (torch.tensor([0]), torch.tensor([[1.0, 0.0, 0.0, 0.0]])):
        loss = classification_loss(LossConfig(0.0, "none", "binary"), [1, 1, 1, 1])(logits, targets)
        assert loss.item() == pytest.approx(expected.mean(), abs=1e-6)
    assert classification_loss(LossConfig(0.0, "none"), [1] * 4)(logits, torch.tensor([0])).item() == pytest.approx(
        0.175516, abs=1e-6
    )


def test_a_row_of_two_classes_wants_both():
    logits = torch.tensor([[1.0, -2.0, 0.5]])
    loss = classification_loss(LossConfig(0.0, "none", "binary"), [1, 1, 1])(logits, torch.tensor([[1.0, 0.0, 1.0]]))
    terms = [np.log1p(np.exp(-1.0)), np.log1p(np.exp(-2.0)), np.log1p(np.exp(-0.5))]
    assert loss.item() == pytest.approx(np.mean(terms), abs=1e-6)


def test_a_rare_class_counts_for_as_much_as_those_without_it():
    loss = classification_loss(LossConfig(0.0, "balanced", "binary"), [10, 40], num_examples=50)
    torch.testing.assert_close(loss.positive_weight, torch.tensor([4.0, 0.25]))
    with pytest.raises(SerError, match="label_smoothing works only with kind: cross_entropy"):
        classification_loss(LossConfig(0.1, "none", "binary"), [1, 1])


def test_probabilities_of_a_binary_net_are_its_sigmoids_over_their_sum():
    logits = torch.tensor([[0.0, 0.0, -100.0], [float(np.log(3.0)), 0.0, 0.0]])
    expected = torch.tensor([[0.5, 0.5, 0.0], [0.75 / 1.75, 0.5 / 1.75, 0.5 / 1.75]])
    torch.testing.assert_close(class_probabilities(logits, "binary"), expected)
    torch.testing.assert_close(class_probabilities(logits, "cross_entropy"), logits.softmax(1))
