"""Train a VGG to classify utterances by their log-mel energies.

Reads data dirs with feats.scp and utt2emo. The training data dir may have augmented copies; utt2uniq names their
originals. A training that was stopped resumes when the same command is run again.

  python3 -m ser.bin.train_vgg --config conf/vgg_bert/vgg.yaml --label-map conf/emotions/vgg_bert5.map \\
    --valid-data data/iemocap_valid data/iemocap_train exp/vgg
"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_training_options(parser)
    cli.add_target_options(parser)
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir to train on, with feats.scp and utt2emo")
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder of the model, to write")
    args = parser.parse_args()

    import torch

    from ser.config import load_config
    from ser.examples.clips import ClipSource
    from ser.examples.configs import VggTrainConfig
    from ser.examples.targets import read_targets
    from ser.kaldi.ark import Reader
    from ser.models.vgg import Vgg
    from ser.record.fingerprint import fingerprint
    from ser.training import model_dir, parallel
    from ser.training.fit import fit
    from ser.training.losses import cross_entropy

    cli.set_num_threads(args)
    config = load_config(VggTrainConfig, args.config, tuple(args.set))
    seed = config.fit.seed
    targets = read_targets(args.data_dir, args.valid_data, args.label_map, args.soft_targets)
    train = ClipSource(Reader(Path(args.data_dir) / "feats.scp"), targets.train_utts, targets.train, config.data, seed)
    valid_feats = Reader(Path(args.valid_data) / "feats.scp")
    valid = ClipSource(valid_feats, targets.valid_utts, targets.valid_numbers, config.data, None)
    logger.info(
        "%d training clips (%s), %d of them cut to the clip's length; %d validation clips",
        len(train.utts), ", ".join(f"{name} {n}" for name, n in zip(targets.classes, targets.counts, strict=True)),
        train.num_cut, len(valid.utts),
    )  # fmt: skip

    digests = {"features": fingerprint(args.data_dir), "validation features": fingerprint(args.valid_data)}
    if not model_dir.begin(args.model_dir, config, targets.inputs, digests):
        return
    torch.manual_seed(seed)
    model = Vgg(config.model, *train.statistics(), len(targets.classes))
    loss = cross_entropy(config.loss, targets.counts)
    model = fit(model, train, valid, config.fit, args.model_dir, loss, args.device)
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, targets.classes)


if __name__ == "__main__":
    cli.run(main)
