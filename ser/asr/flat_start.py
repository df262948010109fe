"""Where phones may be in the first epochs of a training without alignments: near an equal division of the speech.

Flat-start training of HMMs begins with an equal division of the utterance (S. Young et al., "The HTK Book"; Kaldi's
align-equal). LF-MMI without it (Hadian et al., Interspeech 2018) finds alignments by itself where there is much
speech. On two hours of speechocean762 it ended where one silence or one vowel covers nearly all frames, and the other
phones are squeezed into one frame each: then the numerator is likely, and nothing is learnt of phones.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ser.asr.context import PhoneContext
from ser.asr.lexicon import SILENCE, Lexicon
from ser.asr.numerator import Numerator

PENALTY = 10.0  # natural logarithm, for each frame in which a path has a phone that may not be there


@dataclass(frozen=True)
class FlatStart:
    """Restricts numerators to phones near their place; `tolerance` is the share of the speech that they may be off."""

    lexicon: Lexicon
    context: PhoneContext
    tolerance: float

    def restrict(self, numerator: Numerator, text: str, energy: np.ndarray) -> Numerator:
        """Restrict the numerator of the words `text`; `energy` (T,) is the first MFCC of each frame of output."""
        numbers = self.lexicon.numbers
        phones = [numbers[phone] for word in text.split() for phone in self.lexicon.ways(word)[0]]
        allowed = allowed_phones(phones, numbers[SILENCE], len(self.context.phones), energy, self.tolerance)
        # (pdfs, phones) times (phones, T): a pdf may be where any of its phones may be.
        return numerator.within(self._phones_of_pdfs @ allowed, PENALTY)

    @cached_property
    def _phones_of_pdfs(self) -> np.ndarray:
        return self.context.pdfs_of_phones().T


def allowed_phones(
    phones: list[int], silence: int, num_phones: int, energy: np.ndarray, tolerance: float
) -> np.ndarray:
    """Tell which phones may be in which frames.

    The speech reaches from the first loud frame to the last one. The n-th of N phones has its place at
    (n + 1/2) / N of it, and may be there within `tolerance` of its length and one phone more. Silence may be in frames
    that are not loud.

    Parameters
    ----------
    phones : numbers of the phones that are said, without silences.
    energy : (T,), any measure that grows with loudness.

    Returns
    -------
    (num_phones, T) bool. A phone that is not in `phones`, such as of a second pronunciation, may be anywhere.
    """
    is_loud = loud(energy)
    frames = np.flatnonzero(is_loud)
    first, length = (frames[0], frames[-1] + 1 - frames[0]) if len(frames) else (0, len(energy))
    allowed = np.ones((num_phones, len(energy)), dtype=bool)
    allowed[silence] = ~is_loud
    allowed[phones] = False
    place = (np.arange(len(energy)) + 0.5 - first) / length  # of each frame in the speech
    for number, phone in enumerate(phones):
        off = np.abs(place - (number + 0.5) / len(phones))
        allowed[phone] |= off <= tolerance + 1 / len(phones)
    return allowed


def loud(energy: np.ndarray) -> np.ndarray:
    """Tell which frames are above the middle between the 10th and the 90th percentile of `energy` (T,)."""
    return energy > np.percentile(energy, [10, 90]).mean()
