"""Batches of whole utterances for flat-start LF-MMI, and the choice of utterances that can be trained on.

Utterances are not cut into chunks, since without an alignment no one knows which words a chunk holds. A batch has
utterances of similar length; the loss ignores the padding after an utterance's end.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ser.asr import numerator
from ser.asr.flat_start import FlatStart
from ser.asr.lexicon import Lexicon
from ser.asr.numerator import Numerator, PhoneGraph
from ser.asr.transcripts import phone_arcs
from ser.errors import SerError
from ser.kaldi.ark import Reader
from ser.models.asr_tdnn import SUBSAMPLING

logger = logging.getLogger(__name__)

FRAMES_PER_SECOND = 100
IVECTOR_PERIOD = 10
BATCHES_TO_SORT = 20  # batches in a pool; utterances are sorted by length within each pool


@dataclass(frozen=True)
class Supervision:
    """Makes numerators from transcripts, lexicon and denominator; `flat_start` limits when each phone may occur."""

    texts: Mapping[str, str]
    lexicon: Lexicon
    den: PhoneGraph
    flat_start: FlatStart | None = None

    def numerator(self, utt: str) -> Numerator | None:
        """Make the numerator of an utterance; None if the denominator accepts none of its pronunciations."""
        return numerator.of_phones(*phone_arcs(self.texts[utt].split(), self.lexicon), self.den)


def output_frames(frames: int) -> int:
    """Return the number of output frames for `frames` input frames."""
    return math.ceil(frames / SUBSAMPLING)


def usable(
    utts: Sequence[str], frames: Mapping[str, int], supervision: Supervision, max_seconds: float
) -> tuple[list[str], dict[str, str]]:
    """Return the utterances that can be trained on, and for each other one the reason why it cannot."""
    kept, reasons = [], {}
    for utt in utts:
        if not supervision.texts.get(utt, "").split():
            reasons[utt] = "empty transcript"
            continue
        count = frames[utt]
        if count > max_seconds * FRAMES_PER_SECOND:
            reasons[utt] = f"too long: {count / FRAMES_PER_SECOND:.1f} s, over data.max_seconds"
            continue
        num = supervision.numerator(utt)
        if num is None:
            reasons[utt] = "no path through the denominator: the phone LM never saw these phones in this order"
            continue
        # The largest frame shift leaves the fewest output frames.
        fewest = output_frames(count - SUBSAMPLING + 1)
        if fewest < num.shortest():
            reasons[utt] = f"too short: {fewest} output frames for {num.shortest()} phones or more"
            continue
        kept.append(utt)
    return kept, reasons


def check_left_out(kept: int, reasons: Mapping[str, str], largest: float, where: str) -> None:
    """Log how many utterances are left out, by reason; raise SerError if their share is above `largest`."""
    counts = Counter(reason.partition(":")[0] for reason in reasons.values())
    for reason, count in sorted(counts.items()):
        first = next(utt for utt, other in reasons.items() if other.startswith(reason))
        logger.warning("%s: %d utterances left out: %s, e.g. %s (%s)", where, count, reason, first, reasons[first])
    total = kept + len(reasons)
    if len(reasons) > largest * total or not kept:
        raise SerError(
            f"{where}: {len(reasons)} of {total} utterances cannot train, over the limit of {largest:.0%} of "
            f"data.max_left_out; {', '.join(f'{count} {reason}' for reason, count in sorted(counts.items()))}"
        )


class SpeechBatches:
    """Batches for `ser.training.fit`: inputs for `ser.models.asr_tdnn`, and packed numerators as targets.

    Parameters
    ----------
    utts : utterance ids.
    features : (T, F) of each utterance.
    ivectors : (ceil(T / 10), S) of each utterance, one i-vector every 10 frames; the one at its middle is used.
        None: the net takes no i-vectors.
    supervision : makes the numerators.
    context : frames of padding on the left and on the right, copies of the first and of the last frame.
    batch_size : largest number of utterances in a batch.
    seed : seed of the order. None, for validation: always the same order, by length, and frame shift 0.
    flat_start_epochs : number of first epochs in which `ser.asr.flat_start` limits when each phone may occur.
    """

    def __init__(
        self,
        utts: Sequence[str],
        features: Reader,
        ivectors: Reader | None,
        supervision: Supervision,
        context: tuple[int, int],
        batch_size: int,
        seed: int | None,
        flat_start_epochs: int = 0,
    ) -> None:
        self.flat_start_epochs = flat_start_epochs
        self.utts, self.features, self.ivectors, self.supervision = list(utts), features, ivectors, supervision
        self.context, self.batch_size, self.seed = context, batch_size, seed
        self.ivector_dim: int | None = None  # of the i-vectors read so far
        self.frames = np.array([features.shape(utt)[0] for utt in utts])

    def num_batches(self, epoch: int) -> int:
        """Count the batches of `epoch`."""
        return math.ceil(len(self.utts) / self.batch_size)

    def batches(
        self, epoch: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
        """Yield (features and i-vectors, packed numerators) of rows ``rank::world`` of each batch, from `start` on.

        Epochs begin at frame 0, 1 and 2 in turn, so that the net learns from every frame (Kaldi's frame shifts).
        """
        shift = epoch % SUBSAMPLING if self.seed is not None else 0
        for batch in self.plan(epoch)[start:]:
            utts = [self.utts[index] for index in batch[rank::world]]
            yield self._batch(utts, shift, epoch < self.flat_start_epochs)

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Return, for each batch of `epoch`, the indices of its utterances."""
        if self.seed is None:
            return np.array_split(np.argsort(self.frames, kind="stable"), self.num_batches(0))
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.utts))
        stride = BATCHES_TO_SORT * self.batch_size
        pools = [order[first : first + stride] for first in range(0, len(order), stride)]
        order = np.concatenate([pool[np.argsort(self.frames[pool], kind="stable")] for pool in pools])
        plan = np.array_split(order, self.num_batches(0))
        return [plan[index] for index in rng.permutation(len(plan))]

    def _batch(self, utts: list[str], shift: int, flat_start: bool) -> tuple[dict[str, Tensor], Tensor]:
        if not utts:  # a small last batch may leave a process without utterances
            return {}, torch.zeros((0, 0), dtype=torch.int64)
        arrays = [self.features[utt][shift:] for utt in utts]
        numerators = []
        for utt, array in zip(utts, arrays, strict=True):
            if not np.isfinite(array).all():
                raise SerError(f"features of '{utt}' are not finite; make them again")
            found = self.supervision.numerator(utt)
            if found is None:
                raise SerError(f"'{utt}': no path through the denominator; leave it out by `usable`")
            if flat_start and self.supervision.flat_start:
                found = self.supervision.flat_start.restrict(
                    found, self.supervision.texts[utt], array[::SUBSAMPLING, 0]
                )
            numerators.append(found)
        lengths = [len(array) for array in arrays]
        inputs = {"features": torch.from_numpy(pad(arrays, self.context))}
        if self.ivectors is not None:
            inputs["ivectors"] = torch.from_numpy(
                np.stack([self.ivector(utt, length) for utt, length in zip(utts, lengths, strict=True)])
            )
        return inputs, numerator.pack(numerators, [output_frames(length) for length in lengths])

    def ivector(self, utt: str, frames: int) -> np.ndarray:
        """Return the i-vector (S,) at the middle of an utterance."""
        if self.ivectors is None or utt not in self.ivectors:
            raise SerError(f"no i-vectors of '{utt}'; extract them for all utterances")
        rows = self.ivectors[utt]
        whole = self.features.shape(utt)[0]
        if rows.ndim == 2 and len(rows) != math.ceil(whole / IVECTOR_PERIOD):
            raise SerError(
                f"'{utt}': {len(rows)} i-vectors for {whole} frames; expected {math.ceil(whole / IVECTOR_PERIOD)}, one "
                f"every {IVECTOR_PERIOD} frames; extract them again from these features"
            )
        if self.ivector_dim is not None and rows.shape[-1] != self.ivector_dim:
            raise SerError(
                f"'{utt}': i-vectors of dimension {rows.shape[-1]}, but {self.ivector_dim} for other utterances; "
                "extract all of them with the same extractor"
            )
        self.ivector_dim = rows.shape[-1]
        vector = rows if rows.ndim == 1 else rows[min(frames // 2 // IVECTOR_PERIOD, len(rows) - 1)]
        if not np.isfinite(vector).all():
            raise SerError(f"the i-vectors of '{utt}' are not finite; extract them again")
        return vector.astype(np.float32)


def pad(arrays: Sequence[np.ndarray], context: tuple[int, int]) -> np.ndarray:
    """Pad (T, F) arrays to one (B, left + longest T + right, F) with copies of their first and last frames."""
    left, right = context
    longest = max(map(len, arrays))
    return np.stack(
        [np.pad(array, ((left, longest - len(array) + right), (0, 0)), mode="edge") for array in arrays]
    ).astype(np.float32, copy=False)


def whitening(batches: SpeechBatches, limit: int, floor: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the affine map, weight (D, D) and bias (D,), that whitens the input of the net's first layer.

    That input is frames t - 1, t and t + 1 and the i-vector: D = 3 F + S. The first `limit` utterances are used.
    Variances are floored at `floor` times the largest. Kaldi has lda.mat here, which needs an alignment.
    """
    rows = []
    for utt in batches.utts[:limit]:
        array = batches.features[utt]
        joined = [np.pad(array, ((1, 1), (0, 0)), mode="edge")[step : step + len(array)] for step in range(3)]
        if batches.ivectors is not None:
            joined.append(np.tile(batches.ivector(utt, len(array)), (len(array), 1)))
        rows.append(np.concatenate(joined, axis=1, dtype=np.float64))
    data = np.concatenate(rows)
    mean = data.mean(0)
    values, vectors = np.linalg.eigh(np.cov(data, rowvar=False))
    scale = 1 / np.sqrt(np.maximum(values, floor * values.max()))
    weight = (vectors * scale) @ vectors.T
    return weight.astype(np.float32), (-weight @ mean).astype(np.float32)
