import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.models.yamnet import ConvBlock, Yamnet, YamnetConfig


@pytest.fixture(scope="module")
def net() -> Yamnet:
    torch.manual_seed(0)
    return Yamnet(YamnetConfig(batch_norm=True, num_classes=521)).eval()


@pytest.mark.parametrize("batch_norm", [True, False])
def test_it_has_3729481_trained_numbers_and_69165_thousand_multiplications(batch_norm):
    with torch.device("meta"):
        net = Yamnet(YamnetConfig(batch_norm, 521))
        assert sum(parameter.numel() for parameter in net.parameters()) == 3_729_481
        multiplications = 0
        maps = net.maps(torch.zeros(1, 96, 64), net.layers[:-1])
    sizes = {name: (*map_.shape[2:], map_.shape[1]) for name, map_ in maps.items()}
    assert sizes["1"] == (48, 32, 32) and sizes["2"] == (48, 32, 64) and sizes["4"] == (24, 16, 128)
    assert sizes["6"] == (12, 8, 256) and sizes["10"] == (6, 4, 512) and sizes["14"] == (3, 2, 1024)
    inputs = 1
    for name, (height, width, outputs) in sizes.items():
        places = height * width
        separable = places * inputs * (9 + outputs)
        multiplications += places * 9 * outputs if name == "1" else separable
        inputs = outputs
    assert multiplications + 1024 * 521 == 69_165_056  # 69.2 million, as its authors say


def test_padding_of_stride_2_is_tensorflows():
    """SAME of 4 places, 3 weights and stride 2: nothing before, one zero after."""
    block = ConvBlock(1, 1, 3, 2, 1, batch_norm=False)
    with torch.no_grad():
        block.conv.weight[:] = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0, 0, 1.0]])  # the place at +2, +2
        block.conv.bias.zero_()
    picture = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    assert block(picture)[0, 0].tolist() == [[11.0, 0.0], [0.0, 0.0]]


def test_odd_padding_comes_after_and_an_even_one_is_split():
    assert ConvBlock._padding(4, 3, 2) == (0, 1)
    assert ConvBlock._padding(5, 3, 2) == (1, 1)
    assert ConvBlock._padding(4, 3, 1) == (1, 1)
    assert ConvBlock._padding(4, 1, 1) == (0, 0)


def test_states_are_means_over_places_and_final_is_what_the_classifier_sees(net):
    patches = torch.randn(3, 96, 64)
    with torch.no_grad():
        states = net.states(patches, ["10", "final"])
        torch.testing.assert_close(states["10"], net.maps(patches, ["10"])["10"].mean(dim=(2, 3)))
        torch.testing.assert_close(net(patches), net.classifier(states["final"]))
        alone = net.states(patches[1:2], ["10", "final"])
    assert {name: tuple(state.shape) for name, state in states.items()} == {"10": (3, 512), "final": (3, 1024)}
    torch.testing.assert_close(alone["10"], states["10"][1:2], atol=1e-6, rtol=0)


def test_layer_that_is_not_there_is_named_with_those_that_are(net):
    with pytest.raises(SerError, match=r"no layer '15'; there are 1, 2, .*14, final"):
        net.states(torch.zeros(1, 96, 64), ["15"])


def test_norm_shifts_and_does_not_scale(net):
    block = ConvBlock(1, 1, 1, 1, 1, batch_norm=True).eval()
    with torch.no_grad():
        block.conv.weight.fill_(1)
        block.bn.running_mean.fill_(1)
        block.bn.running_var.fill_(4 - 1e-4)
        block.bn.bias.fill_(0.5)
    np.testing.assert_allclose(block(torch.full((1, 1, 1, 1), 4.0)).item(), (4 - 1) / 2 + 0.5, rtol=1e-6)
