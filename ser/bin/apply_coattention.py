"""Write the class probabilities of a co-attention model for the utterances of a data dir.

Give the same inputs as to train_coattention; --without text hides the text from the model.

  python3 -m ser.bin.apply_coattention --input speech=scp:exp/yamnet/10.scp --input text=scp:exp/t5/tokens.scp \\
    exp/coattention data/iemocap_test ark,scp:exp/coattention/posteriors.ark,exp/coattention/posteriors.scp
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_device_options(parser)
    parser.add_argument(
        "--input", action="append", required=True, metavar="NAME=RSPECIFIER", help="sequences of speech or of text"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="NAME", help="modality that is hidden from the model"
    )
    parser.add_argument("model_dir", metavar="<model-dir>", help="folder that train_coattention wrote")
    parser.add_argument("data_dir", metavar="<data-dir>", help="data dir with the utterances")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="probabilities to write, (K,) for each utterance")
    args = parser.parse_args()

    from ser.coattention.model import load_coattention, posteriors
    from ser.coattention.sequences import read_sequences
    from ser.examples.dialogues import read_inputs
    from ser.kaldi import ark
    from ser.training import parallel

    cli.set_num_threads(args)
    sequences = read_sequences(args.data_dir, read_inputs(args.input)).without(args.without)
    model, config = load_coattention(args.model_dir, sequences)
    device = parallel.pick_device(args.device)
    model.to(device)
    with ark.Writer(args.wspecifier) as writer:
        for utt, vector in posteriors(model, config, sequences, device):
            writer.write(utt, vector)
    logger.info(
        "%s: probabilities of %d utterances; without a sequence: %s", args.wspecifier, len(sequences.utts),
        ", ".join(f"{name} {(~there).sum()}" for name, there in sequences.found.items()),
    )  # fmt: skip


if __name__ == "__main__":
    cli.run(main)
