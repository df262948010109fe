import numpy as np
import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.training.optimizer import MaxChange, dropout_schedule, make_optimizer


def test_sgd_averages_gradients_as_kaldi_does():
    model = nn.Linear(1, 1, bias=False)
    optimizer = make_optimizer([list(model.parameters())], "sgd", momentum=0.9, weight_decay=0.0)
    start = model.weight.item()
    optimizer.param_groups[0]["lr"] = 0.1
    for _ in range(200):
        optimizer.zero_grad()
        model(torch.ones(1, 1)).sum().backward()
        optimizer.step()
    # A constant gradient of 1 moves the weight by the rate each step, whatever the momentum.
    assert start - model.weight.item() == pytest.approx(20, rel=1e-3)


def test_change_under_the_limit_is_left_alone_and_over_it_is_scaled():
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    for change, expected in ((0.5, [0.5, 0.0]), (4.0, [2.0, 0.0])):
        with torch.no_grad(), MaxChange(model, layer=0.0, whole=2.0).applied():
            model.weight.zero_()
            model.weight[0, 0] = change
        np.testing.assert_allclose(model.weight.detach().numpy()[0], expected, atol=1e-6)
        nn.init.zeros_(model.weight)


def test_adamw_does_not_decay_biases():
    groups = make_optimizer([list(nn.Linear(3, 2).parameters())], "adamw", 0.0, 0.1).param_groups
    assert [(len(group["params"]), group["weight_decay"]) for group in groups] == [(1, 0.1), (1, 0.0)]


@pytest.mark.parametrize("text", ["a", "0,0.1@x,0", "0,0.1@0.8,0.1@0.2,0", "1.5"])
def test_bad_dropout_schedule_is_refused(text):
    with pytest.raises(SerError, match=f"found '{text}'"):
        dropout_schedule(text)
