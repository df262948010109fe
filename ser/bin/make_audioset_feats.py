"""Compute log-mel energies in the form that AudioSet's nets (YAMNet, VGGish, TRILL) take.

With --level frame, for train_triplet, a row is a frame of 10 ms with 64 mel bands. With --level patch, for
train_coattention --encoder, a row is a patch of 0.96 s, which is 96 frames one after the other; a recording is padded
with zeros to whole patches.

  python3 -m ser.bin.make_audioset_feats --net yamnet --level frame scp:data/toy/wav.scp \\
    ark,scp:data/toy/feats.ark,data/toy/feats.scp
"""

import logging
import os

from ser import cli

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--net", choices=("yamnet", "vggish"), default="yamnet", help="net that takes the features [%(default)s]"
    )
    parser.add_argument("--level", choices=("frame", "patch"), required=True, help="what a row stands for")
    parser.add_argument("--segments", metavar="FILE", help="segments file, if utterances are parts of recordings")
    parser.add_argument("--compress", type=cli.boolean, default=False, help="store one byte per value [%(default)s]")
    cli.add_left_out_options(parser)
    cli.add_done_option(parser)
    parser.add_argument(
        "wav_rspecifier", metavar="<wav-rspecifier>", help="wav.scp of the recordings, such as scp:data/wav.scp"
    )
    parser.add_argument("feats_wspecifier", metavar="<feats-wspecifier>", help="the features")
    args = parser.parse_args()

    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    from ser.features import audioset
    from ser.kaldi import ark, audio, specifiers
    from ser.kaldi.left_out import LeftOut
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.feats_wspecifier)
    outputs = [target.ark, target.scp, args.left_out]
    note = JobNote(__spec__.name, args, [args.segments], [args.wav_rspecifier], outputs)
    if note.is_valid():
        return
    config = audioset.YAMNET if args.net == "yamnet" else audioset.VGGISH
    left_out, count = LeftOut(args.left_out, args.max_left_out), 0
    waves = audio.read_waves(args.wav_rspecifier, audioset.SAMPLE_RATE, args.segments)
    with ark.Writer(args.feats_wspecifier, 1 if args.compress else 0) as writer:
        for utt, samples in cli.progress(waves, None, "log mel"):
            if isinstance(samples, audio.Unreadable):
                left_out.add(utt, samples.reason)
                continue
            if args.level == "patch":
                patches = audioset.patches(samples, config)
                writer.write(utt, patches.reshape(len(patches), -1))
            else:
                writer.write(utt, audioset.log_mel(samples, config.log_offset))
            count += 1
        lost = left_out.finish(count)
    note.write()
    logger.info("%s: log-mel energies of %d utterances, %d left out", args.feats_wspecifier, count, lost)


if __name__ == "__main__":
    cli.run(main)
