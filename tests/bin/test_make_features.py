import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.kaldi import ark

ROOT = Path(__file__).parent.parent.parent
KALDI = ROOT / "tests" / "kaldi_reference"


def make_features(*arguments: str | Path, pitch: bool = True) -> subprocess.CompletedProcess:
    configs = ["--mfcc-config", "conf/mfcc.conf"] + (["--pitch-config", "conf/pitch.conf"] if pitch else [])
    command = [sys.executable, "-m", "ser.bin.make_features", *configs, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False)


def test_compressed_features_take_a_quarter_and_stay_within_a_step_of_their_column(tmp_path: Path):
    (tmp_path / "wav.scp").write_text(f"speech {KALDI / 'wav' / 'glide'}.wav\n")
    found, sizes = {}, {}
    for compress in ("false", "true"):
        archive = tmp_path / f"{compress}.ark"
        done = make_features("--compress", compress, f"scp:{tmp_path / 'wav.scp'}", f"ark:{archive}")
        assert done.returncode == 0, done.stderr
        found[compress], sizes[compress] = ark.load(f"ark:{archive}")["speech"], archive.stat().st_size
    exact = found["false"]
    # Besides a byte a number, a column has its four percentiles, two bytes each.
    assert sizes["false"] - sizes["true"] == pytest.approx(3 * exact.size - 8 * exact.shape[1], abs=20)
    quartiles = np.sort(exact, axis=0)[[0, len(exact) // 4, 3 * (len(exact) // 4), -1]]
    step = (np.diff(quartiles, axis=0) / np.array([[64], [128], [63]])).max(axis=0)
    rounding = np.ptp(exact) / 65535
    assert (np.abs(found["true"] - exact).max(axis=0) <= step + 2 * rounding).all()


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A wav.scp of clips that are fine, and one each of those that are not."""
    rng = np.random.default_rng(0)
    (tmp_path / "stub.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "short.wav", np.full(300, 0.1), 16000)
    soundfile.write(tmp_path / "zeros.wav", np.zeros(8000), 16000)
    soundfile.write(tmp_path / "good1.wav", rng.uniform(-0.5, 0.5, 16000), 16000)
    soundfile.write(tmp_path / "good2.wav", rng.uniform(-0.5, 0.5, (12000, 2)), 48000)
    whole = (tmp_path / "good1.wav").read_bytes()
    (tmp_path / "truncated.wav").write_bytes(whole[: len(whole) // 2])
    names = ["absent", "empty", "good1", "good2", "short", "stub", "truncated", "zeros"]
    (tmp_path / "wav.scp").write_text("".join(f"{name} {tmp_path / name}.wav\n" for name in names))
    return tmp_path


def test_features_are_those_of_kaldi(tmp_path: Path):
    keys = ["click", "glide", "noise", "silence"]
    (tmp_path / "wav.scp").write_text("".join(f"{key} {KALDI / 'wav' / key}.wav\n" for key in keys))
    done = make_features(f"scp:{tmp_path / 'wav.scp'}", f"ark:{tmp_path / 'feats.ark'}")
    assert done.returncode == 0, done.stderr
    expected = ark.load(f"ark:{KALDI / 'feats' / 'mfcc_pitch.ark'}")
    found = ark.load(f"ark:{tmp_path / 'feats.ark'}")
    assert list(found) == keys
    for key in keys:
        np.testing.assert_allclose(found[key][:, :30], expected[key][:, :30], atol=0.02)
        np.testing.assert_allclose(found[key][:, 30:], expected[key][:, 30:], atol=1e-3)


def test_bad_clips_are_listed_and_cost_the_others_nothing(clips: Path):
    done = make_features(
        *("--left-out", clips / "left_out", "--write-num-frames", clips / "utt2num_frames", "--compress", "true"),
        *("--leave-out-zeros", "true", "--max-left-out", "1", f"scp:{clips / 'wav.scp'}"),
        f"ark,scp:{clips / 'feats.ark'},{clips / 'feats.scp'}",
    )
    assert done.returncode == 0, done.stderr
    feats = ark.Reader(clips / "feats.scp")
    assert {key: feats.shape(key) for key in feats} == {"good1": (100, 33), "good2": (25, 33)}
    assert (clips / "utt2num_frames").read_text() == "good1 100\ngood2 25\n"
    reasons = dict(line.split(" ", 1) for line in (clips / "left_out").read_text().splitlines())
    assert list(reasons) == ["absent", "empty", "short", "stub", "truncated", "zeros"]
    assert "No such file" in reasons["absent"]
    assert "empty" in reasons["empty"]
    assert "too short for one frame: 300 samples" in reasons["short"]
    assert "git-lfs" in reasons["stub"]
    assert "runcated" in reasons["truncated"]
    assert reasons["zeros"] == "all samples are zero"
    assert b"channels" in done.stderr and b"48000 Hz" in done.stderr


def test_too_many_bad_clips_fail_with_examples_and_leave_no_output(clips: Path):
    done = make_features(
        *("--left-out", clips / "left_out", "--max-left-out", "0.05"),
        *(f"scp:{clips / 'wav.scp'}", f"ark,scp:{clips / 'feats.ark'},{clips / 'feats.scp'}"),
    )
    assert done.returncode == 1
    message = done.stderr.decode()
    assert "5 of 8 utterances cannot be used, over the 5 % of --max-left-out: absent: " in message
    assert str(clips / "left_out") in message and "Traceback" not in message
    assert len((clips / "left_out").read_text().splitlines()) == 5
    assert not list(clips.glob("*feats*"))


def test_called_without_a_list_names_nine_bad_clips_of_ten_and_exits_with_1(clips: Path):
    lines = [f"bad{number} {clips / 'stub.wav'}\n" for number in range(9)]
    (clips / "wav.scp").write_text("".join([*lines, f"good1 {clips / 'good1.wav'}\n"]))
    done = make_features(f"scp:{clips / 'wav.scp'}", f"ark:{clips / 'feats.ark'}", pitch=False)
    assert done.returncode == 1
    message = done.stderr.decode()
    assert "9 of 10 utterances cannot be used, over the 5 % of --max-left-out" in message
    assert all(f"bad{number}: left out: a git-lfs stub" in message for number in range(9))
    assert not (clips / "feats.ark").exists()


def test_only_bad_clips_fail(clips: Path):
    (clips / "wav.scp").write_text(f"stub {clips / 'stub.wav'}\n")
    done = make_features(f"scp:{clips / 'wav.scp'}", f"ark:{clips / 'feats.ark'}", pitch=False)
    assert (
        done.returncode == 1
        and b"1 of 1 utterances cannot be used, over the 5 % of --max-left-out: stub: a git-lfs stub" in done.stderr
    )


def test_segments_pipes_and_standard_output(clips: Path):
    (clips / "wav.scp").write_text(f"good1 cat {clips / 'good1.wav'} |\n")
    (clips / "segments").write_text("a good1 0.1 0.5\nb good1 0.5 -1\nc good1 3 4\n")
    options = ("--segments", clips / "segments", "--max-left-out", "0.4")
    done = make_features(*options, f"scp:{clips / 'wav.scp'}", "ark:-", pitch=False)
    assert done.returncode == 0, done.stderr
    (clips / "out.ark").write_bytes(done.stdout)
    found = ark.load(f"ark:{clips / 'out.ark'}")
    assert {key: feats.shape for key, feats in found.items()} == {"a": (40, 30), "b": (50, 30)}


def test_augmented_copies_differ_from_the_original(clips: Path):
    (clips / "wav.scp").write_text("".join(f"{key} {clips / 'good1.wav'}\n" for key in ("good1", "good1-noise")))
    soundfile.write(clips / "noise.wav", np.random.default_rng(1).normal(scale=0.1, size=4000), 16000)
    (clips / "utt2augment").write_text(f"good1-noise noise 10 {clips / 'noise.wav'}\n")
    done = make_features(
        "--utt2augment", clips / "utt2augment", f"scp:{clips / 'wav.scp'}", f"ark:{clips / 'feats.ark'}"
    )
    assert done.returncode == 0, done.stderr
    found = ark.load(f"ark:{clips / 'feats.ark'}")
    assert found["good1"].shape == found["good1-noise"].shape == (100, 33)
    assert np.abs(found["good1"] - found["good1-noise"]).max() > 0.1


def test_unknown_option_of_a_config_is_named(clips: Path):
    (clips / "mfcc.conf").write_text("--num-mels=30\n")
    command = ["--mfcc-config", clips / "mfcc.conf", f"scp:{clips / 'wav.scp'}", f"ark:{clips / 'feats.ark'}"]
    done = subprocess.run(
        [sys.executable, "-m", "ser.bin.make_features", *command], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert f"{clips / 'mfcc.conf'}:1: unknown option --num-mels; valid options: ".encode() in done.stderr
