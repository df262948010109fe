"""Read the header of RIFF WAV files, and work around the errors that recording programs make in it."""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from ser.errors import SerError
from ser.kaldi.objects import Source

# A program that writes WAV to a pipe does not know the length: it announces 0, a little less than 2^31, or 2^32 - 1.
UNKNOWN_SIZE = 0x7FFFF000
PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7
_EXTENSIBLE = 0xFFFE
# Some programs count the header or another chunk among the samples, so the header announces up to this many bytes more
# than there are. If more are missing, the file is truncated.
_MISCOUNT = 64
_MOST_CHUNKS = 1000
# Names of the usual chunks. Other chunks are recognised by a name of four letters, digits or blanks.
_CHUNKS = {b"fmt ", b"data", b"LIST", b"fact", b"bext", b"JUNK", b"junk", b"PAD ", b"cue ", b"smpl", b"id3 ", b"ID3 "}
_CHUNKS |= {b"PEAK", b"iXML", b"_PMX", b"inst", b"cart", b"axml", b"chna", b"minf", b"afsp", b"FLLR", b"wavl", b"slnt"}


@dataclass(frozen=True)
class WavLayout:
    """Position and format of the samples of a WAV file.

    Attributes
    ----------
    rate, channels, bits : sample rate in Hz, number of channels, bits per sample.
    tag : number of the sample format: PCM, FLOAT, ALAW, MULAW or another.
    block_align : bytes of a frame (one sample of each channel).
    start, size : offset and number of bytes of the samples.
    is_streamed : the header does not give the size, so a truncated file cannot be recognised.
    notes : harmless errors of the header, for the user.
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
    """Steps through the chunks of a file of `total` bytes."""

    stream: BinaryIO
    total: int
    end: int | None  # end of the file by the RIFF header; None if it gives none
    notes: list[str] = field(default_factory=list)

    def header(self, position: int) -> tuple[bytes, int] | None:
        """Read name and size of the chunk at `position`; None at the end of the file."""
        if position + 8 > self.total:
            return None
        self.stream.seek(position)
        name, size = struct.unpack("<4sI", self.stream.read(8))
        return name, size

    def next(self, position: int, size: int) -> int:
        """Return the position of the chunk after the one at `position`; chunks start at even positions.

        A pad byte follows a chunk of odd size. Some programs forget it: the next chunk then starts at the odd position.
        """
        after = position + 8 + size
        if size % 2 == 0:
            return after
        odd, even = self.header(after), self.header(after + 1)
        if odd and odd[0] in _CHUNKS and (even is None or even[0] not in _CHUNKS):
            self.notes.append("a chunk of odd size has no pad byte")
            return after
        return after + 1

    def is_chunk(self, position: int) -> bool:
        """Tell whether a chunk that ends within the RIFF starts at `position`, and not samples."""
        header = self.header(position)
        if header is None or self.end is None:
            return False
        name, size = header
        return _is_name(name) and position + 8 + size <= min(self.end + 1, self.total)

    def holds_data(self, position: int) -> int:
        """Return the size of the first non-empty data chunk from `position` on; 0 if there is none."""
        for _ in range(_MOST_CHUNKS):
            header = self.header(position)
            if header is None or not _is_name(header[0]):
                return 0
            if header[0] == b"data" and header[1]:
                return header[1]
            position = self.next(position, header[1])
        return 0


def read_layout(stream: BinaryIO, total: int) -> WavLayout | None:
    """Read the header of a WAV file of `total` bytes; return None if the file is not WAV.

    A data chunk of size 0 is empty if another chunk follows it within the size of the RIFF; otherwise the program that
    wrote it did not know the length. The first of two data chunks is used, as in Kaldi.

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
    """Read the bytes of one WAV file from an archive; raise a `SerError` if there is none or it is truncated."""
    head = source.take(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise source.error(f"expected a WAV file (RIFF), found {head!r}")
    (size,) = struct.unpack_from("<I", head, 4)
    if 4 <= size < UNKNOWN_SIZE:
        return head + source.take(size - 4)
    return head + source.stream.read()


def _is_name(name: bytes) -> bool:
    return name in _CHUNKS or (name.isascii() and name.replace(b" ", b"a").isalnum())
