from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import cremad, records
from ser.errors import SerError
from ser.kaldi import tables

SUMMARY = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote","MultiModalLevel"\n'
DEMOGRAPHICS = '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
DEMOGRAPHICS += '1002,21,"Female","Caucasian","Not Hispanic"\n'
VOTES = '"","A","D","F","H","N","S","fileName","numResponses"\n'
TABLE = "processedResults/summaryTable.csv"
CORPUS = {
    "AudioWAV/1001_DFA_ANG_XX.wav": None,
    "AudioWAV/1001_IEO_DIS_HI.wav": None,
    "AudioWAV/1002_IEO_SAD_LO.wav": None,
    "VideoDemographics.csv": DEMOGRAPHICS,
    "processedResults/summaryTable.csv": SUMMARY
    + '"1","1001_DFA_ANG_XX","A","50","N","60","D","70"\n'
    + '"2","1001_IEO_DIS_HI","A:D","37.2:58.6","A","45.5","A","44.2"\n'
    + '"3","1002_IEO_SAD_LO","N","60","S","60","N:S","60:50"\n',
}


def test_label_is_the_vote_and_not_the_emotion_in_the_name(make_files):
    utterances, left_out = cremad.read(make_files(CORPUS), "voice", "drop", 2)
    anger, neutral = utterances
    assert (anger.spk, anger.gender, anger.emotion, anger.text) == (
        "cremad1001",
        "m",
        "anger",
        "Don't forget a jacket.",
    )
    assert (neutral.spk, neutral.gender, neutral.emotion, neutral.intensity) == ("cremad1002", "f", "neutral", "low")
    assert left_out == [("1001_IEO_DIS_HI.wav", "tied voice vote: anger disgust", True)]


@pytest.mark.parametrize(
    ("vote", "ties", "emotions"),
    [
        ("voice", "first", ["anger", "anger", "neutral"]),
        ("voice", "level", ["anger", "disgust", "neutral"]),
        ("multimodal", "drop", ["disgust", "anger"]),
        ("multimodal", "first", ["disgust", "anger", "neutral"]),
    ],
)
def test_vote_and_ties_choose_the_label(make_files, vote, ties, emotions):
    utterances, _ = cremad.read(make_files(CORPUS), vote, ties, 2)
    assert [utterance.emotion for utterance in utterances] == emotions


def test_ids_are_opaque_and_begin_with_the_speaker(make_files):
    for utterance in cremad.read(make_files(CORPUS), "voice", "first", 2)[0]:
        assert utterance.utt.startswith(f"{utterance.spk}-")
        assert not any(tag in utterance.utt for tag in ("ANG", "DIS", "SAD", "/"))


def test_votes_are_counted_where_the_table_of_counts_is_there(make_files):
    counts = VOTES
    for number, clip in enumerate(("1001_DFA_ANG_XX", "1001_IEO_DIS_HI", "1002_IEO_SAD_LO"), start=1):
        counts += f'"10000{number}",5,{number},0,0,0,1,"{clip}",9\n"30000{number}",0,7,0,0,0,0,"{clip}",7\n'
    corpus = make_files(CORPUS | {"processedResults/tabulatedVotes.csv": counts})
    voice, _ = cremad.read(corpus, "voice", "first", 2)
    assert {emotion: count for emotion, count in voice[1].votes.items() if count} == {
        "anger": 5,
        "disgust": 2,
        "sadness": 1,
    }
    both, _ = cremad.read(corpus, "multimodal", "first", 2)
    assert both[1].votes["disgust"] == 7


def test_without_the_counts_the_votes_are_the_winners(make_files):
    utterances, _ = cremad.read(make_files(CORPUS), "voice", "first", 2)
    assert utterances[1].votes == {"anger": 1, "disgust": 1}


def test_annotators_are_told_where_the_table_of_responses_is_there(make_files):
    header = '"localid","pos","ans","queryType","clipName","respEmo"\n'
    rows = [("p 1", 1, "1001_IEO_DIS_HI", "A"), ("p2", 1, "1001_IEO_DIS_HI", "D"), ("p2", 3, "1001_IEO_DIS_HI", "S")]
    rows += [("p2", 1, clip, "N") for clip in ("1001_DFA_ANG_XX", "1002_IEO_SAD_LO")]
    table = header + "".join(f'"{who}",1,"x",{query},"{clip}","{answer}"\n' for who, query, clip, answer in rows)
    corpus = make_files(CORPUS | {"finishedResponses.csv": table})
    assert cremad.read(corpus, "voice", "first", 2)[0][1].annotators == {"p_1": ["anger"], "p2": ["disgust"]}
    with pytest.raises(SerError, match=r"finishedResponses.csv: no multimodal response to 1001_DFA_ANG_XX of"):
        cremad.read(corpus, "multimodal", "first", 2)


def test_git_lfs_stubs_are_named_as_such(make_files, tmp_path):
    stubs = {name: "version https://git-lfs.github.com/spec/v1\n" for name in CORPUS if name.endswith(".wav")}
    utterances, left_out = cremad.read(make_files(CORPUS | stubs), "voice", "drop", 2)
    with pytest.raises(SerError, match=r"3 of 3 .* git-lfs stub .*git lfs pull"):
        records.write_data_dir(tmp_path / "data", utterances, left_out)


def test_git_lfs_stub_in_place_of_the_table_is_named_as_such(make_files):
    stub = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    corpus = make_files(CORPUS | {"processedResults/summaryTable.csv": stub})
    with pytest.raises(SerError, match=r"summaryTable.csv: a git-lfs stub .*git lfs pull"):
        cremad.read(corpus, "voice", "drop", 2)


def test_clips_without_a_label_and_labels_without_a_clip_are_left_out(make_files):
    corpus = make_files(CORPUS | {"AudioWAV/1003_TAI_HAP_XX.wav": None})
    (corpus / "AudioWAV" / "1002_IEO_SAD_LO.wav").unlink()
    _, left_out = cremad.read(corpus, "voice", "first", 2)
    assert [item[:2] for item in left_out] == [
        ("1002_IEO_SAD_LO.wav", "missing audio file"),
        ("1003_TAI_HAP_XX.wav", "not in processedResults/summaryTable.csv"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            '"4","1001_DFA_ANG","A","50","N","60","D","70"',
            r"summaryTable.csv:5: expected a name like .* '1001_DFA_ANG'",
        ),
        ('"4","1001_TIE_ANG_XX","Q","50","N","60","D","70"', r"summaryTable.csv:5: expected a vote of .* found 'Q'"),
        ('"4","1009_TIE_ANG_XX","A","50","N","60","D","70"', r"VideoDemographics.csv: no line for actor 1009"),
        ('"4","1001_TIE_ANG_XX"', r"summaryTable.csv:5: expected 8 fields, found fewer"),
    ],
)
def test_bad_line_of_the_table_is_refused_with_its_number(make_files, line, message):
    summary = "processedResults/summaryTable.csv"
    with pytest.raises(SerError, match=message):
        cremad.read(make_files(CORPUS | {summary: CORPUS[summary] + line + "\n"}), "voice", "drop", 2)


def test_suffixes_and_junk_are_no_matter(make_files):
    files = {name.replace(".wav", ".WAV").replace("AudioWAV", "audiowav"): text for name, text in CORPUS.items()}
    junk = dict.fromkeys(("audiowav/._1001_DFA_ANG_XX.wav", "audiowav/@eaDir/1001_DFA_ANG_XX.wav", ".DS_Store"), "junk")
    utterances, left_out = cremad.read(make_files(files | junk), "voice", "first", 2)
    assert len(utterances) == 3 and not left_out


def test_clips_of_known_faults_are_left_out(make_files):
    rows = CORPUS[TABLE] + '"4","1001_IEO_DIS_MD","D","67.83","S","66","D","70.91"\n'
    renamed = {name.replace("1001", "1064"): text and text.replace("1001", "1064") for name, text in CORPUS.items()}
    _, left_out = cremad.read(make_files(renamed | {TABLE: rows.replace("1001", "1064")}), "voice", "first", 2)
    assert left_out == [("1064_IEO_DIS_MD.wav", "known fault: a minute long, with all emotions", True)]


def test_row_that_comes_twice_passes_if_it_says_the_same(make_files, tmp_path):
    row = '"1","1001_DFA_ANG_XX","A","50","N","60","D","70"\n'
    corpus = make_files(CORPUS | {TABLE: CORPUS[TABLE] + row})
    records.write_data_dir(tmp_path / "data", *cremad.read(corpus, "voice", "first", 2))
    assert len((tmp_path / "data" / "utt2emo").read_text().splitlines()) == 3
    (corpus / TABLE).write_text(CORPUS[TABLE] + row.replace('"A","50"', '"D","50"'))
    with pytest.raises(SerError, match=r"comes twice, with differences: .*summaryTable.csv:2, .*summaryTable.csv:5"):
        records.write_data_dir(tmp_path / "data", *cremad.read(corpus, "voice", "first", 2))


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        ("VideoDemographics.csv", '1001,51,"Female","","No"\n', r"VideoDemographics.csv:4: actor 1001 came before"),
        (
            "processedResults/tabulatedVotes.csv",
            '"100002",1,0,0,0,8,0,"1001_DFA_ANG_XX",9\n',
            r"tabulatedVotes.csv:3: 1001_DFA_ANG_XX came before with other votes",
        ),
    ],
)
def test_rows_of_the_other_tables_that_contradict_are_named(make_files, table, row, message):
    before = {**CORPUS, "processedResults/tabulatedVotes.csv": VOTES + '"100001",9,0,0,0,0,0,"1001_DFA_ANG_XX",9\n'}
    with pytest.raises(SerError, match=message):
        cremad.read(make_files(before | {table: before[table] + row}), "voice", "drop", 2)


def test_missing_table_is_named(make_files):
    with pytest.raises(SerError, match=r"processedResults/summaryTable.csv: missing"):
        cremad.read(make_files({"AudioWAV/1001_DFA_ANG_XX.wav": None}), "voice", "drop", 2)


@pytest.fixture
def whole_corpus(real_corpus, tmp_path: Path, silence: Path) -> Path:
    """The real tables with a silent stand-in for each of the 7,442 clips."""
    tables_of_cremad = real_corpus("cremad")
    corpus = tmp_path / "CREMA-D"
    (corpus / "AudioWAV").mkdir(parents=True)
    for name in ("processedResults", "VideoDemographics.csv"):
        (corpus / name).symlink_to(tables_of_cremad / name)
    for clip in (tables_of_cremad / "AudioWAV.list").read_text().split():
        (corpus / "AudioWAV" / clip).hardlink_to(silence)
    return corpus


def test_real_tables_give_the_published_counts(whole_corpus, tmp_path):
    utterances, left_out = cremad.read(whole_corpus, "voice", "drop", 5)
    # Of the published 6,798 without a tie, less the four of known faults: three are neutral, one disgust.
    assert Counter(item.reason.partition(":")[0] for item in left_out) == {"tied voice vote": 644, "known fault": 4}
    records.write_data_dir(tmp_path / "data", utterances, left_out, cremad.PUBLISHED)
    assert Counter(tables.read_map(tmp_path / "data" / "utt2emo").values()) == {
        "neutral": 3894,
        "anger": 986,
        "fear": 645,
        "disgust": 546,
        "sadness": 370,
        "happiness": 353,
    }
    assert Counter(tables.read_map(tmp_path / "data" / "spk2gender").values()) == {"m": 48, "f": 43}
    folds = {utterance.spk: utterance.fold for utterance in utterances}
    assert sorted(Counter(folds.values()).values()) == [18, 18, 18, 18, 19]


def test_real_tables_have_a_label_for_every_clip_when_ties_are_kept(whole_corpus):
    utterances, left_out = cremad.read(whole_corpus, "multimodal", "first", 5)
    assert sorted(item.name for item in left_out) == [f"{clip}.wav" for clip in sorted(cremad.KNOWN_FAULTS)]
    assert len({utterance.utt for utterance in utterances}) == 7438 == len(utterances)
