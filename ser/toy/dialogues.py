"""Toy IEMOCAP (dialogues in speech and text) and toy DailyDialog (dialogues in text)."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.toy import text
from ser.toy.speech import SAMPLE_RATE, Voice, draw_style, draw_voice, make_rng, speak, write_wav

# IEMOCAP: label, annotators' word, share of the utterances; means of valence, activation, dominance (1 to 5).
IEMOCAP_EMOTIONS = {
    "neutral": ("neu", "Neutral", 0.22, (3.0, 2.6, 2.8)),
    "frustration": ("fru", "Frustration", 0.14, (2.2, 3.2, 3.3)),
    "anger": ("ang", "Anger", 0.14, (1.8, 3.8, 4.0)),
    "sadness": ("sad", "Sadness", 0.16, (2.1, 2.2, 2.4)),
    "happiness": ("hap", "Happiness", 0.09, (4.0, 3.2, 3.0)),
    "excitement": ("exc", "Excited", 0.11, (4.1, 3.9, 3.4)),
    "surprise": ("sur", "Surprise", 0.07, (3.2, 3.6, 2.9)),
    "fear": ("fea", "Fear", 0.05, (2.1, 3.4, 2.2)),
    "disgust": ("dis", "Disgust", 0.02, (2.0, 3.0, 3.2)),
}
# Each of three annotators hears the intended emotion with this chance, and otherwise one drawn by its share.
RECOGNITION = 0.7
ANNOTATORS = ("E2", "E3", "E4")

DAILYDIALOG_EMOTIONS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
# 83 % have no emotion, as in the real corpus; the emotions are more balanced, so that a small corpus has some of each.
DAILYDIALOG_SHARES = (0.83, 0.025, 0.02, 0.02, 0.045, 0.03, 0.03)


@dataclass(frozen=True)
class IemocapSize:
    """Size: improvised and scripted dialogues of each of the 5 sessions, utterances of each dialogue."""

    improvised: int
    scripted: int
    utterances: int


@dataclass(frozen=True)
class DailyDialogSize:
    """Size: dialogues of each part."""

    train: int
    validation: int
    test: int


def write_iemocap(folder: Path, size: IemocapSize, seed: int) -> None:
    """Write ``SessionN/dialog/{EmoEvaluation,transcriptions}`` and ``SessionN/sentences/wav`` into `folder`."""
    for session in range(1, 6):
        rng = make_rng(seed, "iemocap", str(session))
        voices = {sex: draw_voice(sex.lower(), rng) for sex in "FM"}
        names = [f"impro{number:02d}" for number in range(1, size.improvised + 1)]
        names += [f"script{number:02d}_1" for number in range(1, size.scripted + 1)]
        for index, name in enumerate(names):
            # The letter after the session names the speaker with the motion-capture markers; both speakers talk.
            dialogue = f"Ses{session:02d}{'FM'[index % 2]}_{name}"
            # The lines of a script are the same in every session.
            lines_rng = make_rng(seed, "iemocap", name if name.startswith("script") else dialogue)
            _write_iemocap_dialogue(folder / f"Session{session}", dialogue, size.utterances, voices, lines_rng, rng)


def _write_iemocap_dialogue(
    session: Path,
    dialogue: str,
    num_utterances: int,
    voices: dict[str, Voice],
    lines_rng: np.random.Generator,
    rng: np.random.Generator,
) -> None:
    shares = [share for _, _, share, _ in IEMOCAP_EMOTIONS.values()]
    evaluations = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"]
    transcripts = []
    turns: Counter[str] = Counter()
    start = 6.0
    for index in range(num_utterances):
        talker = "FM"[(index + (lines_rng.random() < 0.2)) % 2]
        emotion = str(lines_rng.choice(list(IEMOCAP_EMOTIONS), p=shares))
        words = text.sentence(emotion, "drama", lines_rng)
        utt = f"{dialogue}_{talker}{turns[talker]:03d}"
        turns[talker] += 1
        style = draw_style(emotion, voices[talker], rng)
        samples = speak(voices[talker], style, int(rng.integers(6, 11)), rng, rng.uniform(18.0, 28.0))
        write_wav(session / "sentences" / "wav" / dialogue / f"{utt}.wav", samples)
        end = start + len(samples) / SAMPLE_RATE
        evaluations.append(f"[{start:.4f} - {end:.4f}]\t{utt}\t" + _iemocap_evaluation(emotion, talker, rng))
        transcripts.append(f"{utt} [{start:08.4f}-{end:08.4f}]: {words.capitalize()}.\n")
        start = end + rng.uniform(0.2, 1.0)
    # The real transcriptions have turns that nobody evaluated.
    transcripts.append(f"{dialogue}_MXX0 [{start:08.4f}-{start + 1:08.4f}]: Okay.\n")
    for part, lines in {"EmoEvaluation": evaluations, "transcriptions": transcripts}.items():
        path = session / "dialog" / part / f"{dialogue}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")


def _iemocap_evaluation(emotion: str, talker: str, rng: np.random.Generator) -> str:
    """Return the majority label (or xxx), the mean ratings, and the lines of annotators and speaker."""
    emotions, shares = list(IEMOCAP_EMOTIONS), [share for _, _, share, _ in IEMOCAP_EMOTIONS.values()]
    lines, votes, ratings = [], [], []
    for annotator in (*ANNOTATORS, f"{talker}1"):
        heard = [emotion if rng.random() < RECOGNITION else str(rng.choice(emotions, p=shares))]
        # Some annotators give two emotions.
        if rng.random() < 0.05:
            heard.append(str(rng.choice([other for other in emotions if other not in heard])))
        lines.append(f"C-{annotator}:\t{' '.join(f'{IEMOCAP_EMOTIONS[name][1]};' for name in heard)}\t()\n")
        if annotator in ANNOTATORS:
            votes.append(heard)
    for annotator in (*ANNOTATORS[1:], f"{talker}1"):
        rating = np.clip(np.round(rng.normal(IEMOCAP_EMOTIONS[emotion][3], 0.7)), 1, 5).astype(int)
        lines.append("A-{}:\tval {}; act {}; dom  {};\t()\n".format(annotator, *rating))
        if annotator in ANNOTATORS:
            ratings.append(rating)
    counts = Counter(name for heard in votes for name in heard).most_common(2)
    # The majority: an emotion named by two of three annotators, and no other as often.
    is_agreed = counts[0][1] >= 2 and (len(counts) == 1 or counts[1][1] < counts[0][1])
    label = IEMOCAP_EMOTIONS[counts[0][0]][0] if is_agreed else "xxx"
    valence, activation, dominance = np.mean(ratings, axis=0)
    return f"{label}\t[{valence:.4f}, {activation:.4f}, {dominance:.4f}]\n{''.join(lines)}\n"


def write_dailydialog(folder: Path, size: DailyDialogSize, seed: int) -> None:
    """Write ``<part>/dialogues_<part>.txt`` and ``<part>/dialogues_emotion_<part>.txt`` into `folder`."""
    for part, count in {"train": size.train, "validation": size.validation, "test": size.test}.items():
        rng = make_rng(seed, "dailydialog", part)
        dialogues, labels = [], []
        for _ in range(count):
            emotions = rng.choice(len(DAILYDIALOG_EMOTIONS), int(rng.integers(4, 10)), p=DAILYDIALOG_SHARES)
            sentences = [text.sentence(DAILYDIALOG_EMOTIONS[emotion], "daily", rng) for emotion in emotions]
            dialogues.append("".join(f"{sentence.capitalize()} . __eou__ " for sentence in sentences).rstrip() + "\n")
            labels.append(" ".join(map(str, emotions)) + "\n")
        for name, lines in {"dialogues": dialogues, "dialogues_emotion": labels}.items():
            path = folder / part / f"{name}_{part}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines), encoding="utf-8")
