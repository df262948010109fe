"""Make a tiny untrained BERT, RoBERTa or T5, and its vocabulary, so that a toy run downloads nothing.

Reads text files (one utterance a line) or data dirs (their `text`); writes a folder as the Hugging Face Hub lays
models out, which `train_text --text-model` takes.

  python3 -m ser.bin.build_toy_bert --config conf/toy/bert.yaml data/toy/dailydialog exp/toy/bert_init
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--config", metavar="FILE", default="conf/toy/bert.yaml", help="YAML with a section `scratch` [%(default)s]"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replace a setting")
    parser.add_argument(
        "--kind", choices=("bert", "roberta", "t5"), default="bert", help="kind of the model [%(default)s]"
    )
    parser.add_argument("source", metavar="<source>", nargs="+", help="text file or data dir")
    parser.add_argument("folder", metavar="<folder>", help="the model's folder, to write")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.files import read_text_lines
    from ser.kaldi import tables
    from ser.text import t5, wordpiece
    from ser.text.config import TextConfig

    config = load_config(TextConfig, args.config, tuple(args.set))
    if config.scratch is None:
        raise SerError(f"{args.config}: the section `scratch` is null; give the size of the encoder to build")
    texts: list[str] = []
    for source in map(Path, args.source):
        if source.is_dir():
            texts += tables.read_map(source / "text", allow_empty=True).values()
        else:
            texts += read_text_lines(source)
    build = {"bert": wordpiece.build_encoder, "roberta": wordpiece.build_roberta, "t5": t5.build_encoder}[args.kind]
    size = build(texts, config.scratch, config.fit.seed, args.folder)
    logger.info(
        "%s: an untrained %s with %d entries in its vocabulary, from %d texts",
        args.folder, args.kind.upper(), size, len(texts),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
