"""Write toy corpora: synthetic speech and text in the directory layouts and formats of the real ones.

Writes VoxCeleb1, CREMA-D, IEMOCAP_full_release, dailydialog, ravdess, musan, RIRS_NOISES and TEDLIUM_release2 into
<out-dir>. The same seed and sizes always give the same bits; where <out-dir> has them already, nothing is done.

  python3 -m ser.bin.make_toy_corpora --config conf/toy/corpora.yaml data/toy/corpora
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--config", metavar="FILE", required=True, help="YAML of the sizes and the seed")
    parser.add_argument("--seed", metavar="N", type=int, help="seed to take in place of the config's")
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder of the corpora, to write")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.toy import corpora

    overrides = () if args.seed is None else (f"seed={args.seed}",)
    toy = load_config(corpora.ToyConfig, args.config, overrides)
    if corpora.make_corpora(args.out_dir, toy):
        logger.info("toy corpora written to %s, seed %d", args.out_dir, toy.seed)
    else:
        logger.info("toy corpora are in %s already, seed %d", args.out_dir, toy.seed)


if __name__ == "__main__":
    cli.run(main)
