"""Write a cell of the results table for a system that gives class probabilities and does not score pairs.

With --fallback, an utterance without words, and so without probabilities, gets those of another system, which uses
speech alone; such utterances are counted, and listed in the cell's text_missing. ser/results/cell.py lists the files of
the cell's folder.

  python3 -m ser.bin.evaluate_posteriors --system vgg_bert --train iemocap --test iemocap --fold 1 --layer fusion \\
    --modality speech+text --fallback scp:exp/vgg/posteriors.scp \\
    exp/fusion/classes.txt data/iemocap_test scp:exp/fusion/posteriors.scp exp/cell1
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_protocol(parser)
    parser.add_argument(
        "--speakers", metavar="FILE", help="spk2utt of the whole test corpus, if the test dir is a part of it"
    )
    parser.add_argument("--fallback", metavar="RSPECIFIER", help="rspecifier of probabilities of all test utterances")
    cli.add_row_options(parser)
    parser.add_argument(
        "--speaker-normalisation",
        metavar="HOW",
        default="none",
        help="speaker normalisation that compute_posteriors applied, for the row [%(default)s]",
    )
    parser.add_argument("classes", metavar="<classes>", help="classes.txt of the model, which names the columns")
    parser.add_argument("test_dir", metavar="<test-dir>", help="data dir that is scored")
    parser.add_argument("posteriors", metavar="<posteriors>", help="rspecifier of the class probabilities")
    parser.add_argument("cell_dir", metavar="<cell-dir>", help="folder to write")
    args = parser.parse_args()

    import numpy as np

    from ser.backend.speaker_normalisation import SpeakerNormalisation
    from ser.config import load_config
    from ser.examples.targets import class_numbers
    from ser.files import write_text
    from ser.kaldi import ark, tables
    from ser.kaldi.labelled import check_wordless
    from ser.results import cell, result_table, test_set
    from ser.results.protocol_config import ProtocolConfig

    protocol = load_config(ProtocolConfig, args.protocol)
    trained = [name for _, name, _ in tables.read_lines(args.classes)]
    utt2emo = tables.read_map(Path(args.test_dir) / "utt2emo", fields=2)
    utts = list(utt2emo)
    # Every utterance of a test class that the model does not know is an error.
    classes = [*trained, *sorted(set(utt2emo.values()) - set(trained))]
    labels = class_numbers(utts, utt2emo, classes, f"{args.test_dir}/utt2emo")
    utterances = test_set.read_utterances(args.test_dir, utts, labels, classes, args.speakers)

    table = ark.load(args.posteriors)
    missing = [utt for utt in utts if utt not in table]
    if missing and not args.fallback:
        raise SerError(
            f"{args.posteriors}: no probabilities of {len(missing)} of {len(utts)} utterances of {args.test_dir}, the "
            f"first {missing[0]}; give --fallback, probabilities from speech alone"
        )
    folder = Path(args.cell_dir)
    cell.start_cell(folder)
    if missing:
        check_wordless(missing, Path(args.test_dir) / "text", args.posteriors)
        table |= dict(zip(missing, ark.stack(args.fallback, missing)[1], strict=True))
        logger.info("%d of %d test utterances have no text and are scored by speech", len(missing), len(utts))
        write_text(folder / "text_missing", "".join(f"{utt}\n" for utt in missing))
    posteriors = np.array([table[utt] for utt in utts])
    if posteriors.shape[1:] != (len(trained),):
        raise SerError(f"{args.posteriors}: expected {len(trained)} probabilities, found shape {posteriors.shape[1:]}")

    row = result_table.Result(
        **cli.row_names(args),
        backend=result_table.NOT_APPLICABLE,
        lda_dim=None,
        held_out=result_table.NOT_APPLICABLE,
        status=result_table.OK,
        speaker_normalisation=str(SpeakerNormalisation.parse(args.speaker_normalisation)),
    )
    row = cell.write_cell(folder, row, utterances, posteriors, {"raw": posteriors}, None, protocol)
    logger.info("%s: UAR %.2f %%, WA %.2f %%, F1 %.2f %%", folder, row.uar, row.wa, row.f1)


if __name__ == "__main__":
    cli.run(main)
