"""Spectra of recordings, which the audit compares: from MFCC where a data dir has them, else from the recordings.

A spectrum has the log-mel energies below 3 kHz. System A's features have the same information, since its MFCC are as
many as its mel bands, and they are read much faster than recordings. Whether a data dir has such MFCC is tested, not
looked up: those of a few utterances must equal MFCC that are computed here from their recordings. So other features
(log-mel energies, other MFCC, features after normalisation) are never taken for them. Spectra of recordings are
kept in the data dir, one byte per value.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ser.features.fbank import mel
from ser.features.mfcc import MfccOptions, mfcc
from ser.features.pitch import FULL_SCALE
from ser.files import read_text, write_text
from ser.kaldi import ark, audio, specifiers, tables
from ser.progress import progress
from ser.protocol.inventory import Corpora
from ser.protocol.recordings import locked

logger = logging.getLogger(__name__)

# Files in a data dir: the summaries of its recordings; their spectra, if they are made from recordings; and what both
# were made of, so that they are made again if it has changed.
CACHE = ".fingerprints.ark"
SPECTRA = ".fingerprint_spectra"
SOURCE = ".fingerprint_source"
# The MFCC of system A; tests/protocol/test_spectra.py compares them with conf/mfcc.conf.
MFCC = MfccOptions(num_mel_bins=30, num_ceps=30, low_freq=20, high_freq=7600, snip_edges=False)
# Shorter recordings get no fingerprint; `ser.protocol.recordings` compares their samples.
LEAST_FRAMES = 100
HIGHEST_HZ = 3000.0
# A frame is loud if it is at most this far (natural logarithm of energy) below the loud end of its recording.
LOUD = 3.0
# Bands farther than this below the loudest band of their frame are raised to this distance.
RANGE = 5.0
# Features are tested on this many utterances. Features with pitch may lack this many frames, and a coefficient may
# deviate by this share of its standard deviation, or this much; compression to one byte per value needs less.
NUM_TESTED = 3
LACKING = 2
DEVIATION = 0.05
LEAST_DEVIATION = 0.01
# Kaldi's compression of speech features.
_ONE_BYTE = 1


def spectrum(cepstra: np.ndarray) -> np.ndarray:
    """Compute log-mel bands and log energy, (T, B + 1) float32, from MFCC.

    The mean over the bands of each frame is subtracted, since the features have the log energy in place of c0, from
    which this mean would follow.

    Parameters
    ----------
    cepstra : (T, F) features; the first columns are the MFCC of `MFCC`, column 0 is the log energy.
    """
    liftered = cepstra[:, : len(_INVERSE)].copy()  # (T, num_ceps)
    liftered[:, 0] = 0
    bands = liftered @ _INVERSE  # (T, B)
    # Bands far below the loudest of their frame are noise, such as a codec's: clip them.
    bands = np.maximum(bands, bands.max(axis=1, keepdims=True) - RANGE)
    return np.hstack([bands - bands.mean(axis=1, keepdims=True), cepstra[:, :1]]).astype(np.float32)


def spectrum_of(samples: np.ndarray) -> np.ndarray:
    """Compute the spectrum (T, B + 1) of samples (N,) in [-1, 1) at 16 kHz."""
    return spectrum(_mfcc(samples))


def summarise(spectrum: np.ndarray) -> np.ndarray:
    """Return the mean and the standard deviation of the bands over the loud frames, (2 B,) float32."""
    energy = spectrum[:, -1]
    # The 95 % quantile stands for the loudest frame, since a click does not change it.
    bands = spectrum[energy >= np.quantile(energy, 0.95) - LOUD, :-1]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)]).astype(np.float32)


class Spectra:
    """Spectra and summaries of the utterances of corpora that have recordings."""

    def __init__(self, corpora: Corpora) -> None:
        self._corpora = corpora
        self._summaries: dict[Path, dict[str, np.ndarray]] = {}
        self._readers: dict[Path, tuple[ark.Reader, bool]] = {}  # and whether it reads spectra, not features

    def summaries(self, utts: list[str]) -> dict[str, np.ndarray]:
        """Return utterance -> summary (2 B,), for utterances whose recordings can be read and are long enough."""
        found: dict[str, np.ndarray] = {}
        for utt in utts:
            home = self._home(utt)
            if home is None:
                continue
            if home not in self._summaries:
                self._summaries[home] = _summaries_of(home)
            if utt in self._summaries[home]:
                found[utt] = self._summaries[home][utt]
        return found

    def spectrum(self, utt: str) -> np.ndarray:
        """Return the spectrum (T, B + 1) of an utterance that has a summary, see the function `spectrum`."""
        home = self._home(utt) or Path()
        if home not in self._readers:
            kept = home / f"{SPECTRA}.scp"
            are_spectra = kept.is_file()
            self._readers[home] = ark.Reader(kept if are_spectra else home / "feats.scp"), are_spectra
        reader, are_spectra = self._readers[home]
        return reader[utt] if are_spectra else spectrum(reader[utt])

    def _home(self, utt: str) -> Path | None:
        name = self._corpora.corpus(utt)
        return None if name is None else self._corpora.dirs[name]


def _summaries_of(home: Path) -> dict[str, np.ndarray]:
    """Return utterance -> summary of a data dir; make and keep the summaries if they are not there or out of date."""
    if not (home / "wav.scp").is_file():
        return {}
    with locked(home):  # audits of other folds need the same summaries
        features = _state_of_features(home)
        told = read_text(home / SOURCE) if (home / SOURCE).is_file() else ""
        # Only the recordings tell whether they have changed: do not look at a million files if features are used.
        if features and told == f"features {features}\n":
            return ark.load(f"ark:{home / CACHE}")
        source = f"recordings {_state_of_recordings(home)} features {features}\n"
        if told == source:
            return ark.load(f"ark:{home / CACHE}")
        for name in (SOURCE, f"{SPECTRA}.scp", f"{SPECTRA}.ark"):
            (home / name).unlink(missing_ok=True)
        if features and _has_mfcc(home):
            source = f"features {features}\n"
            _summarise_features(home)
        else:
            _summarise_recordings(home)
        write_text(home / SOURCE, source)
        return ark.load(f"ark:{home / CACHE}")


def _summarise_features(home: Path) -> None:
    reader = ark.Reader(home / "feats.scp")
    keys = reader.keys()
    with ark.Writer(f"ark:{home / CACHE}") as summaries:
        for utt in progress(keys, len(keys), f"{home}: fingerprints"):
            if reader.shape(utt)[0] >= LEAST_FRAMES:
                summaries.write(utt, summarise(spectrum(reader[utt])))


def _summarise_recordings(home: Path) -> None:
    """Keep the spectra of all recordings of a data dir, and their summaries; the log counts those without."""
    unreadable: list[str] = []
    kept = f"ark,scp:{home / SPECTRA}.ark,{home / SPECTRA}.scp"
    with ark.Writer(kept, _ONE_BYTE) as spectra, ark.Writer(f"ark:{home / CACHE}") as summaries:
        for utt, samples in progress(_waves(home), None, f"{home}: fingerprints"):
            if isinstance(samples, audio.Unreadable):
                unreadable.append(f"{utt}: {samples.reason}")
                continue
            found = spectrum_of(samples)
            if len(found) >= LEAST_FRAMES:
                spectra.write(utt, found)
                summaries.write(utt, summarise(found))
    if unreadable:
        logger.warning("%s: %d recordings have no fingerprint, the first %s", home, len(unreadable), unreadable[0])


def _has_mfcc(home: Path) -> bool:
    """Tell whether the features of a data dir begin with the MFCC of `MFCC`, by those of its first utterances."""
    reader = ark.Reader(home / "feats.scp")
    num_equal = 0
    for utt, samples in _waves(home):
        if utt not in reader or isinstance(samples, audio.Unreadable):
            continue
        expected = _mfcc(samples)  # (T, num_ceps)
        if len(expected) < LEAST_FRAMES:
            continue
        if not _are_mfcc(reader[utt], expected):
            return False
        num_equal += 1
        if num_equal == NUM_TESTED:
            break
    return num_equal > 0


def _are_mfcc(features: np.ndarray, expected: np.ndarray) -> bool:
    """Tell whether the first columns of `features` are the MFCC `expected` (T, num_ceps)."""
    if features.ndim != 2 or features.shape[1] < expected.shape[1]:
        return False
    if not 0 <= len(expected) - len(features) <= LACKING:
        return False
    expected = expected[: len(features)]
    deviation = np.sqrt(np.square(features[:, : expected.shape[1]] - expected).mean(axis=0))  # (num_ceps,)
    return bool((deviation <= DEVIATION * expected.std(axis=0) + LEAST_DEVIATION).all())


def _waves(home: Path) -> Iterator[tuple[str, np.ndarray | audio.Unreadable]]:
    segments = home / "segments"
    return audio.read_waves(f"scp:{home}/wav.scp", int(MFCC.sample_frequency), segments if segments.is_file() else None)


def _mfcc(samples: np.ndarray) -> np.ndarray:
    return mfcc(np.asarray(samples, np.float32) * np.float32(FULL_SCALE), MFCC)


def _state_of_features(home: Path) -> str:
    """Return size and time of feats.scp; '' if the data dir has no features."""
    scp = home / "feats.scp"
    if not scp.is_file():
        return ""
    status = scp.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _state_of_recordings(home: Path) -> str:
    """Return a digest of where the recordings are, and of the size and time of each file.

    The place of the data dir belongs to it, since the table of kept spectra names files in it. A command is taken to
    give the same recording each time.
    """
    digest = hashlib.sha256(f"{home}\n".encode())
    for name in ("wav.scp", "segments"):
        if (home / name).is_file():
            digest.update((home / name).read_bytes())
    for rxfilename in tables.read_map(home / "wav.scp").values():
        name = specifiers.parse_location(rxfilename).name
        if not name.endswith("|"):
            try:
                status = os.stat(name)
            except OSError:
                continue
            digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _inverse_transform() -> np.ndarray:
    """Return the matrix (num_ceps, B) from MFCC to the B log-mel energies below HIGHEST_HZ.

    There are as many MFCC as mel bands; only then can the cosine transform be inverted.
    """
    count, lifter = MFCC.num_ceps, MFCC.cepstral_lifter
    order = np.arange(count)
    # The orthonormal type-II cosine transform, (num_ceps, num_ceps): its transpose is its inverse.
    cosines = np.sqrt(2 / count) * np.cos(np.pi / count * np.outer(order, order + 0.5))
    cosines[0] /= np.sqrt(2)
    # Kaldi's lifter scaled each coefficient; divide it out.
    lifts = 1 + lifter / 2 * np.sin(np.pi * order / lifter)
    centres = np.linspace(mel(MFCC.low_freq), mel(MFCC.high_freq), count + 2)[1:-1]
    return (cosines / lifts[:, None])[:, centres < mel(HIGHEST_HZ)]


_INVERSE = _inverse_transform()
