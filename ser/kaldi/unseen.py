"""Speakers of a data dir that no net is trained on: the file ``unseen_speakers``, one speaker per line.

The epoch of a net is chosen, and its scores are calibrated, on these speakers, as it is used later on new speakers.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ser.files import read_text_lines, write_text
from ser.kaldi.tables import sort_keys

FILE = "unseen_speakers"
# No speaker is drawn from a corpus of fewer speakers.
FEWEST = 3


def draw_speakers(speakers: Iterable[str], share: float) -> list[str]:
    """Draw a share of the speakers, at least one if there are `FEWEST` or more, in the order of a hash of their names.

    >>> draw_speakers("abcdefghij", 0.2), draw_speakers("ab", 0.4), draw_speakers("abc", 0.0)
    (['d', 'j'], [], [])
    """
    ranked = sorted(set(speakers), key=lambda name: hashlib.sha256(name.encode()).digest())
    count = max(1, round(share * len(ranked))) if share and len(ranked) >= FEWEST else 0
    return sort_keys(ranked[:count])


def read_unseen(data_dir: str | Path) -> list[str]:
    """Read the speakers of a data dir that no net was trained on; empty if it has no such file."""
    path = Path(data_dir) / FILE
    return [line for line in read_text_lines(path) if line] if path.exists() else []


def write_unseen(data_dir: str | Path, speakers: Iterable[str]) -> None:
    """Write the file."""
    write_text(Path(data_dir) / FILE, "".join(f"{name}\n" for name in sort_keys(speakers)))
