import logging

import pytest

from ser.errors import SerError
from ser.kaldi import data_subset, datadir
from ser.kaldi.tables import read_map


def valid(path):
    datadir.validate(path, feats=False)
    return list(read_map(path / "utt2spk"))


def add_segments(path):
    wav = (path / "wav.scp").read_text().split()[1]
    (path / "segments").write_text("a-1 r1 0 1\na-2 r1 1 2\nb-1 r2 0 1\nb-2 r2 1 2\n")
    (path / "wav.scp").write_text(f"r1 {wav}\nr2 {wav}\n")
    return path


def test_subset_keeps_lines_of_utterances_speakers_and_recordings(make_data_dir, tmp_path):
    data_subset.subset(add_segments(make_data_dir()), ["b-2", "nobody", "b-2"], tmp_path / "out")
    assert valid(tmp_path / "out") == ["b-2"]
    assert (tmp_path / "out/spk2gender").read_text() == "b m\n"
    assert (tmp_path / "out/spk2utt").read_text() == "b b-2\n"
    assert list(read_map(tmp_path / "out/wav.scp")) == ["r2"]


def test_subset_removes_what_an_earlier_one_left(make_data_dir, tmp_path):
    source = make_data_dir()
    data_subset.subset(source, ["a-1"], tmp_path / "out")
    (source / "utt2emo").unlink()
    data_subset.subset(source, ["a-2"], tmp_path / "out")
    assert valid(tmp_path / "out") == ["a-2"] and not (tmp_path / "out/utt2emo").exists()


@pytest.mark.parametrize(
    ("parts", "per_utterance", "expected"),
    [
        (1, False, [["a-1", "a-2", "a-3", "b-1"]]),
        (2, False, [["a-1", "a-2", "a-3"], ["b-1"]]),
        (2, True, [["a-1", "a-2"], ["a-3", "b-1"]]),
        (3, False, [["a-1"], ["a-2"], ["a-3", "b-1"]]),
        (4, False, [["a-1"], ["a-2"], ["a-3"], ["b-1"]]),
    ],
)
def test_split_keeps_order_and_speakers_together_where_it_can(tmp_path, parts, per_utterance, expected):
    utts = ["a-1", "a-2", "a-3", "b-1"]
    datadir.write_data_dir(tmp_path / "d", {"utt2spk": {utt: utt[0] for utt in utts}, "text": dict.fromkeys(utts, "x")})
    folders = data_subset.split(tmp_path / "d", parts, per_utterance)
    assert folders[0] == tmp_path / "d" / f"split{parts}{'utt' * per_utterance}" / "1"
    assert [list(read_map(folder / "text")) for folder in folders] == expected
    for folder in folders:
        datadir.validate(folder, feats=False, wav=False)


def test_split_into_more_parts_than_utterances_is_refused(make_data_dir):
    with pytest.raises(SerError, match="cannot be split into 5 parts; it has 4 utterances"):
        data_subset.split(make_data_dir(), 5)


def test_combined_directories_hold_all_utterances(make_data_dir, tmp_path):
    first = make_data_dir("first")
    data_subset.copy(first, tmp_path / "second", ("", "-noise"), ("", ""))
    data_subset.combine(tmp_path / "out", [first, tmp_path / "second"])
    assert valid(tmp_path / "out") == ["a-1", "a-1-noise", "a-2", "a-2-noise", "b-1", "b-1-noise", "b-2", "b-2-noise"]
    assert (tmp_path / "out/spk2gender").read_text() == "a f\nb m\n"


def test_table_of_one_input_alone_is_left_out_and_named(make_data_dir, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    first = make_data_dir("first")
    data_subset.copy(first, tmp_path / "second", ("", "-x"), ("", ""))
    (first / "utt2emo").unlink()
    data_subset.combine(tmp_path / "out", [first, tmp_path / "second"])
    valid(tmp_path / "out")
    assert not (tmp_path / "out/utt2emo").exists()
    assert "not in all of its parts, so left out: utt2emo" in caplog.text


def test_originals_and_copies_combine_so_that_each_utterance_names_its_original(make_data_dir, tmp_path):
    first = make_data_dir("first")
    data_subset.copy(first, tmp_path / "copies", ("", "-x"), ("", ""))
    (tmp_path / "copies/utt2uniq").write_text("a-1-x a-1\na-2-x a-2\nb-1-x b-1\nb-2-x b-2\n")
    data_subset.combine(tmp_path / "out", [first, tmp_path / "copies"])
    originals = read_map(tmp_path / "out/utt2uniq")
    assert originals["a-1"] == originals["a-1-x"] == "a-1"
    assert len(originals) == 8


def test_augmented_copies_combine_only_after_their_features_are_made(make_data_dir, tmp_path):
    first = make_data_dir("first")
    data_subset.copy(first, tmp_path / "copies", ("", "-x"), ("", ""))
    (tmp_path / "copies/utt2augment").write_text("".join(f"{utt}-x noise\n" for utt in ("a-1", "a-2", "b-1", "b-2")))
    with pytest.raises(SerError, match=r"only .*copies has utt2augment; .* combine after the features"):
        data_subset.combine(tmp_path / "out", [first, tmp_path / "copies"])
    for name, suffix in (("first", ""), ("copies", "-x")):
        lines = [f"{utt}{suffix} feats.ark:1\n" for utt in ("a-1", "a-2", "b-1", "b-2")]
        (tmp_path / name / "feats.scp").write_text("".join(lines))
    data_subset.combine(tmp_path / "out", [first, tmp_path / "copies"])
    assert not (tmp_path / "out/utt2augment").exists()


def test_inputs_that_disagree_are_refused(make_data_dir, tmp_path):
    first = make_data_dir("first")
    with pytest.raises(SerError, match=r"the utterance '...' is in another of the inputs"):
        data_subset.combine(tmp_path / "out", [first, make_data_dir("second")])
    data_subset.copy(first, tmp_path / "third", ("", "-x"), ("", ""))
    (tmp_path / "third/spk2gender").write_text("a m\nb m\n")
    with pytest.raises(SerError, match="third/spk2gender: 'a' is 'm' here, 'f' in another"):
        data_subset.combine(tmp_path / "out", [first, tmp_path / "third"])
    add_segments(first)
    with pytest.raises(SerError, match=r"only .*first has segments"):
        data_subset.combine(tmp_path / "out", [first, tmp_path / "third"])


def test_fix_sorts_keeps_what_all_tables_have_and_a_backup(make_data_dir):
    path = make_data_dir()
    (path / "utt2spk").write_text("b-2 b\nb-1 b\na-2 a\na-1 a\n")
    (path / "text").write_text("b-1 x\na-2 y\na-1 z\nzz q\n")
    (path / "utt2emo").write_text("a-2 x\nb-1 x\n")
    data_subset.fix(path)
    assert valid(path) == ["a-2", "b-1"]
    assert (path / ".backup/text").read_text() == "b-1 x\na-2 y\na-1 z\nzz q\n"


def test_fix_drops_segments_without_a_recording(make_data_dir):
    path = add_segments(make_data_dir())
    (path / "wav.scp").write_text((path / "wav.scp").read_text().splitlines(keepends=True)[1])
    data_subset.fix(path)
    assert valid(path) == ["b-1", "b-2"]


def test_fix_leaves_alone_what_has_no_remedy(make_data_dir):
    path = make_data_dir()
    (path / "text").write_text("nobody x\n")
    with pytest.raises(SerError, match="no utterance is in all of"):
        data_subset.fix(path)
    assert len(read_map(path / "utt2spk")) == 4


def test_copy_renames_utterances_speakers_and_recordings(make_data_dir, tmp_path):
    data_subset.copy(make_data_dir(), tmp_path / "out", ("p-", "-s"), ("p-", ""))
    assert valid(tmp_path / "out") == ["p-a-1-s", "p-a-2-s", "p-b-1-s", "p-b-2-s"]
    assert (tmp_path / "out/spk2gender").read_text() == "p-a f\np-b m\n"


def test_copy_keeps_recordings_of_segments(make_data_dir, tmp_path):
    data_subset.copy(add_segments(make_data_dir()), tmp_path / "out", ("", "-s"), ("", ""))
    assert valid(tmp_path / "out") == ["a-1-s", "a-2-s", "b-1-s", "b-2-s"]
    assert list(read_map(tmp_path / "out/wav.scp")) == ["r1", "r2"]


def test_folder_that_is_no_data_directory_is_refused(tmp_path):
    with pytest.raises(SerError, match="utt2spk: cannot be read"):
        data_subset.subset(tmp_path, ["a"], tmp_path / "out")
    with pytest.raises(SerError, match="no utt2spk in it; not a data directory"):
        data_subset.combine(tmp_path / "out", [tmp_path])


def test_copies_of_copies_name_the_true_original(make_data_dir, tmp_path):
    source = make_data_dir()
    data_subset.write_copies(source, tmp_path / "once", {"a-1-x": "a-1", "a-1-y": "a-1"}, ["text"])
    data_subset.write_copies(tmp_path / "once", tmp_path / "twice", {"a-1-y-z": "a-1-y"}, [])
    assert list(read_map(tmp_path / "twice/utt2spk")) == ["a-1-y-z"]
    assert read_map(tmp_path / "twice/utt2uniq") == {"a-1-y-z": "a-1"}
    assert not (tmp_path / "once/text").exists()


def test_fix_names_what_it_drops_and_why(make_data_dir, caplog):
    path = make_data_dir()
    (path / "text").write_text("a-1 x\na-2 y\nb-2 z\nstranger w\n")
    data_subset.fix(path)
    said = [message.partition("dropped ")[2] for message in caplog.messages if "dropped" in message]
    assert said == ["b-1: not in text", "stranger: in text, not in utt2spk"]
    assert (path / ".backup" / "dropped").read_text() == "b-1 not in text\nstranger in text, not in utt2spk\n"


def test_fix_names_the_first_of_many_and_where_all_are(make_data_dir, caplog):
    path = make_data_dir()
    (path / "text").write_text((path / "text").read_text() + "".join(f"z-{number:02d} w\n" for number in range(30)))
    data_subset.fix(path)
    assert caplog.messages[-1].endswith(f"dropped 10 more; all are in {path}/.backup/dropped")
    assert len((path / ".backup" / "dropped").read_text().splitlines()) == 30
