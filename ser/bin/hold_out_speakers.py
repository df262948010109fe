"""Draw speakers that no net may be trained on, and write them to the file unseen_speakers of a combined data dir.

The share is drawn from each data dir. The draw depends on a hash of the names only, so data dirs with the same speakers
hold out the same ones. Data dirs of copies, which have utt2uniq, are left alone.

  python3 -m ser.bin.hold_out_speakers --share 0.2 data/toy/backend_1 data/toy/cremad_emotion
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--share", type=float, metavar="X", required=True, help="share of the speakers of each data dir"
    )
    parser.add_argument("combined", metavar="<combined>", help="data dir of all, which gets the file")
    parser.add_argument("data_dirs", nargs="+", metavar="<data-dir>", help="with utt2spk")
    args = parser.parse_args()
    if not 0 <= args.share < 1:
        raise SerError(f"--share: expected from 0 to less than 1, found {args.share}")

    from ser.kaldi import tables
    from ser.kaldi.unseen import draw_speakers, write_unseen

    drawn: set[str] = set()
    for folder in map(Path, args.data_dirs):
        if not (folder / "utt2uniq").exists():
            drawn.update(draw_speakers(tables.read_map(folder / "utt2spk", fields=2).values(), args.share))
    write_unseen(args.combined, drawn)
    logger.info("%s: no net is trained on %d speakers: %s", args.combined, len(drawn), " ".join(sorted(drawn)[:10]))


if __name__ == "__main__":
    cli.run(main)
