"""Reads any recording as a stream of samples, by libsndfile or else ffmpeg; a name is never run as a command."""

import contextlib
import logging
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ser.corpora.tree import files_below
from ser.errors import SerError
from ser.kaldi import sound

logger = logging.getLogger(__name__)

# Suffixes of the files that are taken from a folder; a file named by the user may have any suffix.
SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".w64", ".rf64", ".sph", ".nist", ".amr", ".m4a", ".m4b", ".aac", ".mp4", ".m4v", ".mov", ".mkv", ".mka"),
    *(".webm", ".wma", ".wmv", ".avi", ".3gp", ".ac3", ".mpg", ".mpeg"),
)
# ffmpeg's names of formats that hold all of their samples. Playlists and lists of files are refused, since a recording
# from a stranger could name other files of this machine.
CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "eac3", "flac"),
    *("flv", "gsm", "iff", "loas", "matroska", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf", "nistsphere"),
    *("nut", "ogg", "rm", "tak", "truehd", "tta", "voc", "w64", "wav", "wv", "xwma"),
)
# AU header: magic, offset of the samples, their size, encoding, rate, channels.
AU_HEADER = struct.Struct(">4s5I")


def find_recordings(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the files of `paths` in order; for a folder its recordings at any depth, sorted, without system junk.

    Raises
    ------
    SerError
        For a folder without recordings.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        files = [file for file in sorted(files_below(path, SUFFIXES)) if file.is_file()]
        if not files:
            raise SerError(f"{path}: no recording in this folder; name the files if their suffixes are unusual")
        yield from files


def read_chunks(path: str | Path, sample_rate: int, channel: int | None = None) -> Iterator[np.ndarray]:
    """Yield the samples of a recording, some seconds at a time: (N,) float32 at `sample_rate`.

    Parameters
    ----------
    channel : the channel to read, from 1; None: the mean of all, see `ser.kaldi.sound.Mixer`. The log says what is
        done to the channels, and what is wrong with the header.

    Raises
    ------
    SerError
        If the recording cannot be read, with the reason. Samples may have been yielded before.
    """
    count = 0
    try:
        for chunk in _open(Path(path), sample_rate, sound.Mixer(channel)):
            if not np.isfinite(chunk).all():
                raise SerError("some samples are infinite or NaN; export it again")
            count += len(chunk)
            yield chunk
    except SerError as error:
        raise SerError(f"{path}: {error}") from error
    if not count:
        raise SerError(f"{path}: no samples in it")


def count_channels(path: str | Path) -> int:
    """Count the channels of a recording; 1 if it cannot be read, for which `read_chunks` gives the reason."""
    try:
        with _opened(Path(path)) as found:
            return found.channels
    except SerError:
        return 1


def _open(path: Path, sample_rate: int, mixer: sound.Mixer) -> Iterator[np.ndarray]:
    with _opened(path) as found:
        for note in found.notes:
            logger.warning("%s: %s", path, note)
        yield from _resample(_mixed(path, found, mixer), found.rate, sample_rate)


def _mixed(path: Path, found: sound.Sound, mixer: sound.Mixer) -> Iterator[np.ndarray]:
    said = ""
    for block in found.blocks:
        yield mixer.mix(block)
        if mixer.taken and said != "taken":
            said = "taken"
            logger.warning("%s: its channels cancel each other: channel %d is used", path, mixer.taken)
        elif mixer.differ and not said:
            said = "mean"
            logger.warning(
                "%s: the mean of %d channels that differ is used; choose one by --channel 1, 2 or each",
                *(path, found.channels),
            )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sound.Sound]:
    """Open a recording by the reader that the recipe's features use, or else by ffmpeg."""
    if not path.is_file():
        # Refuses pipes and devices too, which may never end.
        raise SerError(f"{'not a plain file' if path.exists() else 'no such file'}; give a recording")
    try:
        # libsndfile gets the descriptor, so the file is unbuffered; by name, it would take `-` for standard input.
        with open(path, "rb", buffering=0) as stream:
            try:
                found = sound.open_sound(stream)
            except sound.UnknownFormatError as error:
                unread = error
            else:
                yield found
                return
    except OSError as error:
        raise SerError(f"cannot be read: {error.strerror}") from error
    if shutil.which("ffmpeg") is None:
        raise SerError("not audio that libsndfile reads; install ffmpeg for other formats") from unread
    with _run_ffmpeg(path) as found:
        yield found


def _resample(chunks: Iterator[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    if rate == wanted:
        yield from chunks
        return
    if rate < sound.LOWEST_RATE:
        raise SerError(
            f"a rate of {rate} Hz; expected {sound.LOWEST_RATE} or more: its header is broken, or it is no speech"
        )
    import soxr

    resampler = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    for chunk in chunks:
        yield resampler.resample_chunk(np.ascontiguousarray(chunk))
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@contextlib.contextmanager
def _run_ffmpeg(path: Path) -> Iterator[sound.Sound]:
    # Neither the name nor the contents of the file can act as an option, a command, an address or another file: there
    # is no shell, `file:` stands before the name, ffmpeg may use only files, and no format of playlists. ffmpeg writes
    # an AU file of single-precision samples.
    command = ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    command += ["-format_whitelist", ",".join(CONTAINERS), "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        decoded = cast(BinaryIO, process.stdout)  # a pipe, as asked for

        def blocks(rate: int, channels: int) -> Iterator[np.ndarray]:
            yield from _read_samples(decoded, rate, channels)
            _check_status(process.wait(), said, path)

        try:
            if len(head := decoded.read(AU_HEADER.size)) < AU_HEADER.size:
                _check_status(process.wait(), said, path)
                raise SerError("no samples in it")
            _, offset, _, _, rate, channels = AU_HEADER.unpack(head)
            decoded.read(offset - AU_HEADER.size)
            yield sound.Sound(rate, channels, blocks(rate, channels))
        finally:
            decoded.close()
            process.kill()  # if the caller stops reading
            process.wait()


def _check_status(status: int, said: BinaryIO, path: Path) -> None:
    said.seek(0)
    lines = said.read(10_000).decode(errors="replace").strip().splitlines()
    if not status:
        return
    reason = lines[-1].removeprefix(f"file:{path}: ") if lines else f"exit status {status}"
    if any("not on whitelist" in line for line in lines):
        reason = "a playlist or another format that holds no samples"
    raise SerError(f"not audio that libsndfile or ffmpeg reads, or broken: {reason}")


def _read_samples(stream: BinaryIO, rate: int, channels: int) -> Iterator[np.ndarray]:
    while data := stream.read(4 * channels * sound.block_frames(rate, channels)):
        frames = np.frombuffer(data[: len(data) // (4 * channels) * 4 * channels], ">f4").reshape(-1, channels)
        yield frames.astype(np.float32)
