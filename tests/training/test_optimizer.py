import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.examples.chunks import DataConfig
from ser.examples.clips import ClipConfig
from ser.training.losses import LossConfig
from ser.training.optimizer import MaxChange, dropout_schedule, learning_rate, make_optimizer


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


def test_the_rate_of_the_last_step_is_the_final_one():
    rates = [learning_rate(step, 30, 0.1, 0.001, 0.2) for step in range(30)]
    assert rates[-1] == pytest.approx(0.001, rel=1e-12)
    np.testing.assert_allclose(np.diff(np.log(rates[6:])), np.log(0.01) / 29, rtol=1e-9)
    assert rates[0] == pytest.approx(0.1 / 6)


@pytest.mark.parametrize(
    ("setting", "value", "interval"),
    [
        ("epochs", 0, r"\[1, inf\)"),
        ("learning_rate", -0.1, r"\(0, inf\)"),
        ("final_learning_rate", 0.0, r"\(0, inf\)"),
        ("warmup_fraction", float("nan"), r"\[0, 1\)"),
        ("momentum", 3.0, r"\[0, 1\)"),
        ("weight_decay", -1e-3, r"\[0, inf\)"),
        ("max_change", float("inf"), r"\[0, inf\)"),
        ("patience", -1, r"\[0, inf\)"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(make_config, setting, value, interval):
    with pytest.raises(SerError, match=f"fit: {setting} must lie in {interval}; found {value}"):
        make_config(**{setting: value})


def test_settings_of_batches_out_of_range_are_refused():
    data = DataConfig(20, 1, 0.1, 20, 40, 1.0, 16, True)
    for setting, value in (("valid_fraction", 7), ("batch_size", 0), ("chunks_per_utterance", 0.0), ("min_chunk", 0)):
        with pytest.raises(SerError, match=f"data: {setting} must lie in .*; found {value}"):
            dataclasses.replace(data, **{setting: value})
    with pytest.raises(SerError, match="batch_size must lie in"):
        ClipConfig(frames=10, batch_size=0)
    with pytest.raises(SerError, match=r"label_smoothing must lie in \[0, 1\); found 1.0"):
        LossConfig(1.0, "none")
