"""Make a data dir of augmented copies: reverberated, with noise, with music, with babble.

The copy of `<utt>` is `<utt>-<kind>`. It has its original's line in every table but feats.scp; utt2uniq names the
original. The copy's line in utt2augment says how make_features changes the original's waveform. With --write-wavs this
command writes the changed waveforms instead, and the result is an ordinary data dir.

  python3 -m ser.bin.augment_data_dir --kinds "reverb noise" --seed 1 --proportion 0.5 \\
    data/train data/musan data/rirs data/train_aug
"""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ser import cli
from ser.errors import SerError

logger = logging.getLogger(__name__)

# The originals' voice activity holds for the copies (Kaldi's recipe takes it too); their features do not.
LEFT_BEHIND = ("feats.scp", "cmvn.scp", "utt2num_frames")


def main() -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument("--kinds", metavar="'NAME ...'", required=True, help="some of 'reverb noise music babble'")
    parser.add_argument("--seed", metavar="N", type=int, required=True, help="seed of what is drawn for each copy")
    parser.add_argument(
        "--proportion", metavar="X", type=float, required=True, help="share of all copies to make, drawn at random"
    )
    parser.add_argument("--write-wavs", metavar="DIR", help="write the copies' waveforms there, as FLAC")
    parser.add_argument("--sample-rate", metavar="N", type=int, help="rate of the waveforms of --write-wavs, in Hz")
    parser.add_argument("data_in", metavar="<data-in>", help="data dir to read")
    parser.add_argument(
        "musan_data", metavar="<musan-data>", help="data dir of MUSAN; utt2type: noise, music or speech"
    )
    parser.add_argument(
        "rirs_data", metavar="<rirs-data>", help="data dir of room impulse responses; utt2type: smallroom or mediumroom"
    )
    parser.add_argument("data_out", metavar="<data-out>", help="data dir to write")
    args = parser.parse_args()
    if args.write_wavs is not None and args.sample_rate is None:
        parser.error("--write-wavs needs --sample-rate")

    from ser.features import augmentation
    from ser.kaldi import data_subset, datadir, tables

    _check_folders(args.data_in, args.data_out)
    files: dict[str, list[str]] = {}
    for data_dir in (args.musan_data, args.rirs_data):
        files.update(_recordings_by_type(data_dir))
    utt2spk = datadir.read_table(args.data_in, "utt2spk")
    copies = _choose_copies(list(utt2spk), args.kinds.split(), args.proportion, args.seed)
    treatments = {
        copy: augmentation.draw_treatment(kind, utt, files, args.seed).line() for copy, (utt, kind) in copies.items()
    }
    written = None
    if args.write_wavs is not None:
        written = _write_wavs(args.data_in, copies, treatments, Path(args.write_wavs).absolute(), args.sample_rate)
        copies = {copy: copies[copy] for copy in written}

    out = Path(args.data_out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", suffix=".tmp", dir=out.parent) as name:
        folder = Path(name, "new")
        folder.mkdir()
        originals = {copy: utt for copy, (utt, _) in copies.items()}
        data_subset.write_copies(args.data_in, folder, originals, LEFT_BEHIND)
        if written is None:
            tables.write_map(folder / "utt2augment", treatments)
        else:
            tables.write_map(folder / "wav.scp", written)
            (folder / "segments").unlink(missing_ok=True)
        datadir.validate(folder, feats=False, text=False)
        if out.exists():
            out.rename(Path(name, "old"))
        folder.rename(out)
    logger.info("%s: %d copies of %d utterances", out, len(copies), len(set(originals.values())))


def _check_folders(data_in: str, data_out: str) -> None:
    if Path(data_in, "utt2augment").exists():
        raise SerError(f"{data_in}/utt2augment: copies already; give the data dir of the originals")
    if Path(data_out).exists() and not Path(data_out, "utt2uniq").exists():
        raise SerError(f"{data_out}: there already, and no data dir of copies; remove it or name another")


def _recordings_by_type(data_dir: str) -> dict[str, list[str]]:
    """Give utt2type -> absolute paths of the recordings of a corpus of noises or of rooms."""
    from ser.kaldi import datadir

    types = datadir.read_table(data_dir, "utt2type")
    files: dict[str, list[str]] = {}
    for utt, path in datadir.read_table(data_dir, "wav.scp").items():
        if path.endswith("|"):
            raise SerError(f"{data_dir}/wav.scp: '{utt}' is a command; give files, as the local/prepare_*.sh do")
        if utt not in types:
            raise SerError(f"{data_dir}/utt2type: no line for '{utt}' of wav.scp; prepare the data dir anew")
        files.setdefault(types[utt], []).append(str(Path(path).absolute()))
    return files


def _choose_copies(
    utts: Sequence[str], kinds: Sequence[str], proportion: float, seed: int
) -> dict[str, tuple[str, str]]:
    """Give the id of each copy -> its original and its kind."""
    import numpy as np

    from ser.features import augmentation

    unknown = [kind for kind in kinds if kind not in augmentation.KINDS]
    if unknown or not kinds or len(set(kinds)) < len(kinds):
        raise SerError(f"--kinds: expected some of '{' '.join(augmentation.KINDS)}', found '{' '.join(kinds)}'")
    if not 0 < proportion <= 1:
        raise SerError(f"--proportion: expected more than 0 and at most 1, found {proportion:g}")
    copies = [(f"{utt}-{kind}", (utt, kind)) for utt in utts for kind in kinds]
    count = max(1, round(proportion * len(copies)))
    chosen = np.sort(np.random.default_rng(seed).choice(len(copies), count, replace=False))
    return dict(copies[index] for index in chosen)


def _write_wavs(
    data_in: str, copies: Mapping[str, tuple[str, str]], treatments: Mapping[str, str], folder: Path, sample_rate: int
) -> dict[str, str]:
    """Write the copies' waveforms; give copy -> path. Utterances that cannot be read are named and have none."""
    import soundfile

    from ser.features.augmentation import Augmenter, recording_loader, to_pcm16
    from ser.files import atomic_path
    from ser.kaldi import audio
    from ser.kaldi.left_out import LeftOut

    augmenter = Augmenter(treatments, recording_loader(sample_rate), sample_rate)
    copies_of: dict[str, list[str]] = {}
    for copy, (utt, _) in copies.items():
        copies_of.setdefault(utt, []).append(copy)
    segments = Path(data_in, "segments")
    waves = audio.read_waves(f"scp:{data_in}/wav.scp", sample_rate, segments if segments.exists() else None)
    written = {}
    left_out = LeftOut(None)
    for utt, samples in cli.progress(waves, None, "augmented"):
        if utt not in copies_of:
            continue
        if isinstance(samples, audio.Unreadable):
            left_out.add(utt, samples.reason)
            continue
        for copy in copies_of[utt]:
            path = folder / f"{copy}.flac"
            with atomic_path(path) as temporary:
                soundfile.write(temporary, to_pcm16(augmenter(copy, samples)), sample_rate, format="FLAC")
            written[copy] = str(path)
    left_out.finish(len(copies_of) - left_out.count)
    return written


if __name__ == "__main__":
    cli.run(main)
