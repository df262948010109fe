"""Pool the features of each utterance into one vector of statistics, the input of simple back ends.

The statistics are over the voiced frames: mean, standard deviation, five quantiles, and the change from frame to frame;
see ser/features/functionals.py. The features are those of steps/make_mfcc_pitch.sh, without mean normalisation.

  python3 -m ser.bin.pool_features scp:data/ravdess/feats.scp scp:data/ravdess/vad.scp ark,scp:pooled.ark,pooled.scp
"""

import logging

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("feats", metavar="<feats-rspecifier>", help="features (T, F) of each utterance")
    parser.add_argument("vad", metavar="<vad-rspecifier>", help="for each frame 1 if it is speech, else 0")
    parser.add_argument("pooled", metavar="<wspecifier>", help="the vectors")
    args = parser.parse_args()

    from ser.errors import SerError
    from ser.features.functionals import functionals
    from ser.kaldi import ark
    from ser.kaldi.feats import read_features
    from ser.kaldi.voice_activity import VoiceActivity

    activity = VoiceActivity(args.vad)
    count = 0
    with ark.Writer(args.pooled) as writer:
        for utt, features in read_features(args.feats):
            voiced = activity.of(utt, features, args.feats)
            if voiced is None:
                raise SerError(f"{args.vad}: no decisions on the speech of '{utt}'; run steps/compute_vad.sh")
            try:
                writer.write(utt, functionals(features, voiced))
            except SerError as error:
                raise SerError(f"{args.feats}: {utt}: {error}") from error
            count += 1
    logger.info("%s: pooled features of %d utterances", args.pooled, count)


if __name__ == "__main__":
    cli.run(main)
