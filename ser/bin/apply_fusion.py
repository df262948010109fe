"""Write the class probabilities of a fusion model for the utterances of a data dir.

Give the same inputs as to train_fusion.

  python3 -m ser.bin.apply_fusion --input speech=scp:exp/vgg/posteriors.scp \\
    --input text=scp:exp/text/posteriors.scp exp/fusion data/iemocap_test \\
    ark,scp:exp/fusion/posteriors.ark,exp/fusion/posteriors.scp
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_device_options(parser)
    parser.add_argument(
        "--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="vectors of a modality"
    )
    parser.add_argument(
        "--context-dir",
        metavar="DIR",
        help="data dir of the whole corpus, for a dialogue model: its input is whole dialogues, without labels",
    )
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder that train_fusion wrote")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir with the utterances")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="probabilities to write, (K,) for each utterance")
    args = parser.parse_args()

    import numpy as np
    import torch

    from ser.config import load_config
    from ser.examples.configs import FusionConfig, make_network
    from ser.examples.dialogues import DialogueSource, read_dialogues, read_inputs
    from ser.kaldi import ark
    from ser.training import model_dir, parallel

    cli.set_num_threads(args)
    weights = model_dir.load_weights(args.model_dir)
    config = load_config(FusionConfig, Path(args.model_dir) / "config.yaml")
    dialogues = read_dialogues(args.data_dir, read_inputs(args.input), config.in_context, args.context_dir)
    widths = {name: vectors.shape[1] for name, vectors in dialogues.vectors.items()}
    model = make_network(config, widths, len(model_dir.load_classes(args.model_dir)))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise SerError(f"{args.model_dir}: trained on other inputs than {widths}; give the same inputs") from error
    device = parallel.pick_device(args.device)
    model.eval().to(device)
    utts = dialogues.part()
    source = DialogueSource(dialogues, np.zeros(len(utts), np.int64), config.data.batch_size, seed=None)
    found = []
    with torch.inference_mode():
        for inputs, _ in source.batches(0):
            logits = model({name: tensor.to(device) for name, tensor in inputs.items()})
            found.append(logits.softmax(1).cpu().numpy())
    rows = dialogues.rows[np.concatenate(dialogues.members)]
    posteriors = dict(zip(rows[rows >= 0].tolist(), np.concatenate(found), strict=True))
    with ark.Writer(args.wspecifier) as writer:
        for row, utt in enumerate(utts):
            writer.write(utt, posteriors[row])
    logger.info("%s: probabilities of %d utterances", args.wspecifier, len(utts))


if __name__ == "__main__":
    cli.run(main)
