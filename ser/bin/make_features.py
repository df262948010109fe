"""Compute MFCC, and pitch on request, of the utterances of a wav.scp; the values are those of Kaldi's programs.

Utterances that cannot be read, or are too short for one frame, are left out and listed. The command fails if more than
the share --max-left-out is left out.

  python3 -m ser.bin.make_features --mfcc-config conf/mfcc.conf --pitch-config conf/pitch.conf --compress true \\
    scp:data/cremad/wav.scp ark,scp:mfcc/cremad.ark,mfcc/cremad.scp
"""

import logging
import os

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

# The compression method of copy-feats --compress=true: about one byte per value.
AUTOMATIC = 1


def main() -> None:
    parser = cli.make_parser(__doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--mfcc-config", metavar="FILE", help="options of Kaldi's compute-mfcc-feats")
    kind.add_argument("--fbank-config", metavar="FILE", help="options of compute-fbank-feats: log-mel energies instead")
    kind.add_argument("--logmel-config", metavar="FILE", help="YAML of librosa's log-mel energies instead, not Kaldi's")
    parser.add_argument("--pitch-config", metavar="FILE", help="options of compute-kaldi-pitch-feats: add pitch")
    parser.add_argument("--pitch-process-config", metavar="FILE", help="options of process-kaldi-pitch-feats")
    parser.add_argument("--compress", type=cli.boolean, default=False, help="store one byte per value [%(default)s]")
    parser.add_argument("--segments", metavar="FILE", help="the utterances are parts of the recordings")
    parser.add_argument("--utt2augment", metavar="FILE", help="table by which the waveforms are augmented first")
    parser.add_argument(
        "--leave-out-zeros", type=cli.boolean, default=False, help="leave out digital silence [%(default)s]"
    )
    cli.add_left_out_options(parser)
    parser.add_argument("--write-num-frames", metavar="FILE", help="write utt2num_frames")
    cli.add_done_option(parser)
    parser.add_argument(
        "wav_rspecifier", metavar="<wav-rspecifier>", help="wav.scp of the recordings, such as scp:data/wav.scp"
    )
    parser.add_argument("feats_wspecifier", metavar="<feats-wspecifier>", help="the features")
    args = parser.parse_args()
    if args.pitch_process_config and not args.pitch_config:
        raise SerError("--pitch-process-config needs --pitch-config, which says how pitch is tracked")
    if args.pitch_config and args.logmel_config:
        raise SerError("--pitch-config: pitch goes with Kaldi's features, not with --logmel-config")

    # A job is one thread: jobs run side by side. Must be set before numpy is imported.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    from ser.config import load_config
    from ser.features.extractor import Extractor
    from ser.features.fbank import FbankOptions
    from ser.features.logmel import LogMel, LogMelConfig
    from ser.features.mfcc import MfccOptions
    from ser.features.pitch import PitchOptions
    from ser.features.pitch_process import ProcessPitchOptions
    from ser.kaldi import ark, audio, specifiers, tables
    from ser.kaldi.left_out import LeftOut
    from ser.kaldi.options import read_options
    from ser.record.job_note import JobNote

    settings = (args.mfcc_config, args.fbank_config, args.logmel_config, args.pitch_config, args.pitch_process_config)
    target = specifiers.parse_wspecifier(args.feats_wspecifier)
    note = JobNote(
        __spec__.name,
        args,
        [*settings, args.segments, args.utt2augment],
        [args.wav_rspecifier],
        [target.ark, target.scp, args.left_out, args.write_num_frames],
    )
    if note.is_valid():
        return
    extract: Extractor | LogMel
    if args.logmel_config:
        extract = LogMel(load_config(LogMelConfig, args.logmel_config))
    else:
        extract = Extractor(
            read_options(MfccOptions, args.mfcc_config)
            if args.mfcc_config
            else read_options(FbankOptions, args.fbank_config),
            read_options(PitchOptions, args.pitch_config) if args.pitch_config else None,
            read_options(ProcessPitchOptions, args.pitch_process_config)
            if args.pitch_process_config
            else ProcessPitchOptions(),
        )
    augment = None
    if args.utt2augment:
        from ser.features.augmentation import Augmenter

        augment = Augmenter.from_table(args.utt2augment, extract.sample_rate)
    left_out = LeftOut(args.left_out, args.max_left_out)
    num_frames: dict[str, str] = {}
    waves = audio.read_waves(args.wav_rspecifier, extract.sample_rate, args.segments)
    with ark.Writer(args.feats_wspecifier, AUTOMATIC if args.compress else 0) as writer:
        for utt, samples in cli.progress(waves, None, "features"):
            if isinstance(samples, audio.Unreadable):
                left_out.add(utt, samples.reason)
                continue
            if args.leave_out_zeros and not samples.any():
                left_out.add(utt, "all samples are zero")
                continue
            if augment is not None:
                samples = augment(utt, samples)
            try:
                features = extract(utt, samples)
            except SerError as error:
                left_out.add(utt, str(error))
                continue
            writer.write(utt, features)
            num_frames[utt] = str(len(features))
        count = left_out.finish(len(num_frames))
    if args.write_num_frames:
        tables.write_map(args.write_num_frames, num_frames)
    note.write()
    logger.info("%s: %d utterances, %d left out", args.feats_wspecifier, len(num_frames), count)


if __name__ == "__main__":
    cli.run(main)
