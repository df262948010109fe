"""Compare systems on the folds of one corpus: single systems, joined vectors and averaged scores, in one table.

Reads utt2emo, utt2spk and utt2fold of the data dir, and the vectors that the settings name. Each system is tested with
each back end, with and without subtraction of the speaker's mean. Layers, back ends and joins are chosen by the highest
UAR minus EER on some of the folds; the table has results for these folds, for the other folds, and for all.

It writes all.tsv, every system and back end on the folds of choice; table.tsv, the best of each group; folds.tsv, the
chosen ones by fold; speakers.tsv, their recall by speaker and class; offsets.tsv, the distance of each speaker from the
others, by system; and predictions.tsv, the class that the chosen ones gave each utterance.

  python3 -m ser.bin.compare_systems conf/ravdess/side_by_side.yaml data/ravdess_emotion exp/ravdess_side/five
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--train-speakers",
        metavar="N",
        type=int,
        default=0,
        help="number of training speakers, 0 for all [%(default)s]",
    )
    parser.add_argument(
        "--systems", metavar="'NAME ...'", default="", help="compare only these systems of the settings [all]"
    )
    parser.add_argument("config", metavar="<config>", help="YAML of the systems")
    parser.add_argument("data_dir", metavar="<data-dir>", help="with utt2emo, utt2spk and utt2fold")
    parser.add_argument("out", metavar="<out-dir>", help="folder to write")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.files import write_text
    from ser.results.side_by_side import SideBySideConfig
    from ser.results.side_by_side_run import SideBySide, read_corpus
    from ser.results.side_by_side_tables import write_tables

    config = load_config(SideBySideConfig, args.config).only(args.systems.split())
    run = SideBySide(config, read_corpus(args.data_dir), args.train_speakers)
    chosen = run.choose()
    for name, text in write_tables(run, chosen).items():
        write_text(Path(args.out) / name, text)
    logger.info("%s: %d systems, chosen on folds %s", args.out, len(config.systems), ", ".join(config.choice_folds))


if __name__ == "__main__":
    cli.run(main)
