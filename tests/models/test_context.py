import pytest
import torch

from ser.models.context import BcLstm, ContextConfig, Icon

WIDTHS = {"speech": 6, "text": 4}
NETWORKS = [BcLstm, Icon]


def make(network: type, widths: dict[str, int] = WIDTHS, **changes) -> torch.nn.Module:
    torch.manual_seed(0)
    return network(
        ContextConfig(**({"hidden": 8, "dropout": 0.0, "history": 10, "hops": 2} | changes)), widths, 3
    ).eval()


def dialogue(size: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """One dialogue whose two speakers take turns."""
    rng = torch.Generator().manual_seed(seed)
    inputs = {name: torch.randn(1, size, width, generator=rng) for name, width in WIDTHS.items()}
    every = torch.ones(1, size, dtype=torch.bool)
    return inputs | {"speaker": torch.arange(size)[None] % 2, "mask": every, "scored": every}


def changed(inputs: dict[str, torch.Tensor], place: int) -> dict[str, torch.Tensor]:
    """The same dialogue, but for what is said at one place."""
    return {name: x.index_add(1, torch.tensor([place]), torch.ones(1, 1, x.shape[2])) if name in WIDTHS else x
            for name, x in inputs.items()}  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS)
def test_a_dialogue_is_scored_the_same_beside_a_longer_one(network):
    model, short, long = make(network), dialogue(3), dialogue(7, seed=1)
    both = {}
    for name in short:
        both[name] = long[name].repeat(2, *[1] * (long[name].ndim - 1))
        both[name][0] = 0
        both[name][0, :3] = short[name][0]
    logits = model(both)
    assert logits.shape == (10, 3)
    torch.testing.assert_close(logits[:3], model(short))
    torch.testing.assert_close(logits[3:], model(long))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("widths", [{"speech": 6}, {"text": 4}])
def test_one_modality_is_enough(network, widths):
    assert make(network, widths)(dialogue(5)).shape == (5, 3)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_only_heard_is_not_asked_for_and_changes_the_others(network):
    model, inputs = make(network), dialogue(5)
    asked = inputs | {"scored": torch.tensor([[False, False, True, False, True]])}
    torch.testing.assert_close(model(asked), model(inputs)[[2, 4]])
    moved = (model(changed(asked, 0)) - model(asked)).abs().sum(1)
    assert (moved > 1e-7).all()


def test_bc_lstm_hears_what_comes_before_and_after():
    model, inputs = make(BcLstm), dialogue(5)
    moved = (model(changed(inputs, 2)) - model(inputs)).abs().sum(1)
    assert (moved > 1e-6).all()


def test_icon_hears_what_came_before_and_not_what_follows():
    model, inputs = make(Icon), dialogue(5)
    moved = (model(changed(inputs, 2)) - model(inputs)).abs().sum(1)
    assert (moved[:2] == 0).all() and (moved[2:] > 1e-7).all()


def test_icon_knows_who_speaks():
    model, inputs = make(Icon), dialogue(5)
    other = inputs | {"speaker": torch.tensor([[0, 0, 0, 1, 1]])}
    assert not torch.allclose(model(inputs), model(other))
    swapped = inputs | {"speaker": 1 - inputs["speaker"]}
    torch.testing.assert_close(model(inputs), model(swapped))


def test_icon_without_a_history_hears_each_utterance_by_itself():
    model, inputs = make(Icon, history=0), dialogue(5)
    moved = (model(changed(inputs, 1)) - model(inputs)).abs().sum(1)
    assert (moved[[0, 2, 3, 4]] == 0).all() and moved[1] > 1e-6


def test_icon_scores_the_first_utterance_by_itself():
    model = make(Icon)
    logits = model(dialogue(1))
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(model(dialogue(4))[:1].isfinite(), torch.ones(1, 3, dtype=torch.bool))
