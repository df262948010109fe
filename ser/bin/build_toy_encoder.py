"""Make a tiny audio encoder of random weights, so that a toy run downloads nothing.

The folder has the format of a real encoder's; extract_audio_embeddings and train_audio_encoder read it.

  python3 -m ser.bin.build_toy_encoder --kind wavlm-large exp/toy/wavlm
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--kind", metavar="NAME", required=True, help="kind, such as wavlm-large; an unknown one prints all kinds"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the weights [%(default)s]")
    parser.add_argument("folder", metavar="<folder>", help="folder of the encoder, to write")
    args = parser.parse_args()

    from ser.text.bert import quieten
    from ser.toy.encoders import build_encoder

    quieten()
    numbers = build_encoder(args.kind, args.folder, args.seed)
    logger.info("%s: an untrained encoder of kind %s with %d parameters", args.folder, args.kind, numbers)


if __name__ == "__main__":
    cli.run(main)
