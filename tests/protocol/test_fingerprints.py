"""Twelve things that are done to a recording leave it the same; other renderings of the same words are others."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.kaldi import ark, datadir
from ser.kaldi.options import read_options
from ser.protocol import audit, fingerprints
from ser.protocol.fingerprints import ALIKE, similarity, spectrum, summarise
from ser.protocol.inventory import Corpora, Inventory

RATE = 16000
EXTRACT = Extractor(read_options(MfccOptions, Path(__file__).parents[2] / "conf" / "mfcc.conf"))
SECONDS = 2.5


def voice(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Syllables of harmonics under moving formants, with pauses and a little noise: (N,) float32."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    places = np.linspace(0, seconds, 9)
    pitch = 120 + 40 * np.interp(time, places, rng.uniform(-1, 1, 9))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    first, second = (np.interp(time, places, rng.uniform(*span, 9)) for span in ((300, 800), (900, 2500)))
    loud = np.interp(time, places, rng.uniform(0.02, 1, 9)) * (1 + np.sin(2 * np.pi * rng.uniform(3, 5) * time)) / 2
    wave = sum(
        np.exp(-(((n * pitch - first) / 150) ** 2)) * np.sin(n * phase)
        + 0.5 * np.exp(-(((n * pitch - second) / 200) ** 2)) * np.sin(n * phase)
        for n in range(1, 30)
    )
    return (0.2 * loud * wave + 2e-3 * rng.normal(size=time.size)).astype(np.float32)


def through(samples: np.ndarray, rate: int = RATE, **options: str) -> np.ndarray:
    """Write and read a file of another kind."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, **options)
    stream.seek(0)
    return soundfile.read(stream, dtype="float32")[0]


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    return soxr.resample(soxr.resample(samples, RATE, rate), rate, RATE)


CHANGES = {
    "48 kHz": lambda x: resampled(x, 48000),
    "8 kHz": lambda x: resampled(x, 8000),
    "1 dB softer": lambda x: x * 10 ** (-1 / 20),
    "one bit of noise": lambda x: x + np.random.default_rng(0).choice([-1, 0, 1], len(x)) / 32768,
    "less a sample": lambda x: x[1:],
    "less 50 ms": lambda x: x[800:],
    "padded": lambda x: np.concatenate([np.zeros(8000), x, np.zeros(8000)]),
    "mp3": lambda x: through(x, format="MP3"),
    "ogg": lambda x: through(x, format="OGG", subtype="VORBIS"),
    "mu-law": lambda x: through(x, format="WAV", subtype="ULAW"),
    "inverted": lambda x: -x,
    "2 % faster": lambda x: soxr.resample(x, RATE * 1.02, RATE),
}


def features(samples: np.ndarray) -> np.ndarray:
    return EXTRACT("u", np.asarray(samples, np.float32))


def spectra(samples: np.ndarray) -> np.ndarray:
    return spectrum(features(samples), fingerprints._INVERSE)


@pytest.fixture(scope="module")
def known() -> list[np.ndarray]:
    return [spectra(voice(seed)) for seed in range(12)]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_recording_is_alike_and_its_summary_the_nearest(known, change):
    for number in (0, 5):
        changed = spectra(CHANGES[change](voice(number)))
        assert similarity(changed, known[number]) >= ALIKE
        distances = [np.linalg.norm(summarise(changed) - summarise(other)) for other in known]
        assert int(np.argmin(distances)) == number and distances[number] <= fingerprints.FARTHEST


def test_other_recordings_are_not_alike(known):
    pairs = [similarity(one, other) for n, one in enumerate(known) for other in known[n + 1 :]]
    assert max(pairs) < ALIKE - 0.04


def test_silence_and_tones_are_alike_with_nothing(known):
    time = np.arange(int(SECONDS * RATE)) / RATE
    for wave in (np.zeros(time.size), 0.1 * np.sin(2 * np.pi * 440 * time)):
        assert max(similarity(spectra(wave), other) for other in known) < ALIKE


def write_corpus(folder: Path, waves: dict[str, np.ndarray], compression: int) -> Path:
    datadir.write_data_dir(folder, {"utt2spk": {utt: utt.partition("-")[0] for utt in waves}})
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compression) as writer:
        for utt, wave in waves.items():
            writer.write(utt, features(wave))
    return folder


@pytest.mark.parametrize("compression", [0, 1])
def test_audit_names_the_changed_copy_and_keeps_the_summaries(tmp_path, compression):
    test = {f"a-{number}": voice(number) for number in range(3)}
    train = {f"b-{number}": voice(10 + number) for number in range(3)} | {"b-copy": CHANGES["mp3"](voice(1))}
    corpora = [write_corpus(tmp_path / name, waves, compression) for name, waves in (("one", test), ("two", train))]
    for name, waves in (("test", test), ("train", train)):
        datadir.write_data_dir(tmp_path / name, {"utt2spk": {utt: utt.partition("-")[0] for utt in waves}})
    for _ in range(2):
        known = Corpora(corpora)
        found = audit.audit(Inventory(tmp_path / "test", known), "finetune", Inventory(tmp_path / "train", known))
        finding = next(finding for finding in found if finding.check == "alike recordings")
        assert (finding.status, finding.count, finding.examples) == (audit.LEAK, 1, "a-1 = b-copy")
        assert all((corpus / fingerprints.CACHE).is_file() for corpus in corpora)


def test_features_that_are_no_mfcc_of_the_recipe_tell_nothing(tmp_path):
    corpus = tmp_path / "one"
    datadir.write_data_dir(corpus, {"utt2spk": {"a-1": "a"}})
    with ark.Writer(f"ark,scp:{corpus}/feats.ark,{corpus}/feats.scp") as writer:
        writer.write("a-1", np.ones((300, 13), np.float32))
    side = Inventory(corpus, Corpora([corpus]))
    assert fingerprints.near_recordings(side, side) == (None, None)
