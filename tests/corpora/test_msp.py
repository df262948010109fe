"""MSP-Podcast and MSP-IMPROV on trees made by hand."""

from collections import Counter

import pytest

from ser.corpora import msp_improv, msp_podcast, records
from ser.errors import SerError

HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
PODCAST = {
    "Labels/labels_consensus.csv": HEADER
    + "MSP-PODCAST_0001_0008.wav,N,4.0,4.2,4.4,127,Male,Train\n"
    + "MSP-PODCAST_0001_0019.wav,A,6.0,2.0,5.0,Unknown,Unknown,Train\n"
    + "MSP-PODCAST_0002_0001.wav,H,5.0,6.0,5.0,Unknown,Unknown,Development\n"
    + "MSP-PODCAST_0003_0001.wav,C,5.0,2.5,5.0,300,Female,Test1\n"
    + "MSP-PODCAST_0004_0001.wav,,,,,301,Female,Test3\n"
    + "MSP-PODCAST_0005_0001.wav,S,2.0,2.5,3.0,302,Unknown,Test2\n",
    "Labels/labels_detailed.csv": "FileName,EmoClass_Major,EmoClass_Second\n"
    + "MSP-PODCAST_0001_0008.wav,Neutral,Neutral\n"
    + "MSP-PODCAST_0001_0008.wav,Other-Confused,Other\n"
    + "MSP-PODCAST_0001_0019.wav,Angry,Angry\n",
    "Transcripts/MSP-PODCAST_0001_0008.txt": "so anyway\n",
    **{
        f"Audios/MSP-PODCAST_{clip}.wav": None
        for clip in ("0001_0008", "0001_0019", "0002_0001", "0003_0001", "0005_0001")
    },
}


def test_podcast_labels_votes_parts_and_words_are_read(make_files, tmp_path):
    utterances, left_out = msp_podcast.read(make_files(PODCAST), "all", 0)
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    first = utterances[0]
    assert (first.utt, first.spk, first.emotion, first.part) == (
        "podcast127-0001_0008",
        "podcast127",
        "neutral",
        "train",
    )
    assert (first.text, first.dims) == ("so anyway", (4.2, 4.0, 4.4))
    assert first.votes == {"neutral": 1, "other": 1}
    assert Counter(item.part for item in utterances) == {"train": 2, "validation": 1, "test1": 1, "test2": 1}
    assert left_out == [("MSP-PODCAST_0004_0001.wav", "no label (they are not published)", True)]


def test_unknown_speakers_are_not_one_speaker(make_files):
    utterances, _ = msp_podcast.read(make_files(PODCAST), "all", 0)
    assert [item.spk for item in utterances if item.utt == item.spk] == [
        "podcastunknown_0001_0019",
        "podcastunknown_0002_0001",
    ]


def test_sex_is_told_where_it_is_known_and_listed_if_it_is_of_all(make_files, tmp_path, caplog):
    corpus = make_files(PODCAST)
    utterances, _ = msp_podcast.read(corpus, "all", 0)
    assert [item.gender for item in utterances] == ["m", None, None, "f", None]
    records.write_data_dir(tmp_path / "all", utterances)
    assert "the sex of 3 of 5 speakers is not known: no spk2gender" in caplog.text
    assert not (tmp_path / "all/spk2gender").exists()
    records.write_data_dir(tmp_path / "test1", msp_podcast.read(corpus, "test1", 0)[0])
    assert (tmp_path / "test1/spk2gender").read_text() == "podcast300 f\n"


def test_folds_keep_a_podcast_together_and_old_names_are_known(make_files):
    files = {name.replace("consensus", "concensus"): text for name, text in PODCAST.items()}
    labels = "Labels/labels_concensus.csv"
    files[labels] = PODCAST["Labels/labels_consensus.csv"].replace(",Development\n", ",Validation\n")
    utterances, _ = msp_podcast.read(make_files(files), "all", 3)
    assert [item.part for item in utterances] == ["train", "train", "validation", "test1", "test2"]
    assert utterances[0].fold == utterances[1].fold
    assert len({item.fold for item in utterances}) == 3


def test_podcast_part_is_chosen_and_missing_transcripts_and_votes_are_no_fault(make_files):
    files = {name: text for name, text in PODCAST.items() if "Transcripts" not in name and "detailed" not in name}
    utterances, _ = msp_podcast.read(make_files(files), "train", 0)
    assert len(utterances) == 2
    assert {(item.text, item.votes) for item in utterances} == {(None, None)}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,N,4,4,4,1,Male,Trial\n", "expected a Split_Set of train, development.*'Trial'"),
        ("MSP-PODCAST_0001_0008.wav,N,x,4,4,1,Male,Train\n", "expected numbers in EmoAct"),
        ("a.wav,N\n", "expected 8 fields, found fewer"),
    ],
)
def test_broken_podcast_rows_are_refused(make_files, row, message):
    with pytest.raises(SerError, match=f"labels_consensus.csv:2: {message}"):
        msp_podcast.read(make_files(PODCAST | {"Labels/labels_consensus.csv": HEADER + row}), "all", 0)


IMPROV = {
    "Evalution.txt": "UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:3.200000; V:3.400000; D:3.000000 ; N:3.300000;\n"
    "WORKER00000001; Neutral; Neutral,; A:3.000000; V:3.000000; D:3.000000; N:4.000000;\n"
    "WORKER00000002; Other (tired); Other,; A:3.000000; V:3.000000; D:3.000000; N:4.000000;\n"
    "\n"
    "UTD-IMPROV-S05S-M06-R-MM02.avi; X; A:2.0; V:1.5; D:NaN ; N:NaN;\n"
    "WORKER00000001; Sad; Sad,; A:3.000000; V:3.000000; D:3.000000; N:4.000000;\n",
    "session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav": None,
    "session6/S05S/R/MSP-IMPROV-S05S-M06-R-MM02.wav": None,
    "session6/S05S/R/MSP-IMPROV-S05S-M06-R-MM03.wav": None,
}


def test_improv_turns_have_sessions_as_folds_and_votes(make_files):
    junk = dict.fromkeys((".Trashes/Evalution.txt", "@eaDir/Evaluation.txt", "session1/._Evalution.txt"), "junk")
    utterances, left_out = msp_improv.read(make_files(IMPROV | junk))
    first, second = utterances
    assert (first.spk, first.gender, first.emotion, first.fold) == ("improvF01", "f", "neutral", "1")
    assert (first.style, first.dims) == ("impro", (3.4, 3.2, 3.0))
    assert first.votes == {"neutral": 1, "other": 1}
    assert (second.emotion, second.style, second.fold, second.votes) == ("undecided", "script", "6", {"sadness": 1})
    assert left_out == [("MSP-IMPROV-S05S-M06-R-MM03.wav", "not in Evalution.txt", False)]


def test_improv_without_its_table_or_with_a_broken_one_is_refused(make_files):
    with pytest.raises(SerError, match=r"no Evalution.txt in it"):
        msp_improv.read(make_files({"a.wav": None}))
    with pytest.raises(SerError, match=r"Evalution.txt:1: expected 'UTD-IMPROV-"):
        msp_improv.read(make_files({"Evalution.txt": "UTD-IMPROV-S01A; N\n"}))


def test_improv_clip_that_is_missing_is_left_out(make_files):
    files = {name: text for name, text in IMPROV.items() if "MM02" not in name}
    _, left_out = msp_improv.read(make_files(files))
    assert ("MSP-IMPROV-S05S-M06-R-MM02.wav", "missing audio file", False) in left_out
