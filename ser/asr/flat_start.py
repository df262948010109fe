"""Flat start: in the first epochs, each phone must stay near its place in an equal division of the speech.

Flat-start training of HMMs begins with an equal alignment (S. Young et al., "The HTK Book"; Kaldi's align-equal).
LF-MMI can do without it (Hadian et al., Interspeech 2018) if there is much speech. On two hours of speechocean762 it
could not: silence or one vowel came to cover nearly all frames, and each other phone a single frame. The numerator is
then likely, but the net has learnt nothing about phones.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ser.asr.context import PhoneContext
from ser.asr.lexicon import SILENCE, Lexicon
from ser.asr.numerator import Numerator

PENALTY = 10.0  # nats, subtracted from a path's score for each frame with a phone that is not allowed there


@dataclass(frozen=True)
class FlatStart:
    """Penalises numerator paths with phones far from their places; `tolerance` is a share of the speech's length."""

    lexicon: Lexicon
    context: PhoneContext
    tolerance: float

    def restrict(self, numerator: Numerator, text: str, energy: np.ndarray) -> Numerator:
        """Restrict the numerator of the words `text`; `energy` (T,) is the first MFCC of each output frame."""
        numbers = self.lexicon.numbers
        phones = [numbers[phone] for word in text.split() for phone in self.lexicon.ways(word)[0]]
        allowed = allowed_phones(phones, numbers[SILENCE], len(self.context.phones), energy, self.tolerance)
        # (pdfs, phones) @ (phones, T) = (pdfs, T): a pdf may occur wherever one of its phones may.
        return numerator.within(self._phones_of_pdfs @ allowed, PENALTY)

    @cached_property
    def _phones_of_pdfs(self) -> np.ndarray:
        return self.context.pdfs_of_phones().T


def allowed_phones(
    phones: list[int], silence: int, num_phones: int, energy: np.ndarray, tolerance: float
) -> np.ndarray:
    """Tell which phones may occur in which frames.

    The speech lasts from the first loud frame to the last one. Phone n of N (n = 0 ... N - 1) belongs at the share
    (n + 1/2) / N of it, and may be off by `tolerance` + 1 / N of the speech's length. Silence may occur in the frames
    that are not loud.

    Parameters
    ----------
    phones : numbers of the spoken phones, without silences.
    energy : (T,), any measure that grows with loudness.

    Returns
    -------
    (num_phones, T) bool. Phones that are not in `phones`, such as those of other pronunciations, may occur anywhere.
    """
    is_loud = loud(energy)
    frames = np.flatnonzero(is_loud)
    first, length = (frames[0], frames[-1] + 1 - frames[0]) if len(frames) else (0, len(energy))
    allowed = np.ones((num_phones, len(energy)), dtype=bool)
    allowed[silence] = ~is_loud
    allowed[phones] = False
    place = (np.arange(len(energy)) + 0.5 - first) / length  # (T,): 0 at the start of the speech, 1 at its end
    for number, phone in enumerate(phones):
        off = np.abs(place - (number + 0.5) / len(phones))
        allowed[phone] |= off <= tolerance + 1 / len(phones)
    return allowed


def loud(energy: np.ndarray) -> np.ndarray:
    """Tell in which frames `energy` (T,) is above the mean of its 10th and 90th percentiles."""
    return energy > np.percentile(energy, [10, 90]).mean()
