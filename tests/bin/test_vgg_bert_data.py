"""The parts of system D's protocols, and the copies of their training parts."""

import importlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.corpora.folds import split_stratified
from ser.errors import SerError
from ser.kaldi import ark, datadir, tables

RATE = 16000


@pytest.fixture
def call(monkeypatch):
    """Run a command of ser.bin in this process; `call("split_stratified", ...)`."""

    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data dir of 40 clips in two classes, 24 and 16."""
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, RATE)
    soundfile.write(tmp_path / "clip.wav", samples, RATE)
    utts = [f"spk{number % 4}-{number:02}" for number in range(40)]
    found = {
        "utt2spk": {utt: utt.split("-")[0] for utt in utts},
        "utt2emo": {utt: "joy" if number < 24 else "sad" for number, utt in enumerate(utts)},
        "wav.scp": dict.fromkeys(utts, str(tmp_path / "clip.wav")),
        "vad.scp": dict.fromkeys(utts, "vad.ark:7"),
    }
    datadir.write_data_dir(tmp_path / "data", found)
    return tmp_path / "data"


def test_parts_are_70_20_and_10_percent_of_every_class_and_disjoint(call, data, tmp_path):
    outs = [tmp_path / part for part in ("train", "valid", "test")]
    call("split_stratified", "--valid", 0.2, "--test", 0.1, "--seed", 0, data, *outs)
    counts = [Counter(tables.read_map(out / "utt2emo").values()) for out in outs]
    assert [sum(count.values()) for count in counts] == [28, 8, 4]
    for count, size in zip(counts, (28, 8, 4), strict=True):
        assert count["joy"] == pytest.approx(0.6 * size, abs=1)
    utts = [utt for out in outs for utt in tables.read_map(out / "utt2emo")]
    assert sorted(utts) == sorted(tables.read_map(data / "utt2emo"))


def test_a_split_depends_on_its_seed_alone():
    utt2class = {f"u{number:03}": "ab"[number % 2] for number in range(100)}
    shares = {"valid": 0.2, "test": 0.1}
    first = split_stratified(utt2class, shares, 0)
    assert split_stratified(dict(reversed(utt2class.items())), shares, 0) == first
    assert split_stratified(utt2class, shares, 1) != first


def test_a_class_too_small_to_be_split_and_shares_without_a_rest_are_refused():
    with pytest.raises(SerError, match="no part 'test' of 2 with every class"):
        split_stratified({f"u{number}": "rare" if number == 0 else "a" for number in range(20)}, {"test": 0.1}, 0)
    with pytest.raises(SerError, match=r"their sum under 1, to leave training data; found valid 0.6, test 0.4"):
        split_stratified({}, {"valid": 0.6, "test": 0.4}, 0)


def test_copies_name_their_originals_and_leave_voice_activity_behind(call, data, tmp_path):
    call("distort_data_dir", "--kinds", "white shift", "--seed", 1, data, tmp_path / "copies")
    originals = tables.read_map(tmp_path / "copies" / "utt2uniq")
    assert len(originals) == 80 and originals["spk0-00-white"] == "spk0-00"
    recipes = tables.read_map(tmp_path / "copies" / "utt2augment")
    assert recipes["spk0-00-white"].startswith("white ") and recipes["spk0-00-shift"].startswith("shift ")
    assert len(set(recipes.values())) > 70
    assert not (tmp_path / "copies" / "vad.scp").exists()


def test_a_copy_does_not_depend_on_which_others_are_made(call, data, tmp_path):
    call("distort_data_dir", "--kinds", "pitch", "--seed", 1, data, tmp_path / "one")
    call("distort_data_dir", "--kinds", "pitch shift", "--seed", 1, data, tmp_path / "two")
    one, two = (tables.read_map(tmp_path / name / "utt2augment") for name in ("one", "two"))
    assert one.items() < two.items()


@pytest.mark.parametrize("kinds", ["", "echo", "white white"])
def test_bad_kinds_and_copies_of_copies_are_refused(call, data, tmp_path, kinds):
    with pytest.raises(SerError, match="--kinds: expected some of 'white pitch stretch shift', found"):
        call("distort_data_dir", "--kinds", kinds, "--seed", 1, data, tmp_path / "copies")
    call("distort_data_dir", "--kinds", "white", "--seed", 1, data, tmp_path / "copies")
    with pytest.raises(SerError, match="utt2augment: copies already"):
        call("distort_data_dir", "--kinds", "white", "--seed", 1, tmp_path / "copies", tmp_path / "again")


def test_make_features_makes_log_mel_energies_of_copies(call, data, tmp_path):
    call("distort_data_dir", "--kinds", "white shift", "--seed", 1, data, tmp_path / "copies")
    for folder in (data, tmp_path / "copies"):
        options = ["--utt2augment", folder / "utt2augment"] if folder != data else []
        arguments = ("--logmel-config", "conf/toy/vgg_bert/logmel.yaml", *options)
        call("make_features", *arguments, f"scp:{folder}/wav.scp", f"ark:{folder}/feats.ark")
    clips, copies = ark.load(f"ark:{data}/feats.ark"), ark.load(f"ark:{tmp_path}/copies/feats.ark")
    assert clips["spk0-00"].shape == copies["spk0-00-white"].shape == (44, 64)
    assert np.abs(clips["spk0-00"] - copies["spk0-00-white"]).max() > 0.1
    with pytest.raises(SerError, match="pitch goes with Kaldi's features, not with --logmel-config"):
        arguments = ("--logmel-config", "conf/toy/vgg_bert/logmel.yaml", "--pitch-config", "conf/pitch.conf")
        call("make_features", *arguments, f"scp:{data}/wav.scp", "ark:-")


def test_parts_of_the_speakers_take_turns_and_a_copy_stays_with_its_speaker(call, data, tmp_path):
    utt2spk = tables.read_map(data / "utt2spk")
    copies = {f"{utt}-white": speaker for utt, speaker in utt2spk.items()}
    emotions = tables.read_map(data / "utt2emo")
    found = {"utt2spk": utt2spk | copies, "utt2emo": emotions | {f"{utt}-white": emotions[utt] for utt in emotions}}
    clips = tmp_path / "clips"
    datadir.write_data_dir(clips, found | {"wav.scp": dict.fromkeys(found["utt2spk"], str(tmp_path / "clip.wav"))})
    call("part_speakers", "--parts", 2, data, clips, tmp_path, "1")
    seen = []
    for part in ("1", "2"):
        held, rest, heard = (
            tables.read_map(tmp_path / f"{name}_1.{part}" / "utt2spk") for name in ("held", "train", "clips")
        )
        assert not set(held.values()) & set(rest.values()) and not set(held.values()) & set(heard.values())
        assert {utt.removesuffix("-white") for utt in heard} == set(rest) and len(heard) == 2 * len(rest)
        seen += held
    assert sorted(seen) == sorted(utt2spk)
    with pytest.raises(SerError, match="data: 5 parts of 4 speakers; give from 2 parts to one per speaker"):
        call("part_speakers", "--parts", 5, data, clips, tmp_path, "1")
    with pytest.raises(SerError, match=r"speaker spk. is not in .*few"):
        few = tmp_path / "few"
        datadir.write_data_dir(few, {name: {utt: value for utt, value in found[name].items() if "spk3" not in utt}
                                     for name in ("utt2spk", "utt2emo")})  # fmt: skip
        call("part_speakers", "--parts", 2, few, clips, tmp_path, "1")
