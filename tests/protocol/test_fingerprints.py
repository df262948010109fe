"""Twelve things that are done to a recording leave it the same; other renderings of the same words are others."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from ser.config import load_config
from ser.features.extractor import Extractor
from ser.features.logmel import LogMel, LogMelConfig
from ser.features.mfcc import MfccOptions
from ser.features.pitch import PitchOptions
from ser.kaldi import ark, audio, datadir
from ser.kaldi.options import read_options
from ser.protocol import audit, fingerprints, spectra
from ser.protocol.fingerprints import ALIKE, similarity
from ser.protocol.inventory import Corpora, Inventory
from ser.protocol.spectra import spectrum_of, summarise

RATE = 16000
CONF = Path(__file__).parents[2] / "conf"
OURS = read_options(MfccOptions, CONF / "mfcc.conf")
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


@pytest.fixture(scope="module")
def known() -> list[np.ndarray]:
    return [spectrum_of(voice(seed)) for seed in range(12)]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_recording_is_alike_and_its_summary_the_nearest(known, change):
    for number in (0, 1, 5):
        changed = spectrum_of(CHANGES[change](voice(number)))
        # The changed one may be on either side, test or training.
        assert min(similarity(changed, known[number]), similarity(known[number], changed)) >= ALIKE
        distances = [np.linalg.norm(summarise(changed) - summarise(other)) for other in known]
        assert int(np.argmin(distances)) == number and distances[number] <= fingerprints.FARTHEST


def test_other_recordings_are_not_alike(known):
    pairs = [similarity(one, other) for n, one in enumerate(known) for other in known[n + 1 :]]
    assert max(pairs) < ALIKE - 0.04


def test_silence_and_tones_are_alike_with_nothing(known):
    time = np.arange(int(SECONDS * RATE)) / RATE
    for wave in (np.zeros(time.size), 0.1 * np.sin(2 * np.pi * 440 * time)):
        assert max(similarity(spectrum_of(wave), other) for other in known) < ALIKE


def write_corpus(folder: Path, waves: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for utt, wave in waves.items():
        soundfile.write(folder / f"{utt}.wav", wave, RATE, subtype="FLOAT")
    files = {utt: str(folder / f"{utt}.wav") for utt in waves}
    datadir.write_data_dir(folder, {"utt2spk": {utt: utt.partition("-")[0] for utt in waves}, "wav.scp": files})
    return folder


def write_features(corpus: Path, extract: Callable[[str, np.ndarray], np.ndarray], compression: int = 0) -> None:
    with ark.Writer(f"ark,scp:{corpus}/feats.ark,{corpus}/feats.scp", compression) as writer:
        for utt, wave in audio.read_waves(f"scp:{corpus}/wav.scp", getattr(extract, "sample_rate", RATE)):
            writer.write(utt, extract(utt, wave))


def logmel(name: str) -> LogMel:
    return LogMel(load_config(LogMelConfig, CONF / name))


# What makes the features of a data dir; whether the audit reads them instead of the recordings.
FEATURES = {
    "none": (None, 0, False),
    "MFCC and pitch": (Extractor(OURS, read_options(PitchOptions, CONF / "pitch.conf")), 0, True),
    "MFCC, compressed": (Extractor(OURS), 1, True),
    "log-mel": (logmel("vgg_bert/logmel.yaml"), 1, False),
    "toy log-mel": (logmel("toy/vgg_bert/logmel.yaml"), 1, False),
    "40 MFCC": (Extractor(read_options(MfccOptions, CONF / "asr_tdnn/mfcc.conf")), 1, False),
    "normalised MFCC": (lambda utt, wave: subtract_mean(Extractor(OURS)(utt, wave)), 0, False),
}


def subtract_mean(features: np.ndarray) -> np.ndarray:
    return features - features.mean(axis=0)


@pytest.fixture(scope="module")
def copies() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return a test and a training corpus: the latter has a changed copy of each test utterance, and others."""
    test = {f"a-{number:02}": voice(number) for number in range(len(CHANGES))}
    changed = {f"b-{n:02}": change(test[f"a-{n:02}"]) for n, change in enumerate(CHANGES.values())}
    return test, changed | {f"b-{number}": voice(number) for number in range(20, 26)}


@pytest.mark.parametrize("kind", FEATURES)
def test_audit_names_the_changed_copies_alone_whatever_features_the_corpora_have(tmp_path, copies, kind):
    extract, compression, are_read = FEATURES[kind]
    corpora = [write_corpus(tmp_path / name, waves) for name, waves in zip(("one", "two"), copies, strict=True)]
    for corpus in corpora if extract else ():
        write_features(corpus, extract, compression)
    sides = [datadir.read_table(corpus, "utt2spk") for corpus in corpora]
    for name, utt2spk in zip(("test", "train"), sides, strict=True):
        datadir.write_data_dir(tmp_path / name, {"utt2spk": utt2spk})
    for _ in range(2):  # the second audit reads what the first one kept
        known = Corpora(corpora)
        test, train = (Inventory(tmp_path / name, known) for name in ("test", "train"))
        [finding] = [one for one in audit.audit(test, "finetune", train) if one.check == "alike recordings"]
        assert (finding.status, finding.count) == (audit.LEAK, len(CHANGES))
        assert finding.examples.split(", ") == [f"a-{n:02} = b-{n:02}" for n in range(audit.NUM_EXAMPLES)]
        assert set(fingerprints.near_recordings(test, train)[0]) == {
            f"a-{n:02} = b-{n:02}" for n in range(len(CHANGES))
        }
    for corpus in corpora:
        assert (corpus / spectra.CACHE).is_file()
        assert (corpus / f"{spectra.SPECTRA}.scp").is_file() is not are_read
