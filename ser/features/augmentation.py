"""Augmentation of waveforms with reverberation, noise, music and babble.

As in Kaldi's VoxCeleb x-vector recipe (Snyder et al., "X-vectors: Robust DNN embeddings for speaker recognition",
ICASSP 2018, section 3.3), with room impulse responses of simulated small and medium rooms (Ko et al., "A study on data
augmentation of reverberant speech for robust speech recognition", ICASSP 2017) and the MUSAN corpus (Snyder et al.,
arXiv:1510.08484). Waveforms keep their length and their energy, as in Kaldi's `wav-reverberate --shift-output`.

A `Treatment` says how a copy is made. It is drawn once and written as one line of the table ``utt2augment``, so that
the same waveform can be made again on any machine at any time:

    <utt> reverb <rir file>
    <utt> noise|music|babble <snr in dB> <file> [<snr in dB> <file> ...]
    <utt> white|pitch|stretch|shift <amount>        (see `ser.features.distortion`)
"""

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from ser.errors import SerError
from ser.features import distortion

# Signal-to-noise ratios in dB, and numbers of files, to draw from; the values of Kaldi's recipe.
SNRS = {"noise": (15.0, 10.0, 5.0, 0.0), "music": (15.0, 10.0, 8.0, 5.0), "babble": (20.0, 17.0, 15.0, 13.0)}
NUM_FILES = {"noise": (4,), "music": (1,), "babble": (3, 4, 5, 6, 7)}
KINDS = ("reverb", *SNRS)

# The types (table `utt2type`) of the recordings that each kind draws from.
TYPES = {"reverb": ("smallroom", "mediumroom"), "noise": ("noise",), "music": ("music",), "babble": ("speech",)}

# Silence between the end of one foreground noise and the start of the next.
SECONDS_BETWEEN_NOISES = 1.0

# load(path, num_samples) returns at most the first num_samples of a recording; all of it for None.
Loader = Callable[[str, int | None], np.ndarray]


@dataclass(frozen=True)
class Treatment:
    """How one copy is made: the kind, the files, and for each file a signal-to-noise ratio in dB (none for reverb).

    A distortion has an `amount` in place of files, see `ser.features.distortion`.
    """

    kind: str
    files: tuple[str, ...] = ()
    snrs: tuple[float, ...] = ()
    amount: float | None = None

    def line(self) -> str:
        """Write the treatment as a line of ``utt2augment``, without the utterance.

        >>> Treatment("babble", ("/musan/a.wav", "/my musan/b.wav"), (20.0, 13.0)).line()
        "babble 20 /musan/a.wav 13 '/my musan/b.wav'"
        """
        if self.amount is not None:
            return f"{self.kind} {self.amount:g}"
        if not self.snrs:
            return shlex.join([self.kind, *self.files])
        pairs = zip(self.snrs, self.files, strict=True)
        return shlex.join([self.kind, *(word for snr, file in pairs for word in (f"{snr:g}", file))])

    @classmethod
    def parse(cls, line: str, where: str) -> "Treatment":
        """Read a line that `line` wrote; `where` names the line in the message of the `SerError` on any other.

        >>> Treatment.parse("noise 15 /musan/n.wav", "utt2augment:1")
        Treatment(kind='noise', files=('/musan/n.wav',), snrs=(15.0,), amount=None)
        """
        try:
            kind, *words = shlex.split(line)
            if kind == "reverb" and len(words) == 1:
                return cls(kind, tuple(words))
            if kind in SNRS and words and len(words) % 2 == 0:
                return cls(kind, tuple(words[1::2]), tuple(map(float, words[::2])))
            if kind in distortion.KINDS and len(words) == 1:
                return cls(kind, amount=float(words[0]))
        except ValueError:
            pass
        raise SerError(
            f"{where}: expected 'reverb <file>', '{'|'.join(SNRS)} <snr> <file> ...' or "
            f"'{'|'.join(distortion.KINDS)} <amount>', found '{line}'; make the table anew with "
            "steps/augment_data_dir.sh or steps/distort_data_dir.sh"
        )


def draw_treatment(kind: str, utt: str, files: Mapping[str, Sequence[str]], seed: int) -> Treatment:
    """Draw the treatment of the `kind` copy of `utt`; the same arguments always give the same treatment.

    Parameters
    ----------
    kind : one of `KINDS`.
    files : type -> recordings, for the types of `TYPES` that `kind` needs. Each type is drawn equally often.
    seed : another seed changes every draw.

    Raises
    ------
    SerError
        If the kind is unknown, or `files` has no recording of its types.
    """
    if kind not in TYPES:
        raise SerError(f"augmentation: unknown kind '{kind}'; valid kinds: {', '.join(KINDS)}")
    types = [name for name in TYPES[kind] if files.get(name)]
    if not types:
        raise SerError(
            f"augmentation: {kind} needs recordings whose utt2type is {' or '.join(TYPES[kind])}: found none"
        )
    rng = copy_rng(kind, utt, seed)
    pool = files[types[rng.integers(len(types))]]
    if kind == "reverb":
        return Treatment(kind, (pool[int(rng.integers(len(pool)))],))
    count = int(rng.choice(NUM_FILES[kind]))
    drawn = tuple(pool[i] for i in rng.choice(len(pool), count, replace=len(pool) < count))
    return Treatment(kind, drawn, tuple(map(float, rng.choice(SNRS[kind], count))))


def copy_rng(kind: str, utt: str, seed: int) -> np.random.Generator:
    """Return the random generator of the `kind` copy of `utt`, which does not depend on other copies."""
    digest = hashlib.sha256(f"{seed} {kind} {utt}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def reverberate(samples: np.ndarray, rir: np.ndarray) -> np.ndarray:
    """Convolve `samples` (N,) with the room impulse response `rir` (M,): float32 (N,), aligned and with equal power.

    The response is shifted so that its peak, the direct path, is at time 0: then labels and voice activity of the
    original hold for the copy. The tail after the end of the original is cut off.
    """
    convolved = scipy.signal.oaconvolve(samples.astype(np.float64), rir.astype(np.float64))
    peak = int(np.argmax(np.abs(rir)))
    return _as_loud_as(samples, convolved[peak : peak + len(samples)])


def mix(samples: np.ndarray, noises: Sequence[tuple[int, np.ndarray]], snrs: Sequence[float]) -> np.ndarray:
    """Add noises to `samples` (N,) and scale the sum to the power of `samples`: float32 (N,).

    Parameters
    ----------
    samples : (N,)
    noises : the first sample and the waveform (M,) of each noise, with start + M <= N.
    snrs : power of `samples` over the power of each noise while it lasts, in dB.
    """
    mixture = samples.astype(np.float64)
    power = _power(samples)
    for (start, noise), snr in zip(noises, snrs, strict=True):
        noise_power = _power(noise)
        if noise_power > 0:
            mixture[start : start + len(noise)] += noise * np.sqrt(power / noise_power / 10 ** (snr / 10))
    return _as_loud_as(samples, mixture)


class Augmenter:
    """Applies its treatment to each utterance.

    Parameters
    ----------
    treatments : utterance -> its treatment, or its line of ``utt2augment``.
    load : reads the recordings that the treatments name.
    sample_rate : of the utterances and of the loaded recordings, in Hz.
    where : name of `treatments` in messages.
    """

    def __init__(
        self, treatments: Mapping[str, Treatment | str], load: Loader, sample_rate: float, where: str = "utt2augment"
    ) -> None:
        self.treatments = treatments
        self.load = load
        self.sample_rate = sample_rate
        self.where = where

    @classmethod
    def from_table(cls, path: str | Path, sample_rate: float) -> "Augmenter":
        """Make one from the table ``utt2augment`` at `path`, reading the recordings at `sample_rate` Hz."""
        from ser.kaldi import tables

        return cls(tables.read_map(path), recording_loader(sample_rate), sample_rate, str(path))

    def __call__(self, utt: str, samples: np.ndarray) -> np.ndarray:
        """Return the augmented `samples` (N,): float32 (N,), or another length after a stretch.

        An utterance without a treatment is returned unchanged.

        Raises
        ------
        SerError
            If the treatment, or a recording that it names, cannot be read.
        """
        treatment = self.treatments.get(utt)
        if treatment is None or not len(samples):
            return samples
        if isinstance(treatment, str):
            treatment = Treatment.parse(treatment, f"{self.where}: {utt}")
        if treatment.amount is not None:
            rng = np.random.default_rng(list(utt.encode()))
            return distortion.distort(treatment.kind, treatment.amount, samples, self.sample_rate, rng)
        if treatment.kind == "reverb":
            return reverberate(samples, self.load(treatment.files[0], None))
        if treatment.kind == "noise":
            return self._with_foreground(samples, treatment)
        noises = [np.resize(self.load(file, len(samples)), len(samples)) for file in treatment.files]
        return mix(samples, [(0, noise) for noise in noises], treatment.snrs)

    def _with_foreground(self, samples: np.ndarray, treatment: Treatment) -> np.ndarray:
        """Add the noises one after another with pauses between them, in turn, until the end of the utterance."""
        noises: list[tuple[int, np.ndarray]] = []
        snrs, start = [], 0
        pause = round(SECONDS_BETWEEN_NOISES * self.sample_rate)
        while start < len(samples):
            turn = len(noises) % len(treatment.files)
            noise = self.load(treatment.files[turn], len(samples) - start)
            noises.append((start, noise))
            snrs.append(treatment.snrs[turn])
            start += len(noise) + pause
        return mix(samples, noises, snrs)


def recording_loader(sample_rate: float) -> Loader:
    """Return a loader of the first channel of audio files at `sample_rate` Hz, which reads only the part asked for."""

    def load(path: str, num_samples: int | None) -> np.ndarray:
        import soundfile
        import soxr

        try:
            with soundfile.SoundFile(path) as file:
                native = file.samplerate
                wanted = -1 if num_samples is None else int(np.ceil(num_samples * native / sample_rate))
                samples = file.read(wanted, dtype="float32", always_2d=True)[:, 0]
        except (OSError, soundfile.SoundFileError) as error:
            raise SerError(f"{path}: cannot be read as audio: {error}; prepare the corpus of noises anew") from error
        if native != sample_rate:
            samples = soxr.resample(samples, native, sample_rate)
        if not len(samples):
            raise SerError(f"{path}: no samples in it; remove it from the corpus of noises")
        return samples[:num_samples]

    return load


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Convert `samples` in [-1, 1] to int16; louder samples are clipped.

    >>> to_pcm16(np.array([-1.0, 0.5, 1.0])).tolist()
    [-32768, 16384, 32767]
    """
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)


def _power(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _as_loud_as(samples: np.ndarray, changed: np.ndarray) -> np.ndarray:
    power = _power(changed)
    scale = np.sqrt(_power(samples) / power) if power > 0 else 0.0
    return (changed * scale).astype(np.float32)
