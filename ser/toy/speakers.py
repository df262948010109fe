"""Toy VoxCeleb1, CREMA-D and RAVDESS: separate utterances of many speakers."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ser.errors import SerError
from ser.toy import speech
from ser.toy.speech import STYLES, draw_style, draw_voice, make_rng, speak, write_wav

# CREMA-D: the emotions, their letter among the votes, and the sentences.
CREMAD_EMOTIONS = {
    "ANG": ("A", "anger"),
    "DIS": ("D", "disgust"),
    "FEA": ("F", "fear"),
    "HAP": ("H", "happiness"),
    "NEU": ("N", "neutral"),
    "SAD": ("S", "sadness"),
}
CREMAD_SENTENCES = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
CREMAD_RATERS = 7
# Chance that a rater recognises the acted emotion by ear, by eye, by both; else the rater says neutral or another.
CREMAD_RECOGNITION = {"VoiceVote": 0.65, "FaceVote": 0.65, "MultiModalVote": 0.75}
TAKEN_FOR_NEUTRAL = 0.5

RAVDESS_EMOTIONS = ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
RAVDESS_RATE = 48000


@dataclass(frozen=True)
class VoxCelebSize:
    """Size: speakers, test speakers among them, videos of each speaker, utterances of each video."""

    speakers: int
    test_speakers: int
    videos: int
    utterances: int


@dataclass(frozen=True)
class CremadSize:
    """Size: actors, and clips of each actor in each of the 6 emotions."""

    actors: int
    clips: int


@dataclass(frozen=True)
class RavdessSize:
    """Size: actors, each with a clip of each of 8 emotions in each of 2 sentences."""

    actors: int


def write_voxceleb1(folder: Path, size: VoxCelebSize, seed: int) -> None:
    """Write ``wav/idNNNNN/<video>/NNNNN.wav`` and ``vox1_meta.csv`` into `folder`.

    Any emotion occurs; each video has a noise level of its own.
    """
    rows = ["VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet"]
    for index in range(size.speakers):
        is_test = index >= size.speakers - size.test_speakers
        # The numbers of the real test speakers begin at 10270.
        speaker = f"id{10270 + index - size.speakers + size.test_speakers if is_test else 10001 + index}"
        sex = "mf"[index % 2]
        rng = make_rng(seed, "voxceleb1", speaker)
        voice = draw_voice(sex, rng)
        rows.append(f"{speaker}\tToy_{index:02d}\t{sex}\tToyland\t{'test' if is_test else 'dev'}")
        for _ in range(size.videos):
            alphabet = list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
            video = "".join(rng.choice(alphabet, 11))
            snr = rng.uniform(12.0, 30.0)
            for number in range(1, size.utterances + 1):
                style = draw_style(list(STYLES)[rng.integers(len(STYLES))], voice, rng)
                samples = speak(voice, style, int(rng.integers(11, 18)), rng, snr)
                write_wav(folder / "wav" / speaker / video / f"{number:05d}.wav", samples)
    (folder / "vox1_meta.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_cremad(folder: Path, size: CremadSize, seed: int) -> None:
    """Write ``AudioWAV/``, ``processedResults/summaryTable.csv`` and ``VideoDemographics.csv`` into `folder`."""
    combinations = {
        emotion: [
            (sentence, level)
            for sentence in CREMAD_SENTENCES
            for level in (("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",))
        ]
        for emotion in CREMAD_EMOTIONS
    }
    if size.clips > min(map(len, combinations.values())):
        raise SerError(f"toy CREMA-D: {size.clips} clips of an emotion; an actor has at most {len(CREMAD_SENTENCES)}")
    actors: list[tuple] = []
    clips: list[tuple] = []
    for actor in range(1001, 1001 + size.actors):
        sex = "fm"[actor % 2]
        rng = make_rng(seed, "cremad", str(actor))
        voice = draw_voice(sex, rng)
        actors.append((actor, int(rng.integers(20, 75)), {"m": "Male", "f": "Female"}[sex], "Unknown", "Not Hispanic"))
        for code, (letter, emotion) in CREMAD_EMOTIONS.items():
            for choice in sorted(rng.choice(len(combinations[code]), size.clips, replace=False)):
                sentence, level = combinations[code][choice]
                name = f"{actor}_{sentence}_{code}_{level}"
                samples = speak(
                    voice, draw_style(emotion, voice, rng), int(rng.integers(6, 11)), rng, rng.uniform(18.0, 28.0)
                )
                write_wav(folder / "AudioWAV" / f"{name}.wav", samples)
                clips.append((len(clips) + 1, name, *_cremad_votes(letter, rng)))
    votes = [column for vote in CREMAD_RECOGNITION for column in (vote, vote.replace("Vote", "Level"))]
    _write_table(folder / "processedResults" / "summaryTable.csv", ("", "FileName", *votes), clips)
    _write_table(folder / "VideoDemographics.csv", ("ActorID", "Age", "Sex", "Race", "Ethnicity"), actors)


def write_ravdess(folder: Path, size: RavdessSize, seed: int) -> None:
    """Write ``Actor_NN/03-01-EE-II-SS-RR-NN.wav`` at 48 kHz into `folder`."""
    for actor in range(1, size.actors + 1):
        rng = make_rng(seed, "ravdess", str(actor))
        voice = draw_voice("fm"[actor % 2], rng)
        for number, emotion in enumerate(RAVDESS_EMOTIONS, start=1):
            for statement in (1, 2):
                samples = speak(voice, draw_style(emotion, voice, rng), 7, rng, 35.0)
                samples = resample_poly(samples, RAVDESS_RATE // speech.SAMPLE_RATE, 1)
                name = f"03-01-{number:02d}-01-{statement:02d}-01-{actor:02d}.wav"
                write_wav(folder / f"Actor_{actor:02d}" / name, samples, RAVDESS_RATE)


def _cremad_votes(acted: str, rng: np.random.Generator) -> list[str]:
    """Return the winners (joined by colons) and their mean level, for ratings by voice, by face and by both."""
    letters = [letter for letter, _ in CREMAD_EMOTIONS.values()]
    columns = []
    for recognition in CREMAD_RECOGNITION.values():
        votes: Counter[str] = Counter()
        for _ in range(CREMAD_RATERS):
            taken_for = "N" if rng.random() < TAKEN_FOR_NEUTRAL else letters[rng.integers(len(letters))]
            votes[acted if rng.random() < recognition else taken_for] += 1
        winners = sorted(letter for letter, count in votes.items() if count == max(votes.values()))
        columns += [":".join(winners), ":".join(f"{rng.uniform(40, 90):.4g}" for _ in winners)]
    return columns


def _write_table(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    """Write a table in R's format: strings in quotes, numbers without; a column of quoted row numbers has no header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(header)
        writer.writerows((str(row[0]) if not header[0] else row[0], *row[1:]) for row in rows)
