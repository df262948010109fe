"""Train a VGG to tell the classes of utterances apart by their log mel energies.

Reads data dirs with feats.scp and utt2emo; the training one may hold copies, whose originals utt2uniq tells. A training
that was stopped goes on where it was when the same command is given again. Example:

    python3 -m ser.bin.train_vgg --config conf/vgg_bert/vgg.yaml --label-map conf/emotions/vgg_bert5.map \\
      --valid-data data/iemocap_valid data/iemocap_train exp/vgg"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="data-dir")
    parser.add_argument("model_dir", metavar="model-dir", help="folder of the model, to be written")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.corpora.label_map import read_label_map
    from ser.kaldi import tables
    from ser.kaldi.ark import Reader
    from ser.models.vgg import Vgg
    from ser.training import model_dir, parallel
    from ser.training.clips import ClipSource
    from ser.training.fingerprint import fingerprint
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy
    from ser.training.targets import class_numbers, read_vote_targets
    from ser.training.vgg_config import VggTrainConfig

    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    config = load_config(VggTrainConfig, args.config, tuple(args.set))
    seed = config.fit.seed
    mapping = read_label_map(args.label_map)
    classes = sorted(set(mapping.values()))

    def read_classes(data_dir: str) -> tuple[list[str], np.ndarray]:
        utt2emo = tables.read_map(Path(data_dir) / "utt2emo", fields=2)
        return list(utt2emo), class_numbers(list(utt2emo), utt2emo, classes, f"{data_dir}/utt2emo")

    train_utts, train_numbers = read_classes(args.data_dir)
    valid_utts, valid_numbers = read_classes(args.valid_data)
    check_apart(args.data_dir, train_utts, args.valid_data, valid_utts)
    train_targets = train_numbers
    if args.soft_targets:
        train_targets = read_vote_targets(args.data_dir, train_utts, mapping, train_numbers, classes)
    train = ClipSource(Reader(Path(args.data_dir) / "feats.scp"), train_utts, train_targets, config.data, seed)
    valid = ClipSource(Reader(Path(args.valid_data) / "feats.scp"), valid_utts, valid_numbers, config.data, None)
    counts = np.bincount(train_numbers, minlength=len(classes))
    logger.info(
        "%d clips train (%s), of %d longer ones a part; %d validate",
        len(train_utts), ", ".join(f"{name} {n}" for name, n in zip(classes, counts, strict=True)),
        train.num_cut, len(valid_utts),
    )  # fmt: skip

    inputs = {"utt2emo": Path(args.data_dir) / "utt2emo", "label map": args.label_map}
    if args.soft_targets:
        inputs["votes"] = Path(args.data_dir) / "utt2votes"
    digests = {"features": fingerprint(args.data_dir), "validation features": fingerprint(args.valid_data)}
    if not model_dir.begin(args.model_dir, config, inputs, digests):
        return
    torch.manual_seed(seed)
    model = Vgg(config.model, *train.statistics(), len(classes))
    loss = cross_entropy(config.loss, counts)
    model = fit(model, train, valid, config.fit, args.model_dir, loss, args.device)
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, classes)


def check_apart(train_dir: str, train_utts: list[str], valid_dir: str, valid_utts: list[str]) -> None:
    """Raise a `SerError` where an utterance validates that trains, itself or as a copy."""
    from ser.kaldi import tables

    path = Path(train_dir) / "utt2uniq"
    originals = tables.read_map(path, fields=2) if path.exists() else {}
    if both := sorted({originals.get(utt, utt) for utt in train_utts} & set(valid_utts)):
        raise SerError(
            f"{valid_dir}: {len(both)} of its utterances train too, or copies of them in {train_dir}, the first "
            f"{both[0]}; split first, then make copies of the training part"
        )


if __name__ == "__main__":
    cli.run(main)
