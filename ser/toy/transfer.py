"""Toy SAVEE (sentences that reveal the emotion) and toy GoEmotions (comments with one or more emotions)."""

from dataclasses import dataclass
from pathlib import Path

from scipy.signal import resample_poly

from ser.corpora.goemotions import LABELS
from ser.toy import speech
from ser.toy.speech import draw_style, draw_voice, make_rng, speak, write_wav
from ser.toy.text import sentence

SAVEE_SPEAKERS = ("DC", "JE", "JK", "KL")
SAVEE_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
SAVEE_RATE = 44100

# Emotions of the toy sentences -> labels of GoEmotions.
GOEMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "joy",
    "sadness": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}
# Share of the comments that have two emotions.
TWO = 0.15


@dataclass(frozen=True)
class SaveeSize:
    """Size: sentences said in all emotions, in one emotion and neutral, and in one emotion only (SAVEE: 3, 2, 10)."""

    common: int
    specific: int
    alone: int


@dataclass(frozen=True)
class GoEmotionsSize:
    """Size: comments of each part."""

    train: int
    dev: int
    test: int


def write_savee(folder: Path, size: SaveeSize, seed: int) -> None:
    """Write ``AudioData/<speaker>/<emotion><number>.wav`` at 44.1 kHz, and ``transcripts.txt``, which SAVEE lacks.

    As in the real corpus, each man says the same sentences in the same emotion.
    """
    rng = make_rng(seed, "savee", "sentences")
    common = [sentence("neutral", "drama", rng) for _ in range(size.common)]
    said = {
        code: [sentence(emotion, "drama", rng) for _ in range(size.specific + size.alone)]
        for code, emotion in SAVEE_EMOTIONS.items()
    }
    own = [sentence("neutral", "drama", rng) for _ in range(size.specific + size.alone)]
    both = [words for sentences in said.values() for words in sentences[: size.specific]]
    said = {code: [*common, *sentences] for code, sentences in said.items()} | {"n": [*common, *both, *own]}
    emotions = SAVEE_EMOTIONS | {"n": "neutral"}
    lines = []
    for speaker in SAVEE_SPEAKERS:
        rng = make_rng(seed, "savee", speaker)
        voice = draw_voice("m", rng)
        for code, sentences in said.items():
            for number, words in enumerate(sentences, start=1):
                samples = speak(voice, draw_style(emotions[code], voice, rng), 7, rng, 30.0)
                samples = resample_poly(samples, SAVEE_RATE // 100, speech.SAMPLE_RATE // 100)
                write_wav(folder / "AudioData" / speaker / f"{code}{number:02d}.wav", samples, SAVEE_RATE)
                lines.append(f"{speaker}_{code}{number:02d} {words}\n")
    (folder / "transcripts.txt").write_text("".join(lines), encoding="utf-8")


def write_goemotions(folder: Path, size: GoEmotionsSize, seed: int) -> None:
    """Write ``train.tsv``, ``dev.tsv`` and ``test.tsv``; some comments have two emotions, with a sentence of each."""
    folder.mkdir(parents=True)
    for part in ("train", "dev", "test"):
        rng = make_rng(seed, "goemotions", part)
        lines = []
        for number in range(getattr(size, part)):
            drawn = [str(name) for name in rng.choice(list(GOEMOTIONS), 2, replace=False)]
            drawn = drawn if rng.random() < TWO and "neutral" not in drawn else drawn[:1]
            words = ", ".join(sentence(emotion, "daily", rng) for emotion in drawn)
            labels = ",".join(str(LABELS.index(GOEMOTIONS[emotion])) for emotion in drawn)
            lines.append(f"{words}\t{labels}\t{part}{number:05d}\n")
        (folder / f"{part}.tsv").write_text("".join(lines), encoding="utf-8")
