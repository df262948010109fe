"""RIFF WAV headers. Plain 16-bit WAV, nearly all of speech, is read here some ten times faster than by libsndfile."""

import struct

import numpy as np

from ser.errors import SerError
from ser.kaldi.objects import Source

# Programs that write WAV to a pipe don't know its length: they announce 0, 2^31 less a little, or 2^32 - 1.
UNKNOWN_SIZE = 0x7FFFF000
_PCM, _EXTENSIBLE = 1, 0xFFFE


def read_pcm16(data: bytes) -> tuple[np.ndarray, int] | None:
    """Read the bytes of a 16-bit PCM WAV file.

    Returns
    -------
    Samples in [-1, 1), (N,) float32 or (N, channels) where there are more than one, and the rate in Hz; None for
    anything else, which may be audio still.

    Raises
    ------
    SerError
        If it is a WAV file (of any sample format) with a broken header, or shorter than its header says.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    position, form = 12, None
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"data":
            break
        if name == b"fmt " and size >= 16 and position + size <= len(data):
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, position)
            if tag == _EXTENSIBLE and size >= 26:
                (tag,) = struct.unpack_from("<H", data, position + 24)
            form = tag, bits
        # Chunks start at even places.
        position += size + size % 2
    else:
        raise SerError("truncated: a WAV header without data")
    if form is None or not channels or not rate:
        raise SerError("broken WAV header: no sample format before the data")
    left = len(data) - position
    if size > left and size < UNKNOWN_SIZE:
        raise SerError(f"truncated: the WAV header announces {size} bytes of samples, {left} are there")
    if form != (_PCM, 16):
        return None
    length = left if size >= UNKNOWN_SIZE or size == 0 else size
    frames = length // (2 * channels)
    values = np.frombuffer(data, dtype="<i2", count=frames * channels, offset=position)
    samples = values.astype(np.float32)
    samples *= np.float32(1 / 32768)
    return (samples if channels == 1 else samples.reshape(frames, channels)), rate


def read_stream(source: Source) -> bytes:
    """Read the bytes of one WAV file out of an archive; SerError if there is none, or less than its header says."""
    head = source.take(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise source.error(f"expected a WAV file (RIFF), found {head!r}")
    (size,) = struct.unpack_from("<I", head, 4)
    if 4 <= size < UNKNOWN_SIZE:
        return head + source.take(size - 4)
    return head + source.stream.read()
