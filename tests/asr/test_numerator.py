from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from ser.asr import graph, numerator


def test_log_probability_and_derivative_are_kaldis(chain: Path, chain_output, by_sequence):
    numerators = [numerator.of_graph(graph.read_fst_text(chain / f"num{row}.txt")) for row in range(2)]
    log_z, posteriors = numerator.forward_backward(chain_output, numerators, [20, 20])
    assert log_z.sum().item() == pytest.approx(-8.72805214, abs=1e-5)
    np.testing.assert_allclose(posteriors, by_sequence(chain / "num_deriv.mat"), atol=1e-6, rtol=0)


def test_log_probability_is_the_sum_over_all_paths(small: graph.Graph, enumerate_paths):
    outputs = torch.randn(1, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    begin = np.array([0.0, -np.inf, -np.inf])
    expected = enumerate_paths(small, begin, small.finals, outputs[0].numpy())
    log_z, posteriors = numerator.forward_backward(outputs, [numerator.of_graph(small)], [5])
    assert log_z.item() == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(posteriors[0].sum(1), 1.0, atol=1e-10)


def ctc_graph(labels: list[int]) -> graph.Graph:
    """Make the CTC topology: blanks (pdf 0) around the labels; one may be left out between different labels."""
    symbols = [0, *(symbol for label in labels for symbol in (label, 0))]
    arcs = [(0, 1, symbols[0], 0.0), (0, 2, symbols[1], 0.0)]
    for state, symbol in enumerate(symbols, start=1):
        arcs.append((state, state, symbol, 0.0))
        if state < len(symbols):
            arcs.append((state, state + 1, symbols[state], 0.0))
        if state + 1 < len(symbols) and symbol != 0 and symbols[state + 1] != symbol:
            arcs.append((state, state + 2, symbols[state + 1], 0.0))
    return graph.make_graph(0, arcs, {len(symbols): 0.0, len(symbols) - 1: 0.0})


def test_with_the_ctc_topology_it_is_torchs_ctc_loss():
    generator = torch.Generator().manual_seed(3)
    outputs = torch.randn(2, 12, 5, dtype=torch.float64, generator=generator).log_softmax(2).requires_grad_()
    labels = [[1, 2, 2, 4], [3, 1]]
    lengths = [12, 9]
    targets = torch.tensor([label for row in labels for label in row])
    loss = functional.ctc_loss(
        outputs.transpose(0, 1), targets, torch.tensor(lengths), torch.tensor([4, 2]), reduction="none"
    )
    numerators = [numerator.of_graph(ctc_graph(row)) for row in labels]
    log_z, posteriors = numerator.forward_backward(outputs.detach(), numerators, lengths)
    np.testing.assert_allclose(-log_z, loss.detach(), atol=1e-10)
    # Torch's gradient goes through the log-softmax that is before it: probabilities minus posteriors.
    (gradient,) = torch.autograd.grad(loss.sum(), outputs)
    expected = outputs.detach().exp() - posteriors
    np.testing.assert_allclose(gradient[0], expected[0], atol=1e-10)
    np.testing.assert_allclose(gradient[1, :9], expected[1, :9], atol=1e-10)


def test_packed_numerators_come_back(chain: Path):
    numerators = [numerator.of_graph(graph.read_fst_text(chain / f"num{row}.txt")) for row in range(2)]
    packed = numerator.pack(numerators, [20, 17])
    assert packed.dtype == torch.int64
    found, frames = numerator.unpack(packed)
    assert frames.tolist() == [20, 17]
    for before, after in zip(numerators, found, strict=True):
        np.testing.assert_array_equal(before.pdfs, after.pdfs)
        for name in vars(before.graph):
            np.testing.assert_array_equal(getattr(before.graph, name), getattr(after.graph, name))


def test_penalties_are_taken_off_the_outputs_of_these_pdfs_in_these_frames(chain: Path, chain_output):
    plain = numerator.of_graph(graph.read_fst_text(chain / "num0.txt"))
    frames = np.arange(20) % 3 == 0
    pdfs = plain.pdfs[:2].tolist()
    allowed = np.ones((chain_output.shape[2], 20), dtype=bool)
    allowed[np.ix_(pdfs, frames)] = False
    num = plain.within(allowed, 5.0)
    outputs = chain_output[:1].clone()
    outputs[0, :, pdfs] -= 5.0 * torch.from_numpy(frames)[:, None]
    log_z, posteriors = numerator.forward_backward(chain_output[:1], [num], [20])
    expected = numerator.forward_backward(outputs, [plain], [20])
    torch.testing.assert_close((log_z, posteriors), expected)
    assert not torch.equal(posteriors, numerator.forward_backward(chain_output[:1], [plain], [20])[1])
    # As they come from the batches, beside one that has none.
    found, lengths = numerator.unpack(numerator.pack([plain, num], [20, 20]))
    both, _ = numerator.forward_backward(chain_output[:1].expand(2, -1, -1), found, lengths.tolist())
    assert both[1] == log_z[0] < both[0]


def test_a_sequence_shorter_than_every_path_has_no_derivative(chain: Path, chain_output):
    num = numerator.of_graph(graph.read_fst_text(chain / "num0.txt"))
    assert num.shortest() == 3
    log_z, posteriors = numerator.forward_backward(chain_output[:1, :2], [num], [2])
    assert np.isneginf(log_z.item())
    assert not posteriors.any()
