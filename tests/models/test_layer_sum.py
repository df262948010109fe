import math

import torch
from torch import nn

from ser.models.layer_sum import LayerSum
from ser.models.lora import LoraLinear, add_lora, merge_lora


def test_weights_are_the_softmax_of_the_logits():
    """Logits 0, ln 2, ln 3: 1/6, 1/3, 1/2."""
    layers = LayerSum(3, normalised=False)
    with torch.no_grad():
        layers.logits[:] = torch.tensor([0.0, math.log(2), math.log(3)])
        torch.testing.assert_close(layers.weights(), torch.tensor([1 / 6, 1 / 3, 1 / 2]))
        states = [torch.full((2, 4, 5), value) for value in (6.0, 3.0, 2.0)]
        torch.testing.assert_close(layers(states), torch.full((2, 4, 5), 3.0))


def test_untrained_sum_is_the_mean_and_normalised_states_have_no_scale():
    states = torch.randn(3, 2, 4, 8)
    torch.testing.assert_close(LayerSum(3, False)(list(states)), states.mean(dim=0))
    torch.testing.assert_close(
        LayerSum(3, True)([10 * states[0], states[1] + 3, states[2]]), LayerSum(3, True)(list(states)),
        atol=1e-4, rtol=0,
    )  # fmt: skip


def test_gradient_is_that_of_finite_differences():
    layers = LayerSum(3, normalised=True).double()
    states = torch.randn(3, 2, 5, dtype=torch.double)

    def total(logits: torch.Tensor) -> torch.Tensor:
        layers.logits = nn.Parameter(logits)
        return torch.func.functional_call(layers, {"logits": logits}, (list(states),)).square().sum()

    assert torch.autograd.gradcheck(total, torch.randn(3, dtype=torch.double, requires_grad=True))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Linear(4, 4)
        self.feed_forward = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.feed_forward(self.attention(x))


def test_lora_begins_as_the_layer_was_and_merges_into_a_plain_one():
    block, x = Block(), torch.randn(3, 4)
    before = block(x)
    assert add_lora([block], rank=2, alpha=4.0) == 2
    torch.testing.assert_close(block(x), before)
    assert isinstance(block.feed_forward[0], LoraLinear) and isinstance(block.attention, nn.Linear)
    assert not block.feed_forward[0].linear.weight.requires_grad
    with torch.no_grad():
        block.feed_forward[2].up.normal_()
    changed = block(x)
    lora = block.feed_forward[2]
    expected = lora.linear.weight + 2.0 * lora.up @ lora.down
    merge_lora(block)
    torch.testing.assert_close(block.feed_forward[2].weight, expected)
    torch.testing.assert_close(block(x), changed, atol=1e-5, rtol=0)
    assert not any(isinstance(module, LoraLinear) for module in block.modules())
