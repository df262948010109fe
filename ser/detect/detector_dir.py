"""The folder of a detector: data only, complete, free of absolute paths, and with a checksum of every file.

    detector.yaml                         what it is, and the settings of conf/detector.yaml
    mfcc.conf pitch.conf vad.conf cmvn.conf   Kaldi option files of the features
    net.safetensors                       the x-vector net (`ser.detect.net`)
    speech/, speech+text/                 back ends: Kaldi's mean.vec lda.mat plda, classes.ark, calibration.yaml,
                                          outliers.ark
    text/                                 the text encoder, as the Hugging Face Hub has it (config.json, safetensors)
    labels.map                            which labels of the corpora its classes are
    files.sha256                          written last; `sha256sum -c files.sha256` checks it too

Nothing in it is code or can name any: no pickle, no module, no `auto_map`; and there is no link, to a file elsewhere.
The checksums find damage, not malice.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text, read_text_lines, sha256, write_text

MANIFEST = "files.sha256"
SETTINGS = "detector.yaml"
NET = "net.safetensors"
LABELS = "labels.map"
TEXT = "text"
SPEECH, SPEECH_TEXT = "speech", "speech+text"
CALIBRATION = "calibration.yaml"

# In a folder where a run was, the detector is here.
USUAL_FOLDER = "detector"
FORMAT = 2

# What of a text encoder is data that the loader needs. Anything else of a Hub folder may be code, or name some.
TEXT_FILES = re.compile(
    r"(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json|(vocab|merges)\.txt"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json"
)
REMEDY = "copy the directory anew from where it came, or make it again with ser.bin.make_detector"


@dataclass(frozen=True)
class DetectorConfig:
    """The settings of conf/detector.yaml, which explains each."""

    window: float
    hop: float
    min_speech: float
    unknown_share: float
    held_out_parts: int
    seed: int

    def __post_init__(self) -> None:
        if not all(0 < value < math.inf for value in (self.window, self.hop, self.min_speech)):
            raise SerError(
                f"detector: window={self.window}, hop={self.hop}, min_speech={self.min_speech}: expected over 0 s"
            )
        if not 0 <= self.unknown_share < 1 or self.held_out_parts < 2:
            raise SerError(
                f"detector: unknown_share={self.unknown_share}, held_out_parts={self.held_out_parts}: expected 0 to"
                " under 1, and at least 2"
            )


@dataclass(frozen=True)
class Description:
    """All of detector.yaml.

    Attributes
    ----------
    format : of the folder, see `FORMAT`.
    version : of the package that made it.
    condition : of the run: ``none``, or the fold that was not trained on.
    layer : of the net that gives the embeddings.
    pooling : of the text vectors, see `ser.text.bert.pool`; null where there is no text.
    """

    format: int
    version: str
    condition: str
    layer: str
    pooling: str | None
    settings: DetectorConfig


def find(path: str | Path) -> Path:
    """Return the detector's folder: `path`, or the folder ``detector`` in it.

    Raises
    ------
    SerError
        Where there is none.
    """
    path = Path(path)
    for folder in (path, path / USUAL_FOLDER):
        if (folder / MANIFEST).is_file():
            return folder
    if not path.is_dir():
        raise SerError(f"{path}: no such folder; give --model the folder of a detector, or of a run that has one")
    raise SerError(
        f"{path}: no detector: neither {MANIFEST} nor {USUAL_FOLDER}/{MANIFEST} in it; make one with"
        " python3 -m ser.bin.make_detector"
    )


def write_manifest(folder: Path) -> None:
    """Write the checksum of each file of `folder`, in the form of sha256sum."""
    lines = [f"{sha256(folder / name)}  {name}\n" for name in sorted(_files(folder))]
    write_text(folder / MANIFEST, "".join(lines))


def check_complete(folder: Path) -> dict[str, str]:
    """Check that the files of `folder` are those of its manifest, and that the text encoder is data only.

    Returns
    -------
    File, relative to `folder` -> its checksum, for `check_files`.

    Raises
    ------
    SerError
        Naming a file that is missing, or that should not be there.
    """
    manifest = folder / MANIFEST
    digests = {}
    for number, line in enumerate(read_text_lines(manifest, REMEDY), start=1):
        if not (match := re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)):
            raise SerError(f"{manifest}:{number}: expected '<sha256>  <file>', found '{line[:80]}'; {REMEDY}")
        digests[match[2]] = match[1]
    found = _files(folder)
    if missing := sorted(digests.keys() - found):
        raise SerError(f"{folder / missing[0]}: missing, but listed in {MANIFEST}; {REMEDY}")
    if extra := sorted(found - digests.keys()):
        raise SerError(f"{folder / extra[0]}: not listed in {MANIFEST}, so not of this detector; remove the file")
    if SETTINGS not in digests:
        raise SerError(f"{manifest}: lists no {SETTINGS}; {REMEDY}")
    _check_text_files(folder)
    return digests


def check_files(folder: Path, digests: dict[str, str]) -> None:
    """Compare files with their checksums.

    Raises
    ------
    SerError
        Naming the first file that changed.
    """
    for name, digest in digests.items():
        if (found := sha256(folder / name)) != digest:
            raise SerError(
                f"{folder / name}: changed or damaged: its sha256 is {found[:12]}..., {MANIFEST} has {digest[:12]}...;"
                f" {REMEDY}"
            )


def _check_text_files(folder: Path) -> None:
    encoder = folder / TEXT
    if not encoder.is_dir():
        return
    for name in sorted(_files(encoder)):
        if not TEXT_FILES.fullmatch(name):
            raise SerError(f"{encoder / name}: not a file of a text encoder that is data only; remove this model")
        if name.endswith(".json") and name in ("config.json", "tokenizer_config.json"):
            try:
                settings = json.loads(read_text(encoder / name, REMEDY))
            except (ValueError, RecursionError) as error:
                raise SerError(f"{encoder / name}: not JSON: {error}; {REMEDY}") from error
            if not isinstance(settings, dict) or "auto_map" in settings:
                raise SerError(f"{encoder / name}: names code of its own (auto_map), which is never run; refused")


def _files(folder: Path) -> set[str]:
    names = set()
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise SerError(f"{path}: a link, or no plain file; a detector has none: copy it with what its links name")
        if path.is_file():
            names.add(path.relative_to(folder).as_posix())
    return names - {MANIFEST}
