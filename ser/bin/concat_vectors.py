"""Join vectors end to end, key by key, as Kaldi's paste-vectors does: speech and text embeddings, for example.

The order is that of the first table.

  python3 -m ser.bin.concat_vectors scp:speech.scp scp:text.scp ark,scp:both.ark,both.scp
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--allow-missing",
        type=cli.boolean,
        default=False,
        help="leave out a key that is not in every table, instead of failing [%(default)s]",
    )
    parser.add_argument("rspecifier", metavar="<rspecifier>", nargs="+", help="vectors, two tables or more")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="the joined vectors")
    args = parser.parse_args()
    if len(args.rspecifier) < 2:
        parser.error("give at least two rspecifiers and a wspecifier")

    import numpy as np

    from ser.kaldi import ark

    tables = [ark.load(rspecifier) for rspecifier in args.rspecifier]
    everything = list(dict.fromkeys(key for table in tables for key in table))
    common = [key for key in everything if all(key in table for table in tables)]
    if len(common) < len(everything):
        lacks = []
        for rspecifier, table in zip(args.rspecifier, tables, strict=True):
            if missing := [key for key in everything if key not in table]:
                lacks.append(f"{rspecifier} lacks {len(missing)} of {len(everything)} keys ({', '.join(missing[:3])})")
        # A table may be empty, such as text vectors if no utterance has words. A table of other keys only is a mistake.
        if not args.allow_missing or (not common and all(tables)):
            raise SerError(f"{'; '.join(lacks)}; make the missing vectors, or give --allow-missing true")
        logger.warning("%s; kept the %d keys that all have", "; ".join(lacks), len(common))
    for rspecifier, table in zip(args.rspecifier, tables, strict=True):
        sizes = {array.shape for key, array in table.items()}
        if len(sizes) > 1 or any(len(size) != 1 for size in sizes):
            raise SerError(f"{rspecifier}: expected vectors of one size, found the shapes {sorted(sizes)[:3]}")
    with ark.Writer(args.wspecifier) as writer:
        for key in common:
            writer.write(key, np.concatenate([table[key] for table in tables]))
    logger.info("%s: joined %d vectors of dimension %s", args.wspecifier, len(common), _sizes(tables))


def _sizes(tables: list) -> str:
    return " + ".join(str(len(next(iter(table.values())))) for table in tables if table)


if __name__ == "__main__":
    cli.run(main)
