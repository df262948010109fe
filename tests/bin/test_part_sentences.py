import importlib
import sys

import pytest

from ser.errors import SerError
from ser.kaldi import datadir, tables


def test_what_trains_says_no_sentence_that_is_tested_and_each_test_utterance_comes_once(monkeypatch, tmp_path):
    def write(name: str, texts: dict[str, str]) -> str:
        columns = {"utt2spk": {utt: utt.split("-")[0] for utt in texts}, "text": texts}
        datadir.write_data_dir(tmp_path / name, columns | {"utt2emo": dict.fromkeys(texts, "sad")})
        return str(tmp_path / name)

    def call(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["part_sentences", *arguments])
        importlib.import_module("ser.bin.part_sentences").main()

    train = write("train", {"a-1": "Oh, no!", "a-2": "well", "a-3": "", "a-4": "yes"})
    test = write("test", {"b-1": "oh no", "b-2": "WELL", "b-3": ""})
    kept = {}
    for part in "12":
        out = [str(tmp_path / f"{name}_{part}") for name in ("test", "train")]
        call("--part", part, test, out[0], train, out[1])
        kept[part] = [list(tables.read_map(f"{folder}/utt2spk")) for folder in out]
    # Dealt out in order: oh no, well, yes.
    assert kept == {"1": [["b-1", "b-3"], ["a-2", "a-3"]], "2": [["b-2"], ["a-1", "a-3", "a-4"]]}
    with pytest.raises(SerError, match=r"--part 3 of --parts 2"):
        call("--part", "3", test, "x", train, "y")
