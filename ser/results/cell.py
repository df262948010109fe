"""The folder of one cell of the results table: the scores of a system on a test set, and all figures made of them.

classes.txt           the classes of the training, in the order of the scores in the next two files
speakers.tsv          every speaker of the test corpus and the number of utterances that are scored here
predictions.txt       utterance, predicted class, score of each class
posteriors.txt        utterance, posterior of each class, calibrated if the system can be calibrated
confusion.tsv         number of utterances by true class (row) and predicted class (column)
calibration.tsv       Cllr, DCF and ECE of the log likelihood ratios of pairs and of the posteriors: raw, affine, pav
calibrated_on.tsv     speakers of the calibration, and whether nets were trained on them
reliability.tsv       for each bin of confidence the utterances, the mean confidence, and the share that is right
bootstrap.tsv         the figures of each resample of the speakers, with the same draws for every cell of a test corpus
bootstrap_two_speakers.tsv    the EER of each resample on the pairs of two speakers
det.tsv strata.tsv emotion_pairs.tsv    only of systems that score pairs
nearest.txt           utterance, the training utterances with the highest pair scores, each with its score
projected.tsv         the first two LDA dimensions of each utterance, only of system A
text_missing          utterances without text, if these are scored by speech
result.tsv            the row of the table, of all pairs; written last, so a folder without it is known to be incomplete
failed                in place of result.tsv, the row of a cell that failed
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ser.errors import SerError
from ser.files import tab_separated, write_text
from ser.kaldi import tables
from ser.metrics import bootstrap, calibration, classification, intervals, strata
from ser.metrics.detection import ScoredTrials
from ser.metrics.strata import ScoreModels, Utterances
from ser.results import calibrated_on, result_table, strata_tables
from ser.results.protocol_config import ProtocolConfig
from ser.results.resamples import read_resamples
from ser.results.two_speakers import RESAMPLES, TwoSpeakers, read_two_speakers, write_resamples

logger = logging.getLogger(__name__)

# Points of a DET curve, enough for a smooth line on paper.
DET_POINTS = 400
# Nearest training utterances that are listed for each test utterance.
NEAREST = 3
OPTIONAL_FILES = (
    *("strata.tsv", "emotion_pairs.tsv", "det.tsv", "bootstrap.tsv", RESAMPLES, "reliability.tsv", "projected.tsv"),
    *("nearest.txt", "speakers.tsv", "text_missing", "failed", calibrated_on.FILE),
)


@dataclass(frozen=True)
class PairScores:
    """Scores of all pairs of the N utterances, (N, N) float32; `score_models` scores enrolled classes.

    `calibrations` maps names to functions from scores (n,) to natural log likelihood ratios (n,): ``raw`` returns the
    scores unchanged, ``affine`` and ``pav`` were fitted on other speakers.
    """

    scores: np.ndarray
    score_models: ScoreModels
    calibrations: Mapping[str, Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Cell:
    """A cell, or a mean of cells, as read from disk: the folders, the row, and the resamples behind its intervals.

    `resamples` (R, 4), in percent, has a column for each of `MEASURES` (bootstrap.tsv); None if there are none.
    `utts_of` is speaker -> number of utterances (speakers.tsv); None if unknown. `units` is the number of speakers or
    folds that are resampled; None if the interval needs no widening, see `ser.metrics.intervals.spread`.
    `two_speakers` is None if there is no EER of the pairs of one speaker, or of the pairs of two speakers.
    """

    folders: tuple[Path, ...]
    row: result_table.Result
    resamples: np.ndarray | None
    utts_of: Mapping[str, int] | None = None
    units: int | None = None
    two_speakers: TwoSpeakers | None = None

    @property
    def has_all_speakers(self) -> bool:
        """Whether every speaker of the test corpus is scored here, or the speakers are unknown."""
        return self.utts_of is None or min(self.utts_of.values()) > 0


def start_cell(folder: Path) -> None:
    """Delete files of an earlier run that this run may not overwrite, so that no old row is left with new scores."""
    for name in ("result.tsv", *OPTIONAL_FILES):
        (folder / name).unlink(missing_ok=True)


def write_cell(
    folder: Path,
    row: result_table.Result,
    utterances: Utterances,
    class_scores: np.ndarray,
    posteriors: Mapping[str, np.ndarray],
    pairs: PairScores | None,
    protocol: ProtocolConfig,
) -> result_table.Result:
    """Write the folder of a cell, after `start_cell`, and return its row with all figures.

    Parameters
    ----------
    row : the names of the row; its figures are set here.
    class_scores : (N, K) of the utterances against the K classes of training, which come first in `utterances.classes`.
    posteriors : name -> (N, K): ``raw`` and, if they were calibrated, ``affine``. The last one is written.
    pairs : None for a system that does not score pairs; then there is no EER and none of the files of pairs.
    """
    held_out = None if row.held_out == result_table.NOT_APPLICABLE else row.held_out
    predicted = class_scores.argmax(axis=1)
    counts = classification.confusion(utterances.labels, predicted, len(utterances.classes))
    utts_of = np.bincount(utterances.speakers, minlength=len(utterances.all_speakers))
    counted = zip(utterances.all_speakers, utts_of.tolist(), strict=True)
    write_text(folder / "speakers.tsv", tab_separated(("speaker", "utts"), counted))
    *_, best = posteriors.values()
    _write_classification(folder, utterances, class_scores, best, counts)

    figures: dict[str, float | int] = {"utts": len(utterances.utts)}
    measures: dict[str, np.ndarray] = {}
    draws = _draws(utterances, protocol)
    nameable = np.flatnonzero(utterances.nameable)
    labels, speakers_of = utterances.labels[nameable], utterances.speakers[nameable]
    if held_out is None:
        seen = classification.confusion(labels, predicted[nameable], len(utterances.classes))
        figures["uar"] = 100.0 * classification.uar(seen)
        figures["wa"] = 100.0 * classification.accuracy(seen)
        figures["f1"] = 100.0 * classification.macro_f1(seen)
        if draws is not None:
            measures = bootstrap.class_metrics(labels, predicted[nameable], speakers_of, draws, len(utterances.classes))
    shown: dict[str, dict[str, float]] = {}
    if held_out is None:
        for name, shares in posteriors.items():
            shown[name] = {"ece": calibration.expected_calibration_error(shares[nameable], labels)}
        bins = zip(*calibration.reliability(best[nameable], labels), strict=True)
        shares_right = ((utts, f"{expected:.4f}", right) for utts, expected, right in bins)
        write_text(folder / "reliability.tsv", tab_separated(("utts", "expected", "right"), shares_right))
    if pairs is not None:
        ordered = protocol.ordered_pairs or not strata.is_symmetric(pairs.scores)
        which = strata.all_pairs(utterances, held_out, ordered)
        all_trials = _write_strata(folder, utterances, pairs, which, held_out, protocol)
        figures["trials"] = len(all_trials)
        figures["eer"] = 100.0 * all_trials.eer()
        if ties := all_trials.ties_at_eer():
            logger.warning(
                "%s: %d of %d scores tie where the error rates cross; the EER is that of the line across the tie",
                folder, ties, len(all_trials),
            )  # fmt: skip
        figures["min_dcf"] = all_trials.min_dcf(protocol.p_target)
        if draws is not None:
            options = (pairs.scores, utterances.labels, utterances.speakers, draws)
            measures["eer"] = bootstrap.pair_eer(*options, which)
            two_speakers = which & (utterances.speakers[:, None] != utterances.speakers)
            write_resamples(folder, bootstrap.pair_eer(*options, two_speakers))
        for name, calibrate in pairs.calibrations.items():
            shown.setdefault(name, {}).update(_detection_figures(all_trials, calibrate, protocol.p_target))
    columns = ("cllr", "min_cllr", "act_dcf", "min_dcf", "ece")
    lines = ([name, *(_short(found.get(column)) for column in columns)] for name, found in shown.items())
    write_text(folder / "calibration.tsv", tab_separated(["which", *columns], lines))
    row = dataclasses.replace(row, **cast(dict[str, Any], figures))
    if draws is not None:
        nothing = np.full(len(draws), np.nan)
        resamples = np.column_stack([100.0 * measures.get(name, nothing) for name in result_table.MEASURES])
        rates = ([f"{x:.4f}" for x in line] for line in resamples)
        write_text(folder / "bootstrap.tsv", tab_separated(result_table.MEASURES, rates))
        if (speakers := len(np.unique(utterances.speakers))) >= max(2, protocol.interval_speakers):
            row = row.with_intervals(resamples, partial(intervals.interval, level=protocol.level, units=speakers))
    write_text(folder / "result.tsv", result_table.to_tsv([row]))
    return row


def write_projected(folder: Path, utterances: Utterances, vectors: np.ndarray) -> None:
    """Write the first two dimensions of `vectors` (N, d), the output of the back end's LDA, for a scatter plot."""
    names = (utterances.classes[label] for label in utterances.labels)
    points = ([f"{x:.4f}" for x in vector[:2]] for vector in vectors)
    lines = ([utt, name, *point] for utt, name, point in zip(utterances.utts, names, points, strict=True))
    write_text(folder / "projected.tsv", tab_separated(("utt", "class", "lda1", "lda2"), lines))


def read_cell(folder: str | Path, allow_failed: bool = False) -> Cell:
    """Read the row and the resamples of a cell.

    Parameters
    ----------
    allow_failed : for a cell that failed, return the row in its file ``failed``, whose status names the log.

    Raises
    ------
    SerError
        If the cell has no row, because its evaluation did not finish.
    """
    folder = Path(folder)
    path, failed = folder / "result.tsv", folder / "failed"
    if not path.exists() and allow_failed and failed.exists():
        path = failed
    if not path.exists():
        raise SerError(f"{path}: missing; evaluate_backend of this cell did not end well; see its log")
    rows = result_table.from_tsv(path.read_text(encoding="utf-8"), str(path))
    if len(rows) != 1:
        raise SerError(f"{path}: expected one row, found {len(rows)}")
    resamples = read_resamples(folder / "bootstrap.tsv", len(result_table.MEASURES))
    utts_of = _read_speakers(folder / "speakers.tsv")
    speakers = sum(count > 0 for count in utts_of.values()) if utts_of else 0
    return Cell((folder,), rows[0], resamples, utts_of, speakers if speakers > 1 else None, read_two_speakers(folder))


def _read_speakers(path: Path) -> dict[str, int] | None:
    if not path.exists():
        return None
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    try:
        return {speaker: int(utts) for speaker, utts in lines}
    except ValueError as error:
        raise SerError(f"{path}: expected '<speaker> <count>' on each line; evaluate the cell again") from error


def _draws(utterances: Utterances, protocol: ProtocolConfig) -> np.ndarray | None:
    """Draw the speakers of each resample, (R, S); None, with a line in the log, if the corpus has only one speaker."""
    if len(utterances.all_speakers) < 2:
        logger.info("no resamples: all %d utterances are of one speaker", len(utterances.utts))
        return None
    return bootstrap.draw_speakers(len(utterances.all_speakers), protocol.resamples, protocol.seed)


def write_nearest(
    folder: Path, utts: Sequence[str], train_utts: Sequence[str], which: np.ndarray, scores: np.ndarray
) -> None:
    """Write nearest.txt: `which` and `scores` (N, n) are the rows of `train_utts`, best first, for each of `utts`."""
    lines = (
        " ".join(f"{train_utts[row]} {score:.4f}" for row, score in zip(rows, values, strict=True))
        for rows, values in zip(which, scores, strict=True)
    )
    tables.write_map(folder / "nearest.txt", dict(zip(utts, lines, strict=True)))


def _write_classification(
    folder: Path, utterances: Utterances, class_scores: np.ndarray, posteriors: np.ndarray, counts: np.ndarray
) -> None:
    """Write the files of classes, predictions, posteriors and confusions."""
    trained = utterances.classes[: class_scores.shape[1]]
    write_text(folder / "classes.txt", "".join(f"{name}\n" for name in trained))
    predictions = classification.format_predictions(utterances.utts, trained, class_scores)
    tables.write_map(folder / "predictions.txt", predictions)
    lines = (" ".join(f"{share:.6f}" for share in shares) for shares in posteriors)
    tables.write_map(folder / "posteriors.txt", dict(zip(utterances.utts, lines, strict=True)))
    rows = ([name, *line] for name, line in zip(utterances.classes, counts, strict=True))
    write_text(folder / "confusion.tsv", tab_separated(["true \\ predicted", *utterances.classes], rows))


def _write_strata(
    folder: Path,
    utterances: Utterances,
    pairs: PairScores,
    which: np.ndarray,
    held_out: str | None,
    protocol: ProtocolConfig,
) -> ScoredTrials:
    """Write the files of strata, emotion pairs and the DET curve; return the trials of all pairs."""
    same = utterances.labels[:, None] == utterances.labels
    found = [
        strata.measure(name, pairs.scores, same, kept, protocol.p_target)
        for name, kept in strata.pair_strata(utterances, which)
    ]
    if len(np.unique(utterances.speakers)) > 1:
        for size in protocol.enrol_sizes:
            options = (size, protocol.enrol_draws, protocol.seed, protocol.p_target, held_out)
            found.append(strata.enrolment_stratum(utterances, pairs.score_models, *options))
    else:
        logger.info("strata: no enrolment, which needs two speakers")
    write_text(folder / "strata.tsv", strata_tables.strata_to_tsv(found))
    by_emotion = strata.emotion_pairs(utterances, pairs.scores, which, protocol.p_target)
    write_text(folder / "emotion_pairs.tsv", strata_tables.emotion_pairs_to_tsv(by_emotion))
    trials = ScoredTrials.of(pairs.scores[which], same[which])
    _, miss, false_alarm = trials.det(num_points=DET_POINTS)
    points = ([f"{100 * m:.4f}", f"{100 * f:.4f}"] for m, f in zip(miss, false_alarm, strict=True))
    write_text(folder / "det.tsv", tab_separated(("miss", "false_alarm"), points))
    return trials


def _detection_figures(
    trials: ScoredTrials, calibrate: Callable[[np.ndarray], np.ndarray], p_target: float
) -> dict[str, float]:
    # Sort again: if scores are lower for targets than for nontargets, the fitted scale is negative.
    target, nontarget = (np.sort(calibrate(part).astype(np.float32)) for part in (trials.target, trials.nontarget))
    return {
        "cllr": calibration.cllr(target, nontarget),
        "min_cllr": calibration.min_cllr(target, nontarget),
        "act_dcf": calibration.act_dcf(target, nontarget, p_target),
        "min_dcf": ScoredTrials(target, nontarget).min_dcf(p_target),
    }


def _short(value: float | None) -> str:
    return result_table.NOT_APPLICABLE if value is None else f"{value:.4f}"
