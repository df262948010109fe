import importlib
import sys

import pytest

from ser.errors import SerError
from ser.kaldi import datadir, tables


def test_training_utterances_of_a_test_sentence_are_dropped(monkeypatch, tmp_path):
    def write(name: str, texts: dict[str, str]) -> str:
        speakers = {utt: utt.split("-")[0] for utt in texts}
        datadir.write_data_dir(tmp_path / name, {"utt2spk": speakers, "text": texts})
        return str(tmp_path / name)

    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["drop_sentences", *arguments])
        importlib.import_module("ser.bin.drop_sentences").main()

    train = write("train", {"a-1": "Oh, no!", "a-2": "well", "a-3": ""})
    test = write("test", {"b-1": "oh no"})
    call(train, test, str(tmp_path / "out"))
    assert list(tables.read_map(tmp_path / "out" / "utt2spk")) == ["a-2", "a-3"]
    with pytest.raises(SerError, match="every one of its 1 utterances says a sentence of"):
        call(write("same", {"c-1": "OH NO"}), test, str(tmp_path / "none"))
