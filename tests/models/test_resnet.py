import pytest
import torch

from ser.errors import SerError
from ser.models.resnet import Block, Resnet, ResnetConfig

CONFIG = ResnetConfig(channels=(4, 8, 16), blocks=2)


def test_a_block_whose_last_norm_is_zero_is_the_identity_of_what_is_positive():
    block = Block(3, 3, 1).eval()
    torch.nn.init.zeros_(block.convolutions[4].weight)
    inputs = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(block(inputs), inputs)


def test_number_of_parameters():
    # A convolution of 3 by 3 has 9 C C' numbers, a batch norm 2 C'; a shortcut is a convolution of 1 by 1 with a norm.
    stem = 36 + 8
    first = 4 * (144 + 8)
    second = (288 + 576 + 32 + 3 * 16) + 2 * (576 + 16)
    third = (1152 + 2304 + 128 + 3 * 32) + 2 * (2304 + 32)
    assert sum(parameter.numel() for parameter in Resnet(CONFIG).parameters()) == stem + first + second + third


def test_states_are_the_means_of_the_stages_and_final_is_the_last():
    net = Resnet(CONFIG).eval()
    patches = torch.randn(3, 96, 64)
    states = net.states(patches, net.layers)
    assert {name: tuple(state.shape) for name, state in states.items()} == {
        "1": (3, 4), "2": (3, 8), "3": (3, 16), "final": (3, 16),
    }  # fmt: skip
    assert torch.equal(states["3"], states["final"])
    places = net.stages[0](net.stem(patches.unsqueeze(1)))
    assert places.shape == (3, 4, 48, 32)
    torch.testing.assert_close(states["1"], places.mean((2, 3)))
    torch.testing.assert_close(net(patches), states["final"])


def test_weights_come_back_bit_equal():
    net = Resnet(CONFIG).eval()
    patches = torch.randn(2, 96, 64)
    assert torch.equal(Resnet.from_weights(CONFIG, net.state_dict())(patches), net(patches))


def test_unknown_layer_and_empty_net_are_refused():
    with pytest.raises(SerError, match="no layer '4'; there are 1, 2, 3, final"):
        Resnet(CONFIG).states(torch.rand(1, 96, 64), ["4"])
    with pytest.raises(SerError, match="give 1 or more"):
        Resnet(ResnetConfig((), 1))
