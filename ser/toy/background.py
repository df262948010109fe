"""Toy MUSAN and RIRS_NOISES: noises, music, babble and the impulse responses of rooms."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from ser.toy.speech import SAMPLE_RATE, draw_style, draw_voice, make_rng, speak, write_wav

# Shortest and longest reverberation time (decay by 60 dB) in seconds.
ROOMS = {"smallroom": (0.15, 0.35), "mediumroom": (0.4, 0.8)}


@dataclass(frozen=True)
class MusanSize:
    """Number of recordings of each part."""

    music: int
    noise: int
    speech: int


@dataclass(frozen=True)
class RirsSize:
    """Number of rooms of each of the two sizes, and of impulse responses of each room."""

    rooms: int
    responses: int


def write_musan(folder: Path, size: MusanSize, seed: int) -> None:
    """Write ``{music,noise,speech}/<source>/<part>-<source>-NNNN.wav`` into `folder`."""
    parts = {
        ("music", "fma"): (size.music, _music),
        ("noise", "free-sound"): (size.noise, _noise),
        ("speech", "librivox"): (size.speech, _speech),
    }
    for (part, source), (count, make) in parts.items():
        for index in range(count):
            name = f"{part}-{source}-{index:04d}"
            write_wav(folder / part / source / f"{name}.wav", make(make_rng(seed, "musan", name)))


def write_rirs(folder: Path, size: RirsSize, seed: int) -> None:
    """Write ``simulated_rirs/<size>/RoomNNN/RoomNNN-NNNNN.wav`` and their ``rir_list`` into `folder`."""
    for kind, times in ROOMS.items():
        lines = []
        for room in range(1, size.rooms + 1):
            rng = make_rng(seed, kind, str(room))
            reverberation_time = rng.uniform(*times)
            for response in range(1, size.responses + 1):
                path = Path("simulated_rirs", kind, f"Room{room:03d}", f"Room{room:03d}-{response:05d}.wav")
                write_wav(folder / path, _room_response(reverberation_time, rng))
                room_id = f"{kind.removesuffix('room')}-Room{room:03d}"
                lines.append(f"--rir-id {room_id}-{response:05d} --room-id {room_id} RIRS_NOISES/{path}\n")
        (folder / "simulated_rirs" / kind / "rir_list").write_text("".join(lines), encoding="utf-8")


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Hum, hiss or rumble, or a row of knocks: 2 to 4 s."""
    length = int(rng.uniform(2.0, 4.0) * SAMPLE_RATE)
    noise = lfilter([1.0], [1.0, -rng.uniform(-0.5, 0.95)], rng.standard_normal(length))
    if rng.random() < 0.5:
        knocks = np.zeros(length)
        knocks[rng.integers(length, size=8)] = 1.0
        noise *= lfilter([1.0], [1.0, -np.exp(-1 / (0.04 * SAMPLE_RATE))], knocks)
    return 0.1 * noise / np.std(noise)


def _music(rng: np.random.Generator) -> np.ndarray:
    """Chords of three notes with decaying harmonics, two a second: 4 to 6 s."""
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    chords = []
    for _ in range(rng.integers(8, 13)):
        root = 110.0 * 2 ** (rng.integers(24) / 12)
        notes = root * 2 ** (np.array([0, rng.choice([3, 4]), 7]) / 12)
        harmonics = np.arange(1, 6)
        tones = np.sin(2 * np.pi * notes[:, None, None] * harmonics[:, None] * time) / harmonics[:, None]
        chords.append(tones.sum(axis=(0, 1)) * np.exp(-3 * time))
    music = np.concatenate(chords)
    return 0.1 * music / np.std(music)


def _speech(rng: np.random.Generator) -> np.ndarray:
    """One speaker reading for about 5 s."""
    voice = draw_voice("mf"[rng.integers(2)], rng)
    return speak(voice, draw_style("neutral", voice, rng), 22, rng)


def _room_response(reverberation_time: float, rng: np.random.Generator) -> np.ndarray:
    """The direct path, then noise that decays by 60 dB in `reverberation_time` seconds."""
    length = int(reverberation_time * SAMPLE_RATE)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    distance = int(rng.uniform(0.002, 0.01) * SAMPLE_RATE)
    response = np.concatenate([np.zeros(distance), [1.0], rng.uniform(0.05, 0.15) * tail])
    return 0.9 * response / np.max(np.abs(response))
