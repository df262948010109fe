"""Read Kaldi objects at given offsets of files through memory maps, so that only the bytes needed are read."""

import io
import mmap
import os

import numpy as np

from ser.errors import SerError
from ser.kaldi import objects, specifiers

# Limit on open maps: each takes a file descriptor, and a process has about a thousand of them.
_MAX_MAPS = 256
_MAX_HEADER = 32


def read_file(location: specifiers.Location, key: str = "") -> np.ndarray:
    """Read the whole object, text or binary, at a location: a place in a file, or the output of a command."""
    with specifiers.open_input(location.name) as stream:
        if location.offset:
            stream.seek(location.offset)
        return objects.read_object(objects.Source(stream, location.name, location.offset, key))


class MappedFiles:
    """Reads objects at locations through memory maps, which are opened when first needed and are not pickled."""

    def __init__(self) -> None:
        self._maps: dict[str, mmap.mmap] = {}

    def __getstate__(self) -> dict:
        return {"_maps": {}}

    def read(self, key: str, rxfilename: str) -> np.ndarray:
        return self.fetch(key, specifiers.parse_location(rxfilename))

    def shape(self, key: str, location: specifiers.Location) -> tuple[int, ...]:
        if location.span or not (found := self._header(key, location)):
            return self.fetch(key, location).shape
        return found[0].shape

    def fetch(self, key: str, location: specifiers.Location, start: int = 0, stop: int | None = None) -> np.ndarray:
        found = self._header(key, location)
        array = np.empty(0) if found else read_file(location, key)
        shape = found[0].shape if found else array.shape
        try:
            span = specifiers.parse_span(location.span, shape) if location.span else (slice(0, shape[0]),)
        except SerError as error:
            raise SerError(f"{location.name}: key '{key}': {error}") from error
        first, last = span[0].start, span[0].stop
        stop = last - first if stop is None else stop
        if not 0 <= start <= stop <= last - first:
            raise SerError(
                f"{location.name}: key '{key}': rows {start} to {stop} of {last - first} were asked for; "
                "if utt2num_frames says otherwise, make it again"
            )
        if found:
            header, payload = found
            array = objects.decode(header, payload, first + start, first + stop)
        else:
            array = array[first + start : first + stop]
        return array[:, span[1]].copy() if len(span) == 2 else array

    def _header(self, key: str, location: specifiers.Location) -> tuple[objects.Header, np.ndarray] | None:
        """Return header and bytes of a binary object in a file; None for text and for commands."""
        name, offset, _ = location
        if name == "-" or name.endswith("|"):
            return None
        data = self._map(name)
        head = data[offset : offset + _MAX_HEADER]
        if not head.startswith(objects.BINARY):
            return None
        source = objects.Source(io.BytesIO(head[2:]), name, offset + 2, key)
        header = objects.read_header(source)
        if header.payload > len(data) - source.position:
            left = len(data) - source.position
            raise source.error(f"truncated: {header.payload} bytes are announced, {left} are left; make the file again")
        return header, np.frombuffer(data, np.uint8, header.payload, source.position)

    def _map(self, name: str) -> mmap.mmap:
        if name not in self._maps:
            try:
                with open(name, "rb") as stream:
                    if not os.fstat(stream.fileno()).st_size:
                        raise SerError(f"{name}: the file is empty; make it again")
                    data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as error:
                raise SerError(
                    f"{name}: cannot be read: {error.strerror}; run the stage that makes it again"
                ) from error
            while len(self._maps) >= _MAX_MAPS:
                self._maps.pop(next(iter(self._maps)))
            self._maps[name] = data
        return self._maps[name]
