"""Compare systems on the same utterances: for each figure the first minus another, with an interval and a p-value.

A cell of the results table is a folder that evaluate_backend wrote; give all folds and seeds of a system, with commas
between them. The p-value is two-sided. It is over speakers (over whole folds, where a fold has few speakers) and over
the trainings with different seeds; with one seed it says nothing about the variation of training. If the first system
is compared with several others, Holm's method corrects the p-values.

  python3 -m ser.bin.compare_cells exp/toy/cells/speech_tdnn7_none exp/toy/cells/speech_tdnn6_none
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_protocol(parser)
    parser.add_argument(
        "first", metavar="<first>", help="cell of the first system, or its folds and seeds with commas between"
    )
    parser.add_argument("others", metavar="<other>", nargs="+", help="another system, of the same folds")
    args = parser.parse_args()

    from ser.config import load_config
    from ser.metrics.intervals import holm
    from ser.results import result_table
    from ser.results.cell import read_cell
    from ser.results.protocol_config import ProtocolConfig
    from ser.results.summary import compare

    protocol = load_config(ProtocolConfig, args.protocol)
    sides = [[read_cell(folder) for folder in folders.split(",")] for folders in (args.first, *args.others)]
    found = [compare(sides[0], other, protocol) for other in sides[1:]]
    seeds = [len({cell.row.seed for cell in side}) for side in sides]
    if min(seeds) == 1:
        logger.warning(
            "%d of %d systems were trained with one seed: the p-value covers other speakers, not another training, "
            "which may differ as much; train several seeds",
            seeds.count(1), len(seeds),
        )  # fmt: skip
    several = len(found) > 1
    head = f"measure   first  second  difference  {f'{100 * protocol.level:g} % interval':>16}      p"
    print(("other   " if several else "") + head + ("   Holm" if several else ""))
    for name in result_table.MEASURES:
        known = [(place, one) for place, one in enumerate(found, start=1) if name in one]
        corrected = holm([one[name].found.p for _, one in known])
        for (place, one), p in zip(known, corrected, strict=True):
            first, second, it = one[name].first, one[name].second, one[name].found
            line = f"{name:7}{first:8.2f}{second:8.2f}{first - second:+12.2f}  "
            line += f"{f'[{it.low:.2f}, {it.high:.2f}]':>16}{it.p:7.3f}"
            print(f"{place:<8}{line}{p:7.3f}" if several else line)


if __name__ == "__main__":
    cli.run(main)
