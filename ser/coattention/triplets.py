"""Triplet loss, which needs no labels: windows of one recording move together, those of different ones apart.

J. Shor et al., "Towards learning a universal non-semantic representation of speech" (TRILL), Interspeech 2020, section
3.1; A. Jansen et al., "Unsupervised learning of semantic audio representations", ICASSP 2018: embeddings on the unit
sphere; F. Schroff et al., "FaceNet", CVPR 2015, section 3.2: semi-hard negatives. Deng and Leung print the loss with a
plus between the two distances and no hinge; the minimum of that loss is the same embedding for every window.
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
    margin : the negative must be further away than the positive by this squared distance (Jansen et al.: 0.1).
    min_spread : training ends with an error if the mean squared distance of a batch's windows is below this, since
        then all have the same embedding. On the unit sphere it is at most 4, and about 2 for independent vectors.
    """

    margin: float
    min_spread: float


def triplet_terms(anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """Compute [ |a - p|^2 - |a - n|^2 + margin ]_+ of each row of three (B, D): (B,)."""
    near = (anchors - positives).square().sum(1)
    far = (anchors - negatives).square().sum(1)
    return functional.relu(near - far + margin)


def squared_distances(points: Tensor) -> Tensor:
    """Compute the squared distances between all pairs of `points` (B, D): (B, B)."""
    return (points[:, None] - points).square().sum(2)


def semi_hard_negatives(distances: Tensor, anchors: Tensor, positives: Tensor, recordings: Tensor) -> Tensor:
    """Choose a semi-hard negative for each pair of an anchor and a positive.

    It is the nearest window of another recording that is further from the anchor than the positive is; where there is
    none, the furthest window of another recording.

    Parameters
    ----------
    distances : (B, B) squared distances of the batch's windows.
    anchors, positives : (P,) int64 row numbers.
    recordings : (B,) int64; windows of one recording, or of a copy of it, are never negatives.

    Returns
    -------
    (P,) int64 row numbers.
    """
    to_all = distances[anchors]  # (P, B)
    other = recordings[anchors][:, None] != recordings
    further = other & (to_all > distances[anchors, positives][:, None])
    nearest = to_all.masked_fill(~further, torch.inf).argmin(1)
    furthest = to_all.masked_fill(~other, -torch.inf).argmax(1)
    return torch.where(further.any(1), nearest, furthest)


class MeanTripletLoss(nn.Module):
    """The triplet loss: mean of `triplet_terms` over all pairs of a recording's windows, with semi-hard negatives."""

    def __init__(self, config: TripletLossConfig) -> None:
        super().__init__()
        if config.margin <= 0:
            raise SerError(f"loss: margin is {config.margin:g}; without a positive one a net gains nothing by learning")
        self.config = config

    def forward(self, embeddings: Tensor, recordings: Tensor) -> Tensor:
        """Map embeddings (B, D) of windows and their recordings' numbers (B,) to the loss.

        Raises
        ------
        SerError
            Where the batch has no pair or no negative, or all its embeddings are equal.
        """
        distances = squared_distances(embeddings)
        same = recordings[:, None] == recordings
        anchors, positives = (same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)).nonzero().T
        if not len(anchors) or bool(same.all()):
            raise SerError(
                f"triplets: {len(same)} windows of {len(recordings.unique())} recordings in a batch; two of one and "
                "one of another are needed: raise data.recordings, or give a data dir of more recordings"
            )
        spread = distances.detach()[~same].mean()
        # The training loop reports a NaN.
        if spread < self.config.min_spread:
            raise SerError(
                f"triplets: the embeddings have collapsed: the mean squared distance of different recordings is "
                f"{spread.item():.2g}, under {self.config.min_spread:g}; lower fit.learning_rate or raise loss.margin"
            )
        negatives = semi_hard_negatives(distances.detach(), anchors, positives, recordings)
        terms = triplet_terms(embeddings[anchors], embeddings[positives], embeddings[negatives], self.config.margin)
        return terms.mean()

    @staticmethod
    def count_right(embeddings: Tensor, recordings: Tensor) -> Tensor:
        """Count the windows whose nearest neighbour is a window of the same recording."""
        distances = squared_distances(embeddings).fill_diagonal_(torch.inf)
        return (recordings[distances.argmin(1)] == recordings).sum()


class TripletNet(nn.Module):
    """A net over patches, and a linear layer to the unit sphere that serves the loss alone.

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
