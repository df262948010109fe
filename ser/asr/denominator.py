"""The denominator of LF-MMI: forward-backward over a graph of all phone sequences, with a leaky HMM.

D. Povey et al., "Purely sequence-trained neural networks for ASR based on lattice-free MMI", Interspeech 2016; Kaldi's
chain-denominator.cc. Let x be the network's output, E = exp(x), W the weights of the arcs between states, l those of
the self-loops, p the initial probabilities and c the leak. Then:

    tot_t   = sum alpha_t                  a_t = alpha_t + c p tot_t            alpha_0 = p
    alpha_{t+1} = [ (W' a_t) E_t[entry] + l a_t E_t[loop] ] / tot_t
    log Z   = log sum a_T + sum_{t<T} log tot_t

All states are final. The derivative of log Z with respect to x is the posterior of each pdf in each frame.
"""

import warnings
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ser.asr import den_kernels
from ser.asr.graph import Graph, StateGraph, initial_probabilities, split_states
from ser.errors import SerError

# Kaldi, too, clamps the outputs before it takes their exponentials.
LARGEST_OUTPUT = 30.0


class Denominator:
    """A denominator graph, and its forward-backward.

    Parameters
    ----------
    graph : the graph with states split by `split_states`, and its initial log probabilities.
    num_pdfs : number of outputs of the network.
    leak : Kaldi's leaky-hmm-coefficient: the weight of a jump to any other state.
    """

    def __init__(self, graph: StateGraph, num_pdfs: int, leak: float) -> None:
        highest = int(max(graph.entry.max(), graph.loop.max()))
        if highest >= num_pdfs:
            raise SerError(f"denominator graph: it has pdf {highest}, but the network only {num_pdfs} outputs")
        self.graph, self.num_pdfs, self.leak = graph, num_pdfs, leak
        self.initial = np.exp(graph.initial)
        self.initial /= self.initial.sum()
        self._on_device: dict[tuple[torch.device, torch.dtype], dict[str, Tensor]] = {}

    @classmethod
    def of(cls, graph: Graph, num_pdfs: int, leak: float) -> "Denominator":
        """Make a denominator of a graph with pdfs on its arcs."""
        with np.errstate(divide="ignore"):
            initial = np.log(initial_probabilities(graph))
        return cls(split_states(graph, initial), num_pdfs, leak)

    def unseen_pdfs(self) -> list[int]:
        """List the pdfs that no arc has; training only makes the network's outputs for them small."""
        graph = self.graph
        looping = graph.loop[np.isfinite(graph.loop_weights)]
        entered = graph.entry[np.diff(graph.pointers) > 0]
        return sorted(set(range(self.num_pdfs)) - {*entered.tolist(), *looping.tolist()})

    @cached_property
    def leaving(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arcs, sorted by the state that they leave: pointers (S + 1,), targets (A,), log weights (A,)."""
        graph = self.graph
        targets = np.repeat(np.arange(graph.num_states), np.diff(graph.pointers))
        order = np.argsort(graph.sources, kind="stable")
        pointers = np.concatenate([[0], np.cumsum(np.bincount(graph.sources, minlength=graph.num_states))])
        return pointers, targets[order], graph.weights[order]

    def __call__(self, outputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return log Z (B,) float64 and its derivative (B, T, P) with respect to `outputs`.

        Parameters
        ----------
        outputs : (B, T, P) float32 or float64; finite.
        lengths : (B,) int64, number of frames of each sequence, 1 or more; later frames are ignored.
        """
        order = torch.argsort(lengths, descending=True, stable=True)
        counts = (lengths.unsqueeze(0) > torch.arange(outputs.shape[1], device=lengths.device).unsqueeze(1)).sum(1)
        likelihoods = outputs[order].clamp(-LARGEST_OUTPUT, LARGEST_OUTPUT).exp().permute(1, 2, 0).contiguous()
        compute = self._compiled if outputs.device.type == "cpu" else self._sparse
        log_z, posteriors = compute(likelihoods, counts.cpu(), lengths[order])
        back = torch.argsort(order)
        return log_z[back], posteriors.permute(2, 0, 1)[back]

    def _compiled(self, likelihoods: Tensor, counts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        graph, values = self.graph, likelihoods.numpy()
        dtype = values.dtype
        frames, _, size = values.shape
        initial = self.initial.astype(dtype)
        loop_weights = np.exp(graph.loop_weights).astype(dtype)
        alphas = np.zeros((frames + 1, graph.num_states, size), dtype)
        alphas[0] = initial[:, None]
        totals = np.ones((frames + 1, size))
        states = (graph.entry, graph.loop, loop_weights, initial, dtype.type(self.leak), values, counts.numpy())
        weights = np.exp(graph.weights).astype(dtype)
        den_kernels.forward(graph.pointers, graph.sources, weights, *states, alphas, totals)
        posteriors = np.zeros_like(values)
        pointers, targets, weights = self.leaving
        den_kernels.backward(pointers, targets, np.exp(weights).astype(dtype), *states, alphas, totals, posteriors)
        return self._log_z(torch.from_numpy(totals), lengths), torch.from_numpy(posteriors)

    def _sparse(self, likelihoods: Tensor, counts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the same by sparse matrix products, whose sums have a fixed order: a GPU repeats each bit."""
        constants = self._constants(likelihoods.device, likelihoods.dtype)
        initial, entry, loop, stay = (constants[name] for name in ("initial", "entry", "loop", "loop_weights"))
        frames, _, size = likelihoods.shape
        alphas = [initial.unsqueeze(1).expand(-1, size)]
        totals = torch.ones((frames + 1, size), dtype=torch.float64, device=likelihoods.device)
        leak = self.leak
        for frame, count in enumerate(counts.tolist()):
            before = alphas[-1][:, :count]
            total = before.sum(0, dtype=torch.float64)
            totals[frame, :count] = total
            total = total.to(before.dtype)
            leaky = (before + leak * initial.unsqueeze(1) * total) / total
            here = likelihoods[frame, :, :count]
            alphas.append((constants["entering"] @ leaky) * here[entry] + leaky * stay.unsqueeze(1) * here[loop])
            ended = counts[frame + 1] if frame + 1 < frames else 0
            totals[frame + 1, ended:count] = alphas[-1][:, ended:].sum(0, dtype=torch.float64)
        posteriors = torch.zeros_like(likelihoods)
        beta = likelihoods.new_zeros((len(entry), 0))
        for frame in range(frames - 1, -1, -1):
            count = int(counts[frame])
            ended = 1 / totals[frame + 1, beta.shape[1] : count].to(beta.dtype)
            beta = torch.cat([beta, ended.expand(len(entry), -1)], 1)
            total = totals[frame, :count].to(beta.dtype)
            here = likelihoods[frame, :, :count]
            entering = beta / total * here[entry]
            staying = beta / total * stay.unsqueeze(1) * here[loop]
            before = alphas[frame][:, :count] + leak * initial.unsqueeze(1) * total
            loops = staying * before
            enters = (alphas[frame + 1] * beta - loops).clamp(min=0)
            posteriors[frame, :, :count] = constants["of_entry"] @ enters + constants["of_loop"] @ loops
            beta = constants["leaving"] @ entering + staying
            beta = beta + leak * (initial @ beta)
        return self._log_z(totals, lengths), posteriors

    def _log_z(self, totals: Tensor, lengths: Tensor) -> Tensor:
        index = torch.arange(totals.shape[1], device=totals.device)
        frames = torch.arange(len(totals), device=totals.device).unsqueeze(1)
        logs = torch.where(frames < lengths, totals, 1.0).log().sum(0)
        return logs + (totals[lengths, index] * (1 + self.leak)).log()

    def _constants(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        if (device, dtype) not in self._on_device:
            graph = self.graph
            size = graph.num_states
            pointers, targets, weights = self.leaving

            def sparse(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Tensor:
                crow, column, value = (torch.as_tensor(part, device=device) for part in (rows, columns, values))
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
                    return torch.sparse_csr_tensor(
                        crow, column, value, shape, dtype=dtype, device=device, check_invariants=True
                    )

            def of_pdf(pdfs: np.ndarray) -> Tensor:
                order = np.argsort(pdfs, kind="stable")
                rows = np.concatenate([[0], np.cumsum(np.bincount(pdfs, minlength=self.num_pdfs))])
                return sparse(rows, order, np.ones(size), (self.num_pdfs, size))

            self._on_device[device, dtype] = {
                "initial": torch.as_tensor(self.initial, dtype=dtype, device=device),
                "entry": torch.as_tensor(graph.entry, device=device),
                "loop": torch.as_tensor(graph.loop, device=device),
                "loop_weights": torch.as_tensor(np.exp(graph.loop_weights), dtype=dtype, device=device),
                "entering": sparse(graph.pointers, graph.sources, np.exp(graph.weights), (size, size)),
                "leaving": sparse(pointers, targets, np.exp(weights), (size, size)),
                "of_entry": of_pdf(graph.entry),
                "of_loop": of_pdf(graph.loop),
            }
        return self._on_device[device, dtype]
