"""Score the utterances of all folds together: pooled.tsv with strata, and confusions.tsv.

Reads the predictions of the cells and, from <data-dir>, utt2emo, utt2spk, feats.scp or utt2num_frames (for durations),
and utt2style, utt2votes if they exist. pooled.tsv has UAR and WA of an experiment, over all utterances and by strata:
style, thirds of the duration, and whether all annotators agreed. confusions.tsv has, for each pair of classes, the
pooled count and share, and the mean of the folds' shares, which papers often print.

  python3 -m ser.bin.pool_folds data/iemocap_classes exp/asr_tdnn $(cat exp/asr_tdnn/cells/list)
"""

from pathlib import Path

from ser import cli
from ser.errors import SerError


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_protocol(parser)
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir of all scored utterances")
    parser.add_argument("out_dir", metavar="<out-dir>", help="folder to write")
    parser.add_argument("cell_dirs", metavar="<cell-dir>", nargs="+", help="folders of cells")
    args = parser.parse_args()

    import numpy as np

    from ser.config import load_config
    from ser.files import tab_separated, write_text
    from ser.kaldi import tables
    from ser.results import pooled_folds
    from ser.results.protocol_config import ProtocolConfig

    protocol = load_config(ProtocolConfig, args.protocol)
    data, out = Path(args.data_dir), Path(args.out_dir)
    truth, utt2spk = (tables.read_map(data / name, fields=2) for name in ("utt2emo", "utt2spk"))
    lengths = tables.read_map(data / "utt2num_frames", fields=2) if (data / "utt2num_frames").exists() else {}
    strata = pooled_folds.read_strata(data, {utt: float(count) for utt, count in lengths.items() if utt in truth})
    experiments = pooled_folds.read_answers(args.cell_dirs)
    # A model may predict a class that the scored utterances lack.
    answered = {name for answers in experiments for fold in answers.folds.values() for name in fold.values()}
    classes = sorted({*truth.values(), *answered})
    number = {name: index for index, name in enumerate(classes)}
    speakers = {name: index for index, name in enumerate(sorted(set(utt2spk.values())))}
    rows: list[tuple[object, ...]] = []
    matrices: list[tuple[object, ...]] = []
    for answers in experiments:
        predicted = {utt: name for fold in answers.folds.values() for utt, name in fold.items()}
        if unknown := predicted.keys() - truth.keys():
            raise SerError(f"{data}/utt2emo: no class of {len(unknown)} of the scored utterances, e.g. {min(unknown)}")
        groups = {(pooled_folds.ALL, pooled_folds.ALL): list(predicted)}
        for kind, found in strata.items():
            for utt in predicted:
                if utt in found:
                    groups.setdefault((kind, found[utt]), []).append(utt)
        for (kind, stratum), utts in groups.items():
            figures = pooled_folds.pooled(
                np.array([number[truth[utt]] for utt in utts]),
                np.array([number[predicted[utt]] for utt in utts]),
                np.array([speakers[utt2spk[utt]] for utt in utts]),
                len(speakers),
                len(classes),
                protocol,
            )
            shown = ("-" if np.isnan(value) else f"{value:.2f}" for value in list(vars(figures).values())[1:])
            rows.append((*answers.name, len(answers.folds), kind, stratum, figures.utts, *shown))
        counts, mean = pooled_folds.confusions(truth, answers, classes)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for row, column in np.ndindex(*counts.shape):
            cell = (counts[row, column], f"{100 * shares[row, column]:.1f}", f"{100 * mean[row, column]:.1f}")
            matrices.append((*answers.name, classes[row], classes[column], *cell))
    names = ("variant", "layer", "backend", "speaker_normalisation", "text")
    measures = ("uar", "uar_low", "uar_high", "wa", "wa_low", "wa_high")
    columns = [*names, "folds", "kind", "stratum", "utts", *measures]
    rows.sort(key=lambda row: tuple(map(str, row[: len(names)])))
    write_text(out / "pooled.tsv", tab_separated(columns, rows))
    columns = [*names, "true", "predicted", "utts", "pooled", "mean_of_folds"]
    write_text(out / "confusions.tsv", tab_separated(columns, matrices))


if __name__ == "__main__":
    cli.run(main)
