import importlib
import sys
import unicodedata

import numpy as np
import pytest

from ser.backend import trial_text
from ser.errors import SerError
from ser.kaldi import ark, data_subset, datadir
from ser.kaldi.labelled import read_labelled, read_speakers
from ser.kaldi.unicode_forms import compose_keys

COMPOSED = unicodedata.normalize("NFC", "rémy-ü1")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
SPEAKER = unicodedata.normalize("NFC", "rémy")


@pytest.fixture
def data_dir(tmp_path):
    """A data dir whose utt2spk is composed and whose text is decomposed."""
    (tmp_path / "utt2spk").write_text(f"anna-1 anna\n{COMPOSED} {SPEAKER}\n")
    (tmp_path / "spk2utt").write_text(f"anna anna-1\n{SPEAKER} {COMPOSED}\n")
    (tmp_path / "text").write_text(f"anna-1 yes\n{DECOMPOSED} no\n")
    return tmp_path


def test_validation_says_that_ids_differ_in_form_only_and_the_remedy(data_dir):
    with pytest.raises(
        SerError, match=r"1 of 2 utterances of utt2spk are missing; 1 of them differ in Unicode form"
    ) as e:
        datadir.validate(data_dir, feats=False, wav=False)
    assert r"b'r\xc3\xa9my-\xc3\xbc1' and b're\xcc\x81my-u\xcc\x881'" in str(e.value)
    assert "utils/fix_data_dir.sh composes the letters" in str(e.value)


@pytest.mark.parametrize("decomposed", ["text", "utt2spk", "wav.scp"])
def test_fix_composes_the_ids_of_all_tables_and_drops_nobody(data_dir, decomposed):
    path = unicodedata.normalize("NFD", "/corpus/é.wav")  # a path is not touched
    (data_dir / "text").write_text(f"anna-1 yes\n{COMPOSED} no\n")
    (data_dir / "wav.scp").write_text(f"anna-1 a.wav\n{COMPOSED} {path}\n")
    table = (data_dir / decomposed).read_text()
    (data_dir / decomposed).write_text(table.replace(COMPOSED, DECOMPOSED).replace(f" {SPEAKER}", f" {SPEAKER}"))
    data_subset.fix(data_dir)
    datadir.validate(data_dir, feats=False, wav=False)
    assert (data_dir / "utt2spk").read_text() == f"anna-1 anna\n{COMPOSED} {SPEAKER}\n"
    assert (data_dir / "wav.scp").read_text() == f"anna-1 a.wav\n{COMPOSED} {path}\n"


def test_speakers_in_two_forms_become_one(data_dir):
    other = unicodedata.normalize("NFD", SPEAKER)
    (data_dir / "utt2spk").write_text(f"{SPEAKER}-a {SPEAKER}\n{other}-b {other}\n")
    (data_dir / "text").write_text(f"{SPEAKER}-a yes\n{SPEAKER}-b no\n")
    data_subset.fix(data_dir)
    assert (data_dir / "spk2utt").read_text() == f"{SPEAKER} {SPEAKER}-a {SPEAKER}-b\n"


def test_vectors_and_speakers_under_the_other_form_are_told(data_dir):
    (data_dir / "utt2class").write_text(f"{DECOMPOSED} joy\nanna-1 fear\n")
    with ark.Writer(f"ark:{data_dir / 'v.ark'}") as writer:
        for utt in ("anna-1", COMPOSED):
            writer.write(utt, np.ones(2, np.float32))
    with pytest.raises(SerError, match=r"no vector of 1 of the 2 utterances .*differ in Unicode form only"):
        read_labelled(data_dir / "utt2class", f"ark:{data_dir / 'v.ark'}")
    with pytest.raises(SerError, match=r"no speaker of 1 of 1 utterances: .*differ in Unicode form only"):
        read_speakers(data_dir / "utt2spk", [DECOMPOSED])


@pytest.mark.parametrize(
    ("command", "listed"),
    [
        ("subset_data_dir", f"anna-1\n{DECOMPOSED}\n"),
        ("split_speakers", f"{unicodedata.normalize('NFD', SPEAKER)}\n"),
        ("set_text", f"anna-1 yes\n{DECOMPOSED} no\n"),
    ],
)
def test_list_in_the_other_form_is_refused_and_loses_nobody(data_dir, monkeypatch, command, listed):
    (data_dir / "list").write_text(listed)
    data, list_, out = str(data_dir), str(data_dir / "list"), str(data_dir / "out")
    words = {"subset_data_dir": [data, list_, out], "set_text": [list_, data, out]}.get(
        command, [list_, data, out, "x"]
    )
    monkeypatch.setattr(sys, "argv", [command, *words])
    with pytest.raises(SerError, match=r"list: 1 of its names are not in .*utt2spk; 1 of them differ in Unicode form"):
        importlib.import_module(f"ser.bin.{command}").main()
    assert not (data_dir / "out").exists()


def test_recordings_of_segments_and_trials_in_the_other_form_are_told(data_dir):
    (data_dir / "text").unlink()
    (data_dir / "wav.scp").write_text(f"{unicodedata.normalize('NFD', SPEAKER)} a.wav\n")
    (data_dir / "segments").write_text(f"anna-1 {SPEAKER} 0 1\n{COMPOSED} {SPEAKER} 1 2\n")
    with pytest.raises(SerError, match=r"1 recordings of segments are missing.*differ in Unicode form only"):
        datadir.validate(data_dir, feats=False, wav=False, text=False)
    trials, scores = (
        np.frombuffer(line.encode(), np.uint8) for line in (f"a {COMPOSED} target\n", f"a {DECOMPOSED} 1\n")
    )
    with pytest.raises(SerError, match=r"no score of the trial .*differ in Unicode form only"):
        trial_text.read_scored_trials(trials, scores, "t", "s")


def test_two_forms_that_say_different_things_are_refused():
    assert compose_keys({DECOMPOSED: "1", COMPOSED: "1"}, "t") == {COMPOSED: "1"}
    with pytest.raises(SerError, match=r"t: .* is there twice, in two Unicode forms with different values"):
        compose_keys({DECOMPOSED: "1", COMPOSED: "2"}, "t")
