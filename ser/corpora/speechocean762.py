"""speechocean762: learners of English whose mother tongue is Mandarin, half of them children, reading sentences.

Paper: J. Zhang et al., "speechocean762: an open-source non-native English speech corpus for pronunciation assessment",
Interspeech 2021 (OpenSLR 101). Licence: free for commercial and other use.
Expected: 5,000 utterances of 250 speakers, 2,500 each of train and test.

Layout: Kaldi data dirs ``train/`` and ``test/`` (wav.scp with paths from the corpus folder, text, utt2spk, spk2gender,
spk2age), ``WAVE/SPEAKER*/*.WAV`` (or .flac), ``resource/lexicon.txt``. Its utterance ids do not begin with the
speaker's, so the speaker's id is put before them here.
"""

from pathlib import Path

from ser.corpora.records import LeftOut, Utterance, audio_fault
from ser.errors import SerError
from ser.kaldi import tables

PUBLISHED = {"train": 2500, "test": 2500}
LEXICON = Path("resource", "lexicon.txt")


def read(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of ``train`` or ``test``; texts become lower case."""
    folder = corpus / part
    if not (folder / "wav.scp").is_file():
        raise SerError(f"{folder}: no wav.scp in it; give the folder that holds train, WAVE and resource")
    paths = tables.read_map(folder / "wav.scp", fields=2)
    texts = tables.read_map(folder / "text", allow_empty=True)
    speakers = tables.read_map(folder / "utt2spk", fields=2)
    genders = tables.read_map(folder / "spk2gender", fields=2)
    utterances, left_out = [], []
    for name, path in paths.items():
        if name not in texts or name not in speakers:
            left_out.append(LeftOut(name, "recording without a transcript or a speaker"))
            continue
        wav = (corpus / path).absolute()
        if fault := audio_fault(wav):
            left_out.append(LeftOut(name, fault))
            continue
        speaker = f"so{speakers[name]}"
        utterances.append(
            Utterance(
                utt=f"{speaker}-{name}",
                spk=speaker,
                wav=str(wav),
                text=texts[name].lower(),
                part=part,
                gender=genders.get(speakers[name]),
            )
        )
    return utterances, left_out
