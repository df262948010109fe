"""What a RIFF WAV header says of the samples, and what it means where it is wrong."""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from ser.errors import SerError
from ser.kaldi.objects import Source

# Programs that write WAV to a pipe don't know its length: they announce 0, 2^31 less a little, or 2^32 - 1.
UNKNOWN_SIZE = 0x7FFFF000
PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7
_EXTENSIBLE = 0xFFFE
# A header that counts itself, or a chunk, among the samples announces so many bytes more than there are, at most.
_MISCOUNT = 64
_MOST_CHUNKS = 1000
# Chunks that programs write; others are known by four letters, digits or blanks.
_CHUNKS = {b"fmt ", b"data", b"LIST", b"fact", b"bext", b"JUNK", b"junk", b"PAD ", b"cue ", b"smpl", b"id3 ", b"ID3 "}
_CHUNKS |= {b"PEAK", b"iXML", b"_PMX", b"inst", b"cart", b"axml", b"chna", b"minf", b"afsp", b"FLLR", b"wavl", b"slnt"}


@dataclass(frozen=True)
class WavLayout:
    """Where the samples of a WAV file are, and what they are.

    Attributes
    ----------
    rate, channels, tag, bits : of the samples; `tag` is PCM, FLOAT, ALAW, MULAW or another format's.
    block_align : bytes of a frame, that is of one sample of each channel.
    start, size : of the samples, in bytes.
    is_streamed : the header does not know the size, so that nothing tells whether all is there.
    notes : what is wrong and harmless, for the user.
    """

    rate: int
    channels: int
    tag: int
    bits: int
    block_align: int
    start: int
    size: int
    is_streamed: bool
    notes: tuple[str, ...]


@dataclass
class _Walk:
    """A way through the chunks of a file of `total` bytes."""

    stream: BinaryIO
    total: int
    end: int | None  # that the RIFF header announces; None where it knows none
    notes: list[str] = field(default_factory=list)

    def header(self, position: int) -> tuple[bytes, int] | None:
        """Read name and size of the chunk at `position`; None where none is left."""
        if position + 8 > self.total:
            return None
        self.stream.seek(position)
        name, size = struct.unpack("<4sI", self.stream.read(8))
        return name, size

    def next(self, position: int, size: int) -> int:
        """Give the place of the chunk after that at `position`: chunks start at even places."""
        after = position + 8 + size
        if size % 2 == 0:
            return after
        odd, even = self.header(after), self.header(after + 1)
        if odd and odd[0] in _CHUNKS and (even is None or even[0] not in _CHUNKS):
            self.notes.append("a chunk of odd size has no pad byte")
            return after
        return after + 1

    def is_chunk(self, position: int) -> bool:
        """Tell whether a chunk that ends within the RIFF is at `position`, and not samples."""
        header = self.header(position)
        if header is None or self.end is None:
            return False
        name, size = header
        return _is_name(name) and position + 8 + size <= min(self.end + 1, self.total)

    def holds_data(self, position: int) -> int:
        """Give the size of a chunk of samples among those from `position` on; 0 where there is none."""
        for _ in range(_MOST_CHUNKS):
            header = self.header(position)
            if header is None or not _is_name(header[0]):
                return 0
            if header[0] == b"data" and header[1]:
                return header[1]
            position = self.next(position, header[1])
        return 0


def read_layout(stream: BinaryIO, total: int) -> WavLayout | None:
    """Read the header of a WAV file of `total` bytes; None for what is no WAV file.

    A data chunk of size 0 is empty where the RIFF header accounts for a chunk after it, else its length was unknown to
    the program that wrote it. Of two data chunks the first is taken, as Kaldi does.

    Raises
    ------
    SerError
        If the header is broken, or announces samples that are not there.
    """
    stream.seek(0)
    head = stream.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    (riff_size,) = struct.unpack_from("<I", head, 4)
    walk = _Walk(stream, total, 8 + riff_size if 0 < riff_size < UNKNOWN_SIZE else None)
    position, form = 12, None
    for _ in range(_MOST_CHUNKS):
        header = walk.header(position)
        if header is None:
            raise SerError("truncated: a WAV header without data")
        name, size = header
        if name == b"data":
            break
        if name == b"fmt " and size >= 16 and position + 8 + size <= total:
            form = stream.read(min(size, 40))
        position = walk.next(position, size)
    else:
        raise SerError(f"broken WAV header: no data among its first {_MOST_CHUNKS} chunks")
    if form is None:
        raise SerError("broken WAV header: no sample format before the data")
    tag, channels, rate, _, block_align, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if not channels or not rate:
        raise SerError("broken WAV header: no sample format before the data")
    start = position + 8
    left = total - start
    is_empty = size == 0 and walk.is_chunk(start)
    is_streamed = (size == 0 and not is_empty) or size >= UNKNOWN_SIZE
    if is_streamed:
        size = left
    elif size > left:
        if size - left > _MISCOUNT:
            raise SerError(f"truncated: the WAV header announces {size} bytes of samples, {left} are there")
        walk.notes.append(f"the WAV header announces {size - left} bytes more than there are")
        size = left
    elif more := walk.holds_data(walk.next(position, size)):
        walk.notes.append(f"a second data chunk, of {more} bytes, is not read")
    notes = tuple(dict.fromkeys(walk.notes))
    return WavLayout(rate, channels, tag, bits, block_align, start, size, is_streamed, notes)


def read_stream(source: Source) -> bytes:
    """Read the bytes of one WAV file out of an archive; SerError if there is none, or less than its header says."""
    head = source.take(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise source.error(f"expected a WAV file (RIFF), found {head!r}")
    (size,) = struct.unpack_from("<I", head, 4)
    if 4 <= size < UNKNOWN_SIZE:
        return head + source.take(size - 4)
    return head + source.stream.read()


def _is_name(name: bytes) -> bool:
    return name in _CHUNKS or (name.isascii() and name.replace(b" ", b"a").isalnum())
