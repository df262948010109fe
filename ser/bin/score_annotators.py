"""Write human.tsv: how well each annotator agrees with the others on the utterances that were scored.

<data-dir> has the corpus's own labels: utt2annotators (the label of each annotator), or at least utt2votes (counts,
which give one pooled row). UA, WA and the equal error rate of pairs are in percent; the row `all` is the mean weighted
by utterances. The reference for an annotator's answer is the majority of the others after the label map. If the others
are too few, or tied, or their majority is not a class, the answer is left out and counted.

  python3 -m ser.bin.score_annotators --label-map conf/emotions/collapsed5.map data/iemocap \\
    data/iemocap_emotion/utt2emo exp/human.tsv
"""

import logging
import re
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--label-map", metavar="FILE", type=Path, required=True, help="map of the corpus's labels to classes"
    )
    parser.add_argument(
        "--min-utterances",
        metavar="N",
        type=int,
        default=20,
        help="utterances that an annotator needs for a row [%(default)s]",
    )
    parser.add_argument(
        "--not-counted",
        default=r"C-[FM]\d+",
        metavar="REGEX",
        help="annotators to leave out, such as IEMOCAP's actors, who judge themselves [%(default)s]",
    )
    parser.add_argument("data_dir", metavar="<data-dir>", type=Path, help="with utt2annotators or utt2votes")
    parser.add_argument("utt2emo", metavar="<utt2emo>", help="the utterances that were scored, and their classes")
    parser.add_argument("out", metavar="<out>", help="table to write")
    args = parser.parse_args()

    from ser.corpora.label_map import read_label_map
    from ser.files import write_text
    from ser.kaldi import datadir, tables
    from ser.protocol import human

    mapping = read_label_map(args.label_map)
    scored = tables.read_map(args.utt2emo, fields=2)
    classes = sorted(set(scored.values()))
    has_names = (args.data_dir / "utt2annotators").is_file()
    name, read = ("utt2annotators", human.read_answers) if has_names else ("utt2votes", human.read_votes)
    if not (args.data_dir / name).is_file():
        raise SerError(
            f"{args.data_dir}: neither utt2annotators nor utt2votes; the corpus has no votes to compare with"
        )
    lines = datadir.read_table(args.data_dir, name)
    answers = {utt: read(lines[utt], mapping) for utt in scored if utt in lines}
    left_out = re.compile(args.not_counted)
    counted = {
        utt: {who: what for who, what in said.items() if not left_out.fullmatch(who)} for utt, said in answers.items()
    }
    judged, unjudged = human.judge(counted, classes)
    if has_names:
        rows = human.agreements(judged, len(classes), args.min_utterances)
    else:
        rows = human.anonymous(judged, len(classes))
    write_text(args.out, human.to_tsv(rows))
    logger.info(
        "%s: %d answers to %d of %d scored utterances; %d could not be judged by a majority of the others%s",
        args.out, sum(map(len, counted.values())), len(counted), len(scored), unjudged,
        f"; WA {rows[-1].wa:.2f} %, UA {rows[-1].ua:.2f} %" if rows else "; no annotator is left",
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
