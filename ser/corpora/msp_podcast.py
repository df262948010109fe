"""MSP-Podcast: spontaneous speech of podcasts; at least five people labelled each turn.

Paper: R. Lotfian, C. Busso, "Building naturalistic emotionally balanced speech corpus by retrieving emotional speech
from existing podcast recordings", IEEE T-AFFC 10(4), 2019. Licence: by agreement with the University of Texas at
Dallas.
Expected, release 1.11: 151,654 turns: train 84,030, development 19,815, test1 30,647, test2 14,815, test3 2,347 (whose
labels are not published). 16 kHz WAV.

Layout: ``Audios/MSP-PODCAST_0001_0008.wav``; ``Labels/labels_consensus.csv`` (older: labels_concensus.csv) with
FileName, EmoClass (A S H U F D C N O X), EmoAct, EmoVal, EmoDom (1 to 7), SpkrID, Gender, Split_Set;
``Labels/labels_detailed.csv`` with a line per annotator (EmoClass_Major); ``Transcripts/MSP-PODCAST_0001_0008.txt``.

A speaker called Unknown is not one speaker: each such turn counts as a separate speaker. The parts have different
speakers. The folds here (``--folds``) have different speakers and different podcasts; they use all turns whose label is
published.
Known fault: MSP-PODCAST_1023_0235 has two channels at 44.1 kHz.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from ser.corpora.csv_rows import parse_columns
from ser.corpora.emotion_names import emotion_name
from ser.corpora.named_clips import with_speaker_folds
from ser.corpora.records import EMOTIONS as NAMES
from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.errors import SerError
from ser.files import read_text

PUBLISHED = {"all": 151654, "train": 84030, "validation": 19815, "test1": 30647, "test2": 14815, "test3": 2347}

EMOTIONS = {
    "A": "anger",
    "C": "contempt",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "U": "surprise",
    "X": "undecided",
}
PARTS = {
    "train": "train",
    "development": "validation",
    "validation": "validation",
    "test1": "test1",
    "test2": "test2",
    "test3": "test3",
}
UNKNOWN = {"", "unknown", "nan"}
GENDERS = {"male": "m", "female": "f"}  # of some turns it is Unknown


def read(corpus: Path, part: str, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the turns of `part`: train, validation, test1, test2, test3 or all; those without a label are left out.

    `num_folds` 0 makes no folds: the corpus's parts are in utt2part.
    """
    labels = corpus / "Labels"
    table = next((p for p in (labels / "labels_consensus.csv", labels / "labels_concensus.csv") if p.exists()), None)
    if table is None:
        raise SerError(f"{labels}/labels_consensus.csv: missing; give the folder of MSP-Podcast")
    votes = _votes(labels / "labels_detailed.csv")
    texts = corpus / "Transcripts" if (corpus / "Transcripts").is_dir() else None
    utterances: list[Utterance] = []
    left_out = []
    for where, row in _rows(table, ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Split_Set")):
        clip = row["FileName"].removesuffix(".wav")
        turn_part = PARTS.get(row["Split_Set"].lower())
        if turn_part is None:
            raise SerError(f"{where}: expected a Split_Set of {', '.join(PARTS)}, found '{row['Split_Set']}'")
        if part not in ("all", turn_part):
            continue
        path = corpus / "Audios" / f"{clip}.wav"
        if row["EmoClass"] not in EMOTIONS:
            reason = "no label (they are not published)" if turn_part == "test3" else f"label '{row['EmoClass']}'"
            left_out.append(LeftOut(f"{clip}.wav", reason, chosen=turn_part == "test3"))
        elif fault := audio_fault(path):
            left_out.append(LeftOut(f"{clip}.wav", fault))
        else:
            utterances.append(_utterance(where, row, clip, path, turn_part, votes, texts))
    return with_speaker_folds(utterances, num_folds), left_out


def _utterance(
    where: str,
    row: dict[str, str],
    clip: str,
    path: Path,
    part: str,
    votes: defaultdict[str, Counter[str]],
    texts: Path | None,
) -> Utterance:
    name = clip.removeprefix("MSP-PODCAST_")
    known = row["SpkrID"].strip().lower() not in UNKNOWN
    spk = f"podcast{row['SpkrID'].strip()}" if known else f"podcastunknown_{name}"
    try:
        activation, valence, dominance = (float(row[column]) for column in ("EmoAct", "EmoVal", "EmoDom"))
    except ValueError as error:
        raise SerError(f"{where}: expected numbers in EmoAct, EmoVal and EmoDom: {error}") from error
    return Utterance(
        utt=f"{spk}-{name}" if known else spk,
        spk=spk,
        wav=str(path.absolute()),
        text=None if texts is None else _words(texts / f"{clip}.txt"),
        emotion=EMOTIONS[row["EmoClass"]],
        part=part,
        gender=GENDERS.get(row.get("Gender", "").strip().lower()),
        # The podcast that the turn is of.
        dialogue=f"podcast{name.split('_')[0]}",
        # Of a turn that the table of annotators lacks, the winner is what is known of the vote.
        votes=(votes.get(clip) or {EMOTIONS[row["EmoClass"]]: 1}) if votes else None,
        dims=(valence, activation, dominance),
    )


def _words(path: Path) -> str:
    return " ".join(read_text(path, errors="replace").split()) if path.exists() else ""


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    return parse_columns(path, read_text(path, "it is in Labels/ of the corpus"), columns)


def _votes(path: Path) -> defaultdict[str, Counter[str]]:
    """Read clip -> emotion -> annotators; empty if there is no table. An annotator's own words count as other."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    if path.exists():
        for _, row in _rows(path, ("FileName", "EmoClass_Major")):
            emotion = emotion_name(row["EmoClass_Major"])
            votes[row["FileName"].removesuffix(".wav")][emotion if emotion in NAMES else "other"] += 1
    return votes
