"""DailyDialog: everyday dialogues from pages for learners of English, text only, an emotion for each utterance.

Paper: Y. Li et al., "DailyDialog: a manually labelled multi-turn dialogue dataset", IJCNLP 2017. Licence: CC BY-NC-SA
4.0.
Expected: 13,118 dialogues (train 11,118, validation 1,000, test 1,000), 102,979 utterances (87,170, 8,069, 7,740):
neutral (no emotion) 85,572, happiness 12,885, surprise 1,823, sadness 1,150, anger 1,022, disgust 353, fear 174.

Layouts: ``train/dialogues_train.txt`` with ``train/dialogues_emotion_train.txt``, and so for validation and test; or
at the top ``dialogues_text.txt`` with ``dialogues_emotion.txt``. One dialogue per line. An utterance ends with
``__eou__``; the same line of the other file has its label, a number from 0 to 6. Two people take turns, called A and B
here.
"""

from pathlib import Path

from ser.corpora.records import LeftOut, Utterance
from ser.errors import SerError
from ser.files import read_text_lines

PARTS = ("train", "validation", "test")
PUBLISHED = {"train": 87170, "validation": 8069, "test": 7740, "all": 102979}

# Label 0, "no emotion", is neutral.
EMOTIONS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")


def read(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of `part`: train, validation, test or all."""
    utterances, left_out = [], []
    for name, texts, labels in _files(corpus, part):
        found, lost = _read_part(name, texts, labels)
        utterances += found
        left_out += lost
    return utterances, left_out


def _files(corpus: Path, part: str) -> list[tuple[str | None, Path, Path]]:
    """List (part, text file, label file) for each part to read; part is None for the files at the top."""
    there = [name for name in PARTS if (corpus / name / f"dialogues_{name}.txt").exists()]
    if there:
        if part not in (*there, "all"):
            raise SerError(f"{corpus}/{part}/dialogues_{part}.txt: missing; --part can be {', '.join(there)} or all")
        names = there if part == "all" else [part]
        return [
            (name, corpus / name / f"dialogues_{name}.txt", corpus / name / f"dialogues_emotion_{name}.txt")
            for name in names
        ]
    if not (corpus / "dialogues_text.txt").exists():
        raise SerError(f"{corpus}: not DailyDialog: neither train/dialogues_train.txt nor dialogues_text.txt is in it")
    if part != "all":
        raise SerError(
            f"{corpus}/dialogues_text.txt: not divided into parts; use --part all, or unpack {part}.zip beside it"
        )
    return [(None, corpus / "dialogues_text.txt", corpus / "dialogues_emotion.txt")]


def _read_part(part: str | None, texts: Path, labels: Path) -> tuple[list[Utterance], list[LeftOut]]:
    text_lines, label_lines = _lines(texts), _lines(labels)
    if len(text_lines) != len(label_lines):
        raise SerError(
            f"{labels}: {len(label_lines)} dialogues, but {len(text_lines)} in {texts}; take both from one copy"
        )
    utterances, left_out = [], []
    for number, (text_line, label_line) in enumerate(zip(text_lines, label_lines, strict=True), start=1):
        turns = [" ".join(turn.split()) for turn in text_line.split("__eou__")]
        turns = turns if turns[-1] else turns[:-1]
        emotions = label_line.split()
        unknown = [label for label in emotions if label not in tuple("0123456")]
        if unknown:
            raise SerError(f"{labels}:{number}: expected labels from 0 to 6, found '{unknown[0]}'")
        if len(turns) != len(emotions):
            reason = f"not one label per utterance: {len(turns)} here, {len(emotions)} in {labels.name}:{number}"
            left_out.append(LeftOut(f"{texts}:{number}", reason))
            continue
        dialogue = f"dd{part or ''}{number:05d}"
        for turn, (text, label) in enumerate(zip(turns, emotions, strict=True)):
            if not text:
                left_out.append(LeftOut(f"{texts}:{number}", f"utterance without words: number {turn + 1}"))
                continue
            spk = f"{dialogue}{'AB'[turn % 2]}"
            utterances.append(
                Utterance(
                    utt=f"{spk}-{turn:03d}",
                    spk=spk,
                    text=text,
                    emotion=EMOTIONS[int(label)],
                    part=part,
                    dialogue=dialogue,
                )
            )
    return utterances, left_out


def _lines(path: Path) -> list[str]:
    # Remove empty lines at the end. A lone CR inside a line does not end it.
    lines = read_text_lines(path, "DailyDialog keeps texts and labels in two files")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines or [""]
