import pytest
import torch

from ser.errors import SerError
from ser.models.vgg import Vgg, VggConfig


def make(bands: int = 64, mean: float = 0.0, stddev: float = 1.0, **changes) -> Vgg:
    settings = {"channels": (4, 4, 8, 8, 8), "batch_norm": False, "cells": 2, "hidden": 16, "dropout": 0.6}
    torch.manual_seed(0)
    return Vgg(
        VggConfig(**(settings | changes)), torch.full((bands,), mean), torch.full((bands,), stddev), num_classes=5
    )


def test_logits_are_the_output_layer_of_the_embedding():
    model, clips = make().eval(), torch.randn(3, 96, 64)
    assert model(clips).shape == (3, 5) and model.embed(clips).shape == (3, 16)
    torch.testing.assert_close(model(clips), model.output(model.embed(clips)))


def test_it_has_five_convolutions_with_pooling_and_two_linear_layers():
    layers = [type(layer).__name__ for layer in make().modules()]
    counts = {name: layers.count(name) for name in ("Conv2d", "MaxPool2d", "LeakyReLU", "Linear", "BatchNorm2d")}
    assert counts == {"Conv2d": 5, "MaxPool2d": 5, "LeakyReLU": 6, "Linear": 2, "BatchNorm2d": 0}
    assert sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in make(batch_norm=True).modules()) == 5


def test_clips_are_normalised_by_what_the_model_was_given():
    clips = torch.randn(2, 64, 64)
    torch.testing.assert_close(make(mean=3.0, stddev=2.0).eval()(2 * clips + 3), make().eval()(clips))


def test_a_feature_that_never_changes_does_not_divide_by_zero():
    assert torch.isfinite(make(stddev=0.0).eval()(torch.zeros(1, 64, 64))).all()


def test_weights_bring_back_the_same_net_with_its_normalisation():
    model, clips = make(mean=1.0).eval(), torch.randn(2, 64, 64)
    settings = VggConfig(channels=(4, 4, 8, 8, 8), batch_norm=False, cells=2, hidden=16, dropout=0.6)
    torch.testing.assert_close(Vgg.from_weights(settings, model.state_dict())(clips), model(clips))


def test_more_pooling_than_bands_is_refused():
    with pytest.raises(SerError, match="5 convolutions, each with pooling over 2 bands, on 16 bands"):
        make(bands=16)
