"""Compute class probabilities from embeddings, by the output layer of their model and a softmax.

The model must be one whose embeddings are the input of its output layer: of train_vgg or train_text. With
--speaker-normalisation, the mean of each speaker's embeddings is replaced by the average of all speakers' means; it is
not replaced by zero, since the output layer was trained on embeddings with a mean.

  python3 -m ser.bin.compute_posteriors exp/text scp:exp/text/iemocap.scp \\
    ark,scp:exp/text/posteriors.ark,exp/text/posteriors.scp
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    cli.add_speaker_normalisation(parser, utt2spk=True)
    parser.add_argument(
        "model_dir", metavar="<model-dir>", help="folder of the model; its classes.txt names the columns"
    )
    parser.add_argument("rspecifier", metavar="<rspecifier>", help="the embeddings")
    parser.add_argument("wspecifier", metavar="<wspecifier>", help="probabilities to write, (K,) for each utterance")
    args = parser.parse_args()

    import scipy.special

    from ser.backend.speaker_normalisation import NONE, SpeakerNormalisation, normalise_table
    from ser.kaldi import ark
    from ser.kaldi.labelled import read_vectors
    from ser.training import model_dir

    weights = model_dir.load_weights(args.model_dir)
    # train_text keeps its encoder in another file, so this one has only the linear layer.
    prefix = "output." if "output.weight" in weights else ""
    if f"{prefix}weight" not in weights:
        raise SerError(
            f"{args.model_dir}: no linear output layer in its weights; give a model of train_vgg, train_text"
        )
    weight, bias = (weights[f"{prefix}{name}"].numpy() for name in ("weight", "bias"))
    utts, vectors = read_vectors(args.rspecifier)
    if vectors.shape[1] != weight.shape[1]:
        raise SerError(
            f"{args.rspecifier}: vectors of dimension {vectors.shape[1]}, but {args.model_dir} has embeddings of "
            f"{weight.shape[1]}; extract them with this model"
        )
    which = SpeakerNormalisation.parse(args.speaker_normalisation or NONE)
    vectors = normalise_table(str(which), vectors, utts, args.utt2spk, keep_level=True)
    posteriors = scipy.special.softmax(vectors @ weight.T + bias, axis=1)
    with ark.Writer(args.wspecifier) as writer:
        for utt, row in zip(utts, posteriors, strict=True):
            writer.write(utt, row)
    logger.info("%s: probabilities of %d classes of %d utterances", args.wspecifier, len(bias), len(utts))


if __name__ == "__main__":
    cli.run(main)
