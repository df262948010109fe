"""Each kind of leak is planted in a clean pair of data dirs, and has to be found and named."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.errors import SerError
from ser.kaldi import ark, datadir
from ser.protocol import audit, recordings
from ser.protocol.inventory import Corpora, Inventory

RATE = 16000


@pytest.fixture
def make_dir(tmp_path):
    """Write a data dir: utterance -> speaker, fold, dialogue, text and name of the waveform (None: no audio)."""

    def make(name: str, utts: dict[str, tuple], **tables: dict[str, str]) -> Path:
        columns = {"utt2spk": 0, "utt2fold": 1, "utt2dialogue": 2, "text": 3}
        written = {file: {utt: row[place] for utt, row in utts.items()} for file, place in columns.items()}
        sounds = {utt: str(sound(row[4])) for utt, row in utts.items() if row[4] is not None}
        if sounds:
            written["wav.scp"] = sounds
        datadir.write_data_dir(tmp_path / name, written | tables)
        return tmp_path / name

    def sound(name: str) -> Path:
        path = tmp_path / name
        if not path.exists():
            seed = int(re.sub(r"\D", "", path.stem))
            samples = np.random.default_rng(seed).integers(-9000, 9000, 800).astype(np.int16)
            soundfile.write(path, samples, RATE)
        return path

    return make


TEST = {
    "a-1": ("a", "1", "d1", "we went to the far old house", "1.wav"),
    "a-2": ("a", "1", "d1", "no not today at all", "2.wav"),
}
TRAIN = {
    "b-1": ("b", "2", "d2", "i saw a green bird", "3.wav"),
    "b-2": ("b", "2", "d2", "what was it called again", "4.wav"),
}


def run_audit(test: Path, train: Path, corpora=()) -> dict[str, audit.Finding]:
    known = Corpora(corpora)
    found = audit.audit(Inventory(test, known), "finetune", Inventory(train, known))
    return {finding.check: finding for finding in found}


def leaks(findings: dict[str, audit.Finding]) -> list[str]:
    return [name for name, finding in findings.items() if finding.status == audit.LEAK]


def test_clean_pair_passes_every_check(make_dir):
    findings = run_audit(make_dir("test", TEST), make_dir("train", TRAIN))
    # Nothing here has a class.
    assert findings.pop(audit.SENTENCE_TABLE).status == audit.NOT_TOLD
    assert findings.pop("alike recordings").status == audit.NOT_TOLD  # no corpus has features
    assert {finding.status for finding in findings.values()} == {audit.OK}


@pytest.mark.parametrize(
    ("check", "planted", "named"),
    [
        ("speakers", {"b-3": ("a", "2", "d2", "x", "5.wav")}, "a (a-1, b-3)"),
        ("sessions", {"b-3": ("b", "1", "d2", "x", "5.wav")}, "?/1 (a-1, b-3)"),
        ("dialogues", {"b-3": ("b", "2", "d1", "x", "5.wav")}, "?/d1 (a-1, b-3)"),
        ("utterances", {"a-2": ("b", "2", "d2", "x", "5.wav")}, "a-2"),
        ("recordings", {"b-3": ("b", "2", "d2", "x", "2.wav")}, "a-2 = b-3"),
    ],
)
def test_planted_leak_is_the_only_one_found_and_is_named(make_dir, check, planted, named):
    findings = run_audit(make_dir("test", TEST), make_dir("train", TRAIN | planted))
    assert leaks(findings) == [check]
    assert findings[check].count == 1
    assert findings[check].examples == named
    assert f"1 {check} of " in findings[check].message()


def test_flac_of_a_wav_under_another_name_is_the_same_recording(make_dir, tmp_path):
    train = make_dir("train", TRAIN)
    soundfile.write(tmp_path / "other.flac", soundfile.read(tmp_path / "3.wav", dtype="int16")[0], RATE)
    test = make_dir("test", TEST | {"a-3": ("a", "1", "d1", "x", "other.flac")})
    assert leaks(run_audit(test, train)) == ["recordings"]


def test_augmented_copy_is_found_by_its_original(make_dir):
    copies = TRAIN | {"b-2-noise": ("b", "2", "d2", "x", "6.wav")}
    train = make_dir("train", copies, utt2uniq={"b-1": "b-1", "b-2": "b-2", "b-2-noise": "a-2"})
    findings = run_audit(make_dir("test", TEST), train)
    assert leaks(findings) == ["utterances"]
    assert findings["utterances"].examples == "a-2 (b-2-noise)"


def test_segments_of_one_recording_are_compared_by_their_own_samples(make_dir, tmp_path):
    test = make_dir("test", TEST)
    samples = [soundfile.read(tmp_path / f"{n}.wav", dtype="int16")[0] for n in (1, 2)]
    soundfile.write(tmp_path / "long.wav", np.concatenate([np.zeros(1600, np.int16), samples[1]]), RATE)
    for start, expected in (("0.1", ["recordings"]), ("0.0", [])):
        segments = {"b-1": f"r {start} 0.15", "b-2": "r 0.02 0.07"}
        wav = {"r": str(tmp_path / "long.wav")}
        assert leaks(run_audit(test, make_dir("train", TRAIN, **{"wav.scp": wav, "segments": segments}))) == expected


def test_dialogue_of_the_same_words_is_a_leak_among_texts_and_reported_among_recordings(make_dir):
    words = {f"c-{n}": ("c", "2", "d9", row[3].upper() + "!", None) for n, row in enumerate(TEST.values())}
    findings = run_audit(make_dir("test", TEST), make_dir("train", words))
    assert leaks(findings) == ["dialogue texts"]
    assert findings["dialogue texts"].examples == "a-1 = c-0"
    assert findings["recordings"].status == audit.NOT_TOLD
    spoken = {utt: (*row[:4], f"{utt[-1]}7.wav") for utt, row in words.items()}
    findings = run_audit(make_dir("test", TEST), make_dir("train", spoken))
    assert leaks(findings) == []
    assert findings["dialogue texts"].status == audit.SHARED


@pytest.mark.parametrize("change", ["a word", "a turn less", "a turn more", "turns joined"])
def test_dialogue_with_small_changes_is_the_same(make_dir, change):
    turns = [row[3] for row in TEST.values()] + ["then where shall we three meet again", "in the park by the lake"]
    copied = {
        "a word": [turns[0].replace("far", "very"), *turns[1:]],
        "a turn less": turns[1:],
        "a turn more": [*turns, "well good bye then my dear friend"],
        "turns joined": [f"{turns[0]} {turns[1]}", *turns[2:]],
    }[change]
    test = make_dir("test", {f"a-{n}": ("a", "1", "d1", words, None) for n, words in enumerate(turns)})
    train = make_dir("train", {f"c-{n}": ("c", "2", "d9", words, None) for n, words in enumerate(copied)})
    assert leaks(run_audit(test, train)) == ["dialogue texts"]


def test_dialogues_that_share_phrases_alone_are_two(make_dir):
    one = ["how are you doing today my friend", "i am fine thank you", "what would you like to drink"]
    other = ["how are you doing today", "not so well i fear", "i am fine thank you said the man with the hat"]
    test = make_dir("test", {f"a-{n}": ("a", "1", "d1", words, None) for n, words in enumerate(one)})
    train = make_dir("train", {f"c-{n}": ("c", "2", "d9", words, None) for n, words in enumerate(other)})
    assert leaks(run_audit(test, train)) == []


def test_shared_sentences_are_reported_and_pass(make_dir):
    script = {"b-3": ("b", "2", "d2", "No, not today -- at all.", "5.wav")}
    findings = run_audit(make_dir("test", TEST), make_dir("train", TRAIN | script))
    assert leaks(findings) == []
    assert (findings["sentences"].status, findings["sentences"].count) == (audit.SHARED, 1)
    assert findings["sentences"].examples == "no not today at all (a-2, b-3)"


def test_what_the_sentences_give_away_is_told_and_passes(make_dir):
    words = {utt: f"we say so {number}" for number, utt in enumerate(TEST)}
    sides = []
    for name, side in (("test", TEST), ("train", TRAIN)):
        said = dict(zip(side, words.values(), strict=False))
        classes = {utt: "anger" if text.endswith("0") else "neutral" for utt, text in said.items()}
        rest = dict.fromkeys(set(side) - said.keys(), "something else here")
        emotions = dict.fromkeys(rest, "neutral") | classes
        sides.append(make_dir(name, side, text=said | rest, utt2emo=emotions))
    finding = run_audit(*sides)[audit.SENTENCE_TABLE]
    assert finding.status == audit.SHARED
    assert (
        "a table of sentences has accuracy 100.0 % (UA 100.0 %) and knows the sentence of 100.0 %" in finding.examples
    )


def test_corpora_tell_what_a_combination_left_out_and_whose_a_fold_is(make_dir):
    corpora = [make_dir("iemocap", TEST), make_dir("cremad", {"b-1": ("b", "1", "d1", "x", "3.wav")})]
    bare = make_dir("train", {"b-1": ("b", "1", "d1", "x", "3.wav")})
    (bare / "utt2dialogue").unlink()
    assert leaks(run_audit(make_dir("test", TEST), bare)) == ["sessions"]
    assert leaks(run_audit(make_dir("test", TEST), bare, corpora)) == []
    same_corpus = make_dir("iemocap", TEST | {"b-1": ("b", "1", "d1", "x", "3.wav")})
    assert leaks(run_audit(make_dir("test", TEST), bare, [same_corpus])) == ["sessions", "dialogues"]


def test_corpora_with_features_are_decoded_only_where_length_and_first_frame_agree(make_dir, monkeypatch):
    corpus = make_dir("corpus", TEST | TRAIN | {"b-3": ("b", "2", "d2", "x", "1.wav")})
    frames = {"a-1": [1.0, 2.0], "a-2": [5.0, 6.0], "b-1": [1.0, 3.0], "b-2": [5.0, 7.0, 8.0], "b-3": [1.0, 2.0]}
    with ark.Writer(f"ark,scp:{corpus}/feats.ark,{corpus}/feats.scp") as writer:
        for utt, values in frames.items():
            writer.write(utt, np.array(values, np.float32)[:, None])
    (corpus / "utt2num_frames").write_text("".join(f"{utt} {len(values)}\n" for utt, values in frames.items()))
    heard = []
    read = recordings.audio.read_wave
    monkeypatch.setattr(
        recordings.audio, "read_wave", lambda name, rate: heard.append(Path(name).name) or read(name, rate)
    )
    train = make_dir("train", TRAIN | {"b-3": ("b", "2", "d2", "x", "1.wav")})
    assert leaks(run_audit(make_dir("test", TEST), train, [corpus])) == ["recordings"]
    # Of a-1, whose first frame is that of b-1 and b-3; not of a-2 and b-2, whose lengths differ.
    assert sorted(heard) == ["1.wav", "1.wav", "3.wav"]


def test_digests_are_kept_until_the_file_is_another(make_dir, tmp_path, monkeypatch):
    test, train = make_dir("test", TEST), make_dir("train", TRAIN)
    assert leaks(run_audit(test, train)) == []
    assert len((train / recordings.CACHE).read_text().splitlines()) == 2
    soundfile.write(tmp_path / "3.wav", soundfile.read(tmp_path / "1.wav", dtype="int16")[0], RATE)
    assert leaks(run_audit(test, train)) == ["recordings"]
    monkeypatch.setattr(recordings.audio, "read_wave", lambda *_: pytest.fail("decoded again"))
    assert leaks(run_audit(test, train)) == ["recordings"]


def test_digests_of_another_audit_that_ends_in_between_are_kept(make_dir, monkeypatch):
    test, train = make_dir("test", TEST), make_dir("train", TRAIN)
    read, others = recordings.audio.read_wave, []

    def read_late(*arguments):
        others.append(f"z-{len(others)} digest state")
        (train / recordings.CACHE).write_text(others[-1] + "\n")
        return read(*arguments)

    monkeypatch.setattr(recordings.audio, "read_wave", read_late)
    run_audit(test, train)
    assert others[-1] in (train / recordings.CACHE).read_text().splitlines()


def test_recording_that_cannot_be_read_is_counted_and_costs_nothing_else(make_dir, tmp_path, caplog):
    (tmp_path / "8.wav").write_bytes(b"RIFF")
    train = make_dir("train", TRAIN | {"b-3": ("b", "2", "d2", "x", "8.wav")})
    assert leaks(run_audit(make_dir("test", TEST), train)) == []
    assert "1 recordings cannot be compared, the first b-3: " in caplog.text


def test_table_reads_back(make_dir):
    findings = list(run_audit(make_dir("test", TEST), make_dir("train", TRAIN | TEST)).values())
    assert audit.from_tsv(audit.to_tsv(findings), "x") == findings
    with pytest.raises(SerError, match=r"x:1: expected the header 'test role train"):
        audit.from_tsv("a\tb\n", "x")


def test_message_names_the_first_five(make_dir):
    many = {f"s{n}-1": (f"s{n}", "1", "d", "x", f"1{n}.wav") for n in range(7)}
    finding = run_audit(make_dir("test", many), make_dir("train", many))["speakers"]
    assert finding.count == 7
    assert "s4 (s4-1)" in finding.message()
    assert "s5" not in finding.message()
