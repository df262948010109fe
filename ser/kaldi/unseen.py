"""Speakers of a data dir that are kept from the training of nets: the file ``unseen_speakers``, a speaker a line.

They pick the epoch of a net and calibrate its scores, so both are asked of voices that the net does not know.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ser.files import read_text_lines, write_text
from ser.kaldi.tables import sort_keys

FILE = "unseen_speakers"
# A corpus of fewer speakers keeps none back.
FEWEST = 3


def draw_speakers(speakers: Iterable[str], share: float) -> list[str]:
    """Draw a share of the speakers, at least one of `FEWEST` or more, by a digest of each name: any part draws alike.

    >>> draw_speakers("abcdefghij", 0.2), draw_speakers("ab", 0.4), draw_speakers("abc", 0.0)
    (['d', 'j'], [], [])
    """
    ranked = sorted(set(speakers), key=lambda name: hashlib.sha256(name.encode()).digest())
    count = max(1, round(share * len(ranked))) if share and len(ranked) >= FEWEST else 0
    return sort_keys(ranked[:count])


def read_unseen(data_dir: str | Path) -> list[str]:
    """Read the speakers of a data dir that no net was trained on; empty where it has no such file."""
    path = Path(data_dir) / FILE
    return [line for line in read_text_lines(path) if line] if path.exists() else []


def write_unseen(data_dir: str | Path, speakers: Iterable[str]) -> None:
    """Write the file."""
    write_text(Path(data_dir) / FILE, "".join(f"{name}\n" for name in sort_keys(speakers)))
