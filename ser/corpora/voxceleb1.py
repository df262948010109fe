"""VoxCeleb1: celebrities in interviews on YouTube, cut by face and speaker verification.

Paper: A. Nagrani, J. S. Chung, A. Zisserman, "VoxCeleb: a large-scale speaker identification dataset", Interspeech
2017.
Licence: CC BY 4.0 (the annotation; the recordings belong to their owners).
Expected: 1,251 speakers, 153,516 utterances; dev 1,211 and 148,642, test 40 and 4,874. English mostly, 16 kHz WAV.

Layouts, all known here::

    dev/wav/id10001/VIDEO/00001.wav, test/wav/id10270/VIDEO/00001.wav     as its archives unpack into two folders
    wav/id10001/VIDEO/00001.wav                                           both archives unpacked into one folder
    voxceleb1_wav/A.J._Buckley/VIDEO_0000001.wav                          version 1.0; needs vox1_meta.csv

``vox1_meta.csv`` (tab separated: VoxCeleb1 ID, VGGFace1 ID, Gender, Nationality, Set) gives the speakers' sex.
"""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ser.corpora.records import LeftOut, Utterance
from ser.corpora.tree import AUDIO_SUFFIXES, files_below, list_folder, part_by_suffix
from ser.errors import SerError
from ser.files import read_text_lines

logger = logging.getLogger(__name__)

SUFFIXES = (".wav", ".flac")
PARTS = ("dev", "test")
PUBLISHED = {"dev": 148642, "test": 4874, "all": 153516}
# Lists of speaker verification trials, with speakers of the test part: that of the paper, and its corrected version.
TRIALS = ("veri_test.txt", "veri_test2.txt")

# The test speakers are those whose names begin with E: id10270 to id10309.
TEST_SPEAKERS = frozenset(f"id{number}" for number in range(10270, 10310))


class Speaker(NamedTuple):
    """A line of vox1_meta.csv or vox2_meta.csv."""

    name: str
    gender: str
    part: str


class Clip(NamedTuple):
    """A segment of a video, and its file."""

    spk: str
    video: str
    segment: str
    path: str
    fault: str = ""  # why it is not read

    @property
    def left_out(self) -> LeftOut:
        """Its line in the list of clips that are left out."""
        return LeftOut("/".join(self.path.split("/")[-3:]), self.fault)


def read(corpus: Path, part: str) -> tuple[list[Utterance], list[LeftOut]]:
    """Read the utterances of ``part``: dev, test or all."""
    meta_path = corpus / "vox1_meta.csv"
    meta = read_meta(meta_path) if meta_path.exists() else {}
    utterances, left_out = [], []
    for clip_part, clip in _clips(corpus, part, meta, meta_path):
        if part not in (clip_part, "all"):
            continue
        if clip.fault:
            left_out.append(clip.left_out)
            continue
        if meta and clip.spk not in meta:
            raise SerError(
                f"{meta_path}: no line for {clip.spk} of {clip.path}; take the file that comes with the corpus"
            )
        utterances.append(
            Utterance(
                utt=f"{clip.spk}-{clip.video}-{clip.segment}",
                spk=clip.spk,
                wav=clip.path,
                part=clip_part,
                dialogue=clip.video,
                gender=meta[clip.spk].gender if meta else None,
            )
        )
    return utterances, left_out


def _clips(corpus: Path, part: str, meta: dict[str, Speaker], meta_path: Path) -> Iterator[tuple[str, Clip]]:
    """Find the layout; yield (part, clip). There may be clips of other parts than `part`."""
    in_parts = [name for name in PARTS if (corpus / name / "wav").is_dir()]
    if in_parts:
        for name in PARTS if part == "all" else (part,):
            if name not in in_parts:
                raise SerError(f"{corpus}: no {name}/wav; --part {in_parts[0]} takes what is there")
            logger.info("VoxCeleb1 in %s", corpus / name / "wav")
            yield from ((name, clip) for clip in scan(corpus / name / "wav", SUFFIXES))
    elif (corpus / "wav").is_dir():
        logger.info("VoxCeleb1 in one folder, %s", corpus / "wav")
        tests = {spk for spk, speaker in meta.items() if speaker.part == "test"} or TEST_SPEAKERS
        yield from (("test" if clip.spk in tests else "dev", clip) for clip in scan(corpus / "wav", SUFFIXES))
    elif (corpus / "voxceleb1_wav").is_dir():
        logger.info("VoxCeleb1 version 1.0 in %s", corpus / "voxceleb1_wav")
        if not meta:
            raise SerError(f"{meta_path}: missing; version 1.0 names speakers, and this file gives their ids")
        ids = {speaker.name: spk for spk, speaker in meta.items()}
        yield from ((meta[clip.spk].part, clip) for clip in _scan_names(corpus / "voxceleb1_wav", ids, meta_path))
    else:
        raise SerError(f"{corpus}: not VoxCeleb1: none of dev/wav, test/wav, wav, voxceleb1_wav is a folder in it")


def scan(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Clip]:
    """Yield the clips ``idNNNNN/video/NNNNN<suffix>``, without a system call for each of a million files.

    The case of suffixes does not matter; files that operating systems leave are skipped (`ser.corpora.tree.is_junk`).
    Other audio has a `fault`.
    """
    root = os.path.abspath(folder)
    for spk in list_folder(root)[0]:
        if not re.fullmatch(r"id\d{5}", spk):
            raise SerError(
                f"{root}/{spk}: expected folders called id and 5 digits; is this VoxCeleb as it is distributed?"
            )
        videos, loose = list_folder(f"{root}/{spk}")
        misplaced = [f"{root}/{spk}/{file}" for file in loose if file.lower().endswith(AUDIO_SUFFIXES)]
        for video in videos:
            place = f"{root}/{spk}/{video}"
            deeper, files = list_folder(place)
            for file, fault in _judged(files, suffixes):
                yield Clip(spk, video, os.path.splitext(file)[0], f"{place}/{file}", fault)
            misplaced += [str(path) for inner in deeper for path in files_below(Path(place, inner), AUDIO_SUFFIXES)]
        for path in misplaced:
            yield Clip(
                spk, "", "", path, "not in the folder of a video, such as id10001/VIDEO/00001.wav: move it there"
            )


def _judged(files: list[str], suffixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the audio files of a folder, each with the fault of its suffix, '' if it has none."""
    taken, others = part_by_suffix(files, suffixes)
    yield from ((file, "") for file in taken)
    yield from ((file, f"a suffix other than {' or '.join(suffixes)}: convert it") for file in others)


def _scan_names(folder: Path, ids: dict[str, str], meta_path: Path) -> Iterator[Clip]:
    root = os.path.abspath(folder)
    for name in list_folder(root)[0]:
        if name not in ids:
            raise SerError(f"{meta_path}: no speaker called '{name}', a folder of {root}")
        for file, fault in _judged(list_folder(f"{root}/{name}")[1], SUFFIXES):
            # The video's name has 11 characters and may hold '_' itself.
            video, _, segment = os.path.splitext(file)[0].rpartition("_")
            yield Clip(ids[name], video, segment, f"{root}/{name}/{file}", fault)


def read_meta(path: Path) -> dict[str, Speaker]:
    """Read vox1_meta.csv (separated by tabs) or vox2_meta.csv (by commas): speaker id -> Speaker."""
    lines = read_text_lines(path, "take the file that comes with the corpus")
    columns = [name.strip().lower() for name in re.split(r"[\t,]", lines[0])] if lines else []
    if "gender" not in columns or "set" not in columns:
        raise SerError(f"{path}:1: expected columns called Gender and Set, found {', '.join(columns) or 'nothing'}")
    speakers: dict[str, Speaker] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields = [field.strip() for field in re.split(r"[\t,]", line)]
        if len(fields) != len(columns):
            raise SerError(f"{path}:{number}: expected {len(columns)} fields, found {len(fields)}: '{line}'")
        row = dict(zip(columns, fields, strict=True))
        speaker = Speaker(name=fields[1], gender=row["gender"].lower(), part=row["set"].lower())
        if speakers.setdefault(fields[0], speaker) != speaker:
            raise SerError(f"{path}:{number}: speaker {fields[0]} came before with other values; keep the right line")
    return speakers
