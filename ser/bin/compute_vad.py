"""Decide for each frame whether it is speech, by its energy, as Kaldi's compute-vad does.

Reads features whose column 0 is the log energy (MFCC with energy). Writes a vector per utterance, with 1 for a frame of
speech and 0 for another.

  python3 -m ser.bin.compute_vad --config conf/vad.conf scp:data/cremad/feats.scp ark:mfcc/vad.ark
"""

import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="options of Kaldi's compute-vad")
    cli.add_done_option(parser)
    parser.add_argument(
        "feats_rspecifier", metavar="<feats-rspecifier>", help="features whose column 0 is the log energy"
    )
    parser.add_argument(
        "vad_wspecifier", metavar="<vad-wspecifier>", help="the decisions, a vector of 1 and 0 for each utterance"
    )
    args = parser.parse_args()

    import numpy as np

    from ser.features.vad import VadOptions, voiced_frames
    from ser.kaldi import ark, specifiers
    from ser.kaldi.feats import read_features
    from ser.kaldi.options import read_options
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.vad_wspecifier)
    note = JobNote(__spec__.name, args, [args.config], [args.feats_rspecifier], [target.ark, target.scp])
    if note.is_valid():
        return
    options = read_options(VadOptions, args.config)
    num_utts = num_frames = num_voiced = 0
    with ark.Writer(args.vad_wspecifier) as writer:
        for utt, feats in cli.progress(read_features(args.feats_rspecifier), None, "voice activity"):
            if feats.ndim != 2 or not len(feats):
                raise SerError(
                    f"{args.feats_rspecifier}: '{utt}' has the shape {feats.shape}, expected frames by columns"
                )
            voiced = voiced_frames(feats[:, 0], options)
            if not voiced.any():
                logger.warning("%s: none of its %d frames is speech", utt, len(feats))
            writer.write(utt, voiced.astype(np.float32))
            num_utts, num_frames, num_voiced = num_utts + 1, num_frames + len(voiced), num_voiced + int(voiced.sum())
    note.write()
    share = 100 * num_voiced / max(num_frames, 1)
    logger.info("%s: %d utterances, %.1f %% of the frames are speech", args.vad_wspecifier, num_utts, share)


if __name__ == "__main__":
    cli.run(main)
