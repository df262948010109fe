"""RIRS_NOISES: simulated room impulse responses, to add reverberation to recordings.

Paper: T. Ko, V. Peddinti, D. Povey, M. Seltzer, S. Khudanpur, "A study on data augmentation of reverberant speech for
robust speech recognition", ICASSP 2017. Licence: Apache 2.0.
Expected: 20,000 responses in 200 small rooms and 20,000 in 200 medium ones, 16 kHz WAV. (System A takes these two
sizes; the archive's large rooms, real responses and point noises are not read.)

Layout: ``simulated_rirs/smallroom/rir_list`` with lines such as ``--rir-id small-Room001-00001 --room-id small-Room001
RIRS_NOISES/simulated_rirs/smallroom/Room001/Room001-00001.wav``, and so for mediumroom. A room is a speaker.
"""

import re
from pathlib import Path

from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.errors import SerError
from ser.files import read_text_lines

PUBLISHED = 40000

KINDS = ("mediumroom", "smallroom")
LINE = re.compile(r"--rir-id\s+(\S+)\s+--room-id\s+(\S+)\s+(?:.*/)?simulated_rirs/(.+)")


def read(corpus: Path) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the responses that the two lists name."""
    utterances, left_out = [], []
    for kind in KINDS:
        rir_list = corpus / "simulated_rirs" / kind / "rir_list"
        lines = read_text_lines(rir_list, "give the folder RIRS_NOISES that rirs_noises.zip makes")
        for number, line in enumerate(lines, start=1):
            match = LINE.fullmatch(line.strip())
            if match is None:
                raise SerError(
                    f"{rir_list}:{number}: expected '--rir-id ID --room-id ID .../simulated_rirs/...', found '{line}'"
                )
            rir, room, file = match.groups()
            # Paths in the list begin with the original name of the corpus folder, which may be another here.
            path = corpus / "simulated_rirs" / file
            if fault := audio_fault(path):
                left_out.append(LeftOut(f"simulated_rirs/{file}", fault))
            else:
                utterances.append(Utterance(utt=rir, spk=room, wav=str(path.absolute()), kind=kind))
    return utterances, left_out
