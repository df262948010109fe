"""Clips for HTML pages: compressed sound, spectrogram as an image, pitch as a line."""

import base64
import io
from dataclasses import dataclass

import numpy as np

from ser.errors import SerError

RATE = 16000
# Longer clips are cut, since they are embedded in the page.
MOST_SECONDS = 20.0
# Limit for a page of one recording, which then takes some megabytes.
MOST_EMBEDDED = 1200.0
WINDOW, SHIFT, BANDS = 512, 160, 96
FRAME = 400  # samples per frame of the pitch tracker
HIGHEST = 5000.0  # Hz, top of the spectrogram
RANGE_DB = 65.0
MOST_COLUMNS = 500
PITCH_RANGE = (60.0, 480.0)  # Hz, range of the pitch axis, which is logarithmic
VOICED = 0.5  # a frame is drawn as voiced if its NCCF is at least this ...
QUIET_DB = 35.0  # ... and its level is not further than this below the loudest frame, since hum in a pause has a pitch


@dataclass(frozen=True)
class Clip:
    """A recording as a page shows it: data URIs of spectrogram and sound ('' for none), and the pitch curve.

    `pitch` has a polyline for each voiced stretch. A point is (time, height from the top), both from 0 to 1.
    """

    seconds: float
    spectrogram: str
    pitch: tuple[tuple[tuple[float, float], ...], ...]
    sound: str


def make_clip(samples: np.ndarray, with_sound: bool) -> Clip:
    """Make the clip of `samples` (N,) float32 in [-1, 1] at `RATE`."""
    seconds = len(samples) / RATE
    samples = samples[: int(MOST_SECONDS * RATE)]
    return Clip(seconds, spectrogram_uri(samples), pitch_lines(samples), sound_uri(samples) if with_sound else "")


def sound_uri(samples: np.ndarray, rate: int = RATE) -> str:
    """Encode samples as MP3, or as FLAC if libsndfile cannot write MP3: a data URI for an ``<audio>`` element."""
    import soundfile

    buffer = io.BytesIO()
    # The encoder would clip a signal that reaches full scale.
    samples = samples / max(1.0, float(np.abs(samples).max(initial=0.0)))
    if "MP3" in soundfile.available_formats():
        soundfile.write(buffer, samples, rate, format="MP3", compression_level=0.7, bitrate_mode="VARIABLE")
        kind = "mpeg"
    else:
        soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
        kind = "flac"
    return f"data:audio/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """Compute a spectrogram: levels of bands of equal width up to `HIGHEST`, (BANDS, T) uint8, highest band first.

    255 is the loudest point of the clip, 0 is `RANGE_DB` below it.
    """
    padded = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    shift = max(SHIFT, -(-(len(padded) - WINDOW) // MOST_COLUMNS))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::shift]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), 2 * WINDOW)) ** 2  # (T, WINDOW + 1)
    edges = np.linspace(0, HIGHEST * 2 * WINDOW / RATE, BANDS + 1).astype(int)
    bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1) / np.diff(edges)
    decibels = 10 * np.log10(np.maximum(bands, 1e-12))
    levels = np.clip(1 + (decibels - decibels.max()) / RANGE_DB, 0, 1)
    return np.round(255 * levels).astype(np.uint8).T[::-1]


def spectrogram_uri(samples: np.ndarray) -> str:
    """Draw the spectrogram as a grey PNG, in which dark is loud: a data URI for an ``<img>`` element."""
    from PIL import Image

    buffer = io.BytesIO()
    # 128 grey levels are enough for the eye and halve the bytes.
    Image.fromarray(255 - (spectrogram(samples) & 0xF0)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def pitch_lines(samples: np.ndarray) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Track the pitch: a polyline for each voiced stretch, none if no frame is voiced."""
    from ser.features.pitch import PitchOptions, pitch

    low, high = np.log(PITCH_RANGE)
    try:
        nccf, hertz = pitch(32768.0 * samples.astype(np.float32), PitchOptions(sample_frequency=RATE)).T
    except SerError:
        return ()
    if len(hertz) == 0 or len(samples) < FRAME:
        return ()
    heights = np.clip((high - np.log(hertz)) / (high - low), 0, 1)
    times = (np.arange(len(hertz)) * SHIFT + FRAME / 2) / len(samples)
    starts = np.arange(len(hertz)) * SHIFT
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[np.minimum(starts, len(samples) - FRAME)]
    decibels = 10 * np.log10(np.maximum(np.square(frames).mean(axis=1), 1e-12))
    voiced = np.flatnonzero((nccf >= VOICED) & (decibels > decibels.max() - QUIET_DB))
    stretches = np.split(voiced, np.flatnonzero(np.diff(voiced) > 1) + 1)
    return tuple(
        tuple((round(float(times[at]), 4), round(float(heights[at]), 3)) for at in stretch)
        for stretch in stretches
        if len(stretch) > 2
    )
