import pytest

from ser.corpora import records, voxceleb1
from ser.errors import SerError

META = (
    "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    "id10001\tA.J._Buckley\tm\tIreland\tdev\n"
    "id10270\tEartha_Kitt\tf\tUSA\ttest\n"
)
IN_PARTS = {"dev/wav/id10001/-A_b/00002.wav": None, "test/wav/id10270/x6uYqmx31kE/00001.wav": None}
IN_ONE = {"wav/id10001/-A_b/00002.wav": None, "wav/id10270/x6uYqmx31kE/00001.wav": None}
VERSION_1_0 = {
    "voxceleb1_wav/A.J._Buckley/1zc_whmdeo4_0000002.wav": None,
    "voxceleb1_wav/Eartha_Kitt/x6uYqmx31kE_0000001.wav": None,
}


@pytest.mark.parametrize("files", [IN_PARTS, IN_ONE])
def test_both_layouts_give_the_same_utterances(make_files, files):
    corpus = make_files(files | {"vox1_meta.csv": META})
    (dev, test), left_out = voxceleb1.read(corpus, "all")
    assert not left_out
    assert (dev.utt, dev.spk, dev.part, dev.gender) == ("id10001--A_b-00002", "id10001", "dev", "m")
    assert (test.utt, test.spk, test.part, test.gender) == ("id10270-x6uYqmx31kE-00001", "id10270", "test", "f")
    assert (dev.dialogue, test.dialogue) == ("-A_b", "x6uYqmx31kE")
    assert dev.wav.startswith("/") and dev.wav.endswith("wav/id10001/-A_b/00002.wav")


@pytest.mark.parametrize("files", [IN_PARTS, IN_ONE, IN_ONE | {"vox1_meta.csv": META}])
@pytest.mark.parametrize(("part", "spk"), [("dev", "id10001"), ("test", "id10270")])
def test_part_is_taken_alone_with_and_without_the_meta_file(make_files, files, part, spk):
    assert [utterance.spk for utterance in voxceleb1.read(make_files(files), part)[0]] == [spk]


def test_without_the_meta_file_the_sex_is_unknown(make_files):
    assert voxceleb1.read(make_files(IN_ONE), "dev")[0][0].gender is None


def test_version_1_0_gets_its_ids_from_the_meta_file(make_files):
    utterances, _ = voxceleb1.read(make_files(VERSION_1_0 | {"vox1_meta.csv": META}), "all")
    assert [utterance.utt for utterance in utterances] == [
        "id10001-1zc_whmdeo4-0000002",
        "id10270-x6uYqmx31kE-0000001",
    ]


def test_version_1_0_without_the_meta_file_is_refused(make_files):
    with pytest.raises(SerError, match=r"vox1_meta.csv: missing; version 1.0 names speakers"):
        voxceleb1.read(make_files(VERSION_1_0), "all")


def test_files_that_are_not_audio_are_passed_over(make_files):
    corpus = make_files(IN_ONE | {"wav/id10001/-A_b/00002.txt": "", "wav/id10001/-A_b/._00002.wav": ""})
    assert [len(found) for found in voxceleb1.read(corpus, "all")] == [2, 0]


def test_suffixes_and_junk_are_no_matter(make_files):
    junk = {f"wav/{name}": "junk" for name in ("lost+found/a.wav", "@eaDir/b.wav", ".DS_Store", "id10001/@eaDir/c.wav")}
    corpus = make_files({"wav/id10001/-A_b/00002.WAV": None, "wav/id10270/x/00001.flac": None} | junk)
    utterances, left_out = voxceleb1.read(corpus, "all")
    assert [item.utt for item in utterances] == ["id10001--A_b-00002", "id10270-x-00001"] and not left_out


@pytest.mark.parametrize(
    ("name", "listed", "reason"),
    [
        ("wav/id10001/-A_b/00003.m4a", "id10001/-A_b/00003.m4a", "a suffix other than .wav or .flac: convert it"),
        ("wav/id10001/00003.wav", "wav/id10001/00003.wav", "not in the folder of a video"),
        ("wav/id10001/-A_b/deeper/00003.WAV", "-A_b/deeper/00003.WAV", "not in the folder of a video"),
    ],
)
def test_audio_that_is_not_read_is_listed(make_files, name, listed, reason):
    utterances, left_out = voxceleb1.read(make_files(IN_ONE | {name: None}), "all")
    assert len(utterances) == 2
    assert [item.name for item in left_out] == [listed] and left_out[0].reason.startswith(reason)
    assert not left_out[0].chosen
    assert voxceleb1.read(make_files({}), "test")[1] == []


def test_another_form_of_a_clip_beside_it_is_passed_over(make_files):
    corpus = make_files(IN_ONE | {"wav/id10001/-A_b/00002.m4a": None})
    assert [len(found) for found in voxceleb1.read(corpus, "all")] == [2, 0]


def test_copy_of_a_file_is_left_out_by_name(make_files, tmp_path, monkeypatch):
    monkeypatch.setattr("ser.corpora.records.LARGEST_LOSS", 0.5)
    corpus = make_files(IN_ONE | {"wav/id10001/-A_b/00002 (1).wav": None})
    records.write_data_dir(tmp_path / "data", *voxceleb1.read(corpus, "all"))
    listed = (tmp_path / "data" / "left_out").read_text()
    assert listed.startswith("id10001/-A_b/00002%20(1).wav white space in its name")
    assert len((tmp_path / "data" / "utt2spk").read_text().splitlines()) == 2


def test_part_that_is_not_there_is_named(make_files):
    corpus = make_files({"dev/wav/id10001/video/00001.wav": None})
    with pytest.raises(SerError, match="no test/wav; --part dev takes what is there"):
        voxceleb1.read(corpus, "all")


def test_folder_of_another_corpus_is_refused(make_files):
    with pytest.raises(SerError, match="not VoxCeleb1: none of dev/wav"):
        voxceleb1.read(make_files({"Actor_01/a.wav": None}), "all")


def test_folder_that_is_no_speaker_is_refused(make_files):
    with pytest.raises(SerError, match="expected folders called id and 5 digits"):
        voxceleb1.read(make_files({"wav/someone/video/00001.wav": None}), "all")


def test_speaker_that_the_meta_file_lacks_is_named(make_files):
    corpus = make_files({"wav/id10009/video/00001.wav": None, "vox1_meta.csv": META})
    with pytest.raises(SerError, match=r"vox1_meta.csv: no line for id10009"):
        voxceleb1.read(corpus, "all")


def test_speaker_whose_lines_of_the_meta_file_contradict_is_refused(make_files):
    line = META.splitlines(keepends=True)[1]
    corpus = make_files(IN_ONE | {"vox1_meta.csv": META + line})
    assert voxceleb1.read(corpus, "dev")[0][0].gender == "m"
    (corpus / "vox1_meta.csv").write_text(META + line.replace("\tm\t", "\tf\t"))
    with pytest.raises(SerError, match=r"vox1_meta.csv:4: speaker id10001 came before with other values"):
        voxceleb1.read(corpus, "dev")


def test_meta_file_with_a_short_line_is_refused_with_its_number(make_files):
    corpus = make_files(IN_ONE | {"vox1_meta.csv": META + "id10002\tB\n"})
    with pytest.raises(SerError, match=r"vox1_meta.csv:4: expected 5 fields, found 2"):
        voxceleb1.read(corpus, "all")
