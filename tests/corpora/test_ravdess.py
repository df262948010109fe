from collections import Counter

import pytest

from ser.corpora import ravdess, records
from ser.errors import SerError

CORPUS = {
    "Actor_01/03-01-05-02-01-01-01.wav": None,
    "Actor_02/03-01-02-01-02-01-02.flac": None,
    "Actor_02/03-02-02-01-02-01-02.wav": None,  # song
    "Actor_02/02-01-02-01-02-01-02.mp4": "",  # video
}


def test_name_gives_actor_sex_emotion_intensity_and_sentence(make_files):
    utterances, left_out = ravdess.read(make_files(CORPUS), 2)
    assert left_out == []
    assert [(item.spk, item.gender, item.emotion, item.intensity, item.text) for item in utterances] == [
        ("ravdess01", "m", "anger", "strong", "Kids are talking by the door."),
        ("ravdess02", "f", "calm", "normal", "Dogs are sitting by the door."),
    ]


def test_ids_are_opaque_and_do_not_depend_on_the_audio_format(make_files):
    utterances, _ = ravdess.read(make_files(CORPUS), 2)
    assert utterances[0].utt == f"ravdess01-01-{records.opaque('03-01-05-02-01-01-01')}"
    assert not any("05-02" in utterance.utt for utterance in utterances)


def test_archives_own_folder_is_found(make_files):
    corpus = make_files({f"Audio_Speech_Actors_01-24/{name}": text for name, text in CORPUS.items()})
    assert len(ravdess.read(corpus, 2)[0]) == 2


def test_whole_corpus_has_four_actors_a_fold_two_of_each_sex(make_files):
    names = [f"Actor_{actor:02d}/03-01-01-01-01-01-{actor:02d}.wav" for actor in range(1, 25)]
    utterances, _ = ravdess.read(make_files(dict.fromkeys(names)), 6)
    assert set(Counter((item.fold, item.gender) for item in utterances).values()) == {2}
    assert len({item.fold for item in utterances}) == 6


def test_emoboxs_folds_have_each_actor_once_and_each_fold_four(make_files):
    names = [f"Actor_{actor:02d}/03-01-01-01-01-01-{actor:02d}.wav" for actor in range(1, 25)]
    utterances, _ = ravdess.read(make_files(dict.fromkeys(names)), None)
    folds = {item.spk: item.fold for item in utterances}
    assert len(folds) == 24 and set(Counter(folds.values()).values()) == {4}
    assert [spk for spk, fold in sorted(folds.items()) if fold == "3"] == [
        f"ravdess{n}" for n in ("08", "09", "19", "23")
    ]


def test_same_clip_in_two_formats_is_refused(make_files, tmp_path):
    corpus = make_files(CORPUS | {"Actor_01/03-01-05-02-01-01-01.flac": "not the same bytes"})
    with pytest.raises(SerError, match=r"comes twice, with differences: .*01.flac, .*01.wav"):
        records.write_data_dir(tmp_path / "data", *ravdess.read(corpus, 2))


def test_clips_are_found_whatever_suffixes_and_folders_are_called(make_files, caplog):
    corpus = make_files(
        {
            "actor_01/03-01-05-02-01-01-01.WAV": None,
            "more/of it/ACTOR_02/03-01-02-01-02-01-02.Flac": None,
            "more/Audio_Speech_Actors_01-24/Actor_03/03-01-02-01-02-01-03.wav": None,
            "Actor_04/03-01-02-01-02-01-04.mp3": None,
        }
    )
    utterances, left_out = ravdess.read(corpus, 2)
    assert sorted(utterance.spk for utterance in utterances) == ["ravdess01", "ravdess02", "ravdess03"]
    assert left_out == [("03-01-02-01-02-01-04.mp3", "neither .wav nor .flac: convert it", False)]
    assert "no clip of 21 of the 24 actors: 04 05 06" in caplog.text


@pytest.mark.parametrize("name", ["._x.wav", ".DS_Store", "lost+found/a.wav", "@eaDir/x.wav", "__MACOSX/._y.wav"])
def test_what_systems_strew_is_passed_over(make_files, name):
    utterances, left_out = ravdess.read(make_files(CORPUS | {f"Actor_01/{name}": "junk", name: "junk"}), 2)
    assert len(utterances) == 2 and left_out == []


def test_corpus_that_lies_there_twice_is_taken_once(make_files, tmp_path):
    corpus = make_files(CORPUS | {f"audio_speech_actors_01-24/{name}": text for name, text in CORPUS.items()})
    records.write_data_dir(tmp_path / "data", *ravdess.read(corpus, 2))
    assert len((tmp_path / "data" / "utt2spk").read_text().splitlines()) == 2
    listed = (tmp_path / "data" / "left_out").read_text().splitlines()
    assert len(listed) == 2 and all("twice in the corpus: equal to " in line for line in listed)


def test_file_of_another_name_is_left_out(make_files):
    _, left_out = ravdess.read(make_files(CORPUS | {"Actor_01/take1.wav": None, "Actor_01/._a.wav": ""}), 2)
    assert left_out == [("take1.wav", "name not of RAVDESS", False)]


def test_folder_of_another_corpus_is_refused(make_files):
    with pytest.raises(SerError, match="no folder Actor_01 to Actor_24"):
        ravdess.read(make_files({"AudioWAV/a.wav": None}), 6)


def test_real_clips_are_all_read(real_corpus, tmp_path):
    utterances, left_out = ravdess.read(real_corpus("ravdess"), 6)
    records.write_data_dir(tmp_path / "data", utterances, left_out, ravdess.PUBLISHED)
    assert (len(utterances), left_out) == (720, [])
    counts = Counter(utterance.emotion for utterance in utterances)
    assert counts.pop("neutral") == 48
    assert set(counts.values()) == {96} and len(counts) == 7
    assert set(Counter(utterance.fold for utterance in utterances).values()) == {120}
