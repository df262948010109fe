"""Report pairs of speaker names whose voices are as similar as recordings of one speaker: both may be one person.

Folds by speaker leak if one person has two names. The similarity is no proof, so the command reports and does not fail.
The embeddings come from a net that was trained to classify speakers. Writes a TSV of the pairs, the most similar first.

  python3 -m ser.bin.compare_voices data/toy/embedded/utt2spk scp:exp/toy/voices/tdnn6.scp exp/toy/voices.tsv
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

COLUMNS = ("speaker", "other", "similarity", "threshold")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("utt2spk", metavar="<utt2spk>", help="names of the speakers")
    parser.add_argument("vectors", metavar="<vectors>", help="rspecifier of the embeddings of their utterances")
    parser.add_argument("table", metavar="<table>", help="TSV to write")
    args = parser.parse_args()

    from ser.files import tab_separated, write_text
    from ser.kaldi.labelled import read_labelled
    from ser.protocol.voices import compare_voices

    found = read_labelled(args.utt2spk, args.vectors)
    try:
        voices = compare_voices(found.vectors, [found.classes[label] for label in found.labels])
    except SerError as error:  # too few speakers to tell: a report, and no failure
        logger.warning("%s: not compared: %s", args.utt2spk, error)
        write_text(args.table, tab_separated(COLUMNS, ()))
        return
    alike = voices.alike()
    rows = ((one, other, f"{score:.3f}", f"{voices.threshold:.3f}") for one, other, score in alike)
    write_text(args.table, tab_separated(COLUMNS, rows))
    for one, other, score in alike:
        logger.warning("%s and %s may be one voice: similarity %.2f, from %.2f", one, other, score, voices.threshold)
    logger.info("%s: %d names, %d pairs may be one voice", args.table, len(voices.names), len(alike))


if __name__ == "__main__":
    cli.run(main)
