"""What tells recordings apart: their samples, not their names, headers or formats."""

import numpy as np
import pytest
import soundfile

from ser.corpora import table
from ser.corpora.same_recordings import contents
from ser.corpora.table_sources import Row
from ser.errors import SerError

RATE = 16000
NOISE = np.random.default_rng(0).integers(-8000, 8000, RATE, dtype=np.int16)


def write(path, samples, **options):
    soundfile.write(path, samples, RATE, **options)
    return path


def test_same_samples_in_another_format_or_below_another_header_are_one_recording(tmp_path):
    first = write(tmp_path / "a.wav", NOISE)
    tagged = write(tmp_path / "b.wav", NOISE)
    size = tagged.stat().st_size
    with soundfile.SoundFile(tagged, "r+") as stream:
        stream.title = "a title makes a chunk of its own"
    assert tagged.stat().st_size != size
    same = [first, tagged, write(tmp_path / "c.flac", NOISE), write(tmp_path / "d.wav", NOISE, subtype="PCM_24")]
    other = write(tmp_path / "e.wav", NOISE + (np.arange(RATE) == 5).astype(np.int16))
    found = contents([*same, other])
    assert len({found[path] for path in same}) == 1 and found[other] != found[first]


def test_files_that_libsndfile_cannot_read_are_one_where_their_bytes_are(tmp_path):
    for name, data in {"a.mp4": b"film 1", "b.mp4": b"film 1", "c.mp4": b"film 2", "d.mp4": b"longer film"}.items():
        (tmp_path / name).write_bytes(data)
    torn = write(tmp_path / "e.flac", NOISE)
    torn.write_bytes(torn.read_bytes()[:-2000])  # its header is whole
    write(tmp_path / "f.flac", NOISE)
    found = contents(sorted(tmp_path.iterdir()))
    by_name = {path.name: value for path, value in found.items()}
    assert by_name["a.mp4"] == by_name["b.mp4"] and len(set(by_name.values())) == 5


def test_a_table_with_a_recording_and_its_flac_under_two_labels_is_refused_by_name(tmp_path):
    write(tmp_path / "a.wav", NOISE)
    write(tmp_path / "copy.flac", NOISE)
    rows = [Row("t:2", {"file": "a.wav", "emotion": "sad"}), Row("t:3", {"file": "copy.flac", "emotion": "happy"})]
    with pytest.raises(SerError, match=r"a\.wav and copy\.flac are one recording with two emotions, 'sadness'"):
        table.find_clips(rows, {"file": "file", "emotion": "emotion"}, tmp_path)


def read(folder, first, second):
    """Read two rows of a.wav, which is 2.012 s long: start, end, speaker, emotion."""
    if not (folder / "a.wav").exists():
        write(folder / "a.wav", np.resize(NOISE, 32192))
    names = ("file", "start", "end", "speaker", "emotion")
    rows = [
        Row(f"t.csv:{number}", dict(zip(names, ("a.wav", *row), strict=True)))
        for number, row in enumerate((first, second), start=2)
    ]
    return table.find_clips(rows, {name: name for name in names}, folder)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        (("0", "2.01"), ("", ""), "a.wav 0-2.01 s and a.wav are"),
        (("", ""), ("0", "2.5"), "a.wav and a.wav 0-2.5 s are"),
        (("0", "1.0"), ("0", "1.001"), "a.wav 0-1 s and a.wav 0-1.001 s are"),
        (("1", ""), ("1.05", "2.012"), "a.wav 1 s to its end and a.wav 1.05-2.012 s are"),
        (("", "1"), ("0.09", "1"), "a.wav 0-1 s and a.wav 0.09-1 s are"),
    ],
)
def test_spans_that_cover_nearly_the_same_time_are_one_recording(tmp_path, first, second, named):
    with pytest.raises(SerError, match=f"^{named} one recording with two emotions, 'sadness' .t.csv:2.*'happiness'"):
        read(tmp_path, (*first, "a", "sad"), (*second, "a", "happy"))
    with pytest.raises(SerError, match=f"^{named} one recording with two speakers, 'a'"):
        read(tmp_path, (*first, "a", "sad"), (*second, "b", "sad"))
    clips, left_out = read(tmp_path, (*first, "a", "sad"), (*second, "a", "sad"))
    assert [clip.where for clip in clips] == ["t.csv:2"]
    assert [(item.name, item.chosen) for item in left_out] == [("a.wav", True)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("0", "1.2"), ("0.8", "2.012")),  # speakers of a dialogue
        (("0", "0.9"), ("", "")),  # a short one inside a long one
        (("0", "1"), ("0.11", "1")),
        (("0", "1"), ("1", "")),
    ],
)
def test_spans_that_overlap_less_are_two_utterances(tmp_path, first, second):
    clips, left_out = read(tmp_path, (*first, "a", "sad"), (*second, "b", "happy"))
    assert (len(clips), left_out) == (2, [])


def test_open_end_of_a_file_of_unknown_length_is_the_same_as_its_equal_only(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"libsndfile cannot read this")
    clips, _ = read(tmp_path, ("0", "2", "a", "sad"), ("", "", "b", "happy"))
    assert len(clips) == 2
    with pytest.raises(SerError, match=r"a\.wav 1 s to its end and a\.wav 1 s to its end are one recording"):
        read(tmp_path, ("1", "", "a", "sad"), ("1", "", "b", "happy"))
