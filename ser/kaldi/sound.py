"""Open a recording as blocks of samples. All audio is read here, so make_features and ser-detect get equal samples."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ser.errors import SerError
from ser.kaldi import riff

# In Hz. A lower rate means a broken header, and resampling it would fill gigabytes.
LOWEST_RATE = 1000
SECONDS_A_BLOCK = 10
# Most samples in a block, over all channels: a limit on memory, since a broken header may announce any rate.
MOST_SAMPLES = 1 << 20
# Channels cancel (one is the inverse of the other) if the power of their mean is less than this share of their power.
CANCELLED = 0.01
# Channels differ if their deviation from the mean channel has more than this share of its power.
DIFFERENT = 0.01

_INTEGERS: dict[int, np.dtype] = {8: np.dtype("u1"), 16: np.dtype("<i2"), 32: np.dtype("<i4")}
_FLOATS: dict[int, np.dtype] = {32: np.dtype("<f4"), 64: np.dtype("<f8")}


class UnknownFormatError(SerError):
    """The bytes are not audio in a format that libsndfile reads; another program may be able to read them."""


@dataclass
class Sound:
    """An open recording.

    Attributes
    ----------
    rate, channels : sample rate in Hz, and number of channels.
    blocks : iterator over arrays (n, channels) float32 in [-1, 1), n being at most `block_frames`. It raises a
        `SerError` if the samples end too early.
    is_streamed : the header does not give the length.
    notes : harmless errors of the header, for the user.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    is_streamed: bool = False
    notes: tuple[str, ...] = ()


def open_sound(stream: BinaryIO) -> Sound:
    """Open the recording in a seekable, unbuffered stream: WAV, or any other format of libsndfile.

    Raises
    ------
    UnknownFormatError
        If libsndfile does not know the format.
    SerError
        If the file is empty, a git-lfs stub or truncated, or if its header is broken.
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
    """Return the number of samples of each channel in a block."""
    return max(1, min(SECONDS_A_BLOCK * rate, MOST_SAMPLES // channels))


@dataclass
class Mixer:
    """Reduces the channels of a recording to one, block by block.

    Attributes
    ----------
    channel : number of the channel to take, from 1. None takes the mean of the channels; or, if they cancel, the
        loudest channel, from that block to the end.
    differ : whether the channels averaged so far differ.
    taken : number of the channel that is taken because the channels cancel; 0 while they do not.
    """

    channel: int | None = None
    differ: bool = False
    taken: int = 0

    def mix(self, block: np.ndarray) -> np.ndarray:
        """Reduce a block (n, channels) float32 to (n,) float32."""
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
        # Mean power of the channels = power of their mean + power of their deviations from it.
        self.differ = self.differ or bool(powers.mean() - of_mean > DIFFERENT * of_mean)
        return mean


def _width(layout: riff.WavLayout) -> int | None:
    """Return the number of bytes of a sample if its format is decoded here, else None."""
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
            raise SerError(f"truncated while it was read: {left} more samples were there when it was opened")
        yield _decode(data[: frames * frame], layout).reshape(frames, layout.channels)
        left -= frames


def _decode(data: bytes, layout: riff.WavLayout) -> np.ndarray:
    """Decode the bytes of samples to float32, scaled as libsndfile scales them."""
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

    # Give libsndfile the file descriptor if there is one; that is faster than calls back to Python.
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
        # An MP3 file does not announce its length, and libsndfile only estimates it, so do not compare it.
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
