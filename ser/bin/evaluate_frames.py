"""Write the cells of the results table for frame classifiers (train_frames), including the choice of the layer.

Each --trained is <variant>:<layer>:<dir of train_frames>; each of its folds becomes a cell. A variant with several
layers has two further rows. Layer `nested` is the headline: in each fold, the layer that is best on the validation
fold, so that no test data influence the choice. Layer `paper` chooses like Zhou and Beigi: for all folds, the layer
that is best on the test data of the last fold, whose result is therefore too good. Variant `majority` always answers
the most frequent class of the training data. <dir>/list names the cells; <dir>/choices.tsv has the chosen layers.

  python3 -m ser.bin.evaluate_frames --train iemocap --test iemocap --trained pretrained:layer12:exp/frames/layer12 \\
    data/iemocap_classes exp/cells
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

NESTED, PAPER, MAJORITY = "nested", "paper", "majority"


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_protocol(parser)
    parser.add_argument(
        "--system", metavar="NAME", default="asr_tdnn", help="name of the system in the table [%(default)s]"
    )
    parser.add_argument("--train", metavar="NAME", required=True, help="name of the training data")
    parser.add_argument("--test", metavar="NAME", required=True, help="name of the test data")
    parser.add_argument("--seed", metavar="N", default="-", help="seed of the training, for the table [%(default)s]")
    parser.add_argument(
        "--trained",
        action="append",
        required=True,
        metavar="VARIANT:LAYER:DIR",
        help="a folder of train_frames; give the option once for each layer",
    )
    parser.add_argument("data_dir", metavar="<data-dir>", help="the data dir that train_frames had")
    parser.add_argument("folder", metavar="<dir>", help="folder of the cells, to write")
    args = parser.parse_args()

    import numpy as np

    from ser.config import load_config
    from ser.examples.targets import class_numbers
    from ser.files import tab_separated, write_text
    from ser.kaldi import ark, tables
    from ser.metrics import classification
    from ser.plan.roles import in_order, next_fold
    from ser.results import cell, result_table, test_set
    from ser.results.protocol_config import ProtocolConfig
    from ser.training.model_dir import load_classes

    protocol = load_config(ProtocolConfig, args.protocol)
    data, root = Path(args.data_dir), Path(args.folder)
    utt2emo, utt2fold = (tables.read_map(data / name, fields=2) for name in ("utt2emo", "utt2fold"))
    folds = in_order(utt2fold.values())
    trained: dict[str, dict[str, Path]] = {}
    for word in args.trained:
        variant, _, rest = word.partition(":")
        layer, colon, folder = rest.partition(":")
        if not colon:
            raise SerError(f"--trained {word}: expected <variant>:<layer>:<dir>")
        trained.setdefault(variant, {})[layer] = Path(folder)
    classes = load_classes(next(iter(next(iter(trained.values())).values())) / folds[0])
    members = {fold: [utt for utt in utt2emo if utt2fold[utt] == fold] for fold in folds}
    labels = {fold: class_numbers(utts, utt2emo, classes, str(data)) for fold, utts in members.items()}
    counts = {fold: np.bincount(numbers, minlength=len(classes)) for fold, numbers in labels.items()}

    def probabilities(folder: Path, part: str, fold: str) -> np.ndarray:
        return ark.stack(
            f"scp:{folder / fold / part}.scp", members[fold if part == "test" else next_fold(fold, folds)]
        )[1]

    def uar(folder: Path, part: str, fold: str) -> float:
        truth = labels[fold if part == "test" else next_fold(fold, folds)]
        answers = probabilities(folder, part, fold).argmax(1)
        return classification.uar(classification.confusion(truth, answers, len(classes)))

    made: list[Path] = []

    def write(variant: str, layer: str, fold: str, shares: np.ndarray) -> None:
        folder = root / f"{variant}_{layer}_{fold}"
        cell.start_cell(folder)
        utterances = test_set.read_utterances(data, members[fold], labels[fold], classes, data / "spk2utt")
        row = result_table.Result(
            system=args.system, train=args.train, test=args.test, fold=fold, variant=variant, seed=args.seed,
            text=result_table.NOT_APPLICABLE, layer=layer, modality="speech", backend=result_table.NOT_APPLICABLE,
            lda_dim=None, held_out=result_table.NOT_APPLICABLE, status=result_table.OK,
        )  # fmt: skip
        cell.write_cell(folder, row, utterances, shares, {"raw": shares}, None, protocol)
        made.append(folder)

    choices = []
    for variant, layers in trained.items():
        for layer, folder in layers.items():
            for fold in folds:
                write(variant, layer, fold, probabilities(folder, "test", fold))
        if len(layers) < 2:
            continue
        paper = max(layers, key=lambda layer: uar(layers[layer], "test", folds[-1]))
        for fold in folds:
            found = {layer: uar(folder, "valid", fold) for layer, folder in layers.items()}
            nested = max(found, key=lambda layer: found[layer])
            write(variant, NESTED, fold, probabilities(layers[nested], "test", fold))
            write(variant, PAPER, fold, probabilities(layers[paper], "test", fold))
            shown = " ".join(f"{layer}={100 * value:.1f}" for layer, value in found.items())
            choices.append((variant, fold, nested, paper, shown))
            logger.info("%s, fold %s: nested choice %s (validation UAR %s)", variant, fold, nested, shown)
    for fold in folds:
        others = np.sum([counts[other] for other in folds if other not in (fold, next_fold(fold, folds))], axis=0)
        write(MAJORITY, result_table.NOT_APPLICABLE, fold, np.tile(others / others.sum(), (len(members[fold]), 1)))
    columns = ("variant", "fold", NESTED, PAPER, "validation_uar")
    write_text(root / "choices.tsv", tab_separated(columns, choices))
    write_text(root / "list", "".join(f"{folder}\n" for folder in made))


if __name__ == "__main__":
    cli.run(main)
