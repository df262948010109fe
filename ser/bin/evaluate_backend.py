"""Train a back end, score every pair of test utterances, classify each: one cell of the results table.

Of <train-dir> and <test-dir>, it reads utt2emo and utt2spk; of <test-dir> also text and utt2dialogue, if they exist. A
trial is a pair of two test utterances, and a target trial if both have the same class. The cell's folder gets backend/
and the files that ser/results/cell.py lists, result.tsv last.

  --held-out               the back end is trained without this class; the trials are the pairs with an utterance of it
  --fallback-train, -test  vectors of speech alone; a second back end scores the utterances that have no other vector.
                           The scores of both are calibrated to log likelihood ratios
  --speaker-normalisation  all or 'first 10': subtract the mean of each speaker's own utterances, in training and test.
                           The row says so, because a score then depends on other recordings, too

  python3 -m ser.bin.evaluate_backend --system xvector_bert --train cremad --test iemocap --layer tdnn6 \\
    --modality speech data/cremad scp:cremad.scp data/iemocap scp:iemocap.scp exp/toy/cell1
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ser import cli
from ser.errors import SerError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np

    from ser.backend.held_out import HeldOutScores, Train
    from ser.backend.recognizer import Recognizer
    from ser.kaldi.labelled import Labelled
    from ser.metrics.strata import Utterances
    from ser.results.protocol_config import ProtocolConfig

logger = logging.getLogger(__name__)


def main(words: Sequence[str] | None = None) -> None:
    parser = cli.make_parser(__doc__)
    add_options(parser)
    args = parser.parse_args(words)
    if bool(args.fallback_train) != bool(args.fallback_test):
        raise SerError("--fallback-train and --fallback-test: give both or neither")
    if args.fallback_train and args.also:
        raise SerError("--also: the vectors of several nets have no fallback; leave out --fallback-train and -test")

    from ser.backend.chain import BackendConfig
    from ser.backend.recognizer import trainer
    from ser.config import load_config
    from ser.kaldi.unseen import read_unseen
    from ser.results import cell, result_table, test_set
    from ser.results.protocol_config import ProtocolConfig

    folder = Path(args.cell_dir)
    config = load_config(BackendConfig, args.config, cli.overrides(args, "lda_dim", "rule", "speaker_normalisation"))
    protocol = load_config(ProtocolConfig, args.protocol)
    cell.start_cell(folder)

    unseen_speakers = read_unseen(args.train_dir)
    train, test, train_one = read_vectors(args, folder, trainer(args.backend, config), unseen_speakers, protocol)
    check_classes(args, train, test)
    train, test = normalise(args, config.speaker_normalisation, train, test)
    utterances = test_set.read_utterances(args.test_dir, test.utts, test.labels, test.classes, args.speakers)
    utterances = dataclasses.replace(utterances, unseen=frozenset(args.unseen.split()))

    recognizer, held_out, train = train_recognizer(args, folder, train_one, train, test, unseen_speakers, protocol)
    scores = recognizer.pair_scores(test.vectors, test.vectors)
    by_class = recognizer.class_scores(test.vectors)

    def score_models(models: np.ndarray, rows: np.ndarray) -> np.ndarray:
        averages = test.vectors[models].mean(axis=1)  # (C, size, D) -> (C, D)
        return recognizer.pair_scores(averages, test.vectors[rows], models.shape[1])

    write_vectors(args, folder, recognizer, train, test, utterances, scores)
    row = cell.write_cell(
        folder,
        result_table.Result(
            **cli.row_names(args),
            backend=args.backend,
            lda_dim=None if recognizer.lda_dim is None else config.lda_dim,
            held_out=args.held_out,
            status=result_table.OK,
            speaker_normalisation=config.speaker_normalisation,
        ),
        utterances,
        by_class,
        held_out.posteriors(by_class),
        cell.PairScores(scores, score_models, held_out.pair_calibrations(protocol.p_target)),
        protocol,
    )
    logger.info("%s: percent: %s", folder, ", ".join(f"{name} {row.shown(name)}" for name in result_table.MEASURES))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options and arguments of a cell."""
    cli.add_backend_config(parser)
    cli.add_protocol(parser, of="of the trials and the resamples")
    parser.add_argument("--lda-dim", type=cli.lda_rows, metavar="N|K-1", help="rows of the LDA [the settings' lda_dim]")
    parser.add_argument(
        "--rule",
        choices=("average", "best"),
        help="average or best of an utterance's scores against a class [the settings' rule]",
    )
    parser.add_argument(
        "--backend",
        choices=("plda", "cosine", "logistic"),
        default="plda",
        help="how two vectors are scored [%(default)s]",
    )
    parser.add_argument("--write-scores", type=cli.boolean, default=False, help="also write scores.ark [%(default)s]")
    parser.add_argument(
        "--adapt",
        type=cli.boolean,
        default=False,
        help="adapt PLDA to the test vectors, without their classes, before they are scored [%(default)s]",
    )
    parser.add_argument(
        "--speakers", metavar="FILE", help="spk2utt of the whole test corpus, if the test dir is a fold of it"
    )
    parser.add_argument(
        "--held-out", metavar="NAME", default="-", help="class that no training utterance has [%(default)s]"
    )
    parser.add_argument(
        "--unseen",
        metavar="NAMES",
        default="",
        help="classes that no training utterance has: the EER includes pairs with them; UAR, WA and F1 leave them out",
    )
    parser.add_argument(
        "--fallback-train", metavar="RSPECIFIER", help="rspecifier of speech vectors of all training utterances"
    )
    parser.add_argument(
        "--fallback-test", metavar="RSPECIFIER", help="rspecifier of speech vectors of all test utterances"
    )
    parser.add_argument(
        "--words", metavar="FILE",
        help="text of the test utterances; one that has words in it must have a vector, not only a fallback",
    )  # fmt: skip
    parser.add_argument(
        "--also",
        nargs=2,
        action="append",
        default=[],
        metavar=("TRAIN", "TEST"),
        help="rspecifiers of another net's vectors of the same utterances, such as another seed's; averages the scores",
    )
    cli.add_speaker_normalisation(parser)
    cli.add_row_options(parser)
    parser.add_argument("train_dir", metavar="<train-dir>", help="data dir of the back end's training data")
    parser.add_argument("train_vectors", metavar="<train-vectors>", help="rspecifier of the training vectors")
    parser.add_argument("test_dir", metavar="<test-dir>", help="data dir of the test data")
    parser.add_argument("test_vectors", metavar="<test-vectors>", help="rspecifier of the test vectors")
    parser.add_argument("cell_dir", metavar="<cell-dir>", help="folder to write")


def read_vectors(
    args: argparse.Namespace, folder: Path, train_one: Train, unseen: Collection[str], protocol: ProtocolConfig
) -> tuple[Labelled, Labelled, Train]:
    """Read the training and the test vectors; return them and the function that trains a back end.

    The cell's file text_missing lists the test utterances that have only a fallback vector.
    """
    import numpy as np

    from ser.backend.fallback import fallback_trainer
    from ser.files import write_text
    from ser.kaldi.labelled import check_wordless, read_labelled, read_with_fallback

    train_emo, test_emo = (f"{data_dir}/utt2emo" for data_dir in (args.train_dir, args.test_dir))
    if not args.fallback_train:
        train = read_labelled(train_emo, args.train_vectors)
        test = read_labelled(test_emo, args.test_vectors, train.classes)
        return add_vectors(args.also, train_emo, test_emo, train, test, train_one)
    train, size = read_with_fallback(train_emo, args.train_vectors, args.fallback_train)
    test, _ = read_with_fallback(test_emo, args.test_vectors, args.fallback_test, train.classes, size)
    missing = [utt for utt, vector in zip(test.utts, test.vectors, strict=True) if np.isnan(vector[0])]
    if args.words:
        check_wordless(missing, args.words, args.test_vectors)
    logger.info("%d of %d test utterances have no text: scored by speech alone", len(missing), len(test.utts))
    write_text(folder / "text_missing", "".join(f"{utt}\n" for utt in missing))
    trained = fallback_trainer(train_one, size, protocol.p_target, unseen, protocol.held_out_parts, protocol.seed)
    return train, test, trained


def add_vectors(
    also: list[tuple[str, str]], train_emo: str, test_emo: str, train: Labelled, test: Labelled, train_one: Train
) -> tuple[Labelled, Labelled, Train]:
    """Append the vectors of other nets to those of the first; a back end is then trained per net."""
    if not also:
        return train, test, train_one

    import numpy as np

    from ser.backend.ensemble import ensemble_trainer
    from ser.kaldi.labelled import read_labelled

    parts = [(train.vectors, test.vectors)]
    for train_vectors, test_vectors in also:
        other = read_labelled(train_emo, train_vectors)
        parts.append((other.vectors, read_labelled(test_emo, test_vectors, other.classes).vectors))
    sizes = [one.shape[1] for one, _ in parts]
    train, test = (
        side._replace(vectors=np.hstack([part[place] for part in parts])) for place, side in enumerate((train, test))
    )
    return train, test, ensemble_trainer(train_one, sizes)


def check_classes(args: argparse.Namespace, train: Labelled, test: Labelled) -> None:
    """Check that only the test has the held-out class; warn of other classes that training lacks."""
    from ser.results import result_table

    unseen = test.classes[len(train.classes) :]
    if trained := sorted(set(args.unseen.split()) & set(train.classes)):
        raise SerError(f"{args.train_dir}/utt2emo: has utterances of --unseen {' '.join(trained)}; leave them out")
    if args.held_out in train.classes:
        raise SerError(f"{args.train_dir}/utt2emo: has utterances of the class '{args.held_out}', which is held out")
    if args.held_out != result_table.NOT_APPLICABLE and args.held_out not in unseen:
        raise SerError(f"{args.test_dir}/utt2emo: no utterance of the class '{args.held_out}', which is held out")
    if unexpected := [name for name in unseen if name not in (args.held_out, *args.unseen.split())]:
        logger.warning("%s: no training utterance is of class %s", args.test_dir, ", ".join(unexpected))


def normalise(args: argparse.Namespace, how: str, train: Labelled, test: Labelled) -> tuple[Labelled, Labelled]:
    """Subtract the mean of each speaker's vectors, in training and test; `how` is all or 'first N'."""
    from ser.backend.speaker_normalisation import normalise_table

    def normalised(side: Labelled, data_dir: str) -> Labelled:
        return side._replace(vectors=normalise_table(how, side.vectors, side.utts, f"{data_dir}/utt2spk"))

    return normalised(train, args.train_dir), normalised(test, args.test_dir)


def train_recognizer(
    args: argparse.Namespace,
    folder: Path,
    train_one: Train,
    train: Labelled,
    test: Labelled,
    unseen: Collection[str],
    protocol: ProtocolConfig,
) -> tuple[Recognizer, HeldOutScores, Labelled]:
    """Train the back end and save it, with what calibrates its scores.

    Returns
    -------
    The back end, scores of training utterances by back ends that did not see their speakers, and the utterances that
    the back end was trained on.
    """
    import numpy as np

    from ser.backend.held_out import train_and_score
    from ser.backend.recognizer import PldaRecognizer, adapted
    from ser.kaldi.labelled import read_speakers
    from ser.results import calibrated_on

    speakers = read_speakers(f"{args.train_dir}/utt2spk", train.utts)
    recognizer, held_out, trained = train_and_score(
        train_one, train.vectors, train.labels, speakers, unseen, protocol.held_out_parts, protocol.seed
    )
    train = train.take(np.flatnonzero(trained))
    if args.adapt:
        if not isinstance(recognizer, PldaRecognizer):
            raise SerError("--adapt true: only PLDA can be adapted, without --fallback-train")
        recognizer = adapted(recognizer, train.vectors, test.vectors)
    recognizer.save(folder / "backend", train.num_utts())
    calibrating = np.unique(speakers[held_out.rows]).tolist()
    calibrated_on.write(folder, calibrating, set(calibrating) <= set(unseen))
    return recognizer, held_out, train


def write_vectors(
    args: argparse.Namespace,
    folder: Path,
    recognizer: Recognizer,
    train: Labelled,
    test: Labelled,
    utterances: Utterances,
    scores: np.ndarray,
) -> None:
    """Write the two dimensions for plots, the nearest training utterances and, if asked for, the scores (N, N)."""
    from ser.backend.nearest import nearest
    from ser.backend.recognizer import PldaRecognizer
    from ser.kaldi.score_matrix import write_score_matrix
    from ser.results import cell

    if isinstance(recognizer, PldaRecognizer) and len(recognizer.backend.plda.mean) > 1:
        cell.write_projected(folder, utterances, recognizer.backend.reduce(test.vectors))
    cell.write_nearest(folder, test.utts, train.utts, *nearest(recognizer, train.vectors, test.vectors, cell.NEAREST))
    if args.write_scores:
        write_score_matrix(f"ark:{folder}/scores.ark", test.utts, test.utts, scores)


if __name__ == "__main__":
    cli.run(main)
