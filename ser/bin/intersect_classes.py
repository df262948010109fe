"""Copy data dirs of several corpora, with only the utterances of classes that all the corpora have.

Thus all cells of a cross-corpus matrix have the same classes. Also writes a table with a row per class: its number of
utterances in each corpus, and whether it is kept.

  python3 -m ser.bin.intersect_classes exp/x/classes.tsv \\
    data/x/cremad_emotion=data/x/cremad_shared data/x/ravdess_emotion=data/x/ravdess_shared
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("table", metavar="<table>", type=Path, help="the table to write")
    parser.add_argument(
        "pairs", nargs="+", metavar="<data-dir>=<data-dir-out>", help="a data dir, and the data dir to write"
    )
    args = parser.parse_args()

    import logging
    from collections import Counter

    from ser.errors import SerError
    from ser.files import tab_separated, write_text
    from ser.kaldi import data_subset, datadir

    pairs = [tuple(pair.rpartition("=")[::2]) for pair in args.pairs]
    labels = {data_in: datadir.read_table(data_in, "utt2emo") for data_in, _ in pairs}
    counts = {data_in: Counter(table.values()) for data_in, table in labels.items()}
    every = sorted(set().union(*counts.values()))
    shared = [name for name in every if all(name in of_corpus for of_corpus in counts.values())]
    rows = (
        [name, *(of_corpus[name] for of_corpus in counts.values()), "yes" if name in shared else "no"] for name in every
    )
    columns = ["class", *(Path(data_in).name for data_in in counts), "kept"]
    write_text(args.table, tab_separated(columns, rows))
    if len(shared) < 2:
        found = "; ".join(f"{data_in}: {', '.join(sorted(of_it))}" for data_in, of_it in counts.items())
        raise SerError(f"{args.table}: {len(shared)} classes that all corpora have, two are needed: {found}")
    for data_in, data_out in pairs:
        kept = [utt for utt, name in labels[data_in].items() if name in shared]
        data_subset.subset(data_in, kept, data_out)
    left_out = [name for name in every if name not in shared]
    logging.getLogger(__name__).info(
        "%s: all corpora have %s%s",
        *(args.table, ", ".join(shared), f"; left out: {', '.join(left_out)}" if left_out else ""),
    )


if __name__ == "__main__":
    cli.run(main)
