"""The decisions of compute_vad, looked up for the features of an utterance."""

import numpy as np

from ser.errors import SerError
from ser.kaldi import ark, specifiers


class VoiceActivity:
    """Which frames of each utterance are voiced: an scp is read at random, an archive into memory.

    Parameters
    ----------
    rspecifier : of vectors (T,), 0 for silence.
    """

    def __init__(self, rspecifier: str) -> None:
        self._rspecifier = rspecifier
        kind, name = specifiers.parse_rspecifier(rspecifier)
        self._decisions = ark.Reader(name) if kind == "scp" else ark.load(rspecifier)

    def of(self, utt: str, feats: np.ndarray, source: str) -> np.ndarray | None:
        """Return which frames (T,) of an utterance are voiced; None if nothing is known of it.

        Parameters
        ----------
        feats : (T, F) features of the utterance.
        source : where they are from, for the message.

        Raises
        ------
        SerError
            If the decisions are of another number of frames.
        """
        if utt not in self._decisions:
            return None
        voiced = self._decisions[utt] != 0
        if voiced.shape != feats.shape[:1]:
            raise SerError(
                f"{utt}: {len(feats)} frames in {source}, {len(voiced)} in {self._rspecifier};"
                " compute the voice activity anew"
            )
        return voiced
