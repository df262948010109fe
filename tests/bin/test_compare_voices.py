"""The report of names that may be one voice, from tables to a table."""

import importlib
import sys

import numpy as np

from ser.kaldi import ark, tables


def test_planted_names_are_in_the_table_and_too_few_speakers_are_no_failure(tmp_path, monkeypatch, caplog):
    rng = np.random.default_rng(1)
    voices = 3.0 * rng.standard_normal((20, 24))
    voices[7] = voices[2]
    utt2spk = {f"s{name:02}-{number}": f"s{name:02}" for name in range(20) for number in range(8)}
    with ark.Writer(f"ark:{tmp_path}/vectors.ark") as writer:
        for utt, name in utt2spk.items():
            writer.write(utt, (voices[int(name[1:])] + rng.standard_normal(24)).astype(np.float32))
    command = importlib.import_module("ser.bin.compare_voices")
    arguments = [str(tmp_path / "utt2spk"), f"ark:{tmp_path}/vectors.ark", str(tmp_path / "voices.tsv")]
    monkeypatch.setattr(sys, "argv", ["compare_voices", *arguments])
    tables.write_map(tmp_path / "utt2spk", utt2spk)
    command.main()
    lines = (tmp_path / "voices.tsv").read_text().splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["speaker", "other"], ["s02", "s07"]]
    tables.write_map(tmp_path / "utt2spk", {utt: name for utt, name in utt2spk.items() if name < "s03"})
    command.main()
    assert (tmp_path / "voices.tsv").read_text().splitlines() == [lines[0]]
    assert "not compared: 3 speakers have 4 utterances or more" in caplog.text
