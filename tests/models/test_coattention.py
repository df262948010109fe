import numpy as np
import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.models.coattention import Attention, CoAttention, CoAttentionConfig

# The equations alone: two numbers a row, every matrix the identity, w = (1, 1).
PAPER = CoAttentionConfig(dim=2, hidden=2, order=("text", "speech", "text"), layers=0, heads=1, inner=2, dropout=0.0)
SPEECH = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
TEXT = torch.tensor([[[1.0, 1.0], [0.0, -1.0], [2.0, 0.0]]])


def as_they_are(width: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(width), torch.ones(width)


def by_hand(config: CoAttentionConfig = PAPER, modalities: tuple[str, ...] = ("speech", "text")) -> CoAttention:
    net = CoAttention(config, {name: as_they_are(2) for name in modalities}, 2).eval()
    for parameter in (p for name, p in net.named_parameters() if p.ndim == 2):
        nn.init.eye_(parameter) if parameter.shape == (2, 2) else nn.init.ones_(parameter)
    for side in net.sides.values():
        nn.init.zeros_(side.projection.bias)
    return net


def batch(speech: torch.Tensor = SPEECH, text: torch.Tensor = TEXT) -> dict[str, torch.Tensor]:
    return {
        "speech": speech,
        "speech_mask": torch.ones(speech.shape[:2], dtype=torch.bool),
        "text": text,
        "text_mask": torch.ones(text.shape[:2], dtype=torch.bool),
    }


def random_net(layers: int = 1) -> CoAttention:
    torch.manual_seed(0)
    config = CoAttentionConfig(16, 8, ("text", "speech", "text"), layers, 4, 32, 0.1)
    return CoAttention(config, {"speech": as_they_are(5), "text": as_they_are(7)}, 3).eval()


def test_three_steps_by_hand():
    net = by_hand()
    (first, text), (second, speech), (third, again) = net.weights(batch())
    assert (first, second, third) == ("text", "speech", "text")
    for found, expected in (
        (text, [0.597555, 0.060829, 0.341616]),
        (speech, [0.407473, 0.592527]),
        (again, [0.449096, 0.123292, 0.427612]),
    ):
        np.testing.assert_allclose(found.detach().numpy()[0], expected, atol=1e-6)
    attended, _ = net._attend(batch())
    np.testing.assert_allclose(attended["speech"].detach().numpy()[0], [0.407473, 1.185053], atol=1e-6)
    np.testing.assert_allclose(attended["text"].detach().numpy()[0], [1.304320, 0.325803], atol=1e-6)
    # (1.711793, 1.510856), less its mean, over its standard deviation.
    np.testing.assert_allclose(net.embed(batch()).detach().numpy()[0], [0.999505, -0.999505], atol=1e-6)


def test_the_first_step_has_no_guide_and_sums_by_the_rows_alone():
    sums, _ = by_hand().steps[0](TEXT, torch.ones(1, 3, dtype=torch.bool))
    np.testing.assert_allclose(sums.detach().numpy()[0], [1.280787, 0.536727], atol=1e-6)


def test_the_other_order_begins_with_speech_and_ends_with_it():
    config = CoAttentionConfig(2, 2, ("speech", "text", "speech"), 0, 1, 2, 0.0)
    names = [name for name, _ in by_hand(config).weights(batch())]
    assert names == ["speech", "text", "speech"]


def test_of_one_modality_it_is_the_unguided_attention():
    net = by_hand(modalities=("text",))
    ((name, weights),) = net.weights(batch())
    assert name == "text"
    np.testing.assert_allclose(weights.detach().numpy()[0], [0.597555, 0.060829, 0.341616], atol=1e-6)


def test_a_score_of_zero_gives_the_plain_mean_and_one_row_itself():
    attention = Attention(4, 3, is_guided=False)
    nn.init.zeros_(attention.score.weight)
    rows = torch.randn(2, 5, 4)
    sums, _ = attention(rows, torch.ones(2, 5, dtype=torch.bool))
    torch.testing.assert_close(sums, rows.mean(1))
    sums, weights = Attention(4, 3, is_guided=False)(rows[:, :1], torch.ones(2, 1, dtype=torch.bool))
    assert torch.equal(sums, rows[:, 0]) and torch.equal(weights, torch.ones(2, 1))


def test_the_order_of_the_rows_changes_nothing():
    net, shuffled = random_net(), torch.randperm(6)
    speech, text = torch.randn(2, 4, 5), torch.randn(2, 6, 7)
    torch.testing.assert_close(net(batch(speech, text)), net(batch(speech, text[:, shuffled])), rtol=1e-5, atol=1e-6)


def test_what_masked_padding_holds_leaves_the_bits_and_how_long_it_is_the_numbers():
    net = random_net()
    speech, text = torch.randn(3, 4, 5), torch.randn(3, 6, 7)
    logits = []
    for scale in (0.0, 50.0):
        padding = scale * torch.randn(3, 5, 5), scale * torch.randn(3, 3, 7)
        padded = batch(torch.cat([speech, padding[0]], 1), torch.cat([text, padding[1]], 1))
        padded["speech_mask"][:, 4:] = False
        padded["text_mask"][:, 6:] = False
        logits.append(net(padded))
    assert torch.equal(*logits)
    torch.testing.assert_close(logits[0], net(batch(speech, text)), rtol=1e-5, atol=1e-6)


def test_an_utterance_without_text_has_the_learnt_row_whatever_its_padding_holds():
    net = random_net()
    inputs = batch(torch.randn(2, 4, 5), torch.randn(2, 6, 7))
    inputs["text_mask"][0] = False
    logits = net(inputs)
    inputs["text"][0] = torch.randn(6, 7)
    assert torch.equal(net(inputs)[0], logits[0]) and torch.isfinite(logits).all()
    net.sides["text"].nothing.data += 1
    changed = net(inputs)
    assert not torch.equal(changed[0], logits[0]) and torch.equal(changed[1], logits[1])


def test_rows_are_normalised_by_the_training_statistics():
    net = random_net()
    other = CoAttention(
        CoAttentionConfig(16, 8, ("text", "speech", "text"), 1, 4, 32, 0.1),
        {"speech": (torch.full((5,), 3.0), torch.full((5,), 2.0)), "text": as_they_are(7)},
        3,
    ).eval()
    other.load_state_dict(
        net.state_dict()
        | {f"sides.speech.{name}": other.state_dict()[f"sides.speech.{name}"] for name in ("mean", "stddev")}
    )
    speech, text = torch.randn(2, 4, 5), torch.randn(2, 6, 7)
    torch.testing.assert_close(other(batch(2 * speech + 3, text)), net(batch(speech, text)))


def test_each_step_has_parameters_of_its_own():
    net = random_net(layers=0)
    # Attention: 16 x 8 + 8, with a guide another 16 x 8.
    assert [sum(p.numel() for p in step.parameters()) for step in net.steps] == [136, 264, 264]


@pytest.mark.parametrize("order", [("text",), ("text", "text", "speech"), ("speech", "speech")])
def test_an_order_that_does_not_alternate_is_refused(order):
    with pytest.raises(SerError, match="expected speech and text in turn"):
        CoAttention(CoAttentionConfig(2, 2, order, 0, 1, 2, 0.0), {m: as_they_are(2) for m in ("speech", "text")}, 2)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(SerError, match="dim 10 is no multiple of heads 4"):
        CoAttention(CoAttentionConfig(10, 2, ("text",), 1, 4, 2, 0.0), {"text": as_they_are(2)}, 2)
