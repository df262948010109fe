"""VoxCeleb2: VoxCeleb1's successor, five times the speakers, many languages.

Paper: J. S. Chung, A. Nagrani, A. Zisserman, "VoxCeleb2: deep speaker recognition", Interspeech 2018.
Licence: CC BY 4.0 (the annotation; the recordings belong to their owners).
Expected: 6,112 speakers, 1,128,246 utterances; dev 5,994 and 1,092,009, test 118 and 36,237.

Layout: ``dev/aac/id00012/VIDEO/00001.m4a`` and ``test/aac/...``, or both parts in one ``aac/``.
AAC is read through an ffmpeg pipe in wav.scp, as 16 kHz mono. ``vox2_meta.csv`` gives the speakers' sex and part.
"""

import logging
import shlex
import shutil
from pathlib import Path

from ser.corpora.records import LeftOut, Utterance
from ser.corpora.voxceleb1 import PARTS, read_meta, scan
from ser.errors import SerError

logger = logging.getLogger(__name__)

PUBLISHED = {"dev": 1092009, "test": 36237, "all": 1128246}


def read(corpus: Path, part: str, ffmpeg: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of ``part``: dev, test or all; ``ffmpeg`` is the program's name or path."""
    if shutil.which(ffmpeg) is None:
        raise SerError(
            f"ffmpeg: '{ffmpeg}' is not a program here; VoxCeleb2 is AAC in .m4a files, which it decodes: "
            "install it (apt-get install ffmpeg) or name it with --ffmpeg PATH"
        )
    meta_path = corpus / "vox2_meta.csv"
    meta = read_meta(meta_path) if meta_path.exists() else {}
    utterances, left_out = [], []
    for folder_part, folder in _folders(corpus, part):
        logger.info("VoxCeleb2 in %s", folder)
        for clip in scan(folder, (".m4a",)):
            if meta and clip.spk not in meta:
                raise SerError(
                    f"{meta_path}: no line for {clip.spk} of {clip.path}; take the file that comes with the corpus"
                )
            clip_part = folder_part or (meta[clip.spk].part if meta else None)
            if part not in (clip_part, "all"):
                continue
            if clip.fault:
                left_out.append(clip.left_out)
                continue
            utterances.append(
                Utterance(
                    utt=f"{clip.spk}-{clip.video}-{clip.segment}",
                    spk=clip.spk,
                    wav=decode_command(ffmpeg, clip.path),
                    part=clip_part,
                    dialogue=clip.video,
                    gender=meta[clip.spk].gender if meta else None,
                )
            )
    return utterances, left_out


def _folders(corpus: Path, part: str) -> list[tuple[str | None, Path]]:
    """List (part, folder) for each folder to scan; part is None if the folder has both parts."""
    split = {name: corpus / name / "aac" for name in PARTS if (corpus / name / "aac").is_dir()}
    if split:
        wanted = PARTS if part == "all" else (part,)
        missing = [name for name in wanted if name not in split]
        if missing:
            raise SerError(f"{corpus}: no {missing[0]}/aac; --part {next(iter(split))} takes what is there")
        return [(name, split[name]) for name in wanted]
    if not (corpus / "aac").is_dir():
        raise SerError(f"{corpus}: not VoxCeleb2: none of dev/aac, test/aac, aac is a folder in it")
    if part != "all" and not (corpus / "vox2_meta.csv").exists():
        raise SerError(
            f"{corpus}/vox2_meta.csv: missing; in one aac/ folder it alone tells dev from test: use --part all"
        )
    return [(None, corpus / "aac")]


def decode_command(ffmpeg: str, path: str) -> str:
    """Return the wav.scp entry that decodes the file to 16 kHz mono WAV.

    >>> decode_command("ffmpeg", "/my corpora/00001.m4a")
    "ffmpeg -v error -i '/my corpora/00001.m4a' -f wav -acodec pcm_s16le -ac 1 -ar 16000 - |"
    """
    return f"{shlex.quote(ffmpeg)} -v error -i {shlex.quote(path)} -f wav -acodec pcm_s16le -ac 1 -ar 16000 - |"
