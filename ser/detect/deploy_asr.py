"""Makes a detector from a finished run of system B: from the recogniser, its i-vector extractor, and a back end."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ser
from ser.asr.recogniser_dir import MFCC, RECOGNISER
from ser.backend.chain import BackendConfig
from ser.backend.held_out import held_out_scores
from ser.config import to_yaml
from ser.detect import detector_dir
from ser.detect.asr import BottleneckNet
from ser.detect.deploy import FARTHEST, NUM_CHECKED, check_classes, save_backends
from ser.detect.detector_dir import SPEECH, Description, DetectorConfig
from ser.detect.enrolled import EnrolledClasses
from ser.errors import SerError
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.files import read_text_lines, write_text
from ser.ivector.online import OnlineExtractor
from ser.kaldi import audio, tables
from ser.kaldi.labelled import Labelled, read_labelled
from ser.kaldi.options import read_options
from ser.metrics.classification import confusion, uar
from ser.training import model_dir

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AsrParts:
    """The parts from which a detector of system B is made.

    Attributes
    ----------
    net : folder of the recogniser, trained here or imported.
    extractor : folder of its i-vector extractor, with online.conf; None for a net without i-vectors.
    mfcc : Kaldi option file of the features.
    train_dir : data dir of the utterances that train the back end.
    vectors : table of their vectors, made by pool_frames.
    layer, statistics : layer of the net and statistics of its frames that make the vectors.
    condition : the fold that was left out of `train_dir`, or ``none``.
    """

    net: Path
    extractor: Path | None
    mfcc: Path
    train_dir: Path
    vectors: Path
    layer: str
    statistics: str
    condition: str


def make_asr_detector(
    parts: AsrParts, out: Path, label_map: Path, backend: BackendConfig, settings: DetectorConfig
) -> None:
    """Write the detector into the folder `out`, whole or not at all; an older detector there is replaced.

    Raises
    ------
    SerError
        If a part is missing or does not fit the others.
    """
    if out.exists() and not (out / detector_dir.MANIFEST).is_file():
        raise SerError(f"{out}: this folder exists but is not a detector; name another folder, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch) / "new"
        folder.mkdir()
        _fill(folder, parts, label_map, backend, settings)
        detector_dir.write_manifest(folder)
        if out.exists():
            out.rename(Path(scratch) / "old")
        folder.rename(out)
    logger.info("%s: a detector of %s, fold %s, layer %s", out, parts.net, parts.condition, parts.layer)


def _fill(folder: Path, parts: AsrParts, label_map: Path, backend: BackendConfig, settings: DetectorConfig) -> None:
    shutil.copyfile(parts.mfcc, folder / MFCC)
    shutil.copyfile(label_map, folder / detector_dir.LABELS)
    asr = folder / RECOGNISER
    (asr / "net").mkdir(parents=True)
    for name in (model_dir.WEIGHTS, "config.yaml"):
        if not (parts.net / name).is_file():
            raise SerError(f"{parts.net / name}: missing; train a recogniser, or import one (ser.bin.import_nnet3)")
        shutil.copyfile(parts.net / name, asr / "net" / name)
    if parts.extractor is not None:
        copy_extractor(parts.extractor, asr / "extractor")
    speech = read_labelled(parts.train_dir / "utt2emo", f"scp:{parts.vectors}")
    check_classes(speech, label_map, parts.train_dir)
    net = BottleneckNet.load(asr, parts.layer, parts.statistics)
    _check_vectors(Extractor(read_options(MfccOptions, folder / MFCC)), net, parts, speech)
    utt2spk = tables.read_map(parts.train_dir / "utt2spk", fields=2)
    # The recogniser was trained on a speech corpus with other speakers, so all speakers here are new to it.
    save_backends(folder, SPEECH, speech, utt2spk, backend, settings, all_new=True)
    description = Description(
        detector_dir.FORMAT,
        ser.__version__,
        parts.condition,
        parts.layer,
        None,
        settings,
        parts.statistics,
    )
    write_text(folder / detector_dir.SETTINGS, to_yaml(description))


def choose_layer(
    vectors: Mapping[str, Path], train_dir: Path, backend: BackendConfig, held_out_parts: int, seed: int
) -> str:
    """Return the layer with the highest UAR on held-out training speakers.

    Parameters
    ----------
    vectors : layer -> table.
    held_out_parts, seed : see `ser.backend.held_out`.
    """
    if len(vectors) == 1:
        return next(iter(vectors))
    utt2spk, found = tables.read_map(train_dir / "utt2spk", fields=2), {}
    for layer, table in vectors.items():
        data = read_labelled(train_dir / "utt2emo", f"scp:{table}")
        names = tuple(data.classes)

        def train(seen: np.ndarray, labels: np.ndarray, _: np.ndarray) -> EnrolledClasses:
            return EnrolledClasses.train(seen, labels, names, backend)  # noqa: B023  # is called at once

        speakers = np.array([utt2spk[utt] for utt in data.utts])
        scores = held_out_scores(train, data.vectors, data.labels, speakers, held_out_parts, seed)
        found[layer] = uar(confusion(scores.labels, scores.classes.argmax(axis=1), len(names)))
        logger.info("%s: UAR %.1f %% on held-out training speakers", layer, 100 * found[layer])
    return max(found, key=lambda layer: found[layer])


def copy_extractor(source: Path, folder: Path) -> None:
    """Copy an i-vector extractor; the paths in its option file become names of files in the same folder."""
    config = source / "online.conf"
    files = OnlineExtractor.files(config)
    folder.mkdir(parents=True)
    lines = []
    for line in read_text_lines(config, "give the folder of an i-vector extractor"):
        option, equals, _ = line.partition("#")[0].strip().partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if equals and name in files:
            target = f"{name}{files[name].suffix}"
            shutil.copyfile(files[name], folder / target)
            line = f"{option}={target}"
        lines.append(f"{line}\n")
    write_text(folder / "online.conf", "".join(lines))


def _check_vectors(extract: Extractor, net: BottleneckNet, parts: AsrParts, speech: Labelled) -> None:
    """Compare vectors made from waveforms, as the detector will make them, with those of the run."""
    segments = parts.train_dir / "segments"
    waves = audio.read_waves(
        f"scp:{parts.train_dir / 'wav.scp'}", extract.sample_rate, segments if segments.exists() else None
    )
    known = dict(zip(speech.utts, speech.vectors, strict=True))
    spread = float(np.sqrt(np.square(speech.vectors - speech.vectors.mean(axis=0)).sum(axis=1).mean()))
    for utt, samples in itertools.islice(((utt, wave) for utt, wave in waves if utt in known), NUM_CHECKED):
        if isinstance(samples, audio.Unreadable):
            raise SerError(f"{parts.train_dir}/wav.scp: '{utt}': {samples.reason}; its features cannot be compared")
        distance = float(np.linalg.norm(net(extract(utt, samples)) - known[utt])) / spread
        if not distance < FARTHEST:
            raise SerError(
                f"'{utt}': the vector made from its waveform is {distance:.2f} of the training set's spread from the "
                f"run's, and rounding explains at most {FARTHEST}: give the run's own net, extractor, option file and "
                "statistics, and a run whose i-vectors were estimated from single utterances "
                "(--ivector-history utterance)"
            )
