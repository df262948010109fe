"""The folder of a detector: data only, complete, free of absolute paths, and with a checksum of every file.

    detector.yaml                         its description, and the settings of conf/detector.yaml
    mfcc.conf pitch.conf vad.conf cmvn.conf   Kaldi option files of the features
    net.safetensors                       the x-vector net (`ser.detect.net`), or one of these in its place:
    asr/net/ asr/extractor/               a recogniser and its i-vector extractor (`ser.detect.asr`); the only option
                                          file is then mfcc.conf
    encoder/                              an audio encoder (`ser.detect.encoded`); there are then no option files
    outliers.ark                          the distribution of the net's input, of an x-vector net only
    speech/, speech+text/                 back ends: Kaldi's mean.vec lda.mat plda, classes.ark, calibration.yaml,
                                          outliers.ark
    by_speaker/speech/, by_speaker/speech+text/   the same for embeddings minus the mean of their speaker
    text/                                 the text encoder in the Hugging Face Hub's layout (config.json, safetensors)
    labels.map                            maps the corpora's labels to the classes
    files.sha256                          written last; `sha256sum -c files.sha256` checks it too

Nothing in the folder is code or names code (no pickle, no module, no `auto_map`), and nothing is a link. The checksums
find damage, not malice.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ser import checksums
from ser.asr.recogniser_dir import MANIFEST
from ser.errors import SerError
from ser.files import read_text

SETTINGS = "detector.yaml"
NET = "net.safetensors"
LABELS = "labels.map"
ENCODER = "encoder"
TEXT = "text"
SPEECH, SPEECH_TEXT = "speech", "speech+text"
BY_SPEAKER = "by_speaker"
CALIBRATION = "calibration.yaml"

# The detector's place in the folder of a run.
USUAL_FOLDER = "detector"
FORMAT = 3

# The files of a text encoder that are data and that the loader needs. Other files of a Hub folder may hold code.
TEXT_FILES = re.compile(
    r"(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json|(vocab|merges)\.txt"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json"
)
# The files of an audio encoder: of the transformers library, of import_audio_net, or of our own nets.
ENCODER_FILES = re.compile(
    r"(config|preprocessor_config|generation_config)\.json|config\.yaml|SOURCE|model\.onnx"
    r"|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json"
)
REMEDY = "copy the folder again from its source, or make it again with ser.bin.make_detector"


@dataclass(frozen=True)
class DetectorConfig:
    """The settings of conf/detector.yaml; that file explains each."""

    window: float
    hop: float
    min_speech: float
    unknown_share: float
    held_out_parts: int
    seed: int

    def __post_init__(self) -> None:
        if not all(0 < value < math.inf for value in (self.window, self.hop, self.min_speech)):
            raise SerError(
                f"detector: window={self.window}, hop={self.hop}, min_speech={self.min_speech}: expected more than 0 s"
            )
        if not 0 <= self.unknown_share < 1 or self.held_out_parts < 2:
            raise SerError(
                f"detector: unknown_share={self.unknown_share}, held_out_parts={self.held_out_parts}: expected from 0"
                " to less than 1, and at least 2"
            )

    @property
    def outlier_share(self) -> float:
        """Share of held-out utterances that outlier scores call unknown; low posteriors may call as many."""
        return self.unknown_share / 2


@dataclass(frozen=True)
class Description:
    """The contents of detector.yaml.

    Attributes
    ----------
    format : version of the folder's layout, see `FORMAT`.
    version : version of the package that made the detector.
    condition : the run's condition: ``none``, or the fold that was held out of training.
    layer : layer of the net whose output is the embedding.
    pooling : how token vectors become a text vector, see `ser.text.bert.pool`; null for a model of speech.
    statistics : of a speech recogniser's frames, see `ser.features.pooling`; null for an x-vector net.
    """

    format: int
    version: str
    condition: str
    layer: str
    pooling: str | None
    settings: DetectorConfig
    statistics: str | None = None


def find(path: str | Path) -> Path:
    """Return the detector's folder: `path`, or the folder ``detector`` in it.

    Raises
    ------
    SerError
        If there is none.
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
    """Write the checksum of each file of `folder`, in sha256sum's format."""
    checksums.write(folder / MANIFEST, sorted(_files(folder)))


def check_complete(folder: Path) -> dict[str, str]:
    """Check that `folder` has exactly the files of its manifest, and that its encoders are data only.

    Returns
    -------
    File, relative to `folder` -> its checksum, for `check_files`.

    Raises
    ------
    SerError
        Naming a file that is missing, or that should not be there.
    """
    manifest = folder / MANIFEST
    digests = checksums.read(manifest, REMEDY)
    found = _files(folder)
    if missing := sorted(digests.keys() - found):
        raise SerError(f"{folder / missing[0]}: missing, but listed in {MANIFEST}; {REMEDY}")
    if extra := sorted(found - digests.keys()):
        raise SerError(
            f"{folder / extra[0]}: not listed in {MANIFEST}, so it does not belong to this detector; remove the file"
        )
    if SETTINGS not in digests:
        raise SerError(f"{manifest}: lists no {SETTINGS}; {REMEDY}")
    _check_data_files(folder / TEXT, TEXT_FILES)
    _check_data_files(folder / ENCODER, ENCODER_FILES)
    return digests


def check_files(folder: Path, digests: Mapping[str, str]) -> None:
    """Compare files with their checksums of the manifest; a `SerError` names the first that changed."""
    checksums.check(folder / MANIFEST, digests, REMEDY)


def _check_data_files(encoder: Path, known: re.Pattern[str]) -> None:
    if not encoder.is_dir():
        return
    kind = "a text encoder" if encoder.name == TEXT else "an audio encoder"
    for name in sorted(_files(encoder)):
        if not known.fullmatch(name):
            raise SerError(f"{encoder / name}: not a file of {kind} that is data only; remove this model")
        if name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
            try:
                settings = json.loads(read_text(encoder / name, REMEDY))
            except (ValueError, RecursionError) as error:
                raise SerError(f"{encoder / name}: not JSON: {error}; {REMEDY}") from error
            if not isinstance(settings, dict) or "auto_map" in settings:
                raise SerError(f"{encoder / name}: refused, since it names code to run (auto_map); remove this model")


def _files(folder: Path) -> set[str]:
    names = set()
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise SerError(
                f"{path}: a link or a special file, which a detector may not have; copy the files that it points to"
            )
        if path.is_file():
            names.add(path.relative_to(folder).as_posix())
    return names - {MANIFEST}
