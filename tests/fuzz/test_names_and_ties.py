"""Files as people have them, drawn: names of any kind, ids in both Unicode forms, scores that tie.

Beside test_damaged_files.py, which asks for an answer or a SerError, these ask for the right answer.
"""

import csv
import io
import itertools
import os
import shutil
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ser.corpora import musan, records
from ser.corpora.tree import escaped, is_junk
from ser.detect.detection import Detection
from ser.detect.output import format_lines
from ser.detect.text_file import read_texts
from ser.errors import SerError
from ser.kaldi import data_subset, datadir
from ser.metrics.detection import ScoredTrials

# What names on disks hold: copies, marks of systems, accents in both forms, Latin-1 bytes, what tables give a meaning.
PARTS = [
    "a",
    "00001",
    " (1)",
    " - Copy",
    "._",
    ".DS_Store",
    "@eaDir",
    "lost+found",
    "e\u0301",
    "\u00e9",
    "\udcfc",
    "\n",
]
PARTS += ["\r", "\t", " ", "|", "]", "[0:9]", ":30", ",", '"', "'", "-", "\u2028", "\ufeff", "$(x)", "#", "%20"]
names = (
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join).filter(lambda name: name not in (".", ".."))
)
suffixes = st.sampled_from([".wav", ".WAV", ".Flac", ".mp3", ".M4a"])


def test_no_recording_of_a_corpus_is_lost_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LARGEST_LOSS", 1.0)

    @given(st.lists(st.tuples(names, suffixes).map("".join), max_size=5, unique=True))
    def try_one(files: list[str]) -> None:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            corpus, data = Path(folder, "musan"), Path(folder, "data")
            for kind in musan.KINDS:
                (corpus / kind).mkdir(parents=True)
            for number, name in enumerate([*files, "right.wav"]):
                (corpus / "noise" / name).write_bytes(b"RIFF" + bytes([number]))
            try:
                records.write_data_dir(data, *musan.read(corpus))
            except SerError as error:  # two recordings that would have one id
                assert "comes twice, with differences" in str(error)
                return
            kept = [line.split(None, 1)[1] for line in (data / "wav.scp").read_text().split("\n")[:-1]]
            listed = (data / "left_out").read_text()
            datadir.validate(data, feats=False, text=False)
            # An .mp3 beside the .wav of its name is passed over, since the .wav is kept or listed.
            stems = {os.path.splitext(name)[0] for name in files if name.lower().endswith(musan.SUFFIXES)}
            for name in files:
                stem, suffix = os.path.splitext(name)
                beside = suffix.lower() not in musan.SUFFIXES and stem in stems
                said = escaped(name) in listed or beside or is_junk(name)
                assert said or str(corpus / "noise" / name) in kept, (name, kept, listed)

    try_one()


def test_any_name_is_one_row():
    @given(names)
    def try_one(name: str) -> None:
        found = Detection(name, 0.0, 1.0, 0.5, "speech", "joy", {"joy": 1.0})
        text = "".join(f"{line}\n" for line in format_lines([found, found], ("joy",), "csv"))
        assert [row["file"] for row in csv.DictReader(io.StringIO(text, newline=""))] == [name, name]
        for form in ("table", "json"):
            assert len("\n".join(format_lines([found, found], ("joy",), form)).splitlines()) == (
                3 if form == "table" else 2
            )

    try_one()


def test_words_behind_a_tab_are_those_of_the_named_recording(tmp_path):
    @given(st.lists(st.tuples(names, suffixes).map("".join), min_size=1, max_size=4, unique_by=_compose))
    def try_one(files: list[str]) -> None:
        # A table has no tab or line feed in a name, nor blanks at its ends.
        assume(all(name.strip() == name and not set(name) & set("\t\n\r\ufeff\udcfc") for name in files))
        recordings = [Path("/x", folder, name) for folder in "ab" for name in files]
        (tmp_path / "words").write_text("".join(f"{path}\t{n} of them\n" for n, path in enumerate(recordings)), "utf-8")
        expected = {path: f"{n} of them" for n, path in enumerate(recordings)}
        assert read_texts(tmp_path / "words", recordings) == expected

    try_one()


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def test_ids_in_either_unicode_form_are_mended_or_refused(tmp_path):
    letters = st.sampled_from(["a", "e\u0301", "\u00e9", "u\u0308", "1"])
    ids = st.lists(letters, min_size=1, max_size=3).map("".join)
    form = st.sampled_from(["NFC", "NFD"])

    @given(st.lists(ids, min_size=1, max_size=3, unique_by=_compose), st.lists(form, min_size=3, max_size=3))
    def try_one(speakers: list[str], forms: list[str]) -> None:
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        (tmp_path / "data").mkdir()
        for table, which in zip(("utt2spk", "text", "utt2emo"), forms, strict=True):
            rows = [unicodedata.normalize(which, f"{spk}-1 {spk}") for spk in speakers]
            (tmp_path / "data" / table).write_text("".join(f"{row}\n" for row in sorted(rows)), "utf-8")
        data_subset.fix(tmp_path / "data")
        try:
            datadir.validate(tmp_path / "data", feats=False, wav=False)
        except SerError as error:  # of two speakers one may begin the other
            assert "not sorted by speaker" in str(error)
        assert len(datadir.read_table(tmp_path / "data", "utt2spk")) == len(speakers)

    try_one()


def test_ties_cross_on_the_lines_of_the_roc():
    scores = st.lists(st.integers(-2, 2), min_size=1, max_size=12)

    @given(scores, scores)
    def try_one(target: list[int], nontarget: list[int]) -> None:
        one, other = (np.array(part, np.float32) for part in (target, nontarget))
        trials = ScoredTrials.of(np.concatenate([one, other]), np.arange(len(one) + len(other)) < len(one))
        thresholds = [*np.unique([*target, *nontarget]), np.inf]
        points = [(np.mean(one < threshold), np.mean(other >= threshold)) for threshold in thresholds]
        if trials.ties_at_eer():
            ends = next((a, b) for a, b in itertools.pairwise(points) if b[0] >= b[1])
            (miss, alarm), (more, fewer) = ends
            share = (alarm - miss) / (more - miss + alarm - fewer)
            assert trials.eer() == pytest.approx(miss + share * (more - miss), abs=1e-9)
        costs = [0.1 * miss + 0.9 * alarm for miss, alarm in points]
        assert trials.min_dcf(0.1) == pytest.approx(min(costs) / 0.1, abs=1e-9)

    try_one()
