"""Write a data dir, its folds and the scores of its cells as tables that other toolkits read.

  audformat   db.yaml and db.utterances.csv, which nkululeko also reads as a CSV
  emobox      <name>.jsonl, label_map.json and fold_<n>/<name>_{train,valid,test}_fold_<n>.jsonl

local/prepare_table.sh reads both back, with the list beside the table of what was left out of the data dir
(db.utterances.left_out, <name>.left_out).

  python3 -m ser.bin.export_table --format emobox data/toy/ravdess export/ravdess
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--format", choices=("audformat", "emobox"), default="audformat", help="form of the tables [%(default)s]"
    )
    parser.add_argument("--name", metavar="NAME", help="name of the corpus in the tables [that of the data dir]")
    parser.add_argument("--audio-dir", metavar="DIR", type=Path, help="write paths relative to this folder [absolute]")
    parser.add_argument(
        "--cells", default="", metavar="'DIR ...'", help="folders of cells whose scores are written too"
    )
    parser.add_argument("data_dir", metavar="<data-dir>", type=Path, help="the data dir to export")
    parser.add_argument("out_dir", metavar="<out-dir>", type=Path, help="folder to write")
    args = parser.parse_args()

    import logging

    from ser.corpora import export
    from ser.errors import SerError
    from ser.kaldi import tables

    name = args.name or args.data_dir.absolute().name
    lines = export.read_lines(args.data_dir, args.audio_dir)
    if args.format == "audformat":
        table = export.write_audformat(args.out_dir, name, lines)
    else:
        table = export.write_emobox(args.out_dir, name, lines, args.audio_dir)
    export.write_left_out(table, args.data_dir)
    known = {line.utt for line in lines}
    for cell in map(Path, args.cells.split()):
        classes = list(tables.read_map(cell / "classes.txt", allow_empty=True))
        predictions = tables.read_map(cell / "predictions.txt")
        posteriors = tables.read_map(cell / "posteriors.txt")
        if strange := sorted(predictions.keys() - known):
            raise SerError(f"{cell}/predictions.txt: '{strange[0]}' is not in {args.data_dir}; give its data dir")
        scored = {utt: (value.split()[0], posteriors[utt].split()) for utt, value in predictions.items()}
        export.write_scores(args.out_dir / f"scores_{cell.name}.csv", lines, classes, scored)
    logging.getLogger(__name__).info("%s: %d utterances of %s", args.out_dir, len(lines), args.data_dir)


if __name__ == "__main__":
    cli.run(main)
