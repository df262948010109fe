"""Check a data directory: fields, order, the same utterances in every file, files that exist.

Says what is wrong with file and line, and exits with status 1.

  python3 -m ser.bin.validate_data_dir --no-feats data/cremad
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--no-feats", action="store_true", help="feats.scp need not be there")
    parser.add_argument("--no-wav", action="store_true", help="wav.scp need not be there, nor the files that it names")
    parser.add_argument("--no-text", action="store_true", help="text need not be there")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to check")
    args = parser.parse_args()
    from ser.kaldi import datadir

    datadir.validate(args.data_dir, feats=not args.no_feats, wav=not args.no_wav, text=not args.no_text)
    logger.info("%s: valid", args.data_dir)


if __name__ == "__main__":
    cli.run(main)
