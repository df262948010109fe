"""MUSAN: music, speech and noise to add to recordings.

Paper: D. Snyder, G. Chen, D. Povey, "MUSAN: a music, speech, and noise corpus", arXiv:1510.08484, 2015.
Licence: CC BY 4.0 for the collection; each part's LICENSE files name that of its recordings.
Expected: 2,016 recordings (930 noise, 660 music, 426 speech), 16 kHz WAV.

Layout: ``noise/free-sound/noise-free-sound-0000.wav``, ``music/fma/...``, ``speech/librivox/...``.
Each recording is its own speaker, as in Kaldi's recipes.
"""

from pathlib import Path

from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.corpora.tree import AUDIO_SUFFIXES, files_below, find_folders, part_by_suffix
from ser.errors import SerError

PUBLISHED = 2016

SUFFIXES = (".wav", ".flac")
KINDS = ("music", "noise", "speech")


def read(corpus: Path) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the recordings of the three kinds."""
    folders = {kind: find_folders(corpus, kind) for kind in KINDS}
    missing = [kind for kind in KINDS if not folders[kind]]
    if missing:
        raise SerError(f"{corpus}: not MUSAN: no folder {', '.join(missing)} in it")
    utterances, left_out = [], []
    for kind in KINDS:
        files = [str(path) for folder in folders[kind] for path in files_below(folder, AUDIO_SUFFIXES)]
        taken, others = part_by_suffix(files, SUFFIXES)
        left_out += [LeftOut(Path(file).name, "neither .wav nor .flac: convert it") for file in others]
        for path in map(Path, taken):
            if fault := audio_fault(path):
                left_out.append(LeftOut(path.name, fault))
            else:
                utterances.append(Utterance(utt=path.stem, spk=path.stem, wav=str(path.absolute()), kind=kind))
    return utterances, left_out
