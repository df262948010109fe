"""Write protocol_card.tsv (section, key, value) and protocol_card.md beside a run's results.

The card lists the test data and the training data with their numbers of utterances, speakers and classes, the label map
and the labels that it leaves out, the text condition, the findings of the audit, and the models' seeds, versions and
commands. An entry that the run's files do not give is listed as missing.

  python3 -m ser.bin.make_protocol_card --corpora "data/toy/cremad data/toy/iemocap" \\
    --label-map conf/emotions/collapsed5.map --text-condition gold exp/toy
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--corpora", default="", metavar="'DIR ...'", help="data dirs of the corpora")
    parser.add_argument("--label-map", metavar="FILE", type=Path, help="map of the corpora's labels to classes")
    parser.add_argument("--text-condition", metavar="NAME", help="gold, none, shuffled or a file [no text was used]")
    parser.add_argument("--notes", type=Path, metavar="FILE", help="notes on the system, one per line")
    parser.add_argument("--nets", default="", metavar="'DIR ...'", help="imported nets outside the run's folder")
    parser.add_argument("exp_dir", metavar="<exp-dir>", type=Path, help="folder of the run, with audit/")
    args = parser.parse_args()

    from ser.files import write_text
    from ser.protocol.card import make_card, to_markdown, to_tsv
    from ser.protocol.inventory import Corpora

    if not args.exp_dir.is_dir():
        raise SerError(f"{args.exp_dir}: no such folder; give the folder of a run")
    corpora, nets = Corpora(args.corpora.split()), list(map(Path, args.nets.split()))
    entries = make_card(args.exp_dir, corpora, args.label_map, args.text_condition, args.notes, nets)
    write_text(args.exp_dir / "protocol_card.tsv", to_tsv(entries))
    write_text(args.exp_dir / "protocol_card.md", to_markdown(entries, f"Protocol of {args.exp_dir}"))
    for entry in entries:
        if entry.section == "missing":
            logger.warning("protocol card: no %s: %s", entry.row, entry.value)


if __name__ == "__main__":
    cli.run(main)
