"""Find files of one recording: of the same samples, under any name, with any header, in any lossless format."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ser.files import sha256


def contents(paths: Iterable[Path]) -> dict[Path, str]:
    """Give each file what stands for its recording: equal for equal samples, in 16 bits.

    Only files of one rate, length and number of channels, by their headers, are decoded. What libsndfile cannot read
    stands for its bytes; of such files only those of one size are read.
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
