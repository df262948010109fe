"""CREMA-D: 91 actors, 12 sentences, 6 emotions, labelled by the votes of 2,443 listeners and viewers.

Paper: H. Cao et al., "CREMA-D: crowd-sourced emotional multimodal actors dataset", IEEE T-AFFC 5(4), 2014.
Licence: Open Database License 1.0.
Expected: 7,442 clips of 91 actors (48 male, 43 female), 16 kHz WAV. Voice vote: 6,798 clips without a tie (neutral
3,897, anger 986, fear 645, disgust 547, sadness 370, happiness 353) and 644 ties; multimodal vote: 7,022 and 420.

Layout: ``AudioWAV/1001_DFA_ANG_XX.wav`` (actor, sentence, acted emotion, intensity),
``processedResults/summaryTable.csv`` (winner of each vote, tied ones joined by ':', and its mean level),
``VideoDemographics.csv``, and, if unpacked, ``processedResults/tabulatedVotes.csv`` (the counts; the row's
number begins with 1 for voice, 2 for face, 3 for both) and ``finishedResponses.csv`` (the answers of each participant;
queryType is 1, 2 or 3 in the same way).

The acted emotion is in the file name only; the label here is what people heard. The published code of system A takes
the voice vote and, of tied emotions, the one with the highest level (``ties="level"``).
Four clips are left out (KNOWN_FAULTS), as the corpus's own README lists them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ser.corpora.csv_rows import parse_columns
from ser.corpora.folds import assign_folds
from ser.corpora.records import LeftOut, Utterance, audio_fault, opaque
from ser.corpora.tree import files_below, find_folders
from ser.errors import SerError
from ser.files import read_text

PUBLISHED = 7442

# From "known issues" in the README of CREMA-D's repository.
KNOWN_FAULTS = {
    "1064_IEO_DIS_MD": "a minute long, with all emotions",
    "1064_TIE_SAD_XX": "nearly empty",
    "1076_MTI_NEU_XX": "nearly empty",
    "1076_MTI_SAD_XX": "nearly empty",
}

EMOTIONS = {"A": "anger", "D": "disgust", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness"}
COLUMNS = {"voice": "Voice", "multimodal": "MultiModal"}
VOTE_ROWS = {"voice": "1", "multimodal": "3"}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
SENTENCES = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}


def read(corpus: Path, vote: str, ties: str, num_folds: int) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the labelled clips.

    Parameters
    ----------
    vote : ``voice`` (listeners heard the clip) or ``multimodal`` (they saw it too).
    ties : what to do with a tied clip: ``drop`` leaves it out, ``first`` takes the emotion that the table names first,
        ``level`` the emotion with the highest mean level (the first of equal ones).
    num_folds : number of folds of actors, balanced by sex.
    """
    table = corpus / "processedResults" / "summaryTable.csv"
    rows = list(_rows(table, ("FileName", f"{COLUMNS[vote]}Vote", f"{COLUMNS[vote]}Level")))
    genders = _genders(corpus / "VideoDemographics.csv")
    counts = _counts(corpus / "processedResults" / "tabulatedVotes.csv", vote)
    responses = _responses(corpus / "finishedResponses.csv", vote)
    folds = assign_folds(genders, num_folds)
    files = {path.stem: path for folder in find_folders(corpus, "AudioWAV") for path in files_below(folder, (".wav",))}
    utterances, left_out = [], []
    for where, row in rows:
        clip = row["FileName"]
        actor, sentence, intensity = _parse_name(where, clip)
        if actor not in genders:
            raise SerError(f"{corpus}/VideoDemographics.csv: no line for actor {actor} of {where}")
        if counts and clip not in counts:
            raise SerError(f"{corpus}/processedResults/tabulatedVotes.csv: no {vote} votes of {clip} of {where}")
        if responses and clip not in responses:
            raise SerError(f"{corpus}/finishedResponses.csv: no {vote} response to {clip} of {where}")
        winners = _emotions(where, row[f"{COLUMNS[vote]}Vote"])
        path = files.get(clip, corpus / "AudioWAV" / f"{clip}.wav")
        if clip in KNOWN_FAULTS:
            left_out.append(LeftOut(f"{clip}.wav", f"known fault: {KNOWN_FAULTS[clip]}", chosen=True))
        elif fault := audio_fault(path):
            left_out.append(LeftOut(f"{clip}.wav", fault))
        elif len(winners) > 1 and ties == "drop":
            left_out.append(LeftOut(f"{clip}.wav", f"tied {vote} vote: {' '.join(winners)}", chosen=True))
        else:
            utterances.append(
                Utterance(
                    utt=f"cremad{actor}-{sentence}-{opaque(clip)}",
                    spk=f"cremad{actor}",
                    wav=str(path.absolute()),
                    text=SENTENCES[sentence],
                    emotion=_strongest(where, winners, row[f"{COLUMNS[vote]}Level"]) if ties == "level" else winners[0],
                    fold=folds[actor],
                    intensity=INTENSITIES[intensity],
                    gender=genders[actor],
                    # Without the table of counts, only the winners of the vote are known.
                    votes=counts[clip] if counts else dict.fromkeys(winners, 1),
                    annotators=responses[clip] if responses else None,
                    where=where,
                )
            )
    named = {row["FileName"] for _, row in rows}
    extra = sorted(path.name for stem, path in files.items() if stem not in named)
    left_out += [LeftOut(name, "not in processedResults/summaryTable.csv") for name in extra]
    return utterances, left_out


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ('path:line', row) of a CSV file that has `columns`."""
    text = read_text(path, "CREMA-D's repository has it; labels come from the tables, not from the file names")
    if text.startswith("version https://git-lfs"):
        raise SerError(f"{path}: a git-lfs stub in place of the table; run `git lfs pull` in the corpus")
    return parse_columns(path, text, columns)


def _parse_name(where: str, clip: str) -> tuple[str, str, str]:
    """Split ``1001_DFA_ANG_XX`` into actor, sentence and intensity."""
    fields = clip.split("_")
    if len(fields) != 4 or fields[1] not in SENTENCES or fields[3] not in INTENSITIES:
        raise SerError(f"{where}: expected a name like 1001_DFA_ANG_XX, found '{clip}'")
    return fields[0], fields[1], fields[3]


def _emotions(where: str, vote: str) -> list[str]:
    """Return the emotions of a vote such as ``A:D``."""
    unknown = [letter for letter in vote.split(":") if letter not in EMOTIONS]
    if unknown:
        raise SerError(f"{where}: expected a vote of {' '.join(EMOTIONS)}, tied ones joined by ':'; found '{vote}'")
    return [EMOTIONS[letter] for letter in vote.split(":")]


def _strongest(where: str, winners: list[str], levels: str) -> str:
    try:
        values = [float(level) for level in levels.split(":")]
    except ValueError:
        values = []
    if len(values) != len(winners):
        raise SerError(f"{where}: expected a level for each of {' '.join(winners)}, found '{levels}'")
    return winners[values.index(max(values))]


def _genders(path: Path) -> dict[str, str]:
    genders: dict[str, str] = {}
    for where, row in _rows(path, ("ActorID", "Sex")):
        if row["Sex"] not in ("Male", "Female"):
            raise SerError(f"{where}: expected Sex Male or Female, found '{row['Sex']}'")
        sex = row["Sex"][0].lower()
        if genders.setdefault(row["ActorID"], sex) != sex:
            raise SerError(f"{where}: actor {row['ActorID']} came before with the other sex; keep the right row")
    return genders


def _counts(path: Path, vote: str) -> Mapping[str, dict[str, int]]:
    """Read clip -> emotion -> number of votes; empty if this copy of the corpus lacks the table."""
    counts: dict[str, dict[str, int]] = {}
    if not path.exists():
        return counts
    for where, row in _rows(path, ("", "fileName", *EMOTIONS)):
        numbers = [row[letter] for letter in EMOTIONS]
        if not all(number.isdecimal() for number in numbers):
            raise SerError(f"{where}: expected a number of votes for each of {' '.join(EMOTIONS)}, found {numbers}")
        if row[""].startswith(VOTE_ROWS[vote]):
            votes = dict(zip(EMOTIONS.values(), map(int, numbers), strict=True))
            if counts.setdefault(row["fileName"], votes) != votes:
                raise SerError(f"{where}: {row['fileName']} came before with other votes; keep the right row")
    return counts


def _responses(path: Path, vote: str) -> Mapping[str, dict[str, list[str]]]:
    """Read clip -> participant -> emotions; empty if this copy of the corpus lacks the table."""
    responses: dict[str, dict[str, list[str]]] = {}
    if not path.exists():
        return responses
    for where, row in _rows(path, ("localid", "queryType", "clipName", "respEmo")):
        if row["queryType"] == VOTE_ROWS[vote]:
            participant = "_".join(row["localid"].split())
            answers = responses.setdefault(row["clipName"], {}).setdefault(participant, [])
            answers += _emotions(where, row["respEmo"][:1].upper())
    return responses
