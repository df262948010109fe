import itertools
import math

import numpy as np
import pytest
import torch

from ser.asr import numerator
from ser.asr.chain_loss import ChainLoss, ChainLossConfig
from ser.asr.context import ContextConfig, make_context
from ser.asr.den_graph import den_graph, make_denominator
from ser.asr.lexicon import make_lexicon
from ser.asr.phone_lm import PhoneLmConfig, estimate
from ser.asr.transcripts import SilenceConfig, one_way, phone_arcs
from ser.errors import SerError

LEXICON = make_lexicon([("ba", "BA"), ("ab", "AB"), ("a", "A"), ("a", "BA")], unknown=False)
TEXTS = ["ba ab", "a ba", "ab a ba", "a"]


@pytest.fixture(scope="module", params=["mono", "biphone"])
def parts(request):
    rng = np.random.default_rng(0)
    texts = TEXTS * 30
    sequences = [one_way(text.split(), LEXICON, SilenceConfig(0.5, 0.3), rng) for text in texts]
    lm = estimate(sequences, PhoneLmConfig(order=3, no_prune_order=2, extra_states=5))
    context = make_context(LEXICON.phones, sequences, ContextConfig(request.param, min_biphone_count=10))
    den, phones = make_denominator(lm, context, leak=0.1)
    return lm, context, den, phones


def phone_numerator(text: str, phones: numerator.PhoneGraph) -> numerator.Numerator:
    found = numerator.of_phones(*phone_arcs(text.split(), LEXICON), phones)
    assert found is not None
    return found


def random_outputs(size: int, frames: int, pdfs: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, frames, 2 * pdfs, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_objective_is_never_above_zero(parts, scale: float):
    _, context, den, phones = parts
    outputs = scale * random_outputs(len(TEXTS), 12, context.num_pdfs)[:, :, : context.num_pdfs]
    lengths = torch.full((len(TEXTS),), 12)
    num, _ = numerator.forward_backward(outputs, [phone_numerator(text, phones) for text in TEXTS], [12] * len(TEXTS))
    log_z, _ = den(outputs, lengths)
    assert torch.isfinite(num).all()
    assert (num <= log_z + 1e-9).all()


def test_the_numerator_is_the_sum_over_all_paths_of_its_words(parts, enumerate_paths):
    lm, context, den, phones = parts
    graph, _ = den_graph(lm, context)
    outputs = random_outputs(1, 5, context.num_pdfs)[0, :, : context.num_pdfs].numpy()
    # All phone sequences of "a", each with its weight: A or B A, with silences around or not.
    silence, a, b = (LEXICON.numbers[name] for name in ("SIL", "A", "B"))
    total = []
    for way, front, back in itertools.product([[a], [b, a]], [[], [silence]], [[], [silence]]):
        sequence = front + way + back
        total.append(math.log(1 / 8) + log_of_sequence(graph, den, context, lm, sequence, outputs))
    found, _ = numerator.forward_backward(torch.from_numpy(outputs)[None], [phone_numerator("a", phones)], [5])
    assert found.item() == pytest.approx(np.logaddexp.reduce(total), abs=1e-9)


def log_of_sequence(graph, den, context, lm, sequence, outputs) -> float:
    """Sum over all begins and all times of the phones, by brute force over the graph's states."""
    leaving = {}
    phones = den_graph(lm, context)[1]
    for source, target, pdf, weight in zip(graph.sources, graph.targets, graph.pdfs, graph.weights, strict=True):
        leaving.setdefault(int(source), []).append((int(target), int(pdf), float(weight)))
    totals = [-np.inf]

    def follow(state: int, place: int, frame: int, total: float, begun: bool) -> None:
        if frame == len(outputs):
            if place == len(sequence):
                totals.append(total)
            return
        for target, pdf, weight in leaving.get(state, []):
            value = total + weight + outputs[frame, pdf]
            if target == state and pdf % 2:
                if begun:
                    follow(target, place, frame + 1, value, True)
            elif place < len(sequence) and phones[target] == sequence[place]:
                follow(target, place + 1, frame + 1, value, True)

    for state, value in enumerate(den.initial):
        if value > 0:
            follow(state, 0, 0, math.log(value), False)
    return float(np.logaddexp.reduce(totals))


def test_gradient_is_that_of_the_loss(parts):
    _, context, den, phones = parts
    loss = ChainLoss(den, ChainLossConfig(leak=0.1, xent=0.1, l2=1e-2)).eval()
    outputs = random_outputs(2, 8, context.num_pdfs)
    targets = numerator.pack([phone_numerator(text, phones) for text in TEXTS[:2]], [8, 6])
    # The targets of the second output are constants, so that what moves the first one is left out of the check.
    chain, xent = outputs.split(context.num_pdfs, 2)
    plain = ChainLoss(den, ChainLossConfig(leak=0.1, xent=0.0, l2=1e-2)).eval()
    torch.autograd.gradcheck(lambda value: plain(torch.cat([value, xent], 2), targets), chain.requires_grad_())
    torch.autograd.gradcheck(
        lambda value: loss(torch.cat([chain.detach(), value], 2), targets), xent.clone().requires_grad_()
    )


def test_the_second_outputs_target_is_the_numerators_posterior(parts):
    _, context, den, phones = parts
    outputs = random_outputs(1, 8, context.num_pdfs).requires_grad_()
    num = phone_numerator(TEXTS[0], phones)
    loss = ChainLoss(den, ChainLossConfig(leak=0.1, xent=1.0, l2=0.0)).eval()
    loss(outputs, numerator.pack([num], [8])).backward()
    chain, xent = outputs.detach().split(context.num_pdfs, 2)
    _, posteriors = numerator.forward_backward(chain, [num], [8])
    np.testing.assert_allclose(outputs.grad[:, :, context.num_pdfs :], (xent.softmax(2) - posteriors) / 8, atol=1e-12)


def test_frames_behind_a_sequences_end_have_no_gradient(parts):
    _, context, den, phones = parts
    outputs = random_outputs(2, 9, context.num_pdfs).requires_grad_()
    loss = ChainLoss(den, ChainLossConfig())
    loss(outputs, numerator.pack([phone_numerator(text, phones) for text in TEXTS[:2]], [9, 6])).backward()
    assert not outputs.grad[1, 6:].any()
    assert outputs.grad[1, :6].any()


def test_a_minibatch_that_is_not_finite_moves_nothing_and_many_end_the_training(parts):
    _, context, den, phones = parts
    outputs = random_outputs(1, 8, context.num_pdfs)
    outputs[0, 3, 1] = float("nan")
    outputs.requires_grad_()
    targets = numerator.pack([phone_numerator(TEXTS[0], phones)], [8])
    loss = ChainLoss(den, ChainLossConfig())
    value = loss(outputs, targets)
    value.backward()
    assert value.item() == 10.0
    assert not outputs.grad.any()
    good = random_outputs(1, 8, context.num_pdfs)
    for _ in range(18):
        loss(good, targets)
    with pytest.raises(SerError, match=r"2 of 20 minibatches are not finite, over the limit of 5%"):
        loss(outputs, targets)


def test_phones_that_the_language_model_never_saw_in_this_order_have_no_numerator(parts):
    phones = parts[3]
    b = LEXICON.numbers["B"]
    assert numerator.of_phones([(0, 1, b, 0.0), (1, 2, b, 0.0), (2, 3, b, 0.0)], {3: 0.0}, phones) is None


def test_outputs_of_another_width_are_named(parts):
    _, context, den, phones = parts
    targets = numerator.pack([phone_numerator(TEXTS[0], phones)], [8])
    with pytest.raises(SerError, match=f"the network has 7 outputs; the graph takes {2 * context.num_pdfs}"):
        ChainLoss(den, ChainLossConfig())(torch.zeros(1, 8, 7), targets)
