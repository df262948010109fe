"""The command on a data dir of two utterances, each a tone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.kaldi import audio

ROOT = Path(__file__).parents[2]
RATE = 16000
HZ = 200


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    tone = 0.5 * np.sin(2 * np.pi * HZ * np.arange(RATE) / RATE)
    for utt in ("s1-a", "s1-b"):
        soundfile.write(tmp_path / f"{utt}.wav", tone, RATE)
    for name, value in {"utt2spk": "s1", "utt2emo": "anger", "utt2num_frames": "100", "vad.scp": "some.ark:0"}.items():
        (folder / name).write_text(f"s1-a {value}\ns1-b {value}\n")
    (folder / "wav.scp").write_text(f"s1-a {tmp_path}/s1-a.wav\ns1-b {tmp_path}/s1-b.wav\n")
    (folder / "spk2utt").write_text("s1 s1-a s1-b\n")
    (folder / "spk2gender").write_text("s1 f\n")
    return folder


def perturb(data_dir, factor, out="out"):
    command = [sys.executable, "-m", "ser.bin.perturb_speed", "--factor", factor, "--sample-rate", str(RATE)]
    names = [str(data_dir), str(data_dir.parent / out)]
    return subprocess.run([*command, *names], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_tone_comes_out_at_factor_times_its_frequency_and_as_much_shorter(data_dir, factor):
    assert perturb(data_dir, str(factor)).returncode == 0
    copies = dict(audio.read_waves(f"scp:{data_dir.parent}/out/wav.scp", RATE))
    assert list(copies) == [f"s1-a-speed{factor}", f"s1-b-speed{factor}"]
    samples = copies[f"s1-a-speed{factor}"]
    assert abs(len(samples) - RATE / factor) <= 1
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * RATE))
    assert spectrum.argmax() / 16 == pytest.approx(factor * HZ, abs=0.1)


def test_copies_keep_speaker_and_class_and_name_their_original_but_have_no_frames(data_dir):
    assert perturb(data_dir, "0.9").returncode == 0
    out = data_dir.parent / "out"
    assert (out / "utt2spk").read_text() == "s1-a-speed0.9 s1\ns1-b-speed0.9 s1\n"
    assert (out / "utt2emo").read_text() == "s1-a-speed0.9 anger\ns1-b-speed0.9 anger\n"
    assert (out / "utt2uniq").read_text() == "s1-a-speed0.9 s1-a\ns1-b-speed0.9 s1-b\n"
    assert (out / "spk2gender").read_text() == "s1 f\n"
    assert not (out / "vad.scp").exists()
    assert not (out / "utt2num_frames").exists()


def test_factor_outside_half_to_double_is_refused(data_dir):
    result = perturb(data_dir, "3")
    assert result.returncode == 1
    assert "--factor: expected 0.5 to 2, found 3" in result.stderr
    assert not (data_dir.parent / "out").exists()


def test_originals_are_not_overwritten(data_dir):
    result = perturb(data_dir, "0.9", out="data")
    assert result.returncode == 1
    assert "need their own data dir" in result.stderr


def test_recording_that_cannot_be_read_is_named(data_dir):
    (data_dir.parent / "s1-b.wav").unlink()
    result = perturb(data_dir, "0.9")
    assert result.returncode == 1
    assert "'s1-b'" in result.stderr
    assert not (data_dir.parent / "out" / "wav.scp").exists()
