"""Folds of a corpus that is a table: by speaker, by a column, or the corpus's own."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ser.corpora.named_clips import with_speaker_folds
from ser.corpora.records import Utterance
from ser.corpora.table_sources import OWN_FOLD, one_word, value
from ser.errors import SerError

logger = logging.getLogger(__name__)

NUM_FOLDS = 5  # by speaker, where nothing else is asked for


def assign_folds_of_table(
    utterances: Sequence[Utterance],
    rows: Sequence[tuple[str, Mapping[str, str]]],
    columns: Mapping[str, str],
    folds: str | None,
) -> dict[str, str]:
    """Return utterance -> fold; empty if no folds were asked for and none can be made.

    Parameters
    ----------
    rows : the place of each utterance's row, for messages, and the row.
    folds : as in `ser.corpora.table.make_utterances`.
    """
    own = next((name for name in (OWN_FOLD, columns.get("fold")) if name and name in rows[0][1]), None)
    speakers = {utterance.spk for utterance in utterances}
    if folds is None:
        most = min(NUM_FOLDS, len(speakers))
        folds = "own" if own else f"speaker:{most}" if most > 1 else "none"
    kind, _, argument = folds.partition(":")
    if kind == "speaker" and argument.isdecimal():
        fold_of = {item.utt: str(item.fold) for item in with_speaker_folds(utterances, int(argument))}
    elif (kind == "column" and argument) or folds in ("session", "own"):
        column = own if folds == "own" else columns.get("session") if folds == "session" else argument
        if column is None or not any(column in row for _, row in rows):
            raise SerError(f"--folds {folds}: no such column; the table has {', '.join(rows[0][1])}")
        fold_of = _by_column(utterances, rows, column)
    elif folds == "none":
        return {}
    else:
        raise SerError(f"--folds {folds}: expected speaker:5, session, column:NAME, own or none")
    _report(utterances, fold_of)
    return fold_of


def _by_column(
    utterances: Sequence[Utterance], rows: Sequence[tuple[str, Mapping[str, str]]], column: str
) -> dict[str, str]:
    fold_of = {}
    for utterance, (where, row) in zip(utterances, rows, strict=True):
        fold = value(row, column)
        if not fold:
            raise SerError(f"{where}: no fold in the column '{column}'; fill it in, or take --folds speaker:5")
        fold_of[utterance.utt] = one_word(fold)
    return fold_of


def _report(utterances: Sequence[Utterance], fold_of: Mapping[str, str]) -> None:
    """Log the size of each fold, and its faults: speakers of other folds, missing classes."""
    folds: defaultdict[str, list[Utterance]] = defaultdict(list)
    spread: defaultdict[str, set[str]] = defaultdict(set)
    for utterance in utterances:
        folds[fold_of[utterance.utt]].append(utterance)
        spread[utterance.spk].add(fold_of[utterance.utt])
    classes = {utterance.emotion for utterance in utterances}
    for fold, members in sorted(folds.items()):
        missing = sorted(str(name) for name in classes - {member.emotion for member in members})
        logger.info(
            "fold %s: %d utterances of %d speakers%s",
            *(fold, len(members), len({member.spk for member in members})),
            f"; none of {', '.join(missing)}" if missing else "",
        )
    shared = sorted(spk for spk, of_it in spread.items() if len(of_it) > 1)
    if shared:
        logger.warning(
            "%d of %d speakers are in several folds, e.g. %s: figures by these folds are not for new speakers",
            *(len(shared), len(spread), shared[0]),
        )
