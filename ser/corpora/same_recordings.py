"""Find files that hold the same recording: equal samples, under any name, with any header, in any lossless format.

Spans of one recording are the same utterance if they cover nearly the same time.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ser.files import sha256

# Share of the longer of two spans that both must cover. Labels of one utterance by two people differ by some ms; two
# speakers of a dialogue overlap for a part of a turn.
SAME_SPAN = 0.9


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


def length(path: Path) -> float:
    """Return the length of a recording in s; infinity if libsndfile cannot read it."""
    import soundfile

    try:
        return float(soundfile.info(path).duration)
    except (soundfile.SoundFileError, OSError):
        return math.inf


def same_span(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Tell whether two spans of a recording, start and end in s, are one utterance.

    A short span in a long one is another utterance. A span whose end is not known is the same as its equal only.

    >>> same_span((0.0, 2.0), (0.1, 2.0)), same_span((0.0, 2.0), (0.0, 1.0)), same_span((0.0, 2.0), (1.5, 3.5))
    (True, False, False)
    """
    overlap = min(one[1], other[1]) - max(one[0], other[0])
    return one == other or overlap > SAME_SPAN * max(one[1] - one[0], other[1] - other[0])


def _of_samples(path: Path) -> str:
    import soundfile

    try:
        samples, _ = soundfile.read(path, dtype="int16")
    except (soundfile.SoundFileError, OSError):  # damaged behind its header
        return sha256(path)
    return hashlib.sha256(samples.tobytes()).hexdigest()
