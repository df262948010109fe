import pytest

from ser.corpora import librispeech, records
from ser.errors import SerError
from ser.kaldi import datadir

CHAPTER = "LibriSpeech/dev-clean-2/84/121123/84-121123"
FILES = {
    "LibriSpeech/SPEAKERS.TXT": ";ID  |SEX| SUBSET\n84   | F | dev-clean | 8.02 | Christie Nowak\n",
    f"{CHAPTER}.trans.txt": "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS THAN\n",
    f"{CHAPTER}-0000.flac": None,
    f"{CHAPTER}-0001.flac": None,
}


def test_a_speaker_is_a_reader_in_a_chapter(make_files, tmp_path):
    utterances, left_out = librispeech.read(make_files(FILES), "dev-clean-2")
    assert left_out == []
    assert [(item.utt, item.spk, item.text, item.gender) for item in utterances] == [
        ("84-121123-0000", "84-121123", "go do you hear", "f"),
        ("84-121123-0001", "84-121123", "but in less than", "f"),
    ]
    records.write_data_dir(tmp_path / "data", utterances, left_out, librispeech.PUBLISHED["dev-clean-2"])
    datadir.validate(tmp_path / "data", feats=False)


def test_parts_are_read_together(make_files):
    second = {
        name.replace("dev-clean-2/84", "dev-other/85").replace("84-", "85-"): text for name, text in FILES.items()
    }
    second = {name: text and text.replace("84-", "85-") for name, text in second.items() if "SPEAKERS" not in name}
    corpus = make_files(FILES | second)
    utterances, _ = librispeech.read(corpus, "dev-clean-2", "dev-other")
    assert [(one.utt, one.part) for one in utterances] == [
        ("84-121123-0000", "dev-clean-2"), ("84-121123-0001", "dev-clean-2"),
        ("85-121123-0000", "dev-other"), ("85-121123-0001", "dev-other"),
    ]  # fmt: skip
    with pytest.raises(SerError, match="--part 'dev-other dev-other': name one part or more, each once"):
        librispeech.read(corpus, "dev-other", "dev-other")


def test_what_lacks_its_other_half_is_left_out_by_name(make_files):
    files = FILES | {f"{CHAPTER}.trans.txt": "84-121123-0000 GO\n84-121123-0007 GONE\n"}
    _, left_out = librispeech.read(make_files(files), "dev-clean-2")
    assert sorted(left_out) == [
        ("84-121123-0001", "recording without a transcript", False),
        ("84-121123-0007", records.AUDIO_MISSING, False),
    ]


def test_an_unknown_part_names_the_parts(make_files):
    with pytest.raises(SerError, match="no folder 'dev' in it; parts: train-clean-100"):
        librispeech.read(make_files(FILES), "dev")


def test_a_line_twice_is_named(make_files):
    files = FILES | {f"{CHAPTER}.trans.txt": "84-121123-0000 GO\n84-121123-0000 GO\n"}
    with pytest.raises(SerError, match=r"84-121123.trans.txt:2: expected a new utterance"):
        librispeech.read(make_files(files), "dev-clean-2")


def test_suffixes_and_junk_are_no_matter(make_files):
    part = "LibriSpeech/dev-clean-2"
    junk = (f"{part}/84/@eaDir/a.flac", f"{part}/84/121123/._84-121123-0000.flac", f"{part}/lost+found/b/c.flac")
    files = {name.replace("0001.flac", "0001.FLAC"): text for name, text in FILES.items()}
    utterances, left_out = librispeech.read(make_files(files | dict.fromkeys(junk, "junk")), "dev-clean-2")
    assert [item.utt for item in utterances] == ["84-121123-0000", "84-121123-0001"] and not left_out
