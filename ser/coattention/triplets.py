"""Triplet loss, which needs no labels: it pulls windows of a clip together, and pushes those of other recordings apart.

J. Shor et al., "Towards learning a universal non-semantic representation of speech" (TRILL), Interspeech 2020, section
3.1. Embeddings on the unit sphere: A. Jansen et al., "Unsupervised learning of semantic audio representations", ICASSP
2018. Semi-hard negatives: F. Schroff et al., "FaceNet", CVPR 2015, section 3.2. Deng and Leung print the loss with a
plus between the two distances and without the hinge. That loss is smallest if all windows have the same embedding, so
it is not used.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.errors import SerError


@dataclass(frozen=True)
class TripletLossConfig:
    """The section `loss:` of a triplet training.

    Attributes
    ----------
    margin : the squared distance to the negative must exceed that to the positive by this (Jansen et al.: 0.1).
    min_spread : training fails if the mean squared distance between windows of different recordings is below this,
        since then all windows have nearly the same embedding. For independent vectors on the unit sphere it is
        about 2.
    """

    margin: float
    min_spread: float


def triplet_terms(anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """Compute max(0, |a - p|^2 - |a - n|^2 + margin) for each row of the three (B, D) tensors: (B,)."""
    near = (anchors - positives).square().sum(1)
    far = (anchors - negatives).square().sum(1)
    return functional.relu(near - far + margin)


def squared_distances(points: Tensor) -> Tensor:
    """Compute the squared distances between all pairs of `points` (B, D): (B, B)."""
    return (points[:, None] - points).square().sum(2)


def semi_hard_negatives(distances: Tensor, anchors: Tensor, positives: Tensor, other: Tensor) -> Tensor:
    """Choose a semi-hard negative for each pair of an anchor and a positive.

    Of the windows of other recordings that are further from the anchor than the positive is, it is the nearest one. If
    there are none, it is the furthest window of another recording.

    Parameters
    ----------
    distances : (B, B) squared distances of the batch's windows.
    anchors, positives : (P,) int64 row numbers.
    other : (B, B) bool, whether two windows are of different recordings; each row of an anchor has one that is True.

    Returns
    -------
    (P,) int64 row numbers.
    """
    to_all = distances[anchors]  # (P, B)
    allowed = other[anchors]
    further = allowed & (to_all > distances[anchors, positives][:, None])
    nearest = to_all.masked_fill(~further, torch.inf).argmin(1)
    furthest = to_all.masked_fill(~allowed, -torch.inf).argmax(1)
    return torch.where(further.any(1), nearest, furthest)


class MeanTripletLoss(nn.Module):
    """The mean of `triplet_terms` over all pairs of windows of the same clip, with semi-hard negatives.

    Windows of two clips of the same recording (two sentences of a talk) are neither positives nor negatives.
    """

    def __init__(self, config: TripletLossConfig) -> None:
        super().__init__()
        if config.margin <= 0:
            raise SerError(f"loss: margin is {config.margin:g}; give a positive one, or equal embeddings have no loss")
        self.config = config

    def forward(self, embeddings: Tensor, numbers: Tensor) -> Tensor:
        """Compute the loss of windows with embeddings (B, D) and numbers of clip and recording (B, 2).

        Raises
        ------
        SerError
            If the batch has no two windows of the same clip or only one recording, or if in training all embeddings
            are nearly equal.
        """
        distances = squared_distances(embeddings)
        clips, recordings = numbers.T
        same, other = clips[:, None] == clips, recordings[:, None] != recordings
        anchors, positives = (same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)).nonzero().T
        if not len(anchors) or not bool(other.any()):
            raise SerError(
                f"triplets: {len(same)} windows of {len(clips.unique())} clips of {len(recordings.unique())} "
                "recordings in a batch; a triplet has two windows of one clip and one of another recording: raise "
                "data.clips, give more recordings, or train on fewer GPUs"
            )
        spread = distances.detach()[other].mean()
        # A NaN passes here; the training loop reports it. In validation the running statistics of a net's norms may
        # still be far from those of the data, so that all embeddings are nearly equal although training goes well.
        if embeddings.requires_grad and spread < self.config.min_spread:
            raise SerError(
                f"triplets: the embeddings have collapsed: the mean squared distance between recordings is "
                f"{spread.item():.2g}, under {self.config.min_spread:g}; lower fit.learning_rate or raise loss.margin"
            )
        negatives = semi_hard_negatives(distances.detach(), anchors, positives, other)
        terms = triplet_terms(embeddings[anchors], embeddings[positives], embeddings[negatives], self.config.margin)
        return terms.mean()

    @staticmethod
    def count_right(embeddings: Tensor, numbers: Tensor) -> Tensor:
        """Count the windows whose nearest neighbour is a window of the same recording."""
        distances = squared_distances(embeddings).fill_diagonal_(torch.inf)
        recordings = numbers[:, 1]
        return (recordings[distances.argmin(1)] == recordings).sum()


class TripletNet(nn.Module):
    """An audio encoder, and a linear layer to the unit sphere that only the loss uses.

    Parameters
    ----------
    net : its ``embed(patches (B, T, F))`` gives (B, D).
    width : D.
    dim : dimension of the unit vectors.
    """

    def __init__(self, net: nn.Module, width: int, dim: int) -> None:
        super().__init__()
        self.net: Any = net
        self.projection = nn.Linear(width, dim)

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches (B, T, F) to unit vectors (B, dim)."""
        return functional.normalize(self.projection(self.net.embed(patches)), dim=1)
