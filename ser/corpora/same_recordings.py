"""Find files that hold the same recording: equal samples, under any name, with any header, in any lossless format."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ser.files import sha256


def contents(paths: Iterable[Path]) -> dict[Path, str]:
    """Return a key for the recording in each file; files whose samples are equal in 16 bits have equal keys.

    Files are decoded only if their headers have the same rate, length and number of channels. Files that libsndfile
    cannot read are compared by their bytes, and read only if they have the same size.
    """
    import soundfile

    alike: defaultdict[tuple[object, ...], list[Path]] = defaultdict(list)
    for path in paths:
        try:
            info = soundfile.info(path)
            alike[info.samplerate, info.frames, info.channels].append(path)
        except (soundfile.SoundFileError, OSError):
            alike[(path.stat().st_size,)].append(path)
    found = {}
    for look, same in alike.items():
        for path in same:
            if len(same) == 1:
                found[path] = str(path)
            else:
                found[path] = sha256(path) if len(look) == 1 else _of_samples(path)
    return found


def _of_samples(path: Path) -> str:
    import soundfile

    try:
        samples, _ = soundfile.read(path, dtype="int16")
    except (soundfile.SoundFileError, OSError):  # damaged behind its header
        return sha256(path)
    return hashlib.sha256(samples.tobytes()).hexdigest()
