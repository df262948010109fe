"""Corpora whose file names tell all, each on a tree that is made by its naming, whole where that is small."""

import importlib
import itertools
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from ser.corpora import emodb, enterface, esd, jl, named_clips, records, shemo, tess
from ser.corpora.records import Utterance
from ser.errors import SerError


def emodb_tree():
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    return [f"wav/{spk}{s}{e}a.wav" for spk, s, e in itertools.product(speakers, emodb.SENTENCES, "WLEAFTN")]


def tess_tree():
    folders = {"angry": "angry", "disgust": "disgust", "fear": "Fear", "happy": "happy", "neutral": "neutral"}
    folders |= {"ps": "Pleasant_surprise", "sad": "Sad"}
    return [
        f"{spk}_{folder}/{spk}_{word}_{emotion}.wav"
        for spk, word, (emotion, folder) in itertools.product(("OAF", "YAF"), ("back", "bite"), folders.items())
    ]


def emovo_tree():
    sentences = [f"{kind}{n}" for kind, many in {"b": 3, "l": 4, "n": 5, "d": 2}.items() for n in range(1, many + 1)]
    emotions = ("dis", "gio", "neu", "pau", "rab", "sor", "tri")
    return [
        f"EMOVO/{spk}/{emotion}-{spk}-{sentence}.wav"
        for spk, emotion, sentence in itertools.product(("f1", "f2", "f3", "m1", "m2", "m3"), emotions, sentences)
    ]


def shemo_tree():
    speakers = [f"F{n:02d}" for n in range(1, 32)] + [f"M{n:02d}" for n in range(1, 57)]
    return [
        f"{'female' if spk[0] == 'F' else 'male'}/{spk}{emotion}{n:02d}.wav"
        for spk, emotion, n in itertools.product(speakers, "AHNSWF", (1, 2))
    ]


def cafe_tree():
    folders = {"C": "Colère", "D": "Dégoût", "J": "Joie", "P": "Peur", "S": "Surprise", "T": "Tristesse"}
    names = [f"Neutre/{actor:02d}-N-0-{s}.wav" for actor in range(1, 13) for s in range(1, 7)]
    return names + [
        f"{folders[emotion]}/{('Faible', 'Fort')[level - 1]}/{actor:02d}-{emotion}-{level}-{sentence}.wav"
        for actor, emotion, level, sentence in itertools.product(range(1, 13), folders, (1, 2), range(1, 7))
    ]


def jl_tree():
    return [
        f"Raw JL corpus/JL(wav+txt)/{spk}_{word}_{sentence}{session}_{take}.wav"
        for spk, word, sentence, session, take in itertools.product(
            ("female1", "female2", "male1", "male2"), jl.WORDS, range(1, 16), "ab", (1, 2)
        )
    ]


def enterface_tree():
    return [
        f"enterface database/subject {spk}/{emotion}/sentence {n}/s{spk}_{emotion[:2]}_{n}.wav"
        for spk, emotion, n in itertools.product(range(1, 13), enterface.EMOTIONS, range(1, 6))
    ]


def esd_tree():
    return [
        f"{spk:04d}/{emotion}/{spk:04d}_{350 * place + n:06d}.wav"
        for spk in range(1, 21)
        for place, emotion in enumerate(("Neutral", "Angry", "Happy", "Sad", "Surprise"))
        for n in range(1, 5)
    ]


TREES = {
    # name: tree, folds, clips, speakers, share of men, emotions
    "emodb": (emodb_tree, 5, 700, 10, 0.5, 7),
    "tess": (tess_tree, 2, 28, 2, 0.0, 7),
    "emovo": (emovo_tree, 3, 588, 6, 0.5, 7),
    "shemo": (shemo_tree, 5, 1044, 87, 56 / 87, 6),
    "cafe": (cafe_tree, 6, 936, 12, 0.5, 7),
    "jl": (jl_tree, 4, 2400, 4, 0.5, 10),
    "enterface": (enterface_tree, 6, 360, 12, None, 6),
    "esd": (esd_tree, 5, 400, 20, None, 5),
}


@pytest.mark.parametrize("name", TREES)
def test_names_tell_speakers_sexes_emotions_and_folds_are_of_speakers(make_files, tmp_path, name):
    tree, folds, clips, speakers, men, emotions = TREES[name]
    module = importlib.import_module(f"ser.corpora.{name}")
    utterances, left_out = module.read(make_files(dict.fromkeys(tree())), folds)
    assert (len(utterances), left_out) == (clips, [])
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    of_speaker = {item.spk: item for item in utterances}
    assert len(of_speaker) == speakers
    counts = Counter(item.emotion for item in utterances)
    assert len(counts) == emotions and set(counts) <= set(records.EMOTIONS)
    if men is None:
        assert {item.gender for item in utterances} == {None}
    else:
        assert sum(item.gender == "m" for item in of_speaker.values()) == round(men * speakers)
    in_folds = defaultdict(set)
    for item in utterances:
        in_folds[item.spk].add(item.fold)
    assert all(len(found) == 1 for found in in_folds.values())
    sizes = Counter(fold for (fold,) in in_folds.values())
    assert len(sizes) == folds and max(sizes.values()) - min(sizes.values()) <= 1
    # An id tells no emotion: its end is the digest of the name.
    assert all(len(item.utt.split("-")[-1]) == 8 for item in utterances)


@pytest.mark.parametrize("name", TREES)
def test_folder_of_another_corpus_is_refused_with_the_layout(make_files, name):
    module = importlib.import_module(f"ser.corpora.{name}")
    with pytest.raises(SerError, match=r"no clip of .* in it; give the folder that has "):
        module.read(make_files({"AudioWAV/1001_DFA_ANG_XX.wav": None}), 2)


@pytest.mark.parametrize(
    ("name", "clip", "expected"),
    [
        ("emodb", "wav/03a01Wa.wav", ("anger", "m", "Der Lappen liegt auf dem Eisschrank.", None)),
        ("emodb", "wav/16b10Lb.wav", ("boredom", "f", "Die wird auf dem Platz sein, wo wir sie immer hinlegen.", None)),
        ("tess", "OAF_neutral/OA_bite_neutral.wav", ("neutral", "f", "Say the word bite.", None)),
        ("tess", "YAF_pleasant_surprised/YAF_ring_ps.wav", ("surprise", "f", "Say the word ring.", None)),
        ("emovo", "f2/rab-f2-n5.wav", ("anger", "f", None, None)),
        ("cafe", "Peur/Fort/08-P-2-3.wav", ("fear", "f", "Trois cygnes aveugles au bord du lac.", "strong")),
        ("cafe", "Neutre/01-N-0-1.wav", ("neutral", "m", "Un cheval fou dans mon jardin.", "normal")),
        ("shemo", "male/M56W110.wav", ("surprise", "m", None, None)),
        ("jl", "male2_concerned_6b_1.wav", ("concern", "m", None, None)),
        ("enterface", "subject 3/anger/sentence 1/s_3_an_1.wav", ("anger", None, None, None)),
        ("enterface", "subject 6/fear/s6_fe_2.wav", ("fear", None, None, None)),
    ],
)
def test_a_clip_is_what_its_name_says(make_files, name, clip, expected):
    module = importlib.import_module(f"ser.corpora.{name}")
    (item,), left_out = module.read(make_files({clip: None}), 0)
    assert left_out == []
    assert (item.emotion, item.gender, item.text, item.intensity) == expected


def test_emodb_2_with_the_tables_of_audformat_is_read_as_the_first_version(make_files):
    names = dict.fromkeys(emodb_tree())
    tables = {
        "db.yaml": "name: emodb\nusage: unrestricted\n",
        "db.files.csv": "file,duration,speaker,transcription\nwav/03a01Fa.wav,0 days 00:00:01.898250,3,a01\n",
        "db.emotion.csv": "file,emotion,emotion.confidence\nwav/03a01Fa.wav,happiness,0.9\n",
        "db.emotion.categories.train.gold_standard.csv": "file,emotion\nwav/03a01Fa.wav,happiness\n",
    }
    first, _ = emodb.read(make_files(names), 5)
    second, left_out = emodb.read(make_files(tables), 5)
    assert second == first and len(second) == 700
    assert left_out == []


def test_capital_suffixes_and_the_files_of_a_mac_do_no_harm(make_files):
    corpus = make_files(
        {"wav/03a01Wa.WAV": None, "wav/._03a01Wa.wav": "", "__MACOSX/wav/03a01Wa.wav": "", "erkennung.txt": ""}
    )
    utterances, left_out = emodb.read(corpus, 0)
    assert (len(utterances), left_out) == (1, [])


@pytest.mark.parametrize(
    ("module", "clip", "junk"),
    [
        (jl, "male1_angry_10a_1.wav", "__MACOSX/._male1_angry_10a_1.txt"),
        (jl, "male1_angry_10a_1.wav", "@eaDir/male1_angry_10a_1.txt"),
        (esd, "0011/Angry/0011_000351.wav", "@eaDir/0011.txt"),
        (enterface, "subject 3/anger/sentence 1/s_3_an_1.wav", "subject 3/._s_3_an_2_avi"),
        (enterface, "subject 3/anger/sentence 1/s_3_an_1.wav", "@eaDir/s_3_an_2avi"),
    ],
)
def test_junk_is_neither_words_nor_a_film(make_files, module, clip, junk):
    (item,), left_out = module.read(make_files({clip: None, junk: "0011_000351\tjunk\tAngry\n"}), 0)
    assert item.text is None and left_out == []


def test_corpus_that_lies_there_twice_is_read_once(make_files):
    tree = tess_tree()
    corpus = make_files(dict.fromkeys([*tree, *(f"TESS/{name}" for name in tree)]))
    utterances, left_out = tess.read(corpus, 2)
    assert len(utterances) == 28
    assert len(left_out) == 28 and all(item.chosen and item.reason.startswith("the same clip") for item in left_out)


def test_empty_and_strange_files_are_named(make_files):
    corpus = make_files({"wav/03a01Wa.wav": None, "wav/03a01Xa.wav": None, "wav/08a01Wa.wav": ""})
    _, left_out = emodb.read(corpus, 0)
    assert [(item.name, item.reason) for item in left_out] == [
        ("wav/03a01Xa.wav", "name not of EmoDB"),
        ("wav/08a01Wa.wav", "empty audio file"),
    ]


def test_enterface_takes_the_speaker_from_the_folder_and_names_the_file_without_a_dot(make_files):
    corpus = make_files(
        {
            "subject 11/anger/sentence 1/s12_an_1.wav": None,
            "subject 12/anger/sentence 1/s12_an_1.wav": None,
            "subject 16/surprise/sentence 3/s16_su_3avi": "x",
        }
    )
    utterances, left_out = enterface.read(corpus, 0)
    assert [item.spk for item in utterances] == ["enterface11", "enterface12"]
    assert left_out == [("s16_su_3avi", "no suffix: rename it", False)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "utf-8-sig"])
def test_esd_reads_the_words_whatever_their_encoding(make_files, encoding):
    corpus = make_files(dict.fromkeys(esd_tree()))
    (corpus / "0001/0001.txt").write_bytes("0001_000001\t打远一看，它们的确很是美丽，\t中立\r\n".encode(encoding))
    utterances, _ = esd.read(corpus, 5, "mandarin")
    texts = {Path(item.wav).stem: item.text for item in utterances}
    assert texts["0001_000001"] == "打远一看，它们的确很是美丽，"
    assert texts["0001_000002"] == "" and len(texts) == 200


def test_esd_by_language_leaves_the_other_out_by_choice_and_knows_its_parts(make_files):
    tree = [name.replace("/0011_", "/train/0011_") for name in esd_tree()]
    utterances, left_out = esd.read(make_files(dict.fromkeys(tree)), 5, "english")
    assert {item.spk for item in utterances} == {f"esd00{n}" for n in range(11, 21)}
    assert Counter(item.part for item in utterances) == {"none": 180, "train": 20}
    assert len(left_out) == 200 and all(item.chosen for item in left_out)


def test_words_of_jl_and_shemo_are_read_where_they_are(make_files):
    corpus = make_files(
        {"male1_angry_1a_1.wav": None, "male1_angry_1a_1.txt": "Tom beats \n that farmer", "male1_sad_1a_1.wav": None}
    )
    assert [item.text for item in jl.read(corpus, 0)[0]] == ["Tom beats that farmer", ""]
    corpus = make_files(
        {"f/F01A01.wav": None, "f/F01N01.wav": None, "shemo.json": '{"F01A01": {"transcript": " سلام "}}'}
    )
    assert [item.text for item in shemo.read(corpus, 0)[0]] == ["سلام", ""]
    (corpus / "shemo.json").write_text("[1]")
    with pytest.raises(SerError, match=r"shemo.json: expected an object of clips"):
        shemo.read(corpus, 0)


def test_speakers_who_meet_stay_in_one_fold():
    # a meets b in a dialogue, b meets c in a recording; d and e meet nobody.
    made = [
        Utterance("a-1", "a", emotion="anger", dialogue="one"),
        Utterance("b-1", "b", emotion="sadness", dialogue="one"),
        Utterance("b-2", "b", emotion="anger", segment=("rec", 0.0, 1.0)),
        Utterance("c-1", "c", emotion="anger", segment=("rec", 1.0, 2.0)),
        Utterance("d-1", "d", emotion="anger"),
        Utterance("e-1", "e", emotion="sadness"),
    ]
    folds = {item.spk: item.fold for item in named_clips.with_speaker_folds(made, 2)}
    assert folds["a"] == folds["b"] == folds["c"] != folds["d"] == folds["e"]
    with pytest.raises(SerError, match="4 folds of 3 speakers, or groups of speakers who speak together"):
        named_clips.with_speaker_folds(made, 4)
