"""Merge the files that the parallel jobs of a step wrote, and check how many utterances the jobs left out.

Reads one file per job and writes <data-dir>/<table>; JOB in the file's name stands for the number of the job. With
--left-out the data dir then keeps only the utterances of the first table, and gets the list left_out of the others with
the reasons. With --out the tables and the list go to another folder, and the data dir stays as it is.

  python3 -m ser.bin.merge_jobs --left-out mfcc/cremad.JOB.left_out data/cremad 4 mfcc/cremad.JOB.scp:feats.scp
  python3 -m ser.bin.merge_jobs --out exp/ivectors --left-out exp/ivectors/left_out.JOB data/cremad 4 \
    exp/ivectors/online.JOB.scp:online.scp
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)

NUM_NAMED = 10


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--left-out", metavar="FILE", help="the jobs' lists of left-out utterances, with JOB in its name"
    )
    cli.add_max_left_out(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder to write to in place of the data dir")
    parser.add_argument(
        "--name-long-clips",
        type=cli.boolean,
        default=False,
        help="warn of utterances ten times the median length, by utt2num_frames [%(default)s]",
    )
    parser.add_argument("data_dir", metavar="<data-dir>", type=Path, help="data dir that was split, to write to")
    parser.add_argument("nj", metavar="<nj>", type=int, help="number of jobs")
    parser.add_argument(
        "tables", nargs="+", metavar="<file>:<table>", help="file of the jobs, with JOB in its name, and table to write"
    )
    args = parser.parse_args()

    from ser.errors import SerError
    from ser.files import JOB_WORD
    from ser.kaldi import data_subset, datadir, tables

    def merged(name: str) -> dict[str, str]:
        files = [JOB_WORD.sub(str(job), name) for job in range(1, args.nj + 1)]
        return {key: value for file in files for key, value in tables.read_map(file).items()}

    folder = args.out or args.data_dir
    utterances = tables.read_map(args.data_dir / "utt2spk")
    if args.left_out:
        # Utterances that the preparation or an earlier run left out are not in the data dir, but stay on the list.
        path = folder / "left_out"
        earlier = tables.read_map(path) if path.exists() and not args.out else {}
        left_out = merged(args.left_out)
        others = {utt: reason for utt, reason in earlier.items() if utt not in utterances}
        tables.write_map(path, others | left_out)
        if left_out:
            utt, reason = next(iter(left_out.items()))
            found = f"{len(left_out)} of {len(utterances)} utterances cannot be used; the first: {utt}: {reason}"
            if len(left_out) > args.max_left_out * len(utterances):
                raise SerError(f"{path}: {found}; --max-left-out allows {100 * args.max_left_out:g} %")
            logger.warning("%s: %s", path, found)
    kept: list[str] = []
    for table in args.tables:
        file, _, name = table.rpartition(":")
        content = merged(file)
        kept = kept or list(content)
        tables.write_map(folder / name, content)
        if args.name_long_clips and name == "utt2num_frames" and (long := datadir.long_clips(content)):
            utt, times = next(iter(long.items()))
            logger.warning(
                "%s: %d of %d utterances are %d times the median length or longer, '%s' %.0f times; listen to them:"
                " clips that were never cut hold other emotions too: %s",
                *(args.data_dir, len(long), len(content), datadir.LONG, utt, times, " ".join(list(long)[:NUM_NAMED])),
            )
    if args.left_out and left_out and not args.out:
        data_subset.subset(args.data_dir, kept, args.data_dir)


if __name__ == "__main__":
    cli.run(main)
