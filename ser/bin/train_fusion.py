"""Train a fusion of modalities: late, of class probabilities, or in the context of the dialogue, of embeddings.

Vectors may be of more utterances than the data dirs have; an utterance without a vector of a modality has zeros. The
validation data dir picks the epoch. A training that was stopped goes on where it was. Example:

    python3 -m ser.bin.train_fusion --config conf/vgg_bert/fusion.yaml --label-map conf/emotions/vgg_bert5.map \\
      --input speech=scp:exp/vgg/posteriors.scp --input text=scp:exp/text/posteriors.scp \\
      --valid-data data/iemocap_valid data/iemocap_train exp/fusion"""

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
    parser.add_argument("--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="of a modality")
    parser.add_argument("--valid-data", required=True, metavar="DIR", help="data dir for validation")
    parser.add_argument("data_dir", metavar="data-dir")
    parser.add_argument("model_dir", metavar="model-dir", help="folder of the model, to be written")
    args = parser.parse_args()

    import hashlib

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.corpora.label_map import read_label_map
    from ser.kaldi import tables
    from ser.training import model_dir, parallel
    from ser.training.dialogues import Dialogues, DialogueSource, read_dialogues, read_inputs
    from ser.training.fit import fit
    from ser.training.fusion_config import FusionConfig, make_network
    from ser.training.losses import cross_entropy
    from ser.training.targets import class_numbers, read_vote_targets

    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    config = load_config(FusionConfig, args.config, tuple(args.set))
    rspecifiers = read_inputs(args.input)
    mapping = read_label_map(args.label_map)
    classes = sorted(set(mapping.values()))

    def read(data_dir: str) -> tuple[Dialogues, np.ndarray]:
        dialogues = read_dialogues(data_dir, rspecifiers, config.in_context)
        utt2emo = tables.read_map(Path(data_dir) / "utt2emo", fields=2)
        return dialogues, class_numbers(dialogues.utts, utt2emo, classes, f"{data_dir}/utt2emo")

    train, train_numbers = read(args.data_dir)
    valid, valid_numbers = read(args.valid_data)
    widths = {name: vectors.shape[1] for name, vectors in train.vectors.items()}
    if config.network == "late" and set(widths.values()) != {len(classes)}:
        raise SerError(f"late fusion takes probabilities of {len(classes)} classes; found vectors of {widths}")
    logger.info(
        "%d utterances in %d dialogues train, %d validate; without a vector: %s",
        len(train.utts), len(train.members), len(valid.utts),
        ", ".join(f"{name} {count + valid.num_missing[name]}" for name, count in train.num_missing.items()),
    )  # fmt: skip
    targets = train_numbers
    if args.soft_targets:
        targets = read_vote_targets(args.data_dir, train.utts, mapping, train_numbers, classes)

    inputs = {"utt2emo": Path(args.data_dir) / "utt2emo", "label map": args.label_map}
    if args.soft_targets:
        inputs["votes"] = Path(args.data_dir) / "utt2votes"
    digests = {
        f"{part} {name}": hashlib.sha256(vectors.tobytes()).hexdigest()
        for part, dialogues in (("training", train), ("validation", valid))
        for name, vectors in dialogues.vectors.items()
    }
    if not model_dir.begin(args.model_dir, config, inputs, digests):
        return
    torch.manual_seed(config.fit.seed)
    size = config.data.batch_size
    model = fit(
        make_network(config, widths, len(classes)),
        DialogueSource(train, targets, size, config.fit.seed),
        DialogueSource(valid, valid_numbers, size, None),
        config.fit,
        args.model_dir,
        cross_entropy(config.loss, np.bincount(train_numbers, minlength=len(classes))),
        args.device,
    )
    if parallel.start(args.device).is_first:
        model_dir.save_model(args.model_dir, model, classes)


if __name__ == "__main__":
    cli.run(main)
