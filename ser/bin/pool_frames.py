"""Pool the frames of every utterance into a vector: their mean, or mean and standard deviation.

Each table of matrices (bottleneck features, MFCC, online i-vectors ...) is given a name. Its vectors are written to
<out-dir>/<statistics>/<name>.scp, for train_backend and evaluate_backend.

  python3 -m ser.bin.pool_frames --statistics mean,mean_stddev exp/vectors \\
    layer12=exp/bottlenecks/frames/layer12.scp mfcc=data/iemocap_classes/feats.scp
"""

import contextlib
from pathlib import Path

from ser import cli
from ser.errors import SerError


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--statistics", metavar="NAME,...", default="mean", help="mean, mean_stddev, or both [%(default)s]"
    )
    cli.add_done_option(parser)
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    parser.add_argument(
        "tables", metavar="<name>=<scp>", nargs="+", help="names of the vectors, and the tables of frames"
    )
    args = parser.parse_args()

    from ser.features.pooling import STATISTICS, pool
    from ser.kaldi import ark
    from ser.kaldi.feats import read_features
    from ser.record.job_note import JobNote

    statistics = args.statistics.split(",")
    if unknown := [name for name in statistics if name not in STATISTICS]:
        raise SerError(f"--statistics {args.statistics}: '{unknown[0]}' is none of {', '.join(STATISTICS)}")
    tables = {}
    for word in args.tables:
        name, equals, table = word.partition("=")
        if not equals or not name or "/" in name:
            raise SerError(f"{word}: expected <name>=<scp>, such as layer12=exp/bottlenecks/frames/layer12.scp")
        tables[name] = table
    out = Path(args.out_dir)
    stems = {(name, kind): out / kind / name for name in tables for kind in statistics}
    outputs = [f"{stem}.{end}" for stem in stems.values() for end in ("ark", "scp")]
    note = JobNote(__spec__.name, args, [], [f"scp:{table}" for table in tables.values()], outputs)
    if note.is_valid():
        return
    for name, table in tables.items():
        with contextlib.ExitStack() as stack:
            writers = {
                kind: stack.enter_context(ark.Writer(f"ark,scp:{stems[name, kind]}.ark,{stems[name, kind]}.scp"))
                for kind in statistics
            }
            for utt, frames in read_features(f"scp:{table}"):
                for kind, writer in writers.items():
                    try:
                        writer.write(utt, pool(frames, kind))
                    except SerError as error:
                        raise SerError(f"{table}: '{utt}': {error}") from error
    note.write()


if __name__ == "__main__":
    cli.run(main)
