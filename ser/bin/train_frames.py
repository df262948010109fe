"""Train frame classifiers on bottleneck features, one per fold, and classify the fold's utterances with each.

Reads the data dir's utt2emo (classes, see apply_label_map) and utt2fold, and the matrices of <feats-scp>: bottleneck
features or any others; a vector counts as one frame. For each fold, the next fold is for validation and all others are
for training. <dir>/<fold> is a model folder. It also has the probabilities of the test and the validation utterances
(test.scp, valid.scp) and the votes of their frames (votes.tsv).

  python3 -m ser.bin.train_frames --config conf/asr_tdnn/frames.yaml --label-map conf/emotions/asr_tdnn4.map \\
    data/iemocap_classes exp/bottlenecks/layer12.scp exp/frames/layer12
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    parser.add_argument(
        "--label-map", required=True, metavar="FILE", help="label map; the model has all of its classes"
    )
    parser.add_argument(
        "--vote",
        choices=("sum", "log"),
        default="sum",
        help="sum the frames' probabilities, or log probabilities [%(default)s]",
    )
    parser.add_argument("data_dir", metavar="<data-dir>", help="with utt2emo and utt2fold")
    parser.add_argument("feats", metavar="<feats-scp>", help="matrices of frames, such as those of extract_bottlenecks")
    parser.add_argument("folder", metavar="<dir>", help="folder to write, with a model folder for each fold")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.corpora.label_map import read_label_map
    from ser.examples import frames
    from ser.examples.targets import class_numbers
    from ser.files import tab_separated, write_text
    from ser.kaldi import ark, tables
    from ser.kaldi.ark import Reader
    from ser.metrics import classification
    from ser.models.frame_classifier import FrameClassifier
    from ser.plan.roles import in_order, next_fold
    from ser.record.fingerprint import digest_table
    from ser.training import model_dir
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy

    cli.set_num_threads(args, default=1)
    config = load_config(frames.FrameConfig, args.config, tuple(args.set))
    data, reader = Path(args.data_dir), Reader(args.feats)
    utt2emo, utt2fold = (tables.read_map(data / name, fields=2) for name in ("utt2emo", "utt2fold"))
    classes = sorted(set(read_label_map(args.label_map).values()))
    if missing := [utt for utt in utt2emo if utt not in reader]:
        raise SerError(f"{args.feats}: no frames of {len(missing)} of {len(utt2emo)} utterances, e.g. {missing[0]}")
    folds = in_order(utt2fold.values())
    if len(folds) < 3:
        raise SerError(
            f"{data}/utt2fold: {len(folds)} folds; at least three are needed, for training, validation and test"
        )
    digests = {"features": digest_table(reader)}
    inputs = {"utt2emo": data / "utt2emo", "utt2fold": data / "utt2fold"}

    for fold in folds:
        folder, seed = Path(args.folder) / fold, config.fit.seed
        if not model_dir.begin(folder, config, inputs, digests):
            continue
        validating = next_fold(fold, folds)
        parts = {
            "test": [utt for utt in utt2emo if utt2fold[utt] == fold],
            "valid": [utt for utt in utt2emo if utt2fold[utt] == validating],
            "train": [utt for utt in utt2emo if utt2fold[utt] not in (fold, validating)],
        }
        labels = {part: class_numbers(utts, utt2emo, classes, str(data)) for part, utts in parts.items()}

        def batches(part: str, order_seed: int | None) -> frames.FrameBatches:
            return frames.FrameBatches(reader, parts[part], labels[part], config.data, order_seed)  # noqa: B023

        torch.manual_seed(seed)
        model = FrameClassifier(config.model, reader.shape(parts["train"][0])[-1], len(classes))
        counts = [int((labels["train"] == number).sum()) for number in range(len(classes))]
        loss = cross_entropy(config.loss, counts)
        model = fit(model, batches("train", seed), batches("valid", None), config.fit, folder, loss, args.device).cpu()
        rows = []
        for part in ("valid", "test"):
            answers = []
            with ark.Writer(f"ark,scp:{folder}/{part}.ark,{folder}/{part}.scp") as writer:
                for utt in parts[part]:
                    found = frames.vote(model, reader[utt], args.vote)
                    writer.write(utt, found.probabilities.astype("float32"))
                    answers.append(int(found.probabilities.argmax()))
                    rows.append((utt, part, found.frames, classes[answers[-1]], f"{found.agreeing:.4f}"))
            counts_by_class = classification.confusion(labels[part], np.array(answers), len(classes))
            uar = classification.uar(counts_by_class)
            logger.info("%s: %s, %d utterances: UAR %.1f %%", folder, part, len(answers), 100 * uar)
        write_text(folder / "votes.tsv", tab_separated(("utt", "part", "frames", "class", "agreeing"), rows))
        model_dir.save_model(folder, model, classes)


if __name__ == "__main__":
    cli.run(main)
