"""Known speakers: the mean of a speaker's embeddings is subtracted from each of them before scoring.

This needs no labels, but two recordings or more of the speaker. Recordings of other speakers are scored as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser.backend.speaker_normalisation import FEWEST, SpeakerMeans, SpeakerNormalisation
from ser.detect.detector_dir import SPEECH, SPEECH_TEXT
from ser.detect.text_file import read_lines_of
from ser.errors import SerError

if TYPE_CHECKING:
    from ser.detect.detector import Detector


class Speaker(NamedTuple):
    """A speaker: the name, and for each modality the mean (D,) of the embeddings of the speaker's recordings."""

    name: str
    means: dict[str, np.ndarray]


def read_speakers(path: str | Path, files: Sequence[Path]) -> dict[Path, str]:
    """Read recording -> speaker from lines like those of `read_texts`, with the speaker in the place of the words.

    Raises
    ------
    SerError
        In the cases of `read_texts`, and if a line has no speaker.
    """
    found = read_lines_of("speaker", path, files)
    if nameless := [str(file) for file, name in found.items() if not name]:
        raise SerError(f"{path}: no speaker after {nameless[0]}; leave out recordings of unknown speakers")
    return found


def find_speakers(
    detector: Detector, speaker_of: Mapping[Path, str], texts: Mapping[Path, str | None], channel: int | None
) -> dict[str, Speaker]:
    """Embed the recordings of `speaker_of` and return recording -> its speaker, for `Detector.with_speakers`.

    A recording that cannot be embedded is left out; its row in the output will say why.
    """
    vectors = {}
    for file in speaker_of:
        with contextlib.suppress(SerError):
            vectors[file] = detector.embed(file, channel)[0]
    which = SpeakerNormalisation.parse(detector.by_speaker[SPEECH].classes.backend.config.speaker_normalisation)
    found = means_of(SPEECH, vectors, speaker_of, which)
    joined = {}
    for file in vectors.keys() & texts.keys():
        text = texts[file]
        if text is not None and (words := detector.require_text()(text)) is not None:
            joined[file] = np.concatenate([vectors[file], words])
    for file, speaker in means_of(SPEECH_TEXT, joined, speaker_of, which).items():
        found[file].means.update(speaker.means)
    return {str(file): speaker for file, speaker in found.items()}


def means_of(
    modality: str, vectors: Mapping[Path, np.ndarray], speaker_of: Mapping[Path, str], which: SpeakerNormalisation
) -> dict[Path, Speaker]:
    """Return recording -> speaker, for the speakers with two recordings or more.

    Parameters
    ----------
    modality : modality of the vectors.
    vectors : recording -> embedding (D,).
    which : the recordings over which the mean is taken.
    """
    known = [file for file in vectors if file in speaker_of]
    names = [speaker_of[file] for file in known]
    enough = {name for name in names if names.count(name) >= FEWEST}
    means = SpeakerMeans(which)
    if enough:
        means.add(np.array([vectors[file] for file in known]), names)
    speakers = {name: Speaker(name, {modality: means.mean(name)}) for name in enough}
    return {file: speakers[name] for file, name in zip(known, names, strict=True) if name in enough}
