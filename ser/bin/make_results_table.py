"""Collect the cells of evaluate_backend into results.tsv, det.png and eer.png, and print the table.

Rows of folds get their mean as fold `all`; the screen shows those means, the file all rows. The DET picture has a
line for each modality, of its best layer.

  python3 -m ser.bin.make_results_table exp/toy exp/toy/cells/*"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser import cli

if TYPE_CHECKING:
    from pathlib import Path

    from ser.metrics import pictures


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("out_dir", help="folder to write")
    parser.add_argument("cell_dirs", nargs="+", help="folders that evaluate_backend wrote")
    args = parser.parse_args()

    from pathlib import Path

    from ser.errors import SerError
    from ser.files import atomic_path, write_text
    from ser.metrics import pictures, results

    found, folders = [], {}
    for cell in map(Path, args.cell_dirs):
        path = cell / "result.tsv"
        if not path.exists():
            raise SerError(f"{path}: missing; evaluate_backend of this cell did not end well; see its log")
        for row in results.from_tsv(path.read_text(encoding="utf-8"), str(path)):
            found.append(row)
            folders.setdefault(row.cell(), []).append(cell)
    rows = results.with_means(found)
    means = [row for row in rows if row.fold == results.ALL_FOLDS]

    panels: dict[str, list[results.Result]] = {}
    for row in means:
        among = "trained with its other folds" if row.test in row.train.split("+") else "trained without it"
        panels.setdefault(f"{row.system}, scored on {row.test}, {among}", []).append(row)
    curves = {
        title: {row.modality: (row, read_curve(folders[row.cell()])) for row in results.best_of_each_modality(panel)}
        for title, panel in panels.items()
    }
    out = Path(args.out_dir)
    for name, figure in (("det.png", pictures.draw_det(curves)), ("eer.png", pictures.draw_eer(panels))):
        with atomic_path(out / name) as temporary:
            figure.savefig(temporary, format="png")
    write_text(out / "results.tsv", results.to_tsv(rows))
    print(results.align(means), end="")


def read_curve(folders: list[Path]) -> pictures.Curve:
    """Read the DET points of the folds and average them."""
    import numpy as np

    from ser.metrics import pictures

    tables = [np.loadtxt(folder / "det.tsv", skiprows=1, ndmin=2) / 100.0 for folder in folders]
    return pictures.average_curves([(table[:, 0], table[:, 1]) for table in tables], num_points=400)


if __name__ == "__main__":
    cli.run(main)
