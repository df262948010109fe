"""The command and its script, on a data dir of two speakers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.features.augmentation import Augmenter

ROOT = Path(__file__).parents[2]
NUM_SAMPLES = 8000


@pytest.fixture
def folder(tmp_path):
    """Data dirs: train, of two speakers with two utterances each, and musan and rirs."""
    rng = np.random.default_rng(0)
    tables = {
        "train": {"utt2spk": {}, "wav.scp": {}, "utt2emo": {}, "text": {}, "vad.scp": {}, "feats.scp": {}},
        "musan": {"utt2type": {}, "wav.scp": {}},
        "rirs": {"utt2type": {}, "wav.scp": {}},
    }

    def add(data_dir, utt, seconds, **values):
        path = tmp_path / f"{utt}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(int(seconds * NUM_SAMPLES)), 16000)
        tables[data_dir]["wav.scp"][utt] = path
        for name, value in values.items():
            tables[data_dir][name.replace("_", ".")][utt] = value

    (tmp_path / "some.ark").write_bytes(b"")
    for utt in ("a-1", "a-2", "b-1", "b-2"):
        ark = f"{tmp_path}/some.ark:0"
        add("train", utt, 1, utt2spk=utt[0], utt2emo="anger", text=f"words of {utt}", vad_scp=ark, feats_scp=ark)
    for kind in ("noise", "music", "speech"):
        add("musan", f"{kind}-0", 0.7, utt2type=kind)
        add("musan", f"{kind}-1", 2, utt2type=kind)
    for kind in ("smallroom", "mediumroom"):
        add("rirs", kind, 0.1, utt2type=kind)
    for data_dir, files in tables.items():
        (tmp_path / data_dir).mkdir()
        for name, table in files.items():
            (tmp_path / data_dir / name).write_text("".join(f"{key} {table[key]}\n" for key in sorted(table)))
    (tmp_path / "train" / "spk2utt").write_text("a a-1 a-2\nb b-1 b-2\n")
    (tmp_path / "train" / "spk2gender").write_text("a f\nb m\n")
    return tmp_path


def augment(folder, *options, out="out"):
    command = [sys.executable, "-m", "ser.bin.augment_data_dir", "--kinds", "reverb noise", "--seed", "1"]
    names = [str(folder / name) for name in ("train", "musan", "rirs", out)]
    return subprocess.run(
        [*command, "--proportion", "1", *options, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )


def table(folder, name, data_dir="out"):
    return dict(line.split(" ", 1) for line in (folder / data_dir / name).read_text().splitlines())


def test_copies_have_their_originals_tables_but_no_features(folder):
    assert augment(folder).returncode == 0
    copies = [f"{utt}-{kind}" for utt in ("a-1", "a-2", "b-1", "b-2") for kind in ("noise", "reverb")]
    assert list(table(folder, "utt2uniq").items()) == [(copy, copy.rsplit("-", 1)[0]) for copy in copies]
    assert list(table(folder, "utt2augment")) == copies
    assert table(folder, "text")["b-2-noise"] == "words of b-2"
    assert table(folder, "spk2utt")["a"] == " ".join(copies[:4])
    assert table(folder, "wav.scp")["a-1-reverb"] == str(folder / "a-1.wav")
    assert table(folder, "spk2gender") == {"a": "f", "b": "m"}
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {
        *("utt2spk", "spk2utt", "spk2gender", "utt2emo", "text", "wav.scp", "vad.scp", "utt2uniq", "utt2augment")
    }


def test_waveforms_written_are_those_that_the_recipes_make(folder):
    assert (
        augment(folder, "--write-wavs", str(folder / "wavs"), "--sample-rate", "16000", out="written").returncode == 0
    )
    assert augment(folder).returncode == 0
    assert not (folder / "written" / "utt2augment").exists()
    augmenter = Augmenter.from_table(folder / "out" / "utt2augment", 16000)
    for copy, path in table(folder, "wav.scp", "written").items():
        original, _ = soundfile.read(folder / f"{copy.rsplit('-', 1)[0]}.wav", dtype="float32")
        written, rate = soundfile.read(path, dtype="float32")
        assert rate == 16000
        np.testing.assert_allclose(written, augmenter(copy, original), atol=1 / 32768)


def test_segments_of_a_recording_are_copied_one_by_one(folder):
    train = folder / "train"
    for name in ("vad.scp", "feats.scp"):
        (train / name).unlink()
    (train / "wav.scp").write_text(f"call {folder}/a-1.wav\n")
    utts = ("a-1", "a-2", "b-1", "b-2")
    (train / "segments").write_text("".join(f"{utt} call {i / 10} {i / 10 + 0.2}\n" for i, utt in enumerate(utts)))
    assert augment(folder).returncode == 0
    assert table(folder, "wav.scp") == {"call": f"{folder}/a-1.wav"}
    assert table(folder, "segments")["b-1-noise"] == "call 0.2 0.4"
    assert augment(folder, "--write-wavs", str(folder / "wavs"), "--sample-rate", "8000", out="cut").returncode == 0
    assert not (folder / "cut" / "segments").exists()
    assert soundfile.info(folder / "wavs" / "b-1-noise.flac").frames == 1600


def test_proportion_draws_that_share_of_the_copies(folder):
    assert augment(folder, "--proportion", "0.25").returncode == 0
    assert len(table(folder, "utt2spk")) == 2
    assert set(table(folder, "spk2gender")) == set(table(folder, "utt2spk").values())


def test_second_run_replaces_the_first(folder):
    assert augment(folder).returncode == 0
    (folder / "out" / "feats.scp").write_text("stale\n")
    assert augment(folder, "--kinds", "music").returncode == 0
    assert set(table(folder, "utt2spk")) == {"a-1-music", "a-2-music", "b-1-music", "b-2-music"}
    assert not (folder / "out" / "feats.scp").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kinds", "hum"], "--kinds: expected some of 'reverb noise music babble', found 'hum'"),
        (["--kinds", "noise noise"], "found 'noise noise'"),
        (["--proportion", "1.5"], "--proportion: expected more than 0 and at most 1, found 1.5"),
        (["--write-wavs", "wavs"], "--write-wavs needs --sample-rate"),
    ],
)
def test_bad_options_are_refused_and_write_nothing(folder, options, message):
    result = augment(folder, *options)
    assert result.returncode != 0 and message in result.stderr
    assert not (folder / "out").exists()


def test_data_dir_that_holds_no_copies_is_never_replaced(folder):
    result = augment(folder, out="musan")
    assert result.returncode == 1 and "musan: there already, and no data dir of copies" in result.stderr
    assert (folder / "musan" / "utt2type").exists()


def test_script_without_arguments_fails_with_its_usage():
    for script in ("steps/augment_data_dir.sh", "local/prepare_toy.sh"):
        result = subprocess.run([script], cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 1 and f"Usage: {script}" in result.stderr
        result = subprocess.run([script, "--colour", "red"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 1 and "unknown option --colour" in result.stderr
