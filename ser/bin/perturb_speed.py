"""Make a data dir of copies that are played faster or slower: Ko et al., "Audio augmentation", Interspeech 2015.

Tempo, pitch and formants change together. A copy keeps the samples of the original; only the sampling rate in its
header is multiplied by the factor, and commands that read it resample it. Copies are written to <data-out>/wav as FLAC
and called <utt>-speed<factor>; utt2uniq names the original. Features and voice activity are not copied.

  python3 -m ser.bin.perturb_speed --factor 1.1 --sample-rate 16000 data/ravdess data/ravdess_speed1.1
"""

import logging
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

# Tables that describe the original's recording or frames, and do not fit the copy.
LEFT_BEHIND = ("wav.scp", "segments", "feats.scp", "vad.scp", "utt2num_frames", "utt2dur")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--factor", metavar="X", type=float, required=True, help="2: twice as fast; from 0.5 to 2")
    parser.add_argument("--sample-rate", metavar="N", type=int, required=True, help="rate of the originals, in Hz")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    args = parser.parse_args()

    import soundfile

    from ser.features.augmentation import to_pcm16
    from ser.files import atomic_path
    from ser.kaldi import audio, data_subset, datadir, tables

    if not 0.5 <= args.factor <= 2.0:
        raise SerError(f"--factor: expected 0.5 to 2, found {args.factor:g}")
    out = Path(args.data_out)
    if out.resolve() == Path(args.data_in).resolve():
        raise SerError(f"{out}: the copies need their own data dir; give another <data-out>")
    utt2spk = datadir.read_table(args.data_in, "utt2spk")
    copies = {utt: f"{utt}-speed{args.factor:g}" for utt in utt2spk}
    segments = Path(args.data_in, "segments")
    paths = {}
    waves = audio.read_waves(f"scp:{args.data_in}/wav.scp", args.sample_rate, segments if segments.exists() else None)
    for utt, samples in cli.progress(waves, len(copies), "changed in speed"):
        if utt not in copies:
            continue
        if isinstance(samples, audio.Unreadable):
            raise SerError(
                f"{args.data_in}: '{utt}': {samples.reason}; run steps/make_mfcc_pitch.sh, which leaves it out"
            )
        path = (out / "wav" / f"{copies[utt]}.flac").absolute()
        with atomic_path(path) as temporary:
            soundfile.write(temporary, to_pcm16(samples), round(args.factor * args.sample_rate), format="FLAC")
        paths[copies[utt]] = str(path)

    data_subset.write_copies(args.data_in, out, {copy: utt for utt, copy in copies.items()}, LEFT_BEHIND)
    tables.write_map(out / "wav.scp", paths)
    datadir.validate(out, feats=False, text=False)
    logger.info("%s: %d copies at %g times the speed", out, len(copies), args.factor)


if __name__ == "__main__":
    cli.run(main)
