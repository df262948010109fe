"""Normalise features by their mean in a sliding window and keep the voiced frames, as a network takes them.

These are Kaldi's apply-cmvn-sliding and select-voiced-frames in one pass. Utterances without voiced frames, or with
less speech than --least-speech, are left out and listed. The command fails if no utterance is left, or if more than the
share --max-left-out is left out.

  python3 -m ser.bin.prepare_features --config conf/cmvn.conf --compress true \\
    scp:data/cremad/feats.scp scp:data/cremad/vad.scp ark,scp:mfcc/no_sil.ark,mfcc/no_sil.scp
"""

import dataclasses
import logging

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

# The compression method of copy-feats --compress=true: about one byte per value.
AUTOMATIC = 1
# Kaldi's --frame-shift, which conf/mfcc.conf leaves as it is.
SECONDS_A_FRAME = 0.01


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        "--config", metavar="FILE", help="options of Kaldi's apply-cmvn-sliding; the options below replace them"
    )
    parser.add_argument("--cmn-window", type=int, metavar="FRAMES", help="length of the window, in frames")
    parser.add_argument("--norm-vars", type=cli.boolean, help="normalise the variance as well")
    parser.add_argument("--center", type=cli.boolean, help="centre the window at the frame")
    parser.add_argument(
        "--least-speech",
        metavar="FILE",
        help="YAML with min_speech, the seconds of voiced frames (10 ms each) that an utterance needs [one frame]",
    )
    parser.add_argument(
        "--speaker-stats",
        metavar="RSPECIFIER",
        help="statistics of compute_cmvn_stats: normalise by the speaker's mean and variance, not by the window's",
    )
    parser.add_argument("--utt2spk", metavar="FILE", help="the speaker of each utterance, for --speaker-stats")
    parser.add_argument("--compress", type=cli.boolean, default=False, help="store one byte per value [%(default)s]")
    cli.add_left_out_options(parser)
    parser.add_argument("--write-num-frames", metavar="FILE", help="write utt2num_frames")
    cli.add_done_option(parser)
    parser.add_argument("feats_rspecifier", metavar="<feats-rspecifier>", help="the features")
    parser.add_argument("vad_rspecifier", metavar="<vad-rspecifier>", help="decisions of compute_vad")
    parser.add_argument("feats_wspecifier", metavar="<feats-wspecifier>", help="the normalised, voiced frames")
    args = parser.parse_args()

    if bool(args.speaker_stats) != bool(args.utt2spk):
        raise SerError("--speaker-stats and --utt2spk: give both or neither")

    from ser.features.cmvn import SlidingCmvnOptions, apply_cmvn, sliding_cmvn
    from ser.kaldi import ark, specifiers, tables
    from ser.kaldi.feats import read_features
    from ser.kaldi.left_out import LeftOut
    from ser.kaldi.options import read_options
    from ser.kaldi.voice_activity import VoiceActivity
    from ser.record.job_note import JobNote

    target = specifiers.parse_wspecifier(args.feats_wspecifier)
    outputs = [target.ark, target.scp, args.left_out, args.write_num_frames]
    note = JobNote(
        __spec__.name,
        args,
        [args.config, args.least_speech, args.utt2spk],
        [args.feats_rspecifier, args.vad_rspecifier, *([args.speaker_stats] if args.speaker_stats else [])],
        outputs,
    )
    if note.is_valid():
        return
    options = read_options(SlidingCmvnOptions, args.config) if args.config else SlidingCmvnOptions()
    given = {name: getattr(args, name) for name in ("cmn_window", "norm_vars", "center")}
    options = dataclasses.replace(options, **{name: value for name, value in given.items() if value is not None})
    activity = VoiceActivity(args.vad_rspecifier)
    stats = ark.load(args.speaker_stats) if args.speaker_stats else {}
    utt2spk = tables.read_map(args.utt2spk, fields=2) if args.utt2spk else {}
    least = least_speech(args.least_speech) if args.least_speech else 0.0
    left_out = LeftOut(args.left_out, args.max_left_out)
    num_frames: dict[str, str] = {}
    with ark.Writer(args.feats_wspecifier, AUTOMATIC if args.compress else 0) as writer:
        for utt, feats in cli.progress(read_features(args.feats_rspecifier), None, "prepared features"):
            voiced = activity.of(utt, feats, args.feats_rspecifier)
            if voiced is None:
                left_out.add(utt, f"no voice activity in {args.vad_rspecifier}")
                continue
            if not voiced.any():
                left_out.add(utt, f"none of its {len(feats)} frames is speech")
                continue
            if (seconds := SECONDS_A_FRAME * int(voiced.sum())) < least:
                left_out.add(utt, f"too little speech: {seconds:.2f} s of its {len(feats)} frames, {least:g} s needed")
                continue
            if not args.speaker_stats:
                writer.write(utt, sliding_cmvn(feats, options)[voiced])
            elif utt2spk.get(utt) in stats:
                writer.write(utt, apply_cmvn(feats[voiced], stats[utt2spk[utt]]))
            else:
                raise SerError(f"{utt}: no statistics of its speaker in {args.speaker_stats}; run compute_cmvn_stats")
            num_frames[utt] = str(int(voiced.sum()))
        count = left_out.finish(len(num_frames))
    if args.write_num_frames:
        tables.write_map(args.write_num_frames, num_frames)
    note.write()
    logger.info("%s: %d utterances, %d left out", args.feats_wspecifier, len(num_frames), count)


def least_speech(path: str) -> float:
    """Read the least speech of an utterance (s): ser-detect's own setting, so that both refuse the same."""
    from ser.config import read_yaml

    settings = read_yaml(path)
    seconds = settings.get("min_speech") if isinstance(settings, dict) else None
    if not isinstance(seconds, int | float) or not seconds >= 0:
        raise SerError(f"{path}: min_speech: expected seconds, found {seconds!r}; give conf/detector.yaml")
    return float(seconds)


if __name__ == "__main__":
    cli.run(main)
