"""Draw speakers whom nets are not to be trained on, into the file unseen_speakers of a combined data dir.

The draw is by a digest of the names, so that data dirs of the same speakers keep back the same ones, and of each data
dir the share. Copies are not drawn from: utt2uniq says which data dirs are copies.

  python3 -m ser.bin.hold_out_speakers --share 0.2 data/toy/backend_1 data/toy/cremad_emotion
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--share", type=float, metavar="X", required=True, help="of the speakers of each data dir")
    parser.add_argument("combined", metavar="<combined>", help="data dir of all of them, which gets the file")
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
    logger.info("%s: %d speakers are kept from nets: %s", args.combined, len(drawn), " ".join(sorted(drawn)[:10]))


if __name__ == "__main__":
    cli.run(main)
