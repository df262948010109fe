"""MFCC and pitch on one core: 360 clips, by the command, and MFCC in memory beside kaldi-native-fbank."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

NUM_CLIPS = 360
# Kaldi's CPU seconds on SECONDS of speech: compute-mfcc-feats; compute-kaldi-pitch-feats; process-kaldi-pitch-feats
# with paste-feats. WAV files in, archives out.
SECONDS, MFCC, PITCH, PROCESS = 1329.0, 0.42, 1.54, 0.10
OPTIONS = ["--mfcc-config", "conf/mfcc.conf", "--pitch-config", "conf/pitch.conf"]


@pytest.fixture(scope="module")
def clips(request, tmp_path_factory, note) -> tuple[list[Path], float]:
    """WAV files of speech of 16 kHz, and how many seconds they are."""
    folder, wavs, samples = tmp_path_factory.mktemp("wav"), [], 0
    flacs = sorted((request.config.getoption("--corpora") / "ravdess").rglob("*.flac"))[:NUM_CLIPS]
    if not flacs:
        note("no RAVDESS under --corpora: the clips are noise in bursts, and pitch of noise costs what speech costs")
    for number in range(NUM_CLIPS):
        if flacs:
            wave, rate = soundfile.read(flacs[number % len(flacs)], dtype="int16")
        else:
            rng, rate = np.random.default_rng(number), 16000
            size = int(rate * rng.uniform(2.5, 4.9))
            wave = (rng.normal(0, 3000, size) * (np.sin(np.arange(size) / 2000) > 0)).astype(np.int16)
        wavs.append(folder / f"clip{number:03}.wav")
        soundfile.write(wavs[-1], wave, rate, subtype="PCM_16")
        samples += len(wave)
    note(
        f"features: {NUM_CLIPS} clips of {samples / rate:.0f} s; Kaldi's figures, of {SECONDS:.0f} s, are scaled to it"
    )
    return wavs, samples / rate


def write_scp(path: Path, wavs: list[Path], copies: int = 1) -> str:
    path.write_text("".join(f"{wav.stem}-{copy} {wav}\n" for wav in wavs for copy in range(copies)))
    return f"scp:{path}"


def test_mfcc_and_pitch(clips, command, table, tmp_path):
    wavs, seconds = clips
    scale = seconds / SECONDS
    out = f"ark:{tmp_path}/feats.ark"
    all_clips, more = write_scp(tmp_path / "all.scp", wavs), write_scp(tmp_path / "more.scp", wavs, 5)
    one = write_scp(tmp_path / "one.scp", wavs[:1])
    first = command("make_features", *OPTIONS, one, out, cache=tmp_path / "cache")
    start = command("make_features", *OPTIONS, one, out, rounds=3)
    whole = command("make_features", *OPTIONS, all_clips, out, rounds=3)
    mfcc_start = command("make_features", *OPTIONS[:2], one, out, rounds=3)
    mfcc = command("make_features", *OPTIONS[:2], all_clips, out, rounds=3)
    many = command("make_features", *OPTIONS, more, out)
    kaldi = scale * (MFCC + PITCH + PROCESS)
    table("make_features, MFCC + pitch, start-up apart, CPU", whole.cpu - start.cpu, "s", kaldi)
    table("make_features, MFCC + pitch, with start-up, CPU", whole.cpu, "s", kaldi)
    table("make_features, MFCC alone, start-up apart, CPU", mfcc.cpu - mfcc_start.cpu, "s", scale * MFCC)
    table("its start-up, one clip", start.wall, "s", 1.5, other="limit")
    table("compilation, once a machine", first.wall - start.wall, "s")
    table("its peak memory, 360 utterances", whole.mb, "MB")
    table("its peak memory, 1,800 utterances", many.mb, "MB", whole.mb, other="of 360")


def test_mfcc_in_memory(clips, benchmark, table):
    knf = pytest.importorskip("kaldi_native_fbank", reason="no kaldi-native-fbank; install the extra test")
    from ser.features.mfcc import MfccOptions, mfcc
    from ser.kaldi.options import read_options

    options = read_options(MfccOptions, "conf/mfcc.conf")
    waves = [soundfile.read(wav, dtype="int16")[0].astype(np.float32) for wav in clips[0]]
    theirs = knf_options(knf, options)

    def native(wave: list[float]) -> np.ndarray:
        extractor = knf.OnlineMfcc(theirs)
        extractor.accept_waveform(options.sample_frequency, wave)
        extractor.input_finished()
        return np.stack([extractor.get_frame(index) for index in range(extractor.num_frames_ready)])

    np.testing.assert_allclose(mfcc(waves[0], options), native(waves[0].tolist()), atol=0.02)
    benchmark.pedantic(lambda: [mfcc(wave, options) for wave in waves], rounds=3)
    ours = min(sum(cpu_seconds(mfcc, wave, options) for wave in waves) for _ in range(3))
    # It takes lists of numbers, which are made outside the time.
    native_seconds = sum(cpu_seconds(native, wave.tolist()) for wave in waves)
    table("MFCC, arrays in memory, CPU", ours, "s", native_seconds, other="kaldi-native-fbank from Python")


def cpu_seconds(function: Callable, *arguments: object) -> float:
    begun = time.process_time()
    function(*arguments)
    return time.process_time() - begun


def knf_options(knf, options):
    theirs = knf.MfccOptions()
    theirs.frame_opts.samp_freq = options.sample_frequency
    theirs.frame_opts.dither = 0.0
    theirs.frame_opts.snip_edges = options.snip_edges
    theirs.mel_opts.num_bins = options.num_mel_bins
    theirs.mel_opts.low_freq, theirs.mel_opts.high_freq = options.low_freq, options.high_freq
    theirs.num_ceps, theirs.use_energy = options.num_ceps, options.use_energy
    return theirs
