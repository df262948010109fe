from pathlib import Path

import numpy as np
import pytest
import torch

from ser.asr import graph
from ser.asr.denominator import Denominator
from ser.errors import SerError

BOTH = pytest.mark.parametrize("compute", ["_compiled", "_sparse"])


def run(den: Denominator, compute: str, outputs: torch.Tensor, lengths: torch.Tensor):
    den._compiled = getattr(den, compute)  # type: ignore[method-assign]
    return den(outputs, lengths)


@BOTH
@pytest.mark.parametrize(("leak", "total"), [(1e-5, -1.12100697), (0.1, 2.92844129)])
def test_log_probability_and_derivative_are_kaldis(chain: Path, chain_output, by_sequence, compute, leak, total):
    den = Denominator.of(graph.read_fst_text(chain / "den.txt"), 6, leak)
    log_z, posteriors = run(den, compute, chain_output, torch.tensor([20, 20]))
    assert log_z.sum().item() == pytest.approx(total, abs=1e-5)
    name = {1e-5: "1e-5", 0.1: "0.1"}[leak]
    np.testing.assert_allclose(posteriors, by_sequence(chain / f"den_deriv_leaky{name}.mat"), atol=1e-6, rtol=0)


def leaky_graph(small: graph.Graph, leak: float) -> tuple[graph.Graph, np.ndarray]:
    """Write the leak as what it means: before each arc a path may jump, at cost c p(j), to any state j."""
    initial = graph.initial_probabilities(small)
    arcs = []
    for source, target, pdf, weight in zip(small.sources, small.targets, small.pdfs, small.weights, strict=True):
        for state in range(small.num_states):
            jump = np.log(leak * initial[source] + (state == source))
            arcs.append((state, int(target), int(pdf), float(weight + jump)))
    return graph.make_graph(0, arcs, {0: 0.0}), np.log(initial)


@BOTH
def test_log_probability_is_the_sum_over_all_paths(small: graph.Graph, enumerate_paths, compute: str):
    leak, frames = 0.1, 5
    outputs = torch.randn(1, frames, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jumping, initial = leaky_graph(small, leak)
    # A path may jump once more at its end, which multiplies all by 1 + leak.
    expected = enumerate_paths(jumping, initial, np.zeros(3), outputs[0].numpy()) + np.log(1 + leak)
    log_z, _ = run(Denominator.of(small, 4, leak), compute, outputs, torch.tensor([frames]))
    assert log_z.item() == pytest.approx(expected, abs=1e-10)


@BOTH
def test_derivative_is_that_of_the_log_probability(small: graph.Graph, compute: str):
    den = Denominator.of(small, 4, 0.1)
    outputs = torch.randn(2, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([4, 6])
    _, posteriors = run(den, compute, outputs, lengths)
    step = 1e-5
    for row, frame, pdf in np.ndindex(2, 6, 4):
        moved = outputs.clone()
        moved[row, frame, pdf] += step
        up = den(moved, lengths)[0][row]
        moved[row, frame, pdf] -= 2 * step
        slope = (up - den(moved, lengths)[0][row]) / (2 * step)
        assert posteriors[row, frame, pdf].item() == pytest.approx(slope.item(), abs=1e-8)


@BOTH
def test_posteriors_sum_to_one_and_sequences_do_not_mix(chain: Path, chain_output, compute: str):
    den = Denominator.of(graph.read_fst_text(chain / "den.txt"), 6, 0.1)
    lengths = torch.tensor([7, 20])
    log_z, posteriors = run(den, compute, chain_output, lengths)
    np.testing.assert_allclose(posteriors[0, :7].sum(1), 1.0, atol=1e-6)
    np.testing.assert_allclose(posteriors[1].sum(1), 1.0, atol=1e-6)
    assert not posteriors[0, 7:].any()
    alone = [den(chain_output[row : row + 1, :length], lengths[row : row + 1]) for row, length in enumerate((7, 20))]
    np.testing.assert_allclose(log_z, [alone[0][0].item(), alone[1][0].item()], atol=1e-6)
    np.testing.assert_allclose(posteriors[0, :7], alone[0][1][0], atol=1e-6)


def test_outputs_far_out_are_clamped_as_kaldi_does(small: graph.Graph):
    den = Denominator.of(small, 4, 0.1)
    outputs = torch.zeros(1, 3, 4)
    outputs[0, 1, 2] = 1000.0
    clamped = outputs.clamp(max=30.0)
    for far, near in zip(den(outputs, torch.tensor([3])), den(clamped, torch.tensor([3])), strict=True):
        assert torch.equal(far, near)
        assert torch.isfinite(far).all()


def test_a_pdf_that_the_network_lacks_is_named(small: graph.Graph):
    with pytest.raises(SerError, match="it has pdf 3, but the network only 3 outputs"):
        Denominator.of(small, 3, 0.1)


def test_pdfs_that_no_path_takes_are_listed(small: graph.Graph):
    assert Denominator.of(small, 6, 0.1).unseen_pdfs() == [4, 5]
