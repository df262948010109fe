"""Read the recordings of a data directory as samples, from files, pipes and archives in any format of libsndfile."""

import io
import logging
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.errors import SerError
from ser.kaldi import objects, riff, sound, specifiers
from ser.kaldi.sound import LOWEST_RATE
from ser.kaldi.tables import read_lines, read_map

logger = logging.getLogger(__name__)

# Segment times are rounded, so Kaldi's extract-segments accepts an end up to this much after the end of the recording.
MAX_OVERSHOOT_SECONDS = 0.5
# 141 is bash's exit status for SIGPIPE (128 + 13). With pipefail a pipe has it if a later command stopped reading
# early, as `head` does, and no later command failed. Such output is complete.
SIGPIPE_FAULT = "command failed with exit status 141"
_NO_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True)
class Unreadable:
    """Stands for the samples of an utterance that cannot be read; `reason` is the cause and, if known, the remedy."""

    reason: str


class Segment(NamedTuple):
    """One line of ``segments``: a part of a recording, with times in seconds; -1 is the end of the recording."""

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
    sample_rate : rate of the samples yielded, in Hz. Other rates are resampled (soxr HQ), with one warning per call.
    segments : file with lines ``utterance recording start end``. A recording is read once for consecutive segments.
        From an archive, segments come in the order of the archive.

    Yields
    ------
    samples : (N,) float32 in [-1, 1), N > 0, all finite. Channels are averaged (`ser.kaldi.sound.Mixer`), with one
        warning per call. An `Unreadable` stands for a bad recording, so that the others can still be used.

    Raises
    ------
    SerError
        If the list of recordings or of segments is itself broken.
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
        last: str | None = None
        samples: np.ndarray | Unreadable = Unreadable("")
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
    """Yield the lines of a ``segments`` file; raise a `SerError` with file and line number if one is broken."""
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


class Raw(NamedTuple):
    """The bytes of a recording; `fault` says why they may be incomplete, '' if there is no sign of that."""

    data: bytes
    fault: str = ""


@dataclass
class _Converter:
    """Turns the bytes of recordings into one channel at one sample rate; warns once of each kind of change."""

    sample_rate: int
    warned: set[str] = field(default_factory=set)

    def convert(self, key: str, raw: Raw | Unreadable) -> np.ndarray | Unreadable:
        if isinstance(raw, Unreadable):
            return raw
        mixer = sound.Mixer()
        try:
            opened = sound.open_sound(io.BytesIO(raw.data))
            if raw.fault and opened.is_streamed and not raw.fault.startswith(SIGPIPE_FAULT):
                return Unreadable(raw.fault)
            blocks = [mixer.mix(block) for block in opened.blocks]
        except SerError as error:
            return Unreadable(raw.fault or str(error))
        samples = blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros(0, np.float32), *blocks])
        if not samples.size:
            return Unreadable(raw.fault or "the recording has no samples")
        self._say(key, raw, opened, mixer)
        if not np.isfinite(samples).all():
            return Unreadable("the recording has samples that are infinite or not a number")
        rate = opened.rate
        if rate < LOWEST_RATE:
            return Unreadable(
                f"a sample rate of {rate} Hz, under {LOWEST_RATE}: the header is broken, or this is not speech"
            )
        if rate != self.sample_rate:
            self._warn(f"'{key}' has {rate} Hz: resampled to {self.sample_rate} Hz, as are others like it", "rate")
            import soxr

            samples = soxr.resample(samples, rate, self.sample_rate, quality="HQ")
            if not samples.size:
                return Unreadable(f"the recording is too short to be resampled from {rate} Hz")
        return samples

    def _say(self, key: str, raw: Raw, opened: sound.Sound, mixer: sound.Mixer) -> None:
        if raw.fault:
            self._warn(f"'{key}': {raw.fault}; its audio is whole and is used, here and in others like it", "status")
        for note in opened.notes:
            self._warn(f"'{key}': {note}, here and in others like it", note.translate(_NO_DIGITS))
        if mixer.taken:
            self._warn(f"'{key}' has channels that cancel: channel {mixer.taken} is taken, here and in others like it")
        elif opened.channels > 1:
            self._warn(
                f"'{key}' has {opened.channels} channels: their mean is taken, here and in others like it", "mean"
            )

    def _warn(self, message: str, what: str = "cancel") -> None:
        if what not in self.warned:
            self.warned.add(what)
            logger.warning("%s", message)


def _read_bytes(rxfilename: str) -> Raw | Unreadable:
    name, offset, _ = specifiers.parse_recording(rxfilename)
    if name.endswith("|"):
        return _run(name[:-1].strip())
    try:
        with open(name, "rb") as stream:
            if not offset:
                return Raw(stream.read())
            stream.seek(offset)
            return Raw(riff.read_stream(objects.Source(stream, name, offset)))
    except OSError as error:
        return Unreadable(f"{name}: cannot be read: {error.strerror}")
    except SerError as error:
        return Unreadable(str(error))


def _run(command: str) -> Raw | Unreadable:
    """Run a command and return its output. If it fails but its audio is complete, use that with a warning, as Kaldi."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if not done.returncode:
        return Raw(done.stdout)
    if "ffmpeg" in command and shutil.which("ffmpeg") is None:
        return Unreadable(f"ffmpeg is not installed; install it: '{command}'")
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
    fault = f"command failed with exit status {done.returncode}: '{command}': {said}"
    return Raw(done.stdout, fault) if done.stdout else Unreadable(fault)


def _read_archive(name: str) -> Iterator[tuple[str, Raw | Unreadable]]:
    with specifiers.open_input(name) as stream:
        source = objects.Source(stream, name)
        while source.next_key():
            try:
                data: Raw | Unreadable = Raw(riff.read_stream(source))
            except SerError as error:
                # A recording cut off by the end of the file is left out alone. Elsewhere stop, because the start of the
                # next recording is unknown.
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
