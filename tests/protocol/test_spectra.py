"""Spectra are made once, of MFCC if these are the recipe's and else of recordings, and again when those change."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.kaldi import ark, datadir
from ser.kaldi.options import read_options
from ser.protocol import spectra
from ser.protocol.inventory import Corpora
from ser.protocol.spectra import MFCC, Spectra, spectrum_of

RATE = 16000


def noise(seed: int, seconds: float = 1.5) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


@pytest.fixture
def corpus(tmp_path) -> Path:
    home = tmp_path / "one"
    home.mkdir()
    for seed in range(3):
        soundfile.write(tmp_path / f"{seed}.wav", noise(seed), RATE, subtype="FLOAT")
    wav = {f"a-{seed}": str(tmp_path / f"{seed}.wav") for seed in range(3)}
    datadir.write_data_dir(home, {"utt2spk": dict.fromkeys(wav, "a"), "wav.scp": wav})
    return home


def write_mfcc(corpus: Path, samples: dict[str, np.ndarray]) -> None:
    with ark.Writer(f"ark,scp:{corpus}/feats.ark,{corpus}/feats.scp") as writer:
        for utt, wave in samples.items():
            writer.write(utt, Extractor(MFCC)(utt, wave))


def read(corpus: Path, utt: str = "a-1") -> np.ndarray | None:
    """Return the spectrum that a new audit sees; None if it sees none."""
    found = Spectra(Corpora([corpus]))
    return found.spectrum(utt) if utt in found.summaries(["a-0", "a-1", "a-2"]) else None


def near(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and float(np.abs(one - other).max()) < 0.1  # one byte per value


def test_the_mfcc_are_those_of_the_recipe():
    assert read_options(MfccOptions, Path(__file__).parents[2] / "conf" / "mfcc.conf") == MFCC


def test_spectra_of_mfcc_and_of_recordings_are_equal(corpus):
    from_recordings = read(corpus)
    write_mfcc(corpus, {f"a-{seed}": noise(seed) for seed in range(3)})
    assert near(from_recordings, read(corpus))
    assert not (corpus / f"{spectra.SPECTRA}.scp").exists()  # features are read, once there are any
    np.testing.assert_array_equal(read(corpus), spectrum_of(noise(1)))


def test_spectra_that_are_kept_are_not_made_again(corpus, monkeypatch):
    first = read(corpus)
    monkeypatch.setattr(spectra, "_waves", lambda home: pytest.fail("recordings are read again"))
    np.testing.assert_array_equal(read(corpus), first)


def test_recording_that_changes_gets_another_spectrum(corpus, tmp_path):
    read(corpus)
    soundfile.write(tmp_path / "1.wav", noise(9, 1.6), RATE, subtype="FLOAT")
    assert near(read(corpus), spectrum_of(noise(9, 1.6)))


def test_mfcc_of_other_recordings_are_not_taken_for_those_of_these(corpus):
    write_mfcc(corpus, {f"a-{seed}": noise(seed + 5) for seed in range(3)})
    assert near(read(corpus), spectrum_of(noise(1)))


def test_a_segment_has_the_spectrum_of_its_part(corpus, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.concatenate([noise(7, 0.5), noise(1)]), RATE, subtype="FLOAT")
    datadir.write_data_dir(
        corpus, {"utt2spk": {"a-1": "a"}, "wav.scp": {"r": str(tmp_path / "long.wav")}, "segments": {"a-1": "r 0.5 2"}}
    )
    assert near(read(corpus), spectrum_of(noise(1)))


def test_recordings_that_cannot_be_read_or_are_short_are_without_a_spectrum_and_counted(corpus, tmp_path, caplog):
    (tmp_path / "1.wav").unlink()
    soundfile.write(tmp_path / "2.wav", noise(2, 0.5), RATE)
    assert Spectra(Corpora([corpus])).summaries(["a-0", "a-1", "a-2"]).keys() == {"a-0"}
    assert "1 recordings have no fingerprint, the first a-1" in caplog.text
    (tmp_path / "0.wav").unlink()
    assert read(corpus) is None


def test_without_recordings_features_tell_nothing(corpus):
    write_mfcc(corpus, {f"a-{seed}": noise(seed) for seed in range(3)})
    (corpus / "wav.scp").unlink()
    assert read(corpus) is None
