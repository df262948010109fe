"""Recordings of a data directory as samples: WAV, FLAC and whatever libsndfile reads, files, pipes and archives."""

import io
import logging
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser.errors import SerError
from ser.kaldi import objects, riff, specifiers
from ser.kaldi.tables import read_lines, read_map

if TYPE_CHECKING:
    import soundfile

logger = logging.getLogger(__name__)

# Segment times are rounded; Kaldi's extract-segments lets the end be this much past the recording's.
MAX_OVERSHOOT_SECONDS = 0.5
# In Hz; below it a header is broken, and resampling would make gigabytes of it.
LOWEST_RATE = 1000
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Unreadable:
    """Stands for the samples of an utterance that cannot be read; `reason` says why and what mends it."""

    reason: str


class Segment(NamedTuple):
    """One line of ``segments``: part of a recording, times in seconds; the end -1 is that of the recording."""

    utt: str
    recording: str
    start: float
    end: float


def read_waves(
    wav_rspecifier: str, sample_rate: int, segments: str | Path | None = None
) -> Iterator[tuple[str, np.ndarray | Unreadable]]:
    """Yield (utterance, samples) of every recording or, given `segments`, of every segment.

    Parameters
    ----------
    wav_rspecifier : ``scp:wav.scp``, whose lines name a file, ``file:offset`` or ``command |``; or a wave archive,
        ``ark:F`` or ``ark:-``.
    sample_rate : of what is yielded, in Hz; other rates are resampled (soxr HQ), with one warning a call.
    segments : file of ``utterance recording start end``. Consecutive segments of a recording read it once; with an
        archive the order is the archive's.

    Yields
    ------
    samples : (N,) float32 in [-1, 1), N > 0 and all finite; channels are averaged, with one warning a call.
        An `Unreadable` where there are none: one bad clip never costs the others.

    Raises
    ------
    SerError
        If a list itself is broken.
    """
    converter = _Converter(sample_rate)
    kind, name = specifiers.parse_rspecifier(wav_rspecifier)
    if kind == "ark":
        recordings = ((key, converter.convert(key, data)) for key, data in _read_archive(name))
        yield from recordings if segments is None else _cut_archive(recordings, read_segments(segments), sample_rate)
    elif segments is None:
        for number, key, rxfilename in read_lines(name):
            if not rxfilename:
                raise SerError(f"{name}:{number}: expected 2 fields, found 1: '{key}'")
            yield key, converter.convert(key, _read_bytes(rxfilename))
    else:
        table = read_map(name)
        last, samples = None, Unreadable("")
        for segment in read_segments(segments):
            if segment.recording not in table:
                yield segment.utt, Unreadable(f"its recording '{segment.recording}' is not in {name}")
                continue
            if segment.recording != last:
                last = segment.recording
                samples = converter.convert(last, _read_bytes(table[last]))
            yield segment.utt, _cut(samples, segment, sample_rate)


def read_wave(rxfilename: str, sample_rate: int) -> np.ndarray | Unreadable:
    """Read one recording, named as in ``wav.scp``: (N,) float32 at `sample_rate` Hz."""
    return _Converter(sample_rate).convert(rxfilename, _read_bytes(rxfilename))


def read_segments(path: str | Path) -> Iterator[Segment]:
    """Yield the lines of a ``segments`` file; SerError with file and line where one is broken."""
    for number, utt, rest in read_lines(path):
        fields = rest.split()
        if len(fields) != 3:
            raise SerError(f"{path}:{number}: expected 4 fields, found {len(fields) + 1}: '{utt} {rest}'")
        try:
            start, end = float(fields[1]), float(fields[2])
        except ValueError as error:
            raise SerError(f"{path}:{number}: expected times in seconds, found '{fields[1]} {fields[2]}'") from error
        if not (0 <= start < end < float("inf") or (start >= 0 and end == -1)):
            raise SerError(f"{path}:{number}: expected 0 <= start < end, found '{fields[1]} {fields[2]}'")
        yield Segment(utt, fields[0], start, end)


@dataclass
class _Converter:
    """Makes samples at one rate and one channel of a file's bytes; says once each what it changed."""

    sample_rate: int
    warned: set[str] = field(default_factory=set)

    def convert(self, key: str, data: bytes | Unreadable) -> np.ndarray | Unreadable:
        decoded = data if isinstance(data, Unreadable) else _decode(data)
        if isinstance(decoded, Unreadable):
            return decoded
        samples, rate = decoded
        if not samples.size:
            return Unreadable("the recording has no samples")
        if samples.ndim == 2:
            self._warn(f"'{key}' has {samples.shape[1]} channels: their mean is taken, here and in others like it")
            samples = samples.mean(axis=1, dtype=np.float32)
        if not np.isfinite(samples).all():
            return Unreadable("the recording has samples that are infinite or not a number")
        if rate < LOWEST_RATE:
            return Unreadable(f"a rate of {rate} Hz, under {LOWEST_RATE}: its header is broken, or it is no speech")
        if rate != self.sample_rate:
            self._warn(f"'{key}' has {rate} Hz: resampled to {self.sample_rate} Hz, as are others like it", "rate")
            import soxr

            samples = soxr.resample(samples, rate, self.sample_rate, quality="HQ")
            if not samples.size:
                return Unreadable(f"the recording is too short to be resampled from {rate} Hz")
        return samples

    def _warn(self, message: str, what: str = "channels") -> None:
        if what not in self.warned:
            self.warned.add(what)
            logger.warning("%s", message)


def _decode(data: bytes) -> tuple[np.ndarray, int] | Unreadable:
    """Samples, (N,) or (N, channels) float32, and rate of the bytes of a file."""
    if not data:
        return Unreadable("the file is empty")
    if data.startswith(b"version https://git-lfs"):
        return Unreadable("a git-lfs stub, not audio; run `git lfs pull` in the corpus' repository")
    try:
        if (plain := riff.read_pcm16(data)) is not None:
            return plain
    except SerError as error:
        return Unreadable(str(error))
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            samples = _read_samples(sound)
            # An MP3 file announces no length; libsndfile estimates it.
            announced, rate = sound.frames if sound.format != "MP3" else 0, sound.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        return Unreadable(f"not audio that libsndfile reads, or broken: {str(error).rpartition(': ')[2]}")
    if len(samples) < announced < riff.UNKNOWN_SIZE:
        return Unreadable(f"truncated: {announced} samples are announced, {len(samples)} are there")
    return (samples[:, 0] if samples.shape[1] == 1 else samples), rate


def _read_samples(sound: "soundfile.SoundFile") -> np.ndarray:
    """Read all samples, (N, channels) float32, in blocks: a header may announce more than memory has room for."""
    blocks = [np.zeros((0, sound.channels), np.float32)]
    while len(block := sound.read(_BLOCK // sound.channels, dtype="float32", always_2d=True)):
        blocks.append(block)
    return blocks[1] if len(blocks) == 2 else np.concatenate(blocks)


def _read_bytes(rxfilename: str) -> bytes | Unreadable:
    name, offset, _ = specifiers.parse_location(rxfilename)
    if name.endswith("|"):
        return _run(name[:-1].strip())
    try:
        with open(name, "rb") as stream:
            if not offset:
                return stream.read()
            stream.seek(offset)
            return riff.read_stream(objects.Source(stream, name, offset))
    except OSError as error:
        return Unreadable(f"{name}: cannot be read: {error.strerror}")
    except SerError as error:
        return Unreadable(str(error))


def _run(command: str) -> bytes | Unreadable:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if not done.returncode:
        return done.stdout
    if "ffmpeg" in command and shutil.which("ffmpeg") is None:
        return Unreadable(f"ffmpeg is not installed; install it: '{command}'")
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
    return Unreadable(f"command failed with exit status {done.returncode}: '{command}': {said}")


def _read_archive(name: str) -> Iterator[tuple[str, bytes | Unreadable]]:
    with specifiers.open_input(name) as stream:
        source = objects.Source(stream, name)
        while source.next_key():
            try:
                data: bytes | Unreadable = riff.read_stream(source)
            except SerError as error:
                # At the end of the file it costs this recording; elsewhere nobody knows where the next one begins.
                if stream.read(1):
                    raise
                data = Unreadable(str(error))
            yield source.key, data


def _cut_archive(
    recordings: Iterator[tuple[str, np.ndarray | Unreadable]], segments: Iterator[Segment], sample_rate: int
) -> Iterator[tuple[str, np.ndarray | Unreadable]]:
    wanted: dict[str, list[Segment]] = {}
    for segment in segments:
        wanted.setdefault(segment.recording, []).append(segment)
    for key, samples in recordings:
        for segment in wanted.pop(key, []):
            yield segment.utt, _cut(samples, segment, sample_rate)
    for recording, missed in wanted.items():
        for segment in missed:
            yield segment.utt, Unreadable(f"its recording '{recording}' is not in the archive")


def _cut(samples: np.ndarray | Unreadable, segment: Segment, sample_rate: int) -> np.ndarray | Unreadable:
    if isinstance(samples, Unreadable):
        return samples
    seconds = len(samples) / sample_rate
    if segment.end > seconds + MAX_OVERSHOOT_SECONDS or segment.start >= seconds:
        return Unreadable(
            f"its segment {segment.start:g} to {segment.end:g} s is outside the recording '{segment.recording}', "
            f"which has {seconds:.2f} s"
        )
    stop = len(samples) if segment.end == -1 else int(segment.end * sample_rate)
    piece = samples[int(segment.start * sample_rate) : stop]
    return piece if len(piece) else Unreadable(f"its segment {segment.start:g} to {segment.end:g} s has no samples")
