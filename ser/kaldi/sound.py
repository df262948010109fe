"""A recording as blocks of samples: the one reader of audio, so that make_features and ser-detect judge alike."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ser.errors import SerError
from ser.kaldi import riff

# In Hz; below it a header is broken, and resampling would make gigabytes of it.
LOWEST_RATE = 1000
SECONDS_A_BLOCK = 10
# In a block, of all channels together: a header of few bytes may announce any rate.
MOST_SAMPLES = 1 << 20
# Channels whose mean has less than this share of their power cancel each other: one is the other's inverse.
CANCELLED = 0.01
# Channels differ where what parts them from their mean has more than this share of its power.
DIFFERENT = 0.01

_INTEGERS: dict[int, np.dtype] = {8: np.dtype("u1"), 16: np.dtype("<i2"), 32: np.dtype("<i4")}
_FLOATS: dict[int, np.dtype] = {32: np.dtype("<f4"), 64: np.dtype("<f8")}


class UnknownFormatError(SerError):
    """The bytes are not audio of a kind that is read here; another program may know it."""


@dataclass
class Sound:
    """An open recording.

    Attributes
    ----------
    rate, channels : in Hz, and how many.
    blocks : (n, channels) float32 samples in [-1, 1), `block_frames` of them at a time; raises a `SerError` where the
        samples end too early.
    is_streamed : its header does not know its length.
    notes : what was wrong with the header and is harmless.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    is_streamed: bool = False
    notes: tuple[str, ...] = ()


def open_sound(stream: BinaryIO) -> Sound:
    """Open the recording that a seekable, unbuffered stream holds: WAV, or whatever libsndfile reads.

    Raises
    ------
    UnknownFormatError
        If it is nothing that libsndfile knows.
    SerError
        If it is empty, a stub, or its header is broken or announces more than is there.
    """
    head = stream.read(40)
    if not head:
        raise SerError("the file is empty")
    if head.startswith(b"version https://git-lfs"):
        raise SerError("a git-lfs stub, not audio; run `git lfs pull` in the corpus' repository")
    total = stream.seek(0, os.SEEK_END)
    layout = riff.read_layout(stream, total)
    width = _width(layout) if layout is not None else None
    if layout is not None and width is not None:
        stream.seek(layout.start)
        return Sound(layout.rate, layout.channels, _blocks(stream, layout, width), layout.is_streamed, layout.notes)
    stream.seek(0)
    return _open_other(stream)


def block_frames(rate: int, channels: int) -> int:
    """Return how many samples of each channel a block has."""
    return max(1, min(SECONDS_A_BLOCK * rate, MOST_SAMPLES // channels))


@dataclass
class Mixer:
    """Makes one channel of the blocks of a recording.

    Attributes
    ----------
    channel : the one to take, from 1; None: their mean, or where they cancel the louder of them, to the end.
    differ : whether channels that differ have been averaged.
    taken : the channel that is taken because they cancel; 0 while none is.
    """

    channel: int | None = None
    differ: bool = False
    taken: int = 0

    def mix(self, block: np.ndarray) -> np.ndarray:
        """Make (n,) float32 of (n, channels)."""
        if self.channel is not None:
            if not 1 <= self.channel <= block.shape[1]:
                raise SerError(f"no channel {self.channel}: the recording has {block.shape[1]}")
            return block[:, self.channel - 1]
        if block.shape[1] == 1:
            return block[:, 0]
        if self.taken:
            return block[:, self.taken - 1]
        mean = block.mean(axis=1, dtype=np.float32)
        powers = np.square(block, dtype=np.float32).mean(axis=0, dtype=np.float64)
        of_mean = float(np.square(mean, dtype=np.float32).mean(dtype=np.float64))
        if of_mean < CANCELLED * powers.mean():
            self.taken = int(powers.argmax()) + 1
            return block[:, self.taken - 1]
        # The mean of the squares is that of the mean, and what parts the channels from it.
        self.differ = self.differ or bool(powers.mean() - of_mean > DIFFERENT * of_mean)
        return mean


def _width(layout: riff.WavLayout) -> int | None:
    """Return the bytes of one sample where it is of a kind that is decoded here, else None."""
    width = layout.bits // 8
    kinds = {riff.PCM: (8, 16, 24, 32), riff.FLOAT: (32, 64), riff.ALAW: (8,), riff.MULAW: (8,)}
    if layout.bits not in kinds.get(layout.tag, ()) or layout.block_align not in (0, width * layout.channels):
        return None
    return width


def _blocks(stream: BinaryIO, layout: riff.WavLayout, width: int) -> Iterator[np.ndarray]:
    frame = width * layout.channels
    left = layout.size // frame
    size = block_frames(layout.rate, layout.channels)
    while left:
        data = stream.read(frame * min(size, left))
        frames = len(data) // frame
        if not frames:
            raise SerError(f"truncated while it was read: {left} samples more were there at first")
        yield _decode(data[: frames * frame], layout).reshape(frames, layout.channels)
        left -= frames


def _decode(data: bytes, layout: riff.WavLayout) -> np.ndarray:
    """Make float32 of the bytes of samples, as libsndfile scales them."""
    if layout.tag == riff.FLOAT:
        return np.frombuffer(data, _FLOATS[layout.bits]).astype(np.float32)
    if layout.tag != riff.PCM:
        import soundfile

        subtype = "ALAW" if layout.tag == riff.ALAW else "ULAW"
        raw = {"format": "RAW", "subtype": subtype, "samplerate": layout.rate, "channels": 1}
        return soundfile.read(io.BytesIO(data), dtype="float32", **raw)[0]
    if layout.bits == 24:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = padded.view("<i4")[:, 0].astype(np.float32)
        return values * np.float32(2.0**-31)
    values = np.frombuffer(data, _INTEGERS[layout.bits]).astype(np.float32)
    if layout.bits == 8:
        values -= np.float32(128)
    values *= np.float32(2.0 ** (1 - layout.bits))
    return values


def _open_other(stream: BinaryIO) -> Sound:
    import soundfile

    # By its descriptor where it has one, which is faster than calls back to Python.
    try:
        handle: BinaryIO | int = stream.fileno()
    except OSError:
        handle = stream
    try:
        sound = soundfile.SoundFile(handle, closefd=False)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        reason = str(error).rpartition(": ")[2]
        raise UnknownFormatError(f"not audio that libsndfile reads, or broken: {reason}") from error

    def blocks() -> Iterator[np.ndarray]:
        # An MP3 file announces no length; libsndfile estimates it.
        announced = sound.frames if sound.format != "MP3" else 0
        count, size = 0, block_frames(sound.samplerate, sound.channels)
        with sound:
            try:
                while len(block := sound.read(size, dtype="float32", always_2d=True)):
                    count += len(block)
                    yield block
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise SerError(
                    f"not audio that libsndfile reads, or broken: {str(error).rpartition(': ')[2]}"
                ) from error
        if count < announced < riff.UNKNOWN_SIZE:
            raise SerError(f"truncated: {announced} samples are announced, {count} are there")

    return Sound(sound.samplerate, sound.channels, blocks())
