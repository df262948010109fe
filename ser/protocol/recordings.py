"""Find recordings that are in two data dirs with the same samples, under any name and in any lossless format.

Each utterance has a digest of its samples at 16 kHz, in 16 bits. It is equal for a WAV file, its FLAC and its copy
under another name, but not after a lossy codec (see `ser.protocol.fingerprints`). Digests are kept in the data dir, in
``.audio_digests``, and recomputed if the size or time of the file, or the line of wav.scp or segments, has changed.

To decode few files, features are compared first. They are made without dither, so two utterances can only be the same
recording if their features have equally many frames and the same first frame. Samples are compared only in this case,
or if features are missing.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser.kaldi import audio, specifiers, tables
from ser.kaldi.ark import Reader
from ser.progress import progress
from ser.protocol.inventory import Corpora, Inventory

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16000
CACHE = ".audio_digests"  # '<utt> <digest> <size> <mtime in ns> <line of wav.scp> [<line of segments>]'


class Place(NamedTuple):
    """The place of an utterance's samples: `home` is the data dir with it; `segment` is '' for a whole recording."""

    home: Path
    rxfilename: str
    segment: str


def same_recordings(test: Inventory, train: Inventory) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """Return digest -> utterance for each side, for the originals of utterances that may be on both sides.

    None for a side without recordings. Recordings that cannot be read have no digest; the log counts them.
    """
    places = [_places(side) for side in (test, train)]
    looks = _looks(test.corpora, places)
    chosen = [_candidates(places[one], looks[one], places[1 - one], looks[1 - one]) for one in (0, 1)]
    first, second = (_digests(chosen[one]) if places[one] else None for one in (0, 1))
    return first, second


def _places(side: Inventory) -> dict[str, Place]:
    """Return original -> place of its samples, from the corpora if they have it, since a copy's waveform differs."""
    corpora = side.corpora
    in_corpora = corpora.table("wav.scp")
    own, segments = side.own_table("wav.scp"), side.own_table("segments")
    places: dict[str, Place] = {}
    for utt, original in sorted(side.originals.items(), key=lambda pair: pair[0] != pair[1]):
        if original in places:
            continue
        recording, _, span = segments[utt].partition(" ") if segments else (utt, "", "")
        is_same = utt != original or own.get(utt) in (None, in_corpora.get(original))
        if original in in_corpora and not segments and is_same:
            places[original] = Place(corpora.dirs[str(corpora.corpus(original))], in_corpora[original], "")
        elif recording in own:
            places[original] = Place(side.path, own[recording], span)
    return places


def _looks(corpora: Corpora, sides: Sequence[Mapping[str, Place]]) -> list[dict[str, bytes]]:
    """Return utterance -> number of frames and first frame, for each side, for recordings with features in the corpora.

    The first frame is read only if both sides have an utterance with that number of frames.
    """
    frames = corpora.table("utt2num_frames")
    readers = {path: Reader(path / "feats.scp") for path in corpora.dirs.values() if (path / "feats.scp").is_file()}
    known = [[utt for utt, place in side.items() if utt in frames and place.home in readers] for side in sides]
    lengths = set.intersection(*({frames[utt] for utt in side} for side in known))
    looks: list[dict[str, bytes]] = []
    for side, places in zip(known, sides, strict=True):
        look = {utt: frames[utt].encode() for utt in side}
        for utt in side:
            if frames[utt] in lengths:
                look[utt] += b" " + readers[places[utt].home].rows(utt, 0, 1).tobytes()
        looks.append(look)
    return looks


def _candidates(
    places: Mapping[str, Place],
    looks: Mapping[str, bytes],
    other_places: Mapping[str, Place],
    other_looks: Mapping[str, bytes],
) -> dict[str, Place]:
    """Keep the utterances whose frames match one of the other side, and those without features."""
    if len(other_looks) < len(other_places):
        return dict(places)
    seen = set(other_looks.values())
    return {utt: place for utt, place in places.items() if utt not in looks or looks[utt] in seen}


def _digests(places: Mapping[str, Place]) -> dict[str, str]:
    homes: dict[Path, dict[str, Place]] = {}
    for utt, place in places.items():
        homes.setdefault(place.home, {})[utt] = place
    digests: dict[str, str] = {}
    for home, utts in homes.items():
        for utt, digest in _digests_of(home, utts).items():
            digests.setdefault(digest, utt)
    return digests


def _digests_of(home: Path, places: Mapping[str, Place]) -> dict[str, str]:
    """Return utterance -> digest, from the cache of the data dir if its entry is up to date."""
    # Imported only here, since importing scipy takes half as long as the rest of an audit.
    from ser.features.augmentation import to_pcm16

    cache = home / CACHE
    lines = tables.read_map(cache) if cache.exists() else {}
    found: dict[str, str] = {}
    fresh: dict[str, str] = {}
    unreadable: list[str] = []
    last: str | None = None
    samples: np.ndarray | audio.Unreadable = audio.Unreadable("")
    for utt, place in progress(sorted(places.items(), key=lambda item: item[1]), len(places), f"{home}: digests"):
        state = _state(place)
        digest, _, known = lines.get(utt, "").partition(" ")
        if known != state or not state:
            if place.rxfilename != last:
                last, samples = place.rxfilename, audio.read_wave(place.rxfilename, SAMPLE_RATE)
            if isinstance(samples, audio.Unreadable):
                unreadable.append(f"{utt}: {samples.reason}")
                continue
            digest = hashlib.sha256(to_pcm16(_cut(samples, place.segment)).tobytes()).hexdigest()
            if state:
                fresh[utt] = f"{digest} {state}"
        found[utt] = digest
    if unreadable:
        logger.warning("%s: %d recordings cannot be compared, the first %s", home, len(unreadable), unreadable[0])
    if fresh:
        with locked(home):  # audits of other folds add theirs
            lines = tables.read_map(cache) if cache.exists() else {}
            tables.write_map(cache, {**lines, **fresh})
    return found


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time into this block; on a file system without locks, all of them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _state(place: Place) -> str:
    """Return the state of the file; a digest is valid as long as it is unchanged. '' for a command: never valid."""
    name = specifiers.parse_location(place.rxfilename).name
    if name.endswith("|"):
        return ""
    try:
        status = os.stat(name)
    except OSError:
        return ""
    return " ".join(f"{status.st_size} {status.st_mtime_ns} {place.rxfilename} {place.segment}".split())


def _cut(samples: np.ndarray, segment: str) -> np.ndarray:
    if not segment:
        return samples
    start, end = map(float, segment.split())
    return samples[int(start * SAMPLE_RATE) : len(samples) if end == -1 else int(end * SAMPLE_RATE)]
