"""LibriSpeech and mini LibriSpeech: read audio books, 960 hours of English, and a small part of it.

Paper: V. Panayotov, G. Chen, D. Povey, S. Khudanpur, "LibriSpeech: an ASR corpus based on public domain audio books",
ICASSP 2015. Licence: CC BY 4.0.
Expected utterances: see PUBLISHED.

Layout: ``<part>/<reader>/<chapter>/<reader>-<chapter>-<number>.flac`` and ``<reader>-<chapter>.trans.txt``, also inside
``LibriSpeech/``; ``SPEAKERS.TXT``. The speaker of i-vectors is a reader in a chapter, as in Kaldi's recipe. The
lexicon, librispeech-lexicon.txt, is another download.
"""

from pathlib import Path

from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.corpora.tree import list_folder
from ser.errors import SerError
from ser.files import read_text_lines

PUBLISHED = {
    "train-clean-100": 28539,
    "train-clean-360": 104014,
    "train-other-500": 148688,
    "dev-clean": 2703,
    "dev-other": 2864,
    "test-clean": 2620,
    "test-other": 2939,
    "train-clean-5": 1519,
    "dev-clean-2": 1089,
}


def read(corpus: Path, *parts: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of one or more parts, such as ``train-clean-100``; texts become lower case.

    No reader is in two parts of the corpus.
    """
    if not parts or len(set(parts)) < len(parts):
        raise SerError(f"--part '{' '.join(parts)}': name one part or more, each once; parts: {', '.join(PUBLISHED)}")
    found = [_read_part(corpus, part) for part in parts]
    return [one for utterances, _ in found for one in utterances], [one for _, left_out in found for one in left_out]


def _read_part(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    root = next((root for root in (corpus, corpus / "LibriSpeech") if (root / part).is_dir()), None)
    if root is None:
        raise SerError(f"{corpus}: no folder '{part}' in it; parts: {', '.join(PUBLISHED)}")
    genders = _genders(root / "SPEAKERS.TXT")
    utterances, left_out = [], []
    readers = [root / part / name for name in list_folder(root / part)[0]]
    for chapter in (reader / name for reader in readers for name in list_folder(reader)[0]):
        speaker = f"{chapter.parent.name}-{chapter.name}"
        transcripts = _transcripts(chapter / f"{speaker}.trans.txt")
        files = (chapter / name for name in list_folder(chapter)[1])
        names = {path.stem: path for path in files if path.suffix.lower() in (".flac", ".wav")}
        left_out += [LeftOut(name, "recording without a transcript") for name in sorted(names.keys() - transcripts)]
        for name, text in transcripts.items():
            path = names.get(name, chapter / f"{name}.flac")
            if fault := audio_fault(path):
                left_out.append(LeftOut(name, fault))
                continue
            utterances.append(
                Utterance(
                    utt=name,
                    spk=speaker,
                    wav=str(path.absolute()),
                    text=text.lower(),
                    part=part,
                    gender=genders.get(chapter.parent.name),
                )
            )
    return utterances, left_out


def _transcripts(path: Path) -> dict[str, str]:
    found = {}
    for number, line in enumerate(read_text_lines(path, "copy the corpus anew"), start=1):
        name, _, text = line.strip().partition(" ")
        if not name or name in found:
            raise SerError(f"{path}:{number}: expected a new utterance and its words, found '{line[:80]}'")
        found[name] = text
    return found


def _genders(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    rows = [line.split("|") for line in read_text_lines(path) if line and not line.startswith(";")]
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) > 2 and row[1].strip() in ("M", "F")}
