"""MELD: scenes of the series Friends, an emotion for each utterance, its words and, in the film, its sound.

Paper: S. Poria et al., "MELD: a multimodal multi-party dataset for emotion recognition in conversations", ACL 2019.
Licence: GPL 3.0.
Expected: 13,708 utterances (train 9,989, validation 1,109, test 2,610): neutral 6,436, happiness 2,308, surprise 1,636,
anger 1,607, sadness 1,002, disgust 361, fear 358.

Layout: ``{train,dev,test}_sent_emo.csv``, in the corpus folder or below; where the clips are at hand, each part's
folder of them: ``train_splits/dia0_utt0.mp4``, ``dev_splits_complete/``, ``output_repeated_splits_test/``, which ffmpeg
decodes (``.wav`` files of the same names are read as they are). If no part has clips, only the words are read.

The six friends speak in all parts, so figures on these parts are not for new speakers, and no folds are made. A name
such as "Waiter" stands for several people and is kept as one speaker. Each utterance of "All" and the like, who are
several people at once, counts as a separate speaker. Known faults: apostrophes of Windows-1252; train dia125_utt3 and
dev dia110_utt7 cannot be decoded; much of the speech is overlaid by an audience's laughter.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from ser.corpora.csv_rows import parse_columns
from ser.corpora.decoding import wav_entries
from ser.corpora.emotion_names import emotion_name
from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.corpora.tree import files_below
from ser.errors import SerError

logger = logging.getLogger(__name__)

PUBLISHED = {"all": 13708, "train": 9989, "validation": 1109, "test": 2610}

# Part here -> (name in the tables, folders of the clips).
PARTS = {
    "train": ("train", ("train_splits",)),
    "validation": ("dev", ("dev_splits_complete", "dev_splits")),
    "test": ("test", ("output_repeated_splits_test", "test_splits")),
}
EMOTIONS = {"anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"}
BROKEN = {("train", "dia125_utt3"), ("validation", "dia110_utt7")}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
CLIP = re.compile(r"dia\d+_utt\d+")
# Names of several people at once.
NOBODY = re.compile(r"\b(?:all|both|everyone|everybody|and|guys|women|men|crowd)\b|[,&/]", re.IGNORECASE)


def read(corpus: Path, part: str, audio: bool | None) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of `part`: train, validation, test or all.

    `audio` says whether their clips are read too; None: where any of these parts has a folder of clips.
    """
    utterances: list[Utterance] = []
    left_out: list[LeftOut] = []
    names = list(PARTS) if part == "all" else [part]
    if audio is None:
        audio = any(_clips(corpus, name) for name in names)
        logger.info("%s: %s", corpus, "words and clips" if audio else "no clips, so words alone")
    for name in names:
        table = next(files_below(corpus, (f"{PARTS[name][0]}_sent_emo.csv",)), None)
        if table is None:
            raise SerError(f"{corpus}: no {PARTS[name][0]}_sent_emo.csv in it; give the folder of MELD")
        clips = _clips(corpus, name) if audio else {}
        if audio and not clips:
            folder = PARTS[name][1][0]
            raise SerError(f"{corpus}: no folder {folder} with dia0_utt0.mp4; unpack MELD.Raw, or --audio false")
        for where, row in _rows(table):
            clip = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            wav = None
            if audio:
                path = clips.get(clip, corpus / f"{clip}.mp4")
                fault = "cannot be decoded (a known fault)" if (name, clip) in BROKEN else audio_fault(path)
                if fault:
                    left_out.append(LeftOut(f"{name}/{clip}", fault, chosen=(name, clip) in BROKEN))
                    continue
                wav = wav_entries([path])[path]
            utterances.append(_utterance(where, row, name, clip, wav))
    return utterances, left_out


def _utterance(where: str, row: dict[str, str], part: str, clip: str, wav: str | None) -> Utterance:
    if row["Emotion"] not in EMOTIONS:
        raise SerError(f"{where}: expected an emotion of {', '.join(sorted(EMOTIONS))}, found '{row['Emotion']}'")
    speaker = re.sub(r"\W+", "_", row["Speaker"].strip().lower()).strip("_")
    unknown = not speaker or NOBODY.search(row["Speaker"]) is not None
    utt = f"meld_unknown-{part}_{clip}" if unknown else f"meld_{speaker}-{part}_{clip}"
    return Utterance(
        utt=utt,
        spk=utt if unknown else f"meld_{speaker}",
        wav=wav,
        text=" ".join(row["Utterance"].split()),
        emotion=emotion_name(row["Emotion"]),
        part=part,
        dialogue=f"meld_{part}_{int(row['Dialogue_ID']):04d}",
        start=float(int(row["Utterance_ID"])),
    )


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    # Apostrophes of Windows-1252 that became control characters on their way.
    text = text.translate({0x91: "'", 0x92: "'", 0x93: '"', 0x94: '"', 0x96: "-", 0x97: "-"})
    for where, row in parse_columns(path, text, COLUMNS):
        if not row["Dialogue_ID"].isdecimal() or not row["Utterance_ID"].isdecimal():
            raise SerError(f"{where}: expected numbers of dialogue and utterance, found '{row['Dialogue_ID']}'")
        yield where, row


def _clips(corpus: Path, part: str) -> dict[str, Path]:
    """Find the clips of a part at any depth: name -> file; of a .wav and an .mp4 of one name, the .wav."""
    found = [path for path in files_below(corpus, (".mp4", ".wav")) if path.parent.name in PARTS[part][1]]
    found = sorted((path for path in found if CLIP.fullmatch(path.stem)), key=lambda path: path.suffix.lower())
    return {path.stem: path for path in found}


def shared_speakers(utterances: Iterable[Utterance]) -> list[str]:
    """List the speakers that are in more than one part, those of most utterances first."""
    parts: defaultdict[str, set[str | None]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for utterance in utterances:
        parts[utterance.spk].add(utterance.part)
        counts[utterance.spk] += 1
    return [spk for spk, _ in counts.most_common() if len(parts[spk]) > 1]
