"""MSP-IMPROV: twelve actors in six dyadic sessions; 20 sentences in improvised scenes, read, and what was said around.

Paper: C. Busso et al., "MSP-IMPROV: an acted corpus of dyadic interactions to study emotion perception", IEEE T-AFFC
8(1), 2017. Licence: by agreement with the University of Texas at Dallas.
Expected: 8,438 turns of 12 actors (6 male, 6 female): neutral 3,477, happiness 2,644, sadness 885, anger 792; the other
640 have another emotion or no agreement. 44.1 kHz WAV.

Layout: ``session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav``, anywhere below the corpus folder: sentence and the emotion
asked for, speaker, kind (P other parts of the improvisation, R read, S the target sentence improvised, T its scene),
and who speaks to whom. ``Evalution.txt`` (so called; or Evaluation.txt) has::

    UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:3.200000; V:3.400000; D:3.000000 ; N:3.300000;
    WORKER00000001; Neutral; Neutral,; A:3.000000; V:3.000000; D:3.000000; N:4.000000;

The label is the plurality of the annotators; X is no agreement, O another emotion. Dimensions are 1 to 5.
Folds are the sessions, so that both speakers of a dialogue are on one side.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ser.corpora.emotion_names import emotion_name
from ser.corpora.records import EMOTIONS as NAMES
from ser.corpora.records import LeftOut, Utterance, audio_fault, opaque
from ser.corpora.table_sources import audio_files
from ser.corpora.tree import files_below
from ser.errors import SerError
from ser.files import read_text_lines

PUBLISHED = 8438

EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "O": "other", "S": "sadness", "X": "undecided"}
STYLES = {"P": "impro", "R": "script", "S": "impro", "T": "impro"}

NUMBER = r"\s*(\d+(?:\.\d*)?|NaN)\s*"
TURN = re.compile(rf"UTD-(IMPROV-\S+?)\.avi\s*;\s*([A-Z])\s*;\s*A:{NUMBER};\s*V:{NUMBER};\s*D:{NUMBER};.*")
NAME = re.compile(r"IMPROV-(?P<scene>S\d\d[AHNS])-(?P<speaker>[FM](?P<session>0[1-6]))-(?P<kind>[PRST])-[FM]{2}\d\d")


def read(corpus: Path) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the evaluated turns."""
    tables = [path for path in files_below(corpus, (".txt",)) if path.name in ("Evalution.txt", "Evaluation.txt")]
    if not tables:
        raise SerError(f"{corpus}: no Evalution.txt in it; give the folder of MSP-IMPROV")
    clips = {path.stem: path for path in audio_files(corpus)}
    utterances, left_out, seen = [], [], set()
    for where, turn, votes in _turns(tables[0]):
        name = NAME.fullmatch(turn[1])
        if name is None or turn[2] not in EMOTIONS:
            raise SerError(f"{where}: expected a turn like UTD-IMPROV-S01A-F01-P-FM01.avi; N; found '{turn[0][:60]}'")
        clip = f"MSP-{turn[1]}"
        seen.add(clip)
        if fault := audio_fault(clips.get(clip, corpus / f"{clip}.wav")):
            left_out.append(LeftOut(f"{clip}.wav", fault))
            continue
        activation, valence, dominance = (float(number) for number in turn.groups()[2:])
        spk = f"improv{name['speaker']}"
        utterances.append(
            Utterance(
                utt=f"{spk}-{opaque(clip)}",
                spk=spk,
                wav=str(clips[clip].absolute()),
                emotion=EMOTIONS[turn[2]],
                fold=str(int(name["session"])),
                style=STYLES[name["kind"]],
                gender=name["speaker"][0].lower(),
                # Turns of a scene have the same topic.
                dialogue=f"improv{name['session']}{name['scene']}{name['kind']}",
                votes=votes or {EMOTIONS[turn[2]]: 1},
                dims=(valence, activation, dominance),
            )
        )
    left_out += [
        LeftOut(path.name, f"not in {tables[0].name}")
        for clip, path in sorted(clips.items())
        if clip.startswith("MSP-IMPROV-") and clip not in seen
    ]
    return utterances, left_out


def _turns(path: Path) -> Iterator[tuple[str, re.Match[str], Counter[str]]]:
    """Yield where a turn is, its line, and the votes of the annotators' lines below it."""
    turn: tuple[str, re.Match[str], Counter[str]] | None = None
    for number, line in enumerate(read_text_lines(path, errors="replace"), start=1):
        if line.startswith("UTD-"):
            if turn is not None:
                yield turn
            match = TURN.fullmatch(line.strip())
            if match is None:
                raise SerError(
                    f"{path}:{number}: expected 'UTD-IMPROV-...avi; N; A:3.2; V:3.4; D:3.0;', found '{line}'"
                )
            turn = (f"{path}:{number}", match, Counter())
        elif turn is not None and line.count(";") >= 2:
            emotion = emotion_name(line.split(";")[1])
            turn[2][emotion if emotion in NAMES else "other"] += 1
    if turn is not None:
        yield turn
