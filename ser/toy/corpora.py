"""Toy corpora: synthetic speech and text in the layouts, formats and names of the real corpora.

They contain nothing of the real corpora but the fixed sentences of CREMA-D and RAVDESS.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ser import config
from ser.errors import SerError
from ser.toy import asr, background, dialogues, speakers, speech, text, transfer

# This file in a folder of toy corpora holds their settings and a digest of the code that made them.
STAMP = "toy_corpora.yaml"
# Mean number of utterances of a toy DailyDialog dialogue.
_TOY_TURNS = 6.4


@dataclass(frozen=True)
class ToyConfig:
    """The seed, and the size of each corpus."""

    seed: int
    voxceleb1: speakers.VoxCelebSize
    cremad: speakers.CremadSize
    iemocap: dialogues.IemocapSize
    dailydialog: dialogues.DailyDialogSize
    ravdess: speakers.RavdessSize
    musan: background.MusanSize
    rirs: background.RirsSize
    tedlium: asr.TedliumSize
    savee: transfer.SaveeSize
    goemotions: transfer.GoEmotionsSize


def make_corpora(out: str | Path, toy: ToyConfig) -> bool:
    """Write all toy corpora into the folder `out`, whole or not at all.

    Returns
    -------
    False if they exist already, made by the same code with the same settings; then nothing is done.

    Raises
    ------
    SerError
        If `out` exists and does not hold toy corpora.
    """
    out = Path(out)
    stamp = _stamp(toy)
    if out.exists():
        if not (out / STAMP).is_file():
            raise SerError(f"{out}: exists but holds no toy corpora; remove it or name another folder")
        if (out / STAMP).read_text(encoding="utf-8") == stamp:
            return False
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", suffix=".tmp", dir=out.parent) as name:
        folder = Path(name, "new")
        speakers.write_voxceleb1(folder / "VoxCeleb1", toy.voxceleb1, toy.seed)
        speakers.write_cremad(folder / "CREMA-D", toy.cremad, toy.seed)
        speakers.write_ravdess(folder / "ravdess", toy.ravdess, toy.seed)
        dialogues.write_iemocap(folder / "IEMOCAP_full_release", toy.iemocap, toy.seed)
        dialogues.write_dailydialog(folder / "dailydialog", toy.dailydialog, toy.seed)
        background.write_musan(folder / "musan", toy.musan, toy.seed)
        background.write_rirs(folder / "RIRS_NOISES", toy.rirs, toy.seed)
        asr.write_tedlium(folder / "TEDLIUM_release2", toy.tedlium, toy.seed)
        transfer.write_savee(folder / "SAVEE", toy.savee, toy.seed)
        transfer.write_goemotions(folder / "goemotions", toy.goemotions, toy.seed)
        (folder / STAMP).write_text(stamp, encoding="utf-8")
        if out.exists():
            out.rename(Path(name, "old"))
        folder.rename(out)
    return True


def count_utterances(corpus: str, toy: ToyConfig) -> int:
    """Return how many utterances the data dir of a toy corpus will have; `corpus` is a name in conf/corpora.tsv."""
    voices, acted, talks, texts = toy.voxceleb1, toy.cremad, toy.iemocap, toy.dailydialog
    sizes = {
        "voxceleb1": (voices.speakers - voices.test_speakers) * voices.videos * voices.utterances,
        "cremad": acted.actors * acted.clips * 6,
        "iemocap": 5 * (talks.improvised + talks.scripted) * talks.utterances,
        "dailydialog": round(_TOY_TURNS * (texts.train + texts.validation + texts.test)),
        "ravdess": toy.ravdess.actors * 16,
        "tedlium": (toy.tedlium.train + toy.tedlium.dev + toy.tedlium.test) * toy.tedlium.segments,
        "savee": 4 * (7 * toy.savee.common + 13 * toy.savee.specific + 7 * toy.savee.alone),
        "goemotions": toy.goemotions.train + toy.goemotions.dev + toy.goemotions.test,
        "musan": toy.musan.music + toy.musan.noise + toy.musan.speech,
        "rirs_noises": 2 * toy.rirs.rooms * toy.rirs.responses,
    }
    if corpus not in sizes:
        raise SerError(f"there is no toy corpus '{corpus}'; there are {', '.join(sizes)}")
    return sizes[corpus]


def _stamp(toy: ToyConfig) -> str:
    digest = hashlib.sha256()
    for module in (asr, background, dialogues, speakers, speech, text, transfer):
        digest.update(Path(str(module.__file__)).read_bytes())
    return f"# made by code of digest {digest.hexdigest()[:16]}\n{config.to_yaml(toy)}"
