"""Emotion of one's own recordings: start-up with one clip, and an hour of audio, by the command, on 2 threads.

The detector is that of ../../exp/toy, or made of it; without that run, these are skipped."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
RATE = 16000
HOUR = 3600


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A detector of the toy run."""
    from ser.backend.chain import BackendConfig
    from ser.config import load_config
    from ser.detect.deploy import make_detector
    from ser.detect.detector_dir import DetectorConfig
    from ser.detect.run_folders import RunFolders

    exp = ROOT / "exp" / "toy"
    if not (exp / "finetune_none" / "model.safetensors").exists():
        pytest.skip("no exp/toy; run ./run.sh")
    if (exp / "detector" / "files.sha256").exists():
        return exp
    out, conf = tmp_path_factory.mktemp("model") / "detector", ROOT / "conf"
    settings = load_config(DetectorConfig, conf / "detector.yaml")
    backend = load_config(BackendConfig, conf / "backend.yaml")
    label_map = conf / "emotions" / "collapsed5.map"
    make_detector(RunFolders.find(ROOT / "data" / "toy", exp), out, conf, label_map, backend, settings)
    return out


@pytest.fixture(scope="module")
def speech(request, note) -> np.ndarray:
    """An hour, 16-bit."""
    flacs = sorted((request.config.getoption("--corpora") / "ravdess").rglob("*.flac"))[:400]
    if flacs:
        wave = np.concatenate([soundfile.read(flac, dtype="int16")[0] for flac in flacs])
    else:
        note("no RAVDESS under --corpora: the hour is noise in bursts")
        time = np.arange(300 * RATE) / RATE
        wave = (3000 * np.random.default_rng(0).standard_normal(len(time)) * (np.sin(time) > 0)).astype(np.int16)
    return np.resize(wave, HOUR * RATE)


def test_detect_emotion(model, speech, command, table, tmp_path):
    soundfile.write(tmp_path / "clip.wav", speech[: 3 * RATE], RATE)
    soundfile.write(tmp_path / "minutes.wav", speech[: 900 * RATE], RATE)
    soundfile.write(tmp_path / "hour.wav", speech, RATE)
    base, windows = ("--model", model, "--csv"), ("--window", 3, "--hop", 1)
    one = command("detect_emotion", *base, tmp_path / "clip.wav", threads=2, rounds=3)
    whole = command("detect_emotion", *base, tmp_path / "hour.wav", threads=2)
    over_time = command("detect_emotion", *base, *windows, tmp_path / "hour.wav", threads=2)
    shorter = command("detect_emotion", *base, *windows, tmp_path / "minutes.wav", threads=2)
    table("ser-detect, start-up and one clip of 3 s, wall", one.wall, "s", 2.0, other="limit")
    table("ser-detect, 1 hour as a whole, wall", whole.wall, "s", 36.0, other="limit")
    table("ser-detect, 1 hour in windows of 3 s every 1 s, wall", over_time.wall, "s", 36.0, other="limit")
    table("its peak memory", over_time.mb, "MB", shorter.mb, other="of 15 minutes")
