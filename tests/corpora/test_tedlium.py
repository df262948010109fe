from pathlib import Path

import numpy as np
import pytest

from ser.corpora import records, tedlium
from ser.errors import SerError
from ser.kaldi import audio
from ser.toy.asr import write_sphere

SECONDS = 3.0
STM = """talk 1 talk 0.50 1.25 <o,f0,male> it 's one
talk 1 talk 1.25 2.90 <o,f0,male> two {NOISE}
talk 1 inter_segment_gap 2.90 3.00 <o,,unknown> ignore_time_segment_in_scoring
"""


def write(corpus: Path, part: str = "train", stm: str = STM, name: str = "talk") -> Path:
    for folder in ("stm", "sph"):
        (corpus / part / folder).mkdir(parents=True, exist_ok=True)
    (corpus / part / "stm" / f"{name}.stm").write_text(stm)
    samples = 0.1 * np.random.default_rng(0).standard_normal(int(SECONDS * 16000))
    write_sphere(corpus / part / "sph" / f"{name}.sph", samples.astype(np.float32))
    return corpus


def test_segments_become_utterances_of_their_talk(tmp_path: Path):
    utterances, left_out = tedlium.read(write(tmp_path), "train")
    assert [(item.utt, item.spk, item.text) for item in utterances] == [
        ("talk-0000050-0000125", "talk", "it's one"),
        ("talk-0000125-0000290", "talk", "two [NOISE]"),
    ]
    # Those of training are widened, but not past the end.
    assert [item.segment for item in utterances] == [("talk", 0.35, 1.35), ("talk", 1.1, 3.0)]
    assert [(item.reason, item.chosen) for item in left_out] == [("not to be scored, as its stm file says", True)]


def test_the_data_dir_reads_spheres(tmp_path: Path):
    utterances, left_out = tedlium.read(write(tmp_path, "dev"), "dev")
    records.write_data_dir(tmp_path / "data", utterances, left_out)
    waves = dict(audio.read_waves(f"scp:{tmp_path}/data/wav.scp", 16000, f"{tmp_path}/data/segments"))
    assert [len(waves[item.utt]) for item in utterances] == [12000, 26400]


def test_times_past_the_audio_are_left_out_by_name(tmp_path: Path):
    stm = STM + "talk 1 talk 2.00 9.00 <o,f0,male> late\ntalk 1 talk 3.40 3.45 <o,f0,male> later\n"
    _, left_out = tedlium.read(write(tmp_path, "dev", stm), "dev")
    assert [(item.name, item.reason) for item in left_out if not item.chosen] == [
        ("talk-0000200-0000900", "segment past the end of its recording: 9 of 3.00 s"),
        ("talk-0000340-0000345", "segment past the end of its recording: 3.45 of 3.00 s"),
    ]


def test_a_segment_that_ends_before_it_begins_is_left_out_by_name(tmp_path: Path):
    utterances, left_out = tedlium.read(write(tmp_path, "dev", STM + "talk 1 talk 2.00 1.00 <o,f0,male> late\n"), "dev")
    assert len(utterances) == 2
    assert [(item.name, item.reason) for item in left_out if not item.chosen] == [
        ("talk-0000200-0000100", "segment that ends before it begins: 2 to 1 s")
    ]


def test_segments_that_overlap_are_counted_and_kept(tmp_path: Path, caplog):
    utterances, left_out = tedlium.read(write(tmp_path, "dev"), "dev")
    assert len(utterances) == 2 and not caplog.records
    stm = STM + "talk 1 talk 1.00 1.50 <o,f0,male> both\n"
    utterances, left_out = tedlium.read(write(tmp_path, "dev", stm), "dev")
    assert len(utterances) == 3 and all(item.chosen for item in left_out)
    # 1.00 to 1.50 begins inside the first one, and the one that begins at 1.25 inside it.
    assert "2 segments begin before the one before them ends, e.g. talk-0000100-0000150; they are kept" in caplog.text


def test_stm_without_sph_and_sph_without_stm_are_told(tmp_path: Path):
    corpus = write(write(tmp_path, "dev"), "dev", name="other")
    (corpus / "dev" / "sph" / "talk.sph").unlink()
    (corpus / "dev" / "stm" / "other.stm").unlink()
    utterances, left_out = tedlium.read(corpus, "dev")
    assert utterances == []
    assert [(item.name, item.reason) for item in left_out] == [
        ("other.sph", "recording without an stm file"),
        ("talk-0000050-0000125", "missing audio file"),
        ("talk-0000125-0000290", "missing audio file"),
    ]
    with pytest.raises(SerError, match=r"3 of 3 utterances would have to be left out.* missing audio file"):
        records.write_data_dir(tmp_path / "data", utterances, left_out)


def change_header(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    head = data[:1024].replace(old, new)
    path.write_bytes(head[:1024].ljust(1024) + data[1024:])


def test_a_shortened_sphere_names_sph2pipe(tmp_path: Path, monkeypatch):
    corpus = write(tmp_path, "dev")
    sph = corpus / "dev" / "sph" / "talk.sph"
    change_header(sph, b"sample_coding -s3 pcm", b"sample_coding -s26 pcm,embedded-shorten-v2.00")
    monkeypatch.setenv("PATH", str(tmp_path))
    _, left_out = tedlium.read(corpus, "dev")
    assert {item.reason for item in left_out if not item.chosen} == {
        "SPHERE file compressed by shorten (install sph2pipe, which decodes it)"
    }
    (tmp_path / "sph2pipe").write_text("#!/bin/sh\n")
    (tmp_path / "sph2pipe").chmod(0o755)
    utterances, _ = tedlium.read(corpus, "dev")
    assert utterances[0].wav == f"sph2pipe -f wav -p '{sph}' |"


def test_a_truncated_sphere_is_told(tmp_path: Path):
    corpus = write(tmp_path, "dev")
    sph = corpus / "dev" / "sph" / "talk.sph"
    sph.write_bytes(sph.read_bytes()[:5000])
    _, left_out = tedlium.read(corpus, "dev")
    assert {item.reason for item in left_out if not item.chosen} == {"truncated SPHERE file"}


def test_what_is_no_sphere_is_told(tmp_path: Path):
    corpus = write(tmp_path, "dev")
    (corpus / "dev" / "sph" / "talk.sph").write_bytes(b"RIFF....WAVE")
    _, left_out = tedlium.read(corpus, "dev")
    reasons = {item.reason for item in left_out if not item.chosen}
    assert reasons == {"not a SPHERE file, it begins with b'RIFF....WAVE'; copy the corpus anew"}


def test_suffixes_and_junk_are_no_matter(tmp_path: Path):
    dev = write(tmp_path, "dev") / "dev"
    for name in ("stm/._talk.stm", "stm/.DS_Store", "stm/@eaDir/a.stm", "sph/._talk.sph", "sph/@eaDir/a.sph"):
        (dev / name).parent.mkdir(exist_ok=True)
        (dev / name).write_bytes(b"\0\5\x16\7 Mac")
    (dev / "stm" / "talk.stm").rename(dev / "stm" / "talk.STM")
    (dev / "sph" / "talk.sph").rename(dev / "sph" / "talk.Sph")
    utterances, left_out = tedlium.read(tmp_path, "dev")
    assert len(utterances) == 2 and [item.chosen for item in left_out] == [True]


def test_another_folder_is_refused(tmp_path: Path):
    with pytest.raises(SerError, match="no stm file; give the folder TEDLIUM_release2"):
        tedlium.read(tmp_path, "train")
