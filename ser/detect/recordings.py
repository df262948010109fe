"""Any recording as a stream of samples: what libsndfile reads, else what ffmpeg reads; a name is never a command."""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ser.errors import SerError
from ser.kaldi.audio import LOWEST_RATE

# What is taken of a folder; a file that is named is taken whatever it is called.
SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".w64", ".rf64", ".sph", ".nist", ".amr", ".m4a", ".m4b", ".aac", ".mp4", ".m4v", ".mov", ".mkv", ".mka"),
    *(".webm", ".wma", ".wmv", ".avi", ".3gp", ".ac3", ".mpg", ".mpeg"),
)
# ffmpeg's names of formats that hold all of their samples. Of the others, playlists and lists of files are recordings
# that name other files, which are no business of who sent them.
CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "eac3", "flac"),
    *("flv", "gsm", "iff", "loas", "matroska", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf", "nistsphere"),
    *("nut", "ogg", "rm", "tak", "truehd", "tta", "voc", "w64", "wav", "wv", "xwma"),
)
SECONDS_A_CHUNK = 10
# In a chunk, of all channels together: a header of few bytes may announce any rate.
MOST_SAMPLES = 1 << 20
# Magic, offset of the samples, their size, encoding, rate, channels.
AU_HEADER = struct.Struct(">4s5I")


def find_recordings(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the files of `paths` in their order; of a folder its recordings, at any depth, sorted, no hidden ones.

    Raises
    ------
    SerError
        For a folder without recordings.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in SUFFIXES and file.is_file()]
        files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
        if not files:
            raise SerError(f"{path}: no recording in this folder; name the files if their suffixes are unusual")
        yield from files


def read_chunks(path: str | Path, sample_rate: int) -> Iterator[np.ndarray]:
    """Yield the samples of a recording, some seconds at a time: (N,) float32 at `sample_rate`, channels averaged.

    Raises
    ------
    SerError
        Where it cannot be read, with the reason. Samples may have been yielded before.
    """
    count = 0
    for chunk in _open(Path(path), sample_rate):
        if not np.isfinite(chunk).all():
            raise SerError(f"{path}: has samples that are infinite or not a number; export it again")
        count += len(chunk)
        yield chunk
    if not count:
        raise SerError(f"{path}: no samples in it")


def _open(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    import soundfile

    try:
        if not path.is_file():
            # Also a pipe or a device, which may never end.
            raise SerError(f"{path}: {'not a plain file' if path.exists() else 'no such file'}; give a recording")
        # By its descriptor, so unbuffered: libsndfile would take the name `-` for standard input.
        with open(path, "rb", buffering=0) as stream:
            head = stream.read(40)
            if not head:
                raise SerError(f"{path}: the file is empty")
            if head.startswith(b"version https://git-lfs"):
                raise SerError(f"{path}: a git-lfs stub, not audio; run `git lfs pull` in its repository")
            stream.seek(0)
            try:
                sound = soundfile.SoundFile(stream.fileno(), closefd=False)
            except (soundfile.LibsndfileError, TypeError) as error:
                unread = error
            else:
                with sound:
                    yield from _resample(_decode(sound, path), sound.samplerate, sample_rate, path)
                return
    except OSError as error:
        raise SerError(f"{path}: cannot be read: {error.strerror}") from error
    if shutil.which("ffmpeg") is None:
        raise SerError(f"{path}: not audio that libsndfile reads; install ffmpeg for other formats") from unread
    yield from _run_ffmpeg(path, sample_rate)


def _decode(sound, path: Path) -> Iterator[np.ndarray]:
    import soundfile

    try:
        size = _chunk_frames(sound.samplerate, sound.channels)
        while len(samples := sound.read(size, dtype="float32", always_2d=True)):
            yield samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
    except soundfile.LibsndfileError as error:
        raise SerError(f"{path}: broken audio: {error.error_string}; convert or export it again") from error


def _resample(chunks: Iterator[np.ndarray], rate: int, wanted: int, path: Path) -> Iterator[np.ndarray]:
    if rate == wanted:
        yield from chunks
        return
    if rate < LOWEST_RATE:
        raise SerError(
            f"{path}: a rate of {rate} Hz; expected {LOWEST_RATE} or more: its header is broken, or no speech"
        )
    import soxr

    resampler = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    for chunk in chunks:
        yield resampler.resample_chunk(chunk)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _run_ffmpeg(path: Path, sample_rate: int) -> Iterator[np.ndarray]:
    # No shell; `file:` before the name, of ffmpeg's protocols only files, and of its formats no playlist: neither the
    # name nor what is in the file can be an option, a command, an address or another file. What it writes is an AU file
    # of single-precision samples.
    command = ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    command += ["-format_whitelist", ",".join(CONTAINERS), "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be", "pipe:1"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        try:
            if len(head := process.stdout.read(AU_HEADER.size)) == AU_HEADER.size:
                _, offset, _, _, rate, channels = AU_HEADER.unpack(head)
                process.stdout.read(offset - AU_HEADER.size)
                chunks = _read_samples(process.stdout, rate, channels)
                yield from _resample(chunks, rate, sample_rate, path)
            status = process.wait()
        finally:
            process.stdout.close()
            process.kill()  # where nobody reads on
            process.wait()
        said.seek(0)
        lines = said.read(10_000).decode(errors="replace").strip().splitlines()
        if status:
            reason = lines[-1].removeprefix(f"file:{path}: ") if lines else f"exit status {status}"
            if any("not on whitelist" in line for line in lines):
                reason = "a playlist or another format that holds no samples of its own"
            raise SerError(f"{path}: not audio that libsndfile or ffmpeg reads, or broken: {reason}")


def _read_samples(stream: BinaryIO, rate: int, channels: int) -> Iterator[np.ndarray]:
    while data := stream.read(4 * channels * _chunk_frames(rate, channels)):
        frames = np.frombuffer(data[: len(data) // (4 * channels) * 4 * channels], ">f4").reshape(-1, channels)
        yield frames.mean(axis=1, dtype=np.float32)


def _chunk_frames(rate: int, channels: int) -> int:
    """Return how many samples of each channel are read at once."""
    return max(1, min(SECONDS_A_CHUNK * rate, MOST_SAMPLES // channels))
