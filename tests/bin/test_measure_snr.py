"""Signal-to-noise ratios of the clips of a data dir, one of them in noise."""

import importlib
import sys

import numpy as np
import pytest
import soundfile

from ser.errors import SerError
from ser.kaldi import tables


def test_the_table_has_each_clip_that_can_be_read_and_silence_has_no_line(tmp_path, monkeypatch, caplog):
    rng = np.random.default_rng(0)
    clean = 0.02 * rng.gamma(0.4, size=32000) * rng.choice([-1.0, 1.0], 32000)
    noisy = clean + np.sqrt(np.mean(clean**2)) * rng.standard_normal(32000)
    wavs = {}
    for name, samples in (("a-clean", clean), ("a-noisy", noisy), ("a-silent", np.zeros(16000))):
        wavs[name] = str(tmp_path / f"{name}.wav")
        soundfile.write(wavs[name], samples, 16000, subtype="FLOAT")
    wavs["a-torn"] = str(tmp_path / "absent.wav")
    tables.write_map(tmp_path / "wav.scp", wavs)
    command = importlib.import_module("ser.bin.measure_snr")
    monkeypatch.setattr(sys, "argv", ["measure_snr", str(tmp_path), str(tmp_path / "snr.tsv")])
    command.main()
    found = dict(line.split("\t") for line in (tmp_path / "snr.tsv").read_text().splitlines()[1:])
    assert set(found) == {"a-clean", "a-noisy"}
    assert float(found["a-clean"]) > 25.0 and float(found["a-noisy"]) == pytest.approx(0.0, abs=1.0)
    assert "a-torn: left out" in caplog.text
    tables.write_map(tmp_path / "wav.scp", {"a-silent": wavs["a-silent"]})
    with pytest.raises(SerError, match="no clip that can be read and has sound"):
        command.main()
