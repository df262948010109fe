import pytest
import torch

from ser.training.losses import LossConfig, cross_entropy


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
