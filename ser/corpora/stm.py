"""NIST's stm format, as in TED-LIUM: one segment of a recording per line.

``<file> <channel> <speaker> <begin> <end> [<label>] <words>``. TED-LIUM's own spelling is corrected as in Kaldi's
egs/tedlium/s5_r2/local/prepare_data.sh and join_suffix.py.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines

IGNORED = "ignore_time_segment_in_scoring"
_NOISE = re.compile(r"\{([A-Z]+)\}")
_VARIANT = re.compile(r"\(\d+\)(?=\s|$)")
_UTTERANCE_NAME = re.compile(r"\s*\([^()\s]*-[^()\s]*\)\s*$")
_SUFFIX = re.compile(r"(\S) ('\S+)")


@dataclass(frozen=True)
class StmSegment:
    """A segment; times in seconds."""

    recording: str
    channel: str
    speaker: str
    begin: float
    end: float
    text: str
    ignored: bool


def read_stm(path: str | Path) -> list[StmSegment]:
    """Read the segments of an stm file; lines that begin with ;; are comments.

    Raises
    ------
    SerError
        If a line is not a segment; the message names file and line. A segment that ends before it begins is returned.
    """
    segments = []
    for number, line in enumerate(read_text_lines(path, "give an stm file"), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        fields = line.split(None, 5)
        try:
            begin, end = float(fields[3]), float(fields[4])
        except (ValueError, IndexError) as error:
            raise SerError(
                f"{path}:{number}: expected file, channel, speaker, begin, end and words; found '{line[:80]}'"
            ) from error
        if not (0 <= begin < math.inf and 0 <= end < math.inf):
            raise SerError(f"{path}:{number}: expected times of 0 s or more; found '{fields[3]} {fields[4]}'")
        rest = fields[5] if len(fields) == 6 else ""
        if rest.startswith("<"):
            label, _, after = rest.partition(">")
            rest = after if "," in label else rest
        text = clean(rest)
        segments.append(StmSegment(fields[0], fields[1], fields[2], begin, end, text, rest.strip() == IGNORED))
    return segments


def clean(text: str) -> str:
    """Correct the spelling of a TED-LIUM transcript.

    >>> clean("{NOISE} it 's a talk(2) <sil> we can 't (talk-1_2)")
    "[NOISE] it's a talk we can't"
    """
    text = _UTTERANCE_NAME.sub("", text)
    text = _NOISE.sub(r"[\1]", text).replace("<sil>", " ")
    text = " ".join(_VARIANT.sub("", text).split())
    return _SUFFIX.sub(r"\1\2", text)
