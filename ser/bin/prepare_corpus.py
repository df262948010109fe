"""Make a Kaldi data dir of a corpus that has a module ser/corpora/<name>.py with the function read(corpus, num_folds).

The docstring of each module gives the corpus's layout, published counts, licence and known faults.

  python3 -m ser.bin.prepare_corpus --folds 5 emodb corpora/EmoDB data/emodb
"""

from pathlib import Path

from ser import cli

NAMES = ("cafe", "emodb", "emovo", "enterface", "esd", "jl", "shemo", "tess")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--folds", metavar="N", required=True, type=int, help="number of folds by speaker, balanced in emotion and sex"
    )
    parser.add_argument(
        "--language", default="all", choices=("all", "english", "mandarin"), help="language of ESD [%(default)s]"
    )
    parser.add_argument("name", metavar="<name>", choices=NAMES, help="name of the corpus: %(choices)s")
    parser.add_argument("corpus_dir", metavar="<corpus-dir>", type=Path, help="the corpus as it is distributed")
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir to write")
    args = parser.parse_args()

    import importlib

    from ser.corpora import records
    from ser.errors import SerError

    module = importlib.import_module(f"ser.corpora.{args.name}")
    corpus = records.require_folder(args.corpus_dir, f"give the folder of {args.name}")
    published = module.PUBLISHED
    if args.name == "esd":
        utterances, left_out = module.read(corpus, args.folds, args.language)
        published = published[args.language]
    elif args.language != "all":
        raise SerError(f"--language {args.language}: {args.name} has one language")
    else:
        utterances, left_out = module.read(corpus, args.folds)
    records.write_data_dir(args.data_dir, utterances, left_out, published)


if __name__ == "__main__":
    cli.run(main)
