import sys
from pathlib import Path

import pytest

from ser.bin import apply_label_map
from ser.errors import SerError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data dir of three utterances, one of them of a label that the map lacks."""
    folder = tmp_path / "in"
    folder.mkdir()
    tables = {
        "utt2spk": "a-1 a\na-2 a\nb-1 b\n",
        "spk2utt": "a a-1 a-2\nb b-1\n",
        "spk2gender": "a f\nb m\n",
        "wav.scp": "a-1 1.wav\na-2 2.wav\nb-1 3.wav\n",
        "text": "a-1 one\na-2 two\nb-1 three\n",
        "utt2emo": "a-1 calm\na-2 anger\nb-1 other\n",
        "utt2votes": "a-1 calm:3\na-2 anger:2 fear:1\nb-1 other:3\n",
    }
    for name, text in tables.items():
        (folder / name).write_text(text)
    (tmp_path / "my.map").write_text("calm neutral  # as usual\nanger anger\n")
    return folder


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["apply_label_map", *map(str, arguments)])
    apply_label_map.main()


def test_labels_are_mapped_and_unlisted_ones_leave_every_file(monkeypatch, data, tmp_path, caplog):
    _run(monkeypatch, tmp_path / "my.map", data, tmp_path / "out")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "utt2spk": "a-1 a\na-2 a\n",
        "spk2utt": "a a-1 a-2\n",
        "spk2gender": "a f\n",
        "wav.scp": "a-1 1.wav\na-2 2.wav\n",
        "text": "a-1 one\na-2 two\n",
        "utt2emo": "a-1 neutral\na-2 anger\n",
        "utt2votes": "a-1 calm:3\na-2 anger:2 fear:1\n",
    }
    assert "1 of other left out" in caplog.text


def test_map_that_lists_none_of_the_labels_is_refused(monkeypatch, data, tmp_path):
    (tmp_path / "my.map").write_text("joy happiness\n")
    with pytest.raises(SerError, match=r"in/utt2emo: none of its labels \(anger, calm, other\) is in .*my.map"):
        _run(monkeypatch, tmp_path / "my.map", data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_output_over_the_input_is_refused(monkeypatch, data, tmp_path):
    with pytest.raises(SerError, match="native labels would be lost"):
        _run(monkeypatch, tmp_path / "my.map", data, data)


def test_data_without_emotions_are_refused_with_the_remedy(monkeypatch, data, tmp_path):
    (data / "utt2emo").unlink()
    with pytest.raises(SerError, match=r"utt2emo: missing, so no utterance has .*prepare_table\.sh --emotion C"):
        _run(monkeypatch, tmp_path / "my.map", data, tmp_path / "out")
