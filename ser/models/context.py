"""Baselines of system D that use the dialogue around an utterance: small versions of bc-LSTM and ICON.

Both map vectors (B, U, D) of each modality, B dialogues of up to U utterances in the order of speaking, to logits of
the N utterances for which `scored` (B, U) is true, row by row. `mask` (B, U) is false for padding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ContextConfig:
    """Sizes of a context network."""

    hidden: int  # units of each recurrent layer (of each direction, in bc-LSTM)
    dropout: float  # on the input of each layer
    history: int  # ICON: number of memories before an utterance that are read
    hops: int  # ICON: number of times that the memory is read, at least 1


class BcLstm(nn.Module):
    """Bidirectional LSTMs over a dialogue: one for each modality, then one over the outputs of all.

    Poria et al., "Context-dependent sentiment analysis in user-generated videos", ACL 2017, hierarchical fusion. The
    paper trains the two levels one after the other; here they are trained together.
    """

    def __init__(self, config: ContextConfig, inputs: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        self.names = list(inputs)
        self.dropout = nn.Dropout(config.dropout)
        self.contexts = nn.ModuleDict({name: _both_ways(width, config.hidden) for name, width in inputs.items()})
        # With one modality there is only the first level.
        self.fusion = _both_ways(2 * config.hidden * len(inputs), config.hidden) if len(inputs) > 1 else None
        self.output = nn.Linear(2 * config.hidden, num_classes)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch of dialogues to logits (N, K)."""
        mask = inputs["mask"]
        lengths = mask.sum(1)
        heard = [_run(cast(nn.LSTM, self.contexts[name]), self.dropout(inputs[name]), lengths) for name in self.names]
        hidden = torch.cat(heard, dim=2)  # (B, U, 2 H for each modality)
        if self.fusion is not None:
            hidden = _run(self.fusion, self.dropout(hidden), lengths)
        return self.output(self.dropout(hidden[inputs["scored"]]))


class Icon(nn.Module):
    """Memory network over the earlier utterances of both speakers, which is read with the utterance as the query.

    Hazarika et al., "ICON: interactive conversational memory network for multimodal emotion detection", EMNLP 2018: a
    GRU for each speaker follows its own utterances (self-influence), one GRU over both, in the order of speaking, makes
    the memories (global influence), and attention reads them. Each further hop first passes the memories through
    another GRU. Modalities are concatenated. Both speakers share the weights of their GRU, since "first" and "second"
    speaker are not roles that are the same in all dialogues.
    """

    def __init__(self, config: ContextConfig, inputs: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        self.names, self.history = list(inputs), config.history
        width = config.hidden
        self.dropout = nn.Dropout(config.dropout)
        self.question = nn.Linear(sum(inputs.values()), width)
        self.own = nn.GRUCell(width, width)
        self.both = nn.GRU(width, width, batch_first=True)
        self.hops = nn.ModuleList(nn.GRU(width, width, batch_first=True) for _ in range(config.hops - 1))
        self.output = nn.Linear(width, num_classes)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map a batch of dialogues, whose `speaker` (B, U) is 0 or 1, to logits (N, K)."""
        mask, speaker = inputs["mask"], inputs["speaker"]
        vectors = torch.cat([inputs[name] for name in self.names], dim=2)
        query = torch.tanh(self.question(self.dropout(vectors)))  # (B, U, H)
        memory, _ = self.both(self._follow(query, speaker))
        before = _before(mask.shape[1], self.history, mask.device)
        query = _read(query, memory, before)
        for hop in self.hops:
            memory, _ = hop(memory)
            query = _read(query, memory, before)
        return self.output(self.dropout(query[inputs["scored"]]))

    def _follow(self, query: Tensor, speaker: Tensor) -> Tensor:
        """Return, for each utterance, the state of its speaker's GRU after it: (B, U, H)."""
        states = [query.new_zeros(len(query), query.shape[2])] * 2
        followed = []
        for place in range(query.shape[1]):
            is_first = (speaker[:, place] == 0)[:, None]
            state = self.own(query[:, place], torch.where(is_first, *states))
            states = [torch.where(is_first, state, states[0]), torch.where(is_first, states[1], state)]
            followed.append(state)
        return torch.stack(followed, dim=1)


def _both_ways(inputs: int, hidden: int) -> nn.LSTM:
    return nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True)


def _run(lstm: nn.LSTM, vectors: Tensor, lengths: Tensor) -> Tensor:
    """Run over the `lengths` (B,) of padded `vectors` (B, U, D): (B, U, 2 H), zeros after the end."""
    packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
    hidden, _ = nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=vectors.shape[1])
    return hidden


def _read(query: Tensor, memory: Tensor, before: Tensor) -> Tensor:
    """Add to each query (B, U, H) the attention over the memories (B, U, H) before it, by the mask `before` (U, U)."""
    similarity = (query @ memory.transpose(1, 2)).masked_fill(~before, float("-inf"))  # (B, U, U)
    nothing = ~before.any(1)[:, None]  # the first utterance has no memories to read
    weights = similarity.masked_fill(nothing, 0.0).softmax(2).masked_fill(nothing, 0.0)
    return torch.tanh(query + weights @ memory)


def _before(size: int, history: int, device: torch.device) -> Tensor:
    """Return a mask (U, U) bool: whether the utterance of the column is among the `history` before that of the row."""
    place = torch.arange(size, device=device)
    distance = place[:, None] - place
    return (distance > 0) & (distance <= history)
