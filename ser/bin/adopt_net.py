"""Copy a finished fine-tuned net if it is the net that would be trained here; else say how it differs, and copy none.

The two nets are the same if their settings, their initial nets, their training utterances, the classes and the
features are the same.

  python3 -m ser.bin.adopt_net exp/toy/finetune_1 conf/toy/xvector_finetune.yaml exp/toy/pretrain_none \\
    data/toy/finetune_1 exp/toy/experiments/net
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("net", metavar="<net>", type=Path, help="folder of a finished net; it may be absent")
    parser.add_argument(
        "config", metavar="<config>", type=Path, help="YAML with the settings of the net that is needed"
    )
    parser.add_argument("initial", type=Path, metavar="<init-model>", help="folder of the net to begin with")
    parser.add_argument("data_dir", type=Path, metavar="<data-dir>", help="data dir to train on, with utt2emo")
    parser.add_argument("model_dir", type=Path, metavar="<model-dir>", help="folder to copy to")
    args = parser.parse_args()

    from ser.experiments import adoption

    if any((args.model_dir / name).exists() for name in ("model.safetensors", "checkpoint.pt")):
        logger.info("%s is finished or partly trained; nothing is copied", args.model_dir)
        return
    if reason := adoption.differs(args.net, args.config, args.initial, args.data_dir):
        logger.info("%s is not copied: %s", args.net, reason)
        return
    adoption.adopt(args.net, args.model_dir)
    logger.info("%s is the net that is needed here; copied to %s", args.net, args.model_dir)


if __name__ == "__main__":
    cli.run(main)
