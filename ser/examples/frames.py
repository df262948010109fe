"""Frames as training examples: batches with equally many frames of each utterance, and votes over an utterance."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ser.errors import SerError
from ser.kaldi.ark import Reader
from ser.models.frame_classifier import FrameClassifierConfig
from ser.training.fit_config import FitConfig
from ser.training.losses import LossConfig


@dataclass(frozen=True)
class FrameDataConfig:
    """The section `data:`."""

    utts: int  # utterances per batch
    frames: int  # frames drawn from each utterance; from a shorter one, some are drawn twice

    def __post_init__(self) -> None:
        if self.utts < 1 or self.frames < 1:
            raise SerError(f"data: expected utts and frames of 1 or more; found {self.utts} and {self.frames}")


@dataclass(frozen=True)
class FrameConfig:
    """The contents of conf/asr_tdnn/frames.yaml."""

    model: FrameClassifierConfig
    data: FrameDataConfig
    loss: LossConfig
    fit: FitConfig


class FrameBatches:
    """Batches of frames (N, D), each labelled with the class of its utterance, for `ser.training.fit`.

    Parameters
    ----------
    reader : matrices (T, D) of the utterances, or vectors (D,), which are taken as one frame.
    utts, labels : their ids and classes.
    config : numbers of utterances and frames.
    seed : seed of the draws; None: every frame of every utterance in order, for validation.
    """

    def __init__(
        self, reader: Reader, utts: Sequence[str], labels: np.ndarray, config: FrameDataConfig, seed: int | None
    ) -> None:
        self.reader, self.utts, self.labels, self.config, self.seed = reader, list(utts), labels, config, seed

    def num_batches(self, epoch: int) -> int:
        """Count the batches of `epoch`."""
        return math.ceil(len(self.utts) / self.config.utts)

    def batches(self, epoch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield frames (N, D) float32 and classes (N,) int64 from batch number `start` on; rows ``rank::world``."""
        order = np.arange(len(self.utts))
        if self.seed is not None:
            order = np.random.default_rng((self.seed, epoch)).permutation(order)
        for number, batch in enumerate(np.array_split(order, self.num_batches(epoch))[start:], start=start):
            chosen = batch[rank::world]
            rng = np.random.default_rng((self.seed or 0, epoch, number))
            frames = [self._frames(self.utts[index], rng) for index in chosen]
            labels = np.repeat(self.labels[chosen], [len(array) for array in frames])
            width = self.reader.shape(self.utts[0])[-1]
            rows = np.concatenate(frames) if frames else np.zeros((0, width), np.float32)
            yield torch.from_numpy(rows), torch.from_numpy(labels.astype(np.int64))

    def _frames(self, utt: str, rng: np.random.Generator) -> np.ndarray:
        array = np.atleast_2d(self.reader[utt])
        if self.seed is None:
            return array
        count = self.config.frames
        order = [rng.permutation(len(array)) for _ in range(math.ceil(count / len(array)))]
        return array[np.sort(np.concatenate(order)[:count])]


@dataclass(frozen=True)
class Vote:
    """The vote of an utterance's frames.

    Attributes
    ----------
    probabilities : (K,) class probabilities of the utterance; the largest is the answer.
    agreeing : share of the frames that are classified alone as that class.
    frames : number of them.
    """

    probabilities: np.ndarray
    agreeing: float
    frames: int


@torch.inference_mode()
def vote(model: nn.Module, frames: np.ndarray, by: str = "sum") -> Vote:
    """Classify an utterance by its frames (T, D), or by one vector (D,).

    Parameters
    ----------
    by : ``sum`` averages the probabilities over the frames, as in the paper; ``log`` sums their logarithms and
        normalises.
    """
    scores = model(torch.from_numpy(np.ascontiguousarray(np.atleast_2d(frames))))
    shares = scores.softmax(1)
    total = shares.double().mean(0) if by == "sum" else scores.log_softmax(1).double().sum(0).softmax(0)
    agreeing = (shares.argmax(1) == total.argmax()).double().mean()
    return Vote(total.numpy(), float(agreeing), len(scores))
