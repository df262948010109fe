"""Make a Kaldi data dir of any corpus that is a table.

The table is one of

  a CSV whose first line names the columns, such as nkululeko's and audformat's
  EmoBox's JSON lines, with the folders of its folds
  a data set that the library Hugging Face datasets saved to disk
  with --pattern, a folder of audio files whose names give the speaker, the emotion and so on

Audio files are looked up beside the table, or below --audio-dir. <data-dir>/left_out lists what cannot be used,
and what utils/export_table.sh listed beside a table.

  python3 -m ser.bin.prepare_table --folds speaker:5 corpora/mine/mine.csv data/mine
"""

from pathlib import Path

from ser import cli


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--pattern", metavar="PATTERN", help="pattern of the paths in a folder, such as '{speaker}/{emotion}_{n}.wav'"
    )
    parser.add_argument(
        "--audio-dir",
        metavar="DIR",
        type=Path,
        help="folder that the table's paths are relative to [that of the table]",
    )
    for what in ("file", "speaker", "emotion", "text", "gender", "start", "end", "session", "dialogue"):
        parser.add_argument(
            f"--{what}", metavar="COLUMN", help="its column in the table, if the column has none of the usual names"
        )
    parser.add_argument(
        "--folds",
        metavar="RULE",
        help="speaker:N, session, column:NAME, own or none [the table's own, else speaker:5]",
    )
    parser.add_argument("table", metavar="<table>", type=Path, help="CSV, JSON lines, or a folder")
    parser.add_argument("data_dir", metavar="<data-dir>", type=Path, help="the data dir to write")
    args = parser.parse_args()

    from ser.corpora import records, table, table_sources
    from ser.errors import SerError

    left_out = []
    audio_dir = args.audio_dir or (args.table if args.table.is_dir() else args.table.parent)
    if args.pattern:
        folder = records.require_folder(args.table, "with --pattern, give the folder of the audio files")
        rows, others = table_sources.read_folder(folder, args.pattern)
        left_out = [records.LeftOut(name, f"does not fit the pattern {args.pattern}") for name in others]
    elif args.table.is_dir():
        if not table_sources.is_saved_dataset(args.table):
            raise SerError(f"{args.table}: a folder; give --pattern, the pattern of its file names, or give the table")
        rows = table_sources.read_saved_dataset(args.table, args.data_dir / "audio")
    elif args.table.suffix in (".jsonl", ".json"):
        rows = table_sources.read_jsonl(args.table)
    else:
        rows = table_sources.read_csv(args.table)
    if args.table.is_file() and (listed := table_sources.left_out_list(args.table)).is_file():
        left_out += records.read_left_out(listed)
    columns = table.choose_columns(rows, {name: getattr(args, name, None) for name in table.USUAL})
    clips, missing = table.find_clips(rows, columns, audio_dir)
    left_out += missing
    table.check_loss(args.data_dir, len(clips), left_out)
    utterances = table.make_utterances(clips, columns, args.folds, args.data_dir.name)
    records.write_data_dir(args.data_dir, utterances, left_out)


if __name__ == "__main__":
    cli.run(main)
