"""GoEmotions: comments of Reddit, each with one or more of 27 emotions or neutral, text only.

Paper: D. Demszky et al., "GoEmotions: a dataset of fine-grained emotions", ACL 2020. Licence: CC BY 4.0.
Expected: train 43,410, dev 5,426, test 5,427 comments on which two raters or more agreed; in the training part 14,219
neutral, 4,130 admiration, ..., 77 grief; 36,308 comments with one label, 7,102 with more.

Layout: ``train.tsv``, ``dev.tsv``, ``test.tsv`` in the folder, in ``data/`` or ``data/original/``. A line has the text,
the label numbers separated by commas, and the comment's id, separated by tabs, without a header and without quoting.
Names are masked as [NAME]. The raw tables ``goemotions_1.csv`` ..., with a row per rater, are not read.
"""

import re
from pathlib import Path

from ser.corpora.records import LeftOut, Utterance
from ser.errors import SerError
from ser.files import read_text_lines

PARTS = ("train", "dev", "test")
PUBLISHED = {"train": 43410, "dev": 5426, "test": 5427, "all": 54263}

# In the order of the label numbers (emotions.txt of the release).
LABELS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip

_FOLDERS = ("", "data", "data/original", "original")


def read(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the comments of `part`: train, dev, test or all that are there.

    Raises
    ------
    SerError
        If a part is missing, or a line has another form; the message names the line.
    """
    folders = [corpus / name for name in _FOLDERS if any((corpus / name / f"{one}.tsv").is_file() for one in PARTS)]
    if not folders:
        raw = (
            " (goemotions_1.csv, with a row per rater, is another table)"
            if any(corpus.glob("**/goemotions_1.csv"))
            else ""
        )
        raise SerError(f"{corpus}: no train.tsv, dev.tsv or test.tsv in it{raw}; give the folder of the release's data")
    there = [name for name in PARTS if (folders[0] / f"{name}.tsv").is_file()]
    if part != "all" and part not in there:
        raise SerError(f"{folders[0]}/{part}.tsv: missing; --part can be {', '.join(there)} or all")
    utterances, left_out = [], []
    for name in there if part == "all" else [part]:
        path = folders[0] / f"{name}.tsv"
        for number, line in enumerate(read_text_lines(path, "take it from the release"), start=1):
            where = f"{path}:{number}"
            text, labels, comment = _fields(line, where)
            if not text:
                left_out.append(LeftOut(where, "comment without words"))
                continue
            # The authors are not given, so each comment counts as a separate speaker.
            utt = f"goemotions-{comment}"
            utterances.append(Utterance(utt=utt, spk=utt, text=text, labels=labels, part=name, where=where))
    return utterances, left_out


def _fields(line: str, where: str) -> tuple[str, tuple[str, ...], str]:
    fields = line.split("\t")
    if len(fields) != 3 or not re.fullmatch(r"\w+", fields[2]):
        raise SerError(
            f"{where}: expected text, label numbers and the comment's id, separated by tabs; found '{line[:60]}'"
        )
    numbers = fields[1].split(",")
    if unknown := [number for number in numbers if not (number.isdecimal() and int(number) < len(LABELS))]:
        raise SerError(f"{where}: expected label numbers from 0 to {len(LABELS) - 1}, found '{unknown[0]}'")
    return " ".join(fields[0].split()), tuple(dict.fromkeys(LABELS[int(number)] for number in numbers)), fields[2]
