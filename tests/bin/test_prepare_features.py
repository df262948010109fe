import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.kaldi import ark

ROOT = Path(__file__).parent.parent.parent
KALDI = ROOT / "tests" / "kaldi_reference"


def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", f"ser.bin.{command}", *map(str, arguments)], cwd=ROOT, capture_output=True, check=False
    )


def test_vad_normalisation_and_selection_are_those_of_kaldi(tmp_path: Path):
    feats = ark.load(f"ark:{KALDI / 'feats' / 'mfcc_pitch.ark'}")
    with ark.Writer(f"ark,scp:{tmp_path / 'feats.ark'},{tmp_path / 'feats.scp'}") as writer:
        for key in ("click", "glide", "noise", "silence"):
            writer.write(key, feats[key])
    vad = f"ark,scp:{tmp_path / 'vad.ark'},{tmp_path / 'vad.scp'}"
    done = run("compute_vad", "--config", "conf/vad.conf", f"scp:{tmp_path / 'feats.scp'}", vad)
    assert done.returncode == 0, done.stderr
    assert b"silence: none of its 50 frames is speech" in done.stderr
    expected, found = ark.load(f"ark:{KALDI / 'feats' / 'vad.ark'}"), ark.load(f"scp:{tmp_path / 'vad.scp'}")
    for key, voiced in found.items():
        assert voiced.dtype == np.float32
        np.testing.assert_array_equal(voiced, expected[key])

    done = run(
        *(
            "prepare_features",
            "--config",
            "conf/cmvn.conf",
            "--left-out",
            tmp_path / "left_out",
            "--max-left-out",
            "0.25",
        ),
        *("--write-num-frames", tmp_path / "utt2num_frames", f"scp:{tmp_path / 'feats.scp'}"),
        *(f"scp:{tmp_path / 'vad.scp'}", f"ark:{tmp_path / 'voiced.ark'}"),
    )
    assert done.returncode == 0, done.stderr
    expected, found = ark.load(f"ark:{KALDI / 'feats' / 'voiced.ark'}"), ark.load(f"ark:{tmp_path / 'voiced.ark'}")
    assert list(found) == ["click", "glide", "noise"]
    for key, voiced in found.items():
        np.testing.assert_allclose(voiced, expected[key], atol=1e-4)
    assert (tmp_path / "left_out").read_text() == "silence none of its 50 frames is speech\n"
    assert (tmp_path / "utt2num_frames").read_text() == "click 15\nglide 136\nnoise 80\n"


def write_pair(folder: Path, num_frames: int, voiced: list[float]) -> list[str]:
    with ark.Writer(f"ark:{folder / 'feats.ark'}") as writer:
        writer.write("a", np.ones((num_frames, 3), np.float32))
    with ark.Writer(f"ark:{folder / 'vad.ark'}") as writer:
        writer.write("a", np.array(voiced, np.float32))
    return [f"ark:{folder / 'feats.ark'}", f"ark:{folder / 'vad.ark'}", f"ark:{folder / 'out.ark'}"]


def test_options_go_before_the_config(tmp_path: Path):
    paths = write_pair(tmp_path, 4, [1, 1, 0, 1])
    done = run("prepare_features", "--cmn-window", "2", "--center", "true", "--compress", "true", *paths)
    assert done.returncode == 0, done.stderr
    assert ark.load(paths[2])["a"].shape == (3, 3)


@pytest.mark.parametrize(("voiced", "kept"), [(6, False), (24, False), (25, True), (40, True)])
def test_least_speech_of_the_detector_holds_in_training_too(tmp_path: Path, voiced, kept):
    paths = write_pair(tmp_path, 40, [1] * voiced + [0] * (40 - voiced))
    with ark.Writer(f"ark:{tmp_path / 'feats.ark'}") as writer:
        writer.write("a", np.ones((40, 3), np.float32))
        writer.write("b", np.ones((40, 3), np.float32))
    with ark.Writer(f"ark:{tmp_path / 'vad.ark'}") as writer:
        writer.write("a", np.array([1] * voiced + [0] * (40 - voiced), np.float32))
        writer.write("b", np.ones(40, np.float32))
    options = ["--least-speech", "conf/detector.yaml", "--left-out", tmp_path / "left_out", "--max-left-out", "0.5"]
    done = run("prepare_features", *options, *paths)
    assert done.returncode == 0, done.stderr
    assert list(ark.load(paths[2])) == ["a", "b"][not kept :]
    reason = f"a too little speech: {voiced / 100:.2f} s of its 40 frames, 0.25 s needed\n"
    assert (tmp_path / "left_out").read_text() == ("" if kept else reason)


def test_least_speech_that_is_no_number_is_refused(tmp_path: Path):
    (tmp_path / "other.yaml").write_text("window: 3\n")
    paths = write_pair(tmp_path, 4, [1, 1, 1, 1])
    done = run("prepare_features", "--least-speech", tmp_path / "other.yaml", *paths)
    assert done.returncode == 1 and b"min_speech: expected seconds, found None; give conf/detector.yaml" in done.stderr


def test_lengths_that_differ_fail_and_leave_no_output(tmp_path: Path):
    paths = write_pair(tmp_path, 4, [1, 1])
    done = run("prepare_features", "--config", "conf/cmvn.conf", *paths)
    assert done.returncode == 1 and b"a: 4 frames in" in done.stderr and b"2 in ark:" in done.stderr
    assert not (tmp_path / "out.ark").exists()


# What each command that reads features takes, besides in their order the features, the voice activity and the output.
ARGUMENTS = {
    "compute_vad": ("--config", "conf/vad.conf", "{feats}", "{out}"),
    "prepare_features": ("--config", "conf/cmvn.conf", "{feats}", "{vad}", "{out}"),
    "compute_cmvn_stats": ("--utt2spk", "{folder}/utt2spk", "{feats}", "{vad}", "{out}"),
    "pool_features": ("{feats}", "{vad}", "{out}"),
    "pool_frames": ("{folder}/pooled", "a={folder}/feats.scp"),
    "perturb_volume": ("--num-mel-bins", "40", "{feats}", "{out}"),
}


def run_on(folder: Path, command: str) -> subprocess.CompletedProcess:
    names = {name: f"ark:{folder}/{name}.ark" for name in ("feats", "vad", "out")}
    return run(command, *(word.format(folder=folder, **names) for word in ARGUMENTS[command]))


@pytest.mark.parametrize("command", ARGUMENTS)
@pytest.mark.parametrize(("value", "column"), [(np.nan, 0), (-np.inf, 2)])
def test_one_number_that_is_not_finite_is_an_error_with_its_frame(tmp_path: Path, command, value, column):
    feats = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    feats[11, column] = value
    with ark.Writer(f"ark,scp:{tmp_path}/feats.ark,{tmp_path}/feats.scp") as writer:
        writer.write("a", np.zeros((5, 3), np.float32))
        writer.write("b", feats)
    with ark.Writer(f"ark:{tmp_path}/vad.ark") as writer:
        writer.write("a", np.ones(5, np.float32))
        writer.write("b", np.ones(40, np.float32))
    (tmp_path / "utt2spk").write_text("a s\nb s\n")
    done = run_on(tmp_path, command)
    assert done.returncode == 1 and f"'b': frame 11 (from 0) holds {value}".encode() in done.stderr
    assert not (tmp_path / "out.ark").exists() and not list(tmp_path.glob("pooled/**/*.ark"))


@pytest.mark.parametrize("command", ARGUMENTS)
def test_an_empty_archive_exits_with_1(tmp_path: Path, command):
    for name in ("feats", "vad"):
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp"):
            pass
    (tmp_path / "utt2spk").write_text("a s\n")
    done = run_on(tmp_path, command)
    assert done.returncode == 1 and b"no utterance in it" in done.stderr
    assert not (tmp_path / "out.ark").exists() and not list(tmp_path.glob("pooled/**/*.ark"))


def test_nothing_voiced_at_all_fails(tmp_path: Path):
    paths = write_pair(tmp_path, 2, [0, 0])
    done = run("prepare_features", "--config", "conf/cmvn.conf", *paths)
    assert (
        done.returncode == 1
        and b"1 of 1 utterances cannot be used, over the 5 % of --max-left-out: a: none of its 2 frames" in done.stderr
    )


def test_vad_of_what_is_no_matrix_fails(tmp_path: Path):
    paths = write_pair(tmp_path, 2, [0, 0])
    done = run("compute_vad", "--config", "conf/vad.conf", paths[1], paths[2])
    assert done.returncode == 1 and b"'a' has the shape (2,), expected frames by columns" in done.stderr


def test_features_are_normalised_over_the_voiced_frames_of_their_speaker(tmp_path: Path):
    rng = np.random.default_rng(0)
    speakers = {"a": ("a-1", "a-2"), "b": ("b-1",)}
    feats = {utt: rng.normal(ord(utt[0]), 2, (50, 3)).astype(np.float32) for utts in speakers.values() for utt in utts}
    vads = {utt: (np.arange(50) % 5 > 0).astype(np.float32) for utt in feats}
    for name, table in (("feats", feats), ("vad", vads)):
        with ark.Writer(f"ark:{tmp_path / name}.ark") as writer:
            for utt, values in table.items():
                writer.write(utt, np.where(vads[utt][:, None] > 0, values, 1e4) if name == "feats" else values)
    utt2spk = tmp_path / "utt2spk"
    utt2spk.write_text("".join(f"{utt} {speaker}\n" for speaker, utts in speakers.items() for utt in utts))
    tables = (f"ark:{tmp_path}/feats.ark", f"ark:{tmp_path}/vad.ark")
    done = run("compute_cmvn_stats", "--utt2spk", utt2spk, *tables, f"ark:{tmp_path}/cmvn.ark")
    assert done.returncode == 0, done.stderr
    stats = ("--speaker-stats", f"ark:{tmp_path}/cmvn.ark", "--utt2spk", utt2spk)
    done = run("prepare_features", *stats, *tables, f"ark:{tmp_path}/out.ark")
    assert done.returncode == 0, done.stderr
    found = ark.load(f"ark:{tmp_path}/out.ark")
    for utts in speakers.values():
        voiced = np.concatenate([feats[utt][vads[utt] > 0] for utt in utts]).astype(np.float64)
        expected = (voiced - voiced.mean(axis=0)) / voiced.std(axis=0)
        np.testing.assert_allclose(np.concatenate([found[utt] for utt in utts]), expected, atol=1e-3)

    done = run("prepare_features", *stats[:2], *tables, f"ark:{tmp_path}/out.ark")
    assert done.returncode == 1 and b"--speaker-stats and --utt2spk: give both or neither" in done.stderr
    utt2spk.write_text("a-1 a\na-2 a\nb-1 c\n")
    done = run("prepare_features", *stats, *tables, f"ark:{tmp_path}/out.ark")
    assert done.returncode == 1 and b"b-1: no statistics of its speaker" in done.stderr


def test_statistics_of_voice_activity_of_other_frames_are_refused(tmp_path: Path):
    for name, values in (("feats", np.zeros((5, 3), np.float32)), ("vad", np.ones(4, np.float32))):
        with ark.Writer(f"ark:{tmp_path / name}.ark") as writer:
            writer.write("a-1", values)
    (tmp_path / "utt2spk").write_text("a-1 a\n")
    tables = (f"ark:{tmp_path}/feats.ark", f"ark:{tmp_path}/vad.ark")
    done = run("compute_cmvn_stats", "--utt2spk", tmp_path / "utt2spk", *tables, f"ark:{tmp_path}/cmvn.ark")
    assert done.returncode == 1 and b"a-1: 5 frames in" in done.stderr and b"voice activity anew" in done.stderr
