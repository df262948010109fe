"""ESD: ten English and ten Mandarin speakers say the same 350 sentences in five emotions.

Paper: K. Zhou, B. Sisman, R. Liu, H. Li, "Emotional voice conversion: theory, databases and ESD", Speech Communication
137, 2022. Licence: for research, by agreement.
Expected: 35,000 clips of 20 speakers, 1,750 each, 350 of each emotion (neutral, anger, happiness, sadness, surprise),
29 h. 16 kHz WAV.

Layout: ``0011/Angry/0011_000351.wav``, in some copies ``0011/Angry/train/0011_000371.wav`` with evaluation and test
beside. A line of ``0011/0011.txt`` has a clip, its words and its emotion, separated by tabs. Speakers 0001 to 0010
speak Mandarin, 0011 to 0020 English. Known faults: the text files are in several encodings (UTF-8, UTF-16, GB 18030),
and some lines are not separated by tabs. All speakers say the same sentences; train, evaluation and test have different
sentences of the same speakers. No file gives the speakers' sex.
"""

import re
from pathlib import Path

from ser.corpora.named_clips import Naming, read_named
from ser.corpora.records import LeftOut, Utterance
from ser.corpora.tree import files_below
from ser.errors import SerError

PUBLISHED = {"all": 35000, "english": 17500, "mandarin": 17500}

EMOTIONS = {"Angry": "anger", "Happy": "happiness", "Neutral": "neutral", "Sad": "sadness", "Surprise": "surprise"}
SPEAKERS = {"all": r"00[01]\d|0020", "mandarin": r"000[1-9]|0010", "english": r"001[1-9]|0020"}
PARTS = {"train": "train", "evaluation": "validation", "test": "test"}


def read(corpus: Path, num_folds: int, language: str = "all") -> tuple[list[Utterance], list[LeftOut]]:
    """Read the clips of a language, english, mandarin or all; folds are of speakers."""
    texts: dict[str, str] = {}
    for path in files_below(corpus, (".txt",)):
        if re.fullmatch(r"00[012]\d", path.stem):
            texts |= _transcripts(path)
    in_parts = any(corpus.glob("**/Angry/train"))
    naming = Naming(
        title="ESD",
        prefix="esd",
        name=re.compile(
            rf"(?:^|/)(?P<speaker>{SPEAKERS[language]})/(?P<emotion>{'|'.join(EMOTIONS)})/"
            rf"(?:(?:{'|'.join(PARTS)})/)?(?P=speaker)_(?P<number>\d{{6}})$"
        ),
        emotions=EMOTIONS,
        layout="give the folder that has 0011/Angry/0011_000351.wav and so on",
        text=(lambda _, path: texts.get(path.stem, "")) if texts else None,
        part=(lambda _, path: PARTS.get(path.parent.name, "none")) if in_parts else None,
    )
    utterances, left_out = read_named(corpus, naming, num_folds)
    other = re.compile(rf"(?:^|/)(?:{SPEAKERS['all']})/")
    return utterances, [
        item._replace(reason=f"not {language}", chosen=True)
        if language != "all" and item.reason.startswith("name not") and other.search(item.name)
        else item
        for item in left_out
    ]


def _transcripts(path: Path) -> dict[str, str]:
    """Read clip -> words in any of the encodings; lines of another form are skipped, so their clips have no words."""
    data = path.read_bytes()
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SerError(f"{path}: neither UTF-8, UTF-16 nor GB 18030; take it from the corpus again")
    fields = (line.split("\t") for line in text.replace("\r", "").split("\n"))
    return {field[0].strip(): " ".join(field[1].split()) for field in fields if len(field) >= 2}
