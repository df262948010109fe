"""Give each TRAINING utterance the text vector of a random utterance of the same class, for corpora of fixed sentences.

<utt2class> lists the utterances that get a vector; <donor-utt2class> and <donor-vector-rspecifier> give the donors. The
draw uses the label, so it must never be done for utterances that are scored. It depends only on the seed and the
utterance's id.

  python3 -m ser.bin.draw_text_vectors --seed 0 data/cremad/utt2class data/dailydialog/utt2class \\
    scp:exp/bert/dailydialog.scp ark,scp:exp/bert/cremad.ark,exp/bert/cremad.scp
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--seed", metavar="N", type=int, required=True, help="seed of the draw")
    parser.add_argument("utt2class", metavar="<utt2class>", help="training utterances and their classes")
    parser.add_argument("donor_utt2class", metavar="<donor-utt2class>", help="classes of the donors")
    parser.add_argument("donor_rspecifier", metavar="<donor-vector-rspecifier>", help="the donors' text vectors")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="a vector for each utterance of <utt2class>")
    args = parser.parse_args()

    from ser.kaldi import ark, tables
    from ser.text.donors import draw_donors

    utt2class = tables.read_map(args.utt2class, fields=2)
    donor_utt2class = tables.read_map(args.donor_utt2class, fields=2)
    vectors = ark.load(args.donor_rspecifier)
    donors = [donor for donor in vectors if donor in donor_utt2class]
    drawn = draw_donors(utt2class, donor_utt2class, donors, args.seed)
    with ark.Writer(args.wspecifier) as writer:
        for utt in tables.sort_keys(drawn):
            writer.write(utt, vectors[drawn[utt]])
    logger.info(
        "%s: drew the text of %d utterances by their LABEL, from %d donors (%d without a class or a vector left out), "
        "seed %d; for training only, never for an utterance that is scored",
        args.wspecifier,
        len(drawn),
        len(donors),
        len(vectors.keys() ^ donor_utt2class.keys()),
        args.seed,
    )


if __name__ == "__main__":
    cli.run(main)
