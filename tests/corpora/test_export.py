import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from ser.corpora import export, records, same_recordings, table, table_sources
from ser.errors import SerError


@pytest.fixture
def utterances(tmp_path, silence):
    """Twelve utterances of three speakers, one of them unknown at the last, in three folds by speaker."""
    made = []
    for number in range(12):
        spk = f"mine_{'abc'[number % 3]}"
        path = tmp_path / f"audio/{'abc'[number % 3]}/{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(silence.read_bytes())
        utt = f"{spk}-{number:02d}"
        made.append(
            records.Utterance(
                utt=utt,
                spk=utt if number == 11 else spk,
                wav=str(path),
                text=f"words, number {number}" if number else "",
                emotion=("anger", "neutral")[number // 3 % 2],
                fold=str(number % 3 + 1),
                part=("train", "test")[number % 2],
            )
        )
    return made


def read_back(rows, audio_dir, monkeypatch):
    # All clips here are the same silence: what tells recordings apart is tested in test_same_recordings.py.
    monkeypatch.setattr(same_recordings, "contents", lambda paths: {path: str(path) for path in paths})
    columns = table.choose_columns(rows, {})
    clips, left_out = table.find_clips(rows, columns, audio_dir)
    return table.make_utterances(clips, columns, None, "mine"), left_out


def known(utterances, *fields):
    return {Path(item.wav).name: tuple(getattr(item, field) for field in fields) for item in utterances}


def speakers(utterances):
    groups = defaultdict(set)
    for item in utterances:
        groups[item.spk].add(Path(item.wav).name)
    return sorted(map(sorted, groups.values()))


@pytest.mark.parametrize("relative", [True, False])
def test_audformat_table_comes_back_as_it_went(tmp_path, utterances, relative, monkeypatch):
    records.write_data_dir(tmp_path / "mine", utterances)
    audio_dir = tmp_path / "audio" if relative else None
    export.write_audformat(tmp_path / "out", "mine", export.read_lines(tmp_path / "mine", audio_dir))
    rows = table_sources.read_csv(tmp_path / "out/db.utterances.csv")
    back, left_out = read_back(rows, tmp_path / "audio", monkeypatch)
    fields = ("wav", "text", "emotion", "fold", "part")
    assert left_out == []
    assert known(back, *fields) == known(utterances, *fields)
    assert speakers(back) == speakers(utterances)
    assert {item.spk for item in back if item.spk != item.utt} == {"mine_mine_a", "mine_mine_b", "mine_mine_c"}
    assert Path(rows[0].values["file"]).is_absolute() is not relative
    header = yaml.safe_load((tmp_path / "out/db.yaml").read_text())
    # audformat loads no other words.
    assert header["usage"] in ("commercial", "other", "research", "restricted", "unrestricted")
    assert {scheme["dtype"] for scheme in header["schemes"].values()} == {"str"}
    assert header["tables"]["utterances"]["type"] == "filewise"
    assert header["schemes"]["emotion"]["labels"] == ["anger", "neutral"]
    assert set(header["tables"]["utterances"]["columns"]) == {"speaker", "emotion", "text", "fold", "part"}


def test_segments_are_written_as_audformat_writes_times(tmp_path, silence, monkeypatch):
    spans = ((0.0, 1.5), (3661.25, -1.0))
    made = [
        records.Utterance(utt=f"a-{n}", spk="a", wav=str(silence), emotion="anger", segment=("rec", *span))
        for n, span in enumerate(spans)
    ]
    records.write_data_dir(tmp_path / "mine", made)
    lines = export.read_lines(tmp_path / "mine", None)
    export.write_audformat(tmp_path / "out", "mine", lines)
    text = (tmp_path / "out/db.utterances.csv").read_text().splitlines()
    assert text[0] == "file,start,end,speaker,emotion"
    assert text[1].endswith(",0 days 00:00:00.000000,0 days 00:00:01.500000,a,anger")
    assert text[2].endswith(",0 days 01:01:01.250000,,a,anger")
    back, _ = read_back(table_sources.read_csv(tmp_path / "out/db.utterances.csv"), tmp_path, monkeypatch)
    assert sorted(item.segment[1:] for item in back) == sorted(spans)
    with pytest.raises(SerError, match=r"a-0: a segment of .*; EmoBox reads whole files"):
        export.write_emobox(tmp_path / "out", "mine", lines, None)


def test_emobox_lists_come_back_as_they_went(tmp_path, utterances, monkeypatch):
    records.write_data_dir(tmp_path / "mine", utterances)
    lines = export.read_lines(tmp_path / "mine", tmp_path / "audio")
    export.write_emobox(tmp_path / "out", "mine", lines, tmp_path / "audio")
    test = [json.loads(line) for line in (tmp_path / "out/fold_2/mine_test_fold_2.jsonl").read_text().splitlines()]
    train = [json.loads(line) for line in (tmp_path / "out/fold_2/mine_train_fold_2.jsonl").read_text().splitlines()]
    assert {record["wav"][0] for record in test} == {"b"} and {record["wav"][0] for record in train} == {"a", "c"}
    assert test[0] == {
        **{"key": "mine_b-01", "dataset": "mine", "wav": "b/1.wav", "type": "raw", "sample_rate": 16000},
        **{"num_frame": 160, "task": "category", "length": 0.01, "emo": "anger", "channel": 1},
        **{"speaker": "mine_b", "text": "words, number 1"},
    }
    assert json.loads((tmp_path / "out/label_map.json").read_text()) == {"anger": "anger", "neutral": "neutral"}
    back, left_out = read_back(table_sources.read_jsonl(tmp_path / "out/mine.jsonl"), tmp_path / "audio", monkeypatch)
    assert left_out == []
    assert known(back, "wav", "emotion", "fold", "text") == known(utterances, "wav", "emotion", "fold", "text")
    assert speakers(back) == speakers(utterances)


def test_parts_are_the_single_fold_of_emobox(tmp_path, utterances):
    from dataclasses import replace

    records.write_data_dir(tmp_path / "mine", [replace(item, fold=None) for item in utterances])
    lines = export.read_lines(tmp_path / "mine", tmp_path / "audio")
    export.write_emobox(tmp_path / "out", "mine", lines, tmp_path / "audio")
    assert len((tmp_path / "out/fold_1/mine_train_fold_1.jsonl").read_text().splitlines()) == 6
    assert len((tmp_path / "out/fold_1/mine_test_fold_1.jsonl").read_text().splitlines()) == 6


def test_scores_stand_beside_the_truth(tmp_path, utterances):
    records.write_data_dir(tmp_path / "mine", utterances)
    lines = export.read_lines(tmp_path / "mine", tmp_path / "audio")
    scored = {"mine_b-01": ("neutral", ["0.25", "0.75"])}
    export.write_scores(tmp_path / "scores.csv", lines, ["anger", "neutral"], scored)
    assert list(csv.DictReader((tmp_path / "scores.csv").open())) == [
        {"file": "b/1.wav", "emotion": "anger", "predicted": "neutral", "anger": "0.25", "neutral": "0.75"}
    ]


def test_file_of_a_command_is_what_ffmpeg_reads_and_others_are_refused(tmp_path):
    made = [records.Utterance(utt="a-1", spk="a", wav="ffmpeg -v error -i '/my clips/1.m4a' -f wav - |")]
    records.write_data_dir(tmp_path / "mine", made)
    assert export.read_lines(tmp_path / "mine", None)[0].file == "/my clips/1.m4a"
    with pytest.raises(SerError, match=r"wav.scp: a-1: /my clips/1.m4a is not below --audio-dir"):
        export.read_lines(tmp_path / "mine", tmp_path / "audio")
    records.write_data_dir(tmp_path / "mine", [records.Utterance(utt="a-1", spk="a", wav="sph2pipe x.sph |")])
    with pytest.raises(SerError, match=r"a command that names no input by -i: 'sph2pipe x.sph \|'"):
        export.read_lines(tmp_path / "mine", None)
