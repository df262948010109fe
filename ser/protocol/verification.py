"""Speaker verification, the check of a net that was pretrained on speakers: trials, scores, EER and minDCF.

VoxCeleb1-O: A. Nagrani, J. S. Chung, A. Zisserman, "VoxCeleb: a large-scale speaker identification dataset",
Interspeech 2017; 37,720 trials of 40 speakers in ``veri_test.txt``, cleaned in ``veri_test2.txt``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.backend.recognizer import Recognizer
from ser.errors import SerError
from ser.files import read_text_lines
from ser.metrics.detection import ScoredTrials

# The prior of a target in Kaldi's egs/voxceleb/v2 and in the NIST evaluations.
P_TARGET = 0.01


@dataclass(frozen=True)
class Trials:
    """Pairs of the N test utterances: `enrol` and `test` (n,) int index them, `is_target` (n,) bool: same speaker."""

    enrol: np.ndarray
    test: np.ndarray
    is_target: np.ndarray


def all_pairs(speakers: Sequence[str]) -> Trials:
    """Return every pair of two of N utterances once, given their speakers (N,).

    >>> trials = all_pairs(["a", "a", "b"])
    >>> trials.enrol.tolist(), trials.test.tolist(), trials.is_target.tolist()
    ([0, 0, 1], [1, 2, 2], [True, False, False])
    """
    enrol, test = np.triu_indices(len(speakers), 1)
    names = np.asarray(speakers)
    return Trials(enrol, test, names[enrol] == names[test])


def read_voxceleb_trials(path: str | Path, utts: Sequence[str]) -> tuple[Trials, int]:
    """Read a trial list of VoxCeleb, with lines ``<1 or 0> <speaker>/<video>/<segment>.wav <another clip>``.

    Parameters
    ----------
    path : the trial list.
    utts : ids of the utterances that can be scored, as `ser.corpora.voxceleb1` makes them.

    Returns
    -------
    trials, missing
        The trials of these utterances, and the number of other trials in the list.

    Raises
    ------
    SerError
        If a line is not a trial, or no trial is of these utterances.
    """
    rows = {utt: row for row, utt in enumerate(utts)}
    found, missing = [], 0
    for number, line in enumerate(read_text_lines(path, "take the list that comes with VoxCeleb"), start=1):
        label, *clips = line.split()
        if label not in ("0", "1") or len(clips) != 2:
            raise SerError(
                f"{path}:{number}: expected '<1 or 0> <clip> <clip>', found '{line[:80]}'; take another list"
            )
        pair = [rows.get(clip.rpartition(".")[0].replace("/", "-")) for clip in clips]
        if None in pair:
            missing += 1
        else:
            found.append((*pair, label == "1"))
    if not found:
        raise SerError(f"{path}: none of its {missing} trials has these utterances; give the list for this test set")
    enrol, test, is_target = (np.array(column) for column in zip(*found, strict=True))
    return Trials(enrol, test, is_target.astype(bool)), missing


def figures(recognizer: Recognizer, vectors: np.ndarray, trials: Trials) -> tuple[float, float]:
    """Score trials of vectors (N, D); return the EER, a share, and the minDCF at `P_TARGET`."""
    scores = recognizer.pair_scores(vectors, vectors)[trials.enrol, trials.test]
    scored = ScoredTrials.of(scores, trials.is_target)
    return scored.eer(), scored.min_dcf(P_TARGET)
