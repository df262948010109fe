from dataclasses import replace

import pytest

from ser.corpora.records import (
    LeftOut,
    Utterance,
    audio_fault,
    opaque,
    read_left_out,
    require_folder,
    write_data_dir,
    write_left_out,
)
from ser.errors import SerError
from ser.files import read_text

ANNA = Utterance(
    utt="anna-1",
    spk="anna",
    wav="/corpus/one two.wav",
    text="hello there",
    emotion="anger",
    fold="1",
    gender="f",
    votes={"neutral": 1, "anger": 3, "fear": 0},
    annotators={"C-E2": ["anger", "fear"], "C-E1": ["anger"]},
    dims=(2.5, 3.0, 1.0),
)
BERT = Utterance(
    utt="bert-1",
    spk="bert",
    wav="/corpus/2.wav",
    text="good bye",
    emotion="calm",
    fold="2",
    gender="m",
    votes={"calm": 4},
    annotators={"C-E1": ["calm"]},
    dims=(3.0, 3.0, 3.0),
)


def test_data_dir_holds_what_the_utterances_tell_and_nothing_else(tmp_path):
    write_data_dir(tmp_path / "data", [BERT, ANNA])
    written = {path.name: path.read_text() for path in (tmp_path / "data").iterdir()}
    assert written == {
        "utt2spk": "anna-1 anna\nbert-1 bert\n",
        "spk2utt": "anna anna-1\nbert bert-1\n",
        "wav.scp": "anna-1 /corpus/one two.wav\nbert-1 /corpus/2.wav\n",
        "text": "anna-1 hello there\nbert-1 good bye\n",
        "utt2emo": "anna-1 anger\nbert-1 calm\n",
        "utt2fold": "anna-1 1\nbert-1 2\n",
        "spk2gender": "anna f\nbert m\n",
        "utt2votes": "anna-1 anger:3 neutral:1\nbert-1 calm:4\n",
        "utt2annotators": "anna-1 C-E1=anger C-E2=anger,fear\nbert-1 C-E1=calm\n",
        "utt2dims": "anna-1 2.5 3 1\nbert-1 3 3 3\n",
        "left_out": "",
    }


def test_second_preparation_leaves_no_table_of_the_first_behind(tmp_path):
    data = tmp_path / "data"
    write_data_dir(data, [ANNA, BERT], [LeftOut("3.wav", "tie", chosen=True)])
    (data / "feats.scp").write_text("anna-1 feats.ark:7\n")
    (data / "notes").write_text("mine\n")
    write_data_dir(data, [replace(utterance, votes=None) for utterance in (ANNA, BERT)])
    assert not (data / "utt2votes").exists()
    assert not (data / "feats.scp").exists()
    assert (data / "left_out").read_text() == ""
    assert (data / "notes").read_text() == "mine\n"


def test_what_is_left_out_is_listed_with_its_reason(tmp_path):
    many = [replace(ANNA, utt=f"anna-{number:02d}") for number in range(19)]
    write_data_dir(tmp_path / "data", many, [LeftOut("20.wav", "empty audio file")])
    assert (tmp_path / "data" / "left_out").read_text() == "20.wav empty audio file\n"


def test_loss_of_more_than_5_percent_is_an_error_and_writes_nothing(tmp_path):
    many = [replace(ANNA, utt=f"anna-{number:02d}") for number in range(18)]
    with pytest.raises(SerError, match=r"1 of 19 .* limit of 5%; 1 for this reason: empty audio file, e.g. 20.wav"):
        write_data_dir(tmp_path / "data", many, [LeftOut("20.wav", "empty audio file")])
    assert list(tmp_path.iterdir()) == []


def test_what_an_option_leaves_out_is_no_loss(tmp_path):
    write_data_dir(tmp_path / "data", [ANNA], [LeftOut(f"{n}.wav", "tie", chosen=True) for n in range(9)])
    assert len((tmp_path / "data" / "left_out").read_text().splitlines()) == 9


def test_smaller_copy_than_published_is_said(tmp_path, caplog):
    write_data_dir(tmp_path / "data", [ANNA, BERT], published=1440)
    assert "2 of the 1440 utterances that the corpus is published with" in caplog.text


def test_utterance_id_that_comes_twice_is_refused_with_both_files(tmp_path):
    with pytest.raises(SerError, match=r"anna-1 comes twice, with differences: /corpus/one two.wav, /corpus/other.wav"):
        write_data_dir(tmp_path / "data", [ANNA, replace(ANNA, wav="/corpus/other.wav")])


def test_utterance_that_comes_twice_alike_is_taken_once(tmp_path, caplog):
    first, again = replace(ANNA, where="t.csv:2"), replace(ANNA, where="t.csv:9")
    write_data_dir(tmp_path / "data", [first, BERT, again])
    assert (tmp_path / "data" / "utt2spk").read_text() == "anna-1 anna\nbert-1 bert\n"
    listed = (tmp_path / "data" / "left_out").read_text()
    assert listed == "corpus/one%20two.wav twice in the corpus: equal to t.csv:2\n"
    with pytest.raises(
        SerError, match=r"anna-1 comes twice, with differences: t.csv:2, t.csv:9; remove one of the two"
    ):
        write_data_dir(tmp_path / "data", [first, replace(again, emotion="fear")])


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"utt": "anna-1 (1)"}, "corpus/one%20two.wav", "white space in its name, of which ids are made: rename the"),
        ({"utt": "anna-\udcfc"}, "corpus/one%20two.wav", r"its name is not UTF-8: rename b'anna-\xfc'"),
        ({"utt": "\ufeffanna-1"}, "corpus/one%20two.wav", "a byte order mark at the start of its name, which readers"),
        ({"wav": "/M\udcfcller/1.wav"}, "M%FCller/1.wav", r"its path is not UTF-8: rename b'M\xfcller'"),
        ({"wav": "/corpus/a\nb.wav"}, "corpus/a%0Ab.wav", "a line feed or the like in its path: rename it"),
        ({"wav": "/corpus/a.wav "}, "corpus/a.wav%20", "white space at the end of its path: rename it"),
        ({"wav": "/corpus/a.wav |"}, "corpus/a.wav%20|", "'|' at the end of its path, which makes a command of it"),
    ],
)
def test_name_that_no_data_dir_can_hold_is_left_out_and_the_rest_goes_on(tmp_path, monkeypatch, change, name, reason):
    monkeypatch.setattr("ser.corpora.records.LARGEST_LOSS", 0.5)
    write_data_dir(tmp_path / "data", [replace(ANNA, **change), BERT])
    assert (tmp_path / "data" / "utt2spk").read_text() == "bert-1 bert\n"
    assert (tmp_path / "data" / "left_out").read_text().startswith(f"{name} {reason}")


def test_corpus_in_a_folder_that_is_no_utf8_is_refused_with_the_name_to_change(tmp_path):
    utterances = [replace(item, wav=item.wav.replace("corpus", "k\udcf6rper")) for item in (ANNA, BERT)]
    with pytest.raises(SerError, match=r"2 of 2 utterances would have to be left out.*rename b'k.xf6rper'"):
        write_data_dir(tmp_path / "data", utterances)


def test_items_of_one_name_keep_lines_of_their_own_in_the_list(tmp_path, monkeypatch):
    monkeypatch.setattr("ser.corpora.records.LARGEST_LOSS", 0.5)
    write_data_dir(tmp_path / "data", [ANNA, BERT], [LeftOut("a.wav", "empty"), LeftOut("a.wav", "missing")])
    assert (tmp_path / "data" / "left_out").read_text() == "a.wav empty\na.wav#2 missing\n"


def test_a_list_that_is_read_and_written_again_is_the_same_and_counts_as_no_loss(tmp_path):
    write_left_out(tmp_path / "first", [LeftOut("a b.wav", "missing audio file: /a b.wav"), LeftOut("c%.wav", "empty")])
    items = read_left_out(tmp_path / "first")
    write_data_dir(tmp_path / "data", [ANNA, BERT], items)
    assert read_text(tmp_path / "data/left_out") == read_text(tmp_path / "first")
    assert [item.name for item in items] == ["a%20b.wav", "c%.wav"]


def test_field_of_some_utterances_only_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"utt2emo: 1 of 2 utterances have none, e.g. bert-1"):
        write_data_dir(tmp_path / "data", [ANNA, replace(BERT, emotion=None)])


def test_id_that_does_not_begin_with_the_speaker_is_refused_and_the_old_data_dir_stays(tmp_path):
    write_data_dir(tmp_path / "data", [ANNA])
    with pytest.raises(SerError, match=r"data/utt2spk:2: speaker 'anna' .* not sorted by speaker"):
        write_data_dir(tmp_path / "data", [ANNA, replace(BERT, utt="aa-1")])
    assert (tmp_path / "data" / "utt2spk").read_text() == "anna-1 anna\n"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_empty_corpus_is_an_error(tmp_path):
    with pytest.raises(SerError, match="no utterance found"):
        write_data_dir(tmp_path / "data", [])


def test_opaque_id_does_not_tell_the_name():
    assert opaque("1001_DFA_ANG_XX") != opaque("1001_DFA_DIS_XX")
    assert len(opaque("1001_DFA_ANG_XX")) == 8


def test_faulty_audio_files_are_told_apart(tmp_path, silence):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "stub.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 63000\n")
    assert audio_fault(silence) is None
    assert audio_fault(tmp_path / "absent.wav") == "missing audio file"
    assert audio_fault(tmp_path / "empty.wav") == "empty audio file"
    assert "git lfs pull" in audio_fault(tmp_path / "stub.wav")


def test_text_that_is_not_utf_8_is_refused_with_its_bytes(tmp_path):
    (tmp_path / "table.csv").write_bytes("caf\u00e9 au lait".encode("latin-1"))
    with pytest.raises(SerError, match=r"table.csv: not UTF-8: b'.xe9 au lait'; convert it"):
        read_text(tmp_path / "table.csv", "convert it")


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(SerError, match="nowhere: no such folder; give the folder of X"):
        require_folder(tmp_path / "nowhere", "give the folder of X")
