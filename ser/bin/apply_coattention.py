"""Write the class probabilities that a co-attention gives the utterances of a data dir.

The inputs are those that train_coattention was given; --without text shows it no text. Example:

    python3 -m ser.bin.apply_coattention --input speech=scp:exp/yamnet/10.scp --input text=scp:exp/t5/tokens.scp \\
      exp/coattention data/iemocap_test ark,scp:exp/coattention/posteriors.ark,exp/coattention/posteriors.scp"""

import logging
from pathlib import Path

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = cli.make_parser(__doc__)
    cli.add_device_options(parser)
    parser.add_argument("--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="speech or text")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="modality that it is not shown")
    parser.add_argument("model_dir", metavar="model-dir", help="folder that train_coattention wrote")
    parser.add_argument("data_dir", metavar="data-dir")
    parser.add_argument("wspecifier", help="the probabilities, (K,) an utterance")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.errors import SerError
    from ser.kaldi import ark
    from ser.models.coattention import CoAttention
    from ser.training import model_dir, parallel
    from ser.training.configs import CoAttentionTrainConfig
    from ser.training.dialogues import read_inputs
    from ser.training.losses import class_probabilities
    from ser.training.sequences import SequenceSource, read_sequences

    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    weights = model_dir.load_weights(args.model_dir)
    config = load_config(CoAttentionTrainConfig, Path(args.model_dir) / "config.yaml")
    sequences = read_sequences(args.data_dir, read_inputs(args.input)).without(args.without)
    statistics = {name: (torch.zeros(width), torch.ones(width)) for name, width in sequences.widths.items()}
    model = CoAttention(config.model, statistics, len(model_dir.load_classes(args.model_dir)))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise SerError(f"{args.model_dir}: trained on other inputs than {sequences.widths}; give the same") from error
    device = parallel.pick_device(args.device)
    model.eval().to(device)
    source = SequenceSource(sequences, np.zeros(len(sequences.utts), np.int64), config.data, seed=None)
    left = iter(sequences.utts)
    with ark.Writer(args.wspecifier) as writer, torch.inference_mode():
        for inputs, _ in source.batches(0):
            logits = model({name: tensor.to(device) for name, tensor in inputs.items()})
            for vector in class_probabilities(logits, config.loss.kind).cpu().numpy():
                writer.write(next(left), vector)
    logger.info(
        "%s: probabilities of %d utterances; without a sequence: %s", args.wspecifier, len(sequences.utts),
        ", ".join(f"{name} {(~there).sum()}" for name, there in sequences.found.items()),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
