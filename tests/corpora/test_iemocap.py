from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import iemocap, records
from ser.corpora.label_map import read_label_map
from ser.errors import SerError

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
# A talker on the side without markers: Ses01F_..._M000 is spoken by the man.
IMPRO = (
    HEADER
    + "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
    + "C-E2:\tNeutral;\t()\nC-E3:\tNeutral;\t()\nC-E4:\tNeutral; Anger;\t(tense; wary)\nC-F1:\tFrustration;\t()\n"
    + "A-E3:\tval 3; act 2; dom  2;\t()\nA-F1:\tval 3; act 2; dom  1;\t()\n\n"
    + "[10.0100 - 11.3925]\tSes01F_impro01_M000\txxx\t[2.0000, 3.5000, 4.0000]\n"
    + "C-E2:\tExcited;\t()\nC-E3:\tOther;\t(bored)\nC-E4:\tSurprise;\t()\nC-M1:\t;\t()\n\n"
)
SCRIPT = HEADER + "[1.0000 - 2.0000]\tSes02M_script01_1b_F003\texc\t[4.0000, 4.0000, 3.0000]\nC-E1:\tExcited;\t()\n"
CORPUS = {
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": IMPRO,
    "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt": "a Mac's attributes",
    "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt": "Ses01F_impro01_F000 :Neutral state; ()\n",
    "Session1/dialog/transcriptions/Ses01F_impro01.txt": "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse  me.\n"
    "M: a stray line\nSes01F_impro01_MXX0 [008.0-009.0]: [BREATHING]\n"
    "Ses01F_impro01_M000 [010.0100-011.3925]: Yeah.\n",
    "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav": None,
    "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M000.wav": None,
    "Session2/dialog/EmoEvaluation/Ses02M_script01_1b.txt": SCRIPT,
    "Session2/dialog/transcriptions/Ses02M_script01_1b.txt": "Ses02M_script01_1b_F003 [001.0-002.0]: Hooray!\n",
    "Session2/sentences/wav/Ses02M_script01_1b/Ses02M_script01_1b_F003.wav": None,
}
EVALUATION = "Session2/dialog/EmoEvaluation/Ses02M_script01_1b.txt"


def test_talker_is_the_letter_before_the_last_number(make_files):
    utterances, left_out = iemocap.read(make_files(CORPUS))
    assert [(utterance.utt, utterance.spk, utterance.gender) for utterance in utterances] == [
        ("Ses01F-Ses01F_impro01-F000", "Ses01F", "f"),
        ("Ses01M-Ses01F_impro01-M000", "Ses01M", "m"),
        ("Ses02F-Ses02M_script01_1b-F003", "Ses02F", "f"),
    ]
    assert left_out == []


def test_label_text_session_dialogue_and_style_are_read(make_files):
    utterances, _ = iemocap.read(make_files(CORPUS))
    read = [(item.emotion, item.text, item.fold, item.dialogue, item.style, item.dims) for item in utterances]
    assert read == [
        ("neutral", "Excuse me.", "1", "Ses01F_impro01", "impro", (2.5, 2.5, 2.5)),
        ("undecided", "Yeah.", "1", "Ses01F_impro01", "impro", (2.0, 3.5, 4.0)),
        ("excitement", "Hooray!", "2", "Ses02M_script01_1b", "script", (4.0, 4.0, 3.0)),
    ]


def test_turns_know_when_they_start(make_files):
    assert [item.start for item in iemocap.read(make_files(CORPUS))[0]] == [6.2901, 10.01, 1.0]


def test_every_annotator_is_kept_and_the_outside_ones_vote(make_files):
    neutral, undecided, _ = iemocap.read(make_files(CORPUS))[0]
    assert neutral.annotators == {
        "C-E2": ["neutral"],
        "C-E3": ["neutral"],
        "C-E4": ["neutral", "anger"],
        "C-F1": ["frustration"],
    }
    assert neutral.votes == {"neutral": 3, "anger": 1}
    assert undecided.votes == {"excitement": 1, "other": 1, "surprise": 1}
    assert "C-M1" not in undecided.annotators  # an empty line is no vote


def test_data_dir_has_the_votes_the_dialogues_and_the_dimensions(make_files, tmp_path):
    records.write_data_dir(tmp_path / "data", *iemocap.read(make_files(CORPUS)))
    first = {path.name: path.read_text().split("\n")[0] for path in (tmp_path / "data").iterdir()}
    utt = "Ses01F-Ses01F_impro01-F000"
    assert first["utt2votes"] == f"{utt} anger:1 neutral:3"
    assert first["utt2annotators"] == f"{utt} C-E2=neutral C-E3=neutral C-E4=neutral,anger C-F1=frustration"
    assert first["utt2dims"] == f"{utt} 2.5 2.5 2.5"
    assert first["utt2dialogue"] == f"{utt} Ses01F_impro01"
    assert first["utt2style"] == f"{utt} impro"


def test_every_label_of_the_corpus_has_a_name():
    assert set(iemocap.EMOTIONS.values()) <= set(records.EMOTIONS)
    words = ["Neutral state", "Happiness", "Sadness", "Anger", "Surprise", "Fear", "Disgust", "Frustration", "Excited"]
    labels = ["neutral", "happiness", "sadness", "anger", "surprise", "fear", "disgust", "frustration", "excitement"]
    assert [iemocap.WORDS[word.lower()[:3]] for word in words] == labels


def test_annotators_unknown_word_counts_as_other_and_is_said(make_files, caplog):
    corpus = make_files(CORPUS | {EVALUATION: SCRIPT.replace("Excited;", "Puzzled;")})
    assert iemocap.read(corpus)[0][2].votes == {"other": 1}
    assert f"{EVALUATION}:4: 'Puzzled' is none of the corpus's emotions" in caplog.text


def test_utterances_without_audio_are_left_out_and_those_without_transcription_have_no_words(make_files):
    corpus = make_files(CORPUS | {"Session2/dialog/transcriptions/Ses02M_script01_1b.txt": "\n"})
    (corpus / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M000.wav").unlink()
    utterances, left_out = iemocap.read(corpus)
    assert [item[:2] for item in left_out] == [("Ses01F_impro01_M000", "missing audio file")]
    assert [utterance.text for utterance in utterances] == ["Excuse me.", ""]


def test_corpus_without_any_transcription_is_one_of_speech_alone(make_files, tmp_path, caplog):
    corpus = make_files({name: text for name, text in CORPUS.items() if "transcriptions" not in name})
    utterances, left_out = iemocap.read(corpus)
    assert [utterance.text for utterance in utterances] == [None, None, None] and not left_out
    assert "3 of 3 utterances have no transcription: only systems that use speech alone can use them" in caplog.text
    records.write_data_dir(tmp_path / "data", utterances)
    assert not (tmp_path / "data" / "text").exists()


def test_missing_session_is_named(make_files, caplog):
    iemocap.read(make_files(CORPUS))
    assert "no folder Session3, Session4, Session5: these sessions, and their folds, are missing" in caplog.text


def test_suffixes_and_junk_are_no_matter(make_files):
    files = {name.replace(".wav", ".WAV").replace("Session2", "session2"): text for name, text in CORPUS.items()}
    junk = {f"Session1/dialog/EmoEvaluation/{name}": "junk" for name in ("._a.txt", ".DS_Store", "Thumbs.db")}
    utterances, left_out = iemocap.read(make_files(files | junk | {"session2/sentences/wav/@eaDir/a.wav": "junk"}))
    assert len(utterances) == 3 and not left_out


def test_evaluation_that_is_there_twice_passes_if_it_says_the_same(make_files, tmp_path):
    copy = EVALUATION.replace(".txt", " (1).txt")
    records.write_data_dir(tmp_path / "data", *iemocap.read(make_files(CORPUS | {copy: SCRIPT})))
    assert "equal to " + str(tmp_path / "corpus" / copy) + ":3" in (tmp_path / "data" / "left_out").read_text()
    assert len((tmp_path / "data" / "utt2emo").read_text().splitlines()) == 3


def test_recording_that_no_evaluation_has_is_left_out_by_name(make_files):
    copy = "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M000 (1).wav"
    utterances, left_out = iemocap.read(make_files(CORPUS | {copy: None}))
    assert len(utterances) == 3
    assert left_out == [("Ses01F_impro01_M000 (1).wav", "not in dialog/EmoEvaluation", False)]


def test_transcription_that_is_there_twice_passes_if_it_says_the_same(make_files):
    name = next(name for name in CORPUS if "transcriptions" in name)
    copy = name.replace(".txt", " (1).txt")
    corpus = make_files(CORPUS | {copy: CORPUS[name]})
    assert len(iemocap.read(corpus)[0]) == 3
    (corpus / copy).write_text(CORPUS[name].replace("Excuse me", "Excuse you").replace("]: ", "]: Well, "))
    with pytest.raises(SerError, match=r"\(1\).txt and .*txt: other words of Ses.*; remove one of the two"):
        iemocap.read(corpus)


def test_evaluations_that_differ_are_refused_with_both_files(make_files, tmp_path):
    copy = EVALUATION.replace(".txt", " (1).txt")
    corpus = make_files(CORPUS | {copy: SCRIPT.replace("exc", "neu")})
    with pytest.raises(SerError, match=r"comes twice, with differences: .*1b \(1\).txt:3, .*1b.txt:3; remove one"):
        records.write_data_dir(tmp_path / "data", *iemocap.read(corpus))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\texc\t", "\tjoy\t", r"Ses02M_script01_1b.txt:3: expected an emotion of .* found 'joy'"),
        ("\texc\t", " exc ", r"Ses02M_script01_1b.txt:3: expected '\[start - end\]', name, emotion"),
        ("Ses02M_script01_1b_F003", "Ses02_x", r"Ses02M_script01_1b.txt:3: expected a name like .* found 'Ses02_x'"),
    ],
)
def test_bad_label_line_is_refused_with_its_number(make_files, old, new, message):
    with pytest.raises(SerError, match=message):
        iemocap.read(make_files(CORPUS | {EVALUATION: SCRIPT.replace(old, new)}))


def test_the_map_of_system_b_takes_excitement_and_no_happiness():
    names = {"anger", "excitement", "neutral", "sadness"}
    assert read_label_map("conf/emotions/asr_tdnn4.map") == {name: name for name in names}


REAL = Path(__file__).parents[3] / "shared" / "corpora" / "IEMOCAP_full_release"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real IEMOCAP is not beside the repository")
def test_the_sessions_of_system_b_are_the_papers():
    mapping = read_label_map("conf/emotions/asr_tdnn4.map")
    counts = Counter((item.fold, mapping.get(item.emotion)) for item in iemocap.read(REAL)[0])
    found = {fold: [counts[fold, name] for name in sorted(set(mapping.values()))] for fold in "12345"}
    assert found == {  # anger, excitement, neutral, sadness: table 1 of Zhou and Beigi
        "1": [229, 143, 384, 194], "2": [137, 210, 362, 197], "3": [240, 151, 320, 305], "4": [327, 238, 258, 143],
        "5": [170, 299, 384, 245],
    }  # fmt: skip


def test_folder_of_another_corpus_is_refused(make_files):
    with pytest.raises(SerError, match="no folder Session1 to Session5"):
        iemocap.read(make_files({"AudioWAV/a.wav": None}))


def test_session_without_labels_is_named(make_files):
    with pytest.raises(SerError, match=r"Session3/dialog/EmoEvaluation: no .txt file in it"):
        iemocap.read(make_files(CORPUS | {"Session3/dialog/avi/a.avi": ""}))
