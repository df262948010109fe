import pytest

from ser.errors import SerError
from ser.kaldi import datadir


def check(path, **kwargs):
    datadir.validate(path, feats=kwargs.get("feats", False), wav=kwargs.get("wav", True), text=kwargs.get("text", True))


def test_valid_directory_passes(make_data_dir):
    check(make_data_dir())


def test_valid_directory_with_segments_passes(make_data_dir):
    path = make_data_dir()
    wav = (path / "wav.scp").read_text().split()[1]
    (path / "segments").write_text("".join(f"{utt} rec 0.5 1\n" for utt in ("a-1", "a-2", "b-1", "b-2")))
    (path / "wav.scp").write_text(f"other {wav}\nrec {wav}\n")
    (path / "reco2dur").write_text("other 1\nrec 1.0\n")
    check(path)
    (path / "reco2dur").write_text("other 1\nrec 0.4\n")
    with pytest.raises(SerError, match=r"segments: 'a-1' ends at 1 s, but its recording 'rec' has 0.4 s"):
        check(path)
    (path / "reco2dur").write_text("rec long\n")
    with pytest.raises(SerError, match=r"reco2dur: expected seconds, found 'rec long'"):
        check(path)
    (path / "reco2dur").unlink()
    (path / "wav.scp").write_text(f"other {wav}\n")
    with pytest.raises(SerError, match=r"wav\.scp: 1 recordings of segments are missing, as 'rec'"):
        check(path)


@pytest.mark.parametrize("name", ["utt2spk", "spk2utt", "wav.scp", "text", "feats.scp"])
def test_missing_file_is_named(make_data_dir, name):
    path = make_data_dir()
    (path / name).unlink(missing_ok=True)
    with pytest.raises(SerError, match=f"data: no {name}; run the step that makes it"):
        check(path, feats=name == "feats.scp")


def test_files_that_are_not_wanted_need_not_be_there(make_data_dir):
    path = make_data_dir()
    for name in ("wav.scp", "text"):
        (path / name).unlink()
    check(path, wav=False, text=False)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("utt2spk", "a-1 a\na-2 a x\n", r"utt2spk:2: expected 2 fields, found 3: 'a-2 a x'"),
        ("utt2spk", "a-2 a\na-1 a\n", r"utt2spk:2: 'a-1' after 'a-2': not sorted; run utils/fix_data_dir.sh"),
        ("utt2spk", "a-1 a\na-1 a\n", r"utt2spk:2: the key 'a-1' has an earlier line"),
        ("utt2spk", "a-1 b\na-2 a\n", r"utt2spk:2: speaker 'a' of 'a-2' after 'b': not sorted by speaker"),
        ("utt2spk", "a/1 a\n", r"utt2spk:1: '/' in the id 'a/1'"),
        ("utt2spk", "", r"utt2spk: no utterances"),
        ("utt2spk", b"a-1 \xff\n", r"utt2spk:1: not UTF-8"),
        ("spk2utt", "a a-1 a-2\nb b-1\n", r"spk2utt: not the inverse of utt2spk, as for speaker 'b'"),
        ("spk2utt", "a a-1 a-2\nb b-2 b-1\n", r"spk2utt: not the inverse of utt2spk, as for speaker 'b'"),
        ("utt2emo", "a-1 x\na-2 x\nb-1 x\n", r"utt2emo: 1 of 4 utterances of utt2spk are missing, the first 'b-2'"),
        ("utt2emo", "a-1 x\na-2 x\nb-1 x\nb-2 x\nc x\n", r"utt2emo: 1 utterances are not in utt2spk, the first 'c'"),
        ("utt2emo", "a-1 very angry\n", r"utt2emo:1: expected 2 fields, found 3: 'a-1 very angry'"),
        ("utt2other", "a-1 x y\n", r"utt2other: 3 of 4 utterances of utt2spk are missing, the first 'a-2'"),
        ("text", "a-1 x\n", r"text: 3 of 4 utterances"),
        ("vad.scp", "a-1 x\n", r"vad\.scp: 3 of 4 utterances"),
        ("wav.scp", "a-1 x\n", r"wav\.scp: 3 of 4 utterances"),
        (
            "wav.scp",
            "a-1 x.wav\na-2 y.wav\nb-1 true |\nb-2 true |\n",
            r"2 of 2 files do not exist, the first 'x\.wav' of 'a-1'",
        ),
        (
            "feats.scp",
            "a-1 x.ark:5\na-2 x.ark:9\nb-1 x.ark:80\nb-2 x.ark:90\n",
            r"1 of 1 files do not exist, the first 'x\.ark'",
        ),
        ("spk2gender", "a f\nb male\n", r"spk2gender: expected m or f, found 'b male'"),
        ("spk2gender", "a f\n", r"spk2gender: 1 of 2 speakers of utt2spk are missing, the first 'b'"),
        (
            "utt2num_frames",
            "a-1 7\na-2 x\nb-1 7\nb-2 7\n",
            r"utt2num_frames: expected a number of frames, found 'a-2 x'",
        ),
        ("utt2start", "a-1 0\na-2 soon\nb-1 1\nb-2 2\n", r"utt2start: expected seconds, 0 or more, found 'a-2 soon'"),
        ("utt2start", "a-1 0 1\n", r"utt2start:1: expected 2 fields, found 3: 'a-1 0 1'"),
        ("utt2part", "a-1 train\n", r"utt2part: 3 of 4 utterances of utt2spk are missing, the first 'a-2'"),
        ("utt2part", "a-1 the train part\n", r"utt2part:1: expected 2 fields, found 4"),
        ("utt2style", "a-1 improvised scripted\n", r"utt2style:1: expected 2 fields, found 3"),
        ("utt2type", "a-1 background music\n", r"utt2type:1: expected 2 fields, found 3"),
        ("utt2intensity", "a-1 very high\n", r"utt2intensity:1: expected 2 fields, found 3"),
        ("segments", "a-1 r 3 2\n", r"segments:1: expected 0 <= start < end, found '3 2'"),
    ],
)
def test_each_fault_is_found(make_data_dir, name, content, message):
    path = make_data_dir()
    (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SerError, match=message):
        check(path)


def test_writing_removes_the_tables_of_an_earlier_run(make_data_dir):
    path = make_data_dir()
    (path / "feats.scp").write_text("old x\n")
    (path / "frame_shift").write_text("0.01\n")
    datadir.write_data_dir(path, {"utt2spk": {"c-1": "c"}, "text": {"c-1": ""}})
    assert sorted(file.name for file in path.iterdir()) == ["frame_shift", "spk2utt", "text", "utt2spk"]
    check(path, wav=False)


@pytest.mark.parametrize(
    ("speakers", "renamed"), [(("anna", "anna-maria"), "anna_maria"), (("s1", "s1-b-c"), "s1_b_c")]
)
def test_speaker_that_begins_another_is_named_with_a_new_name(tmp_path, speakers, renamed):
    lines = [f"{spk}-{utt} {spk}\n" for spk in speakers for utt in ("a", "z")]
    (tmp_path / "utt2spk").write_text("".join(sorted(lines)))
    (tmp_path / "spk2utt").write_text("".join(f"{spk} {spk}-a {spk}-z\n" for spk in speakers))
    message = f"'{speakers[0]}' is the beginning of '{speakers[1]}', .* rename one of them, such as to '{renamed}'"
    with pytest.raises(SerError, match=message):
        check(tmp_path, feats=False, wav=False, text=False)
    for name in ("utt2spk", "spk2utt"):
        lines = (tmp_path / name).read_text().replace(speakers[1], renamed).splitlines(keepends=True)
        (tmp_path / name).write_text("".join(sorted(lines)))
    check(tmp_path, feats=False, wav=False, text=False)
