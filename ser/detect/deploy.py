"""Makes a detector from a finished run: net, back ends, and calibration fitted on held-out training speakers."""

from __future__ import annotations

import itertools
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import ser
from ser.backend.chain import BackendConfig
from ser.backend.held_out import assign_parts
from ser.backend.speaker_normalisation import NONE, SpeakerNormalisation
from ser.config import to_yaml
from ser.corpora.label_map import read_label_map
from ser.detect import detector_dir
from ser.detect.decision import UNKNOWN, Decider
from ser.detect.detector_dir import SPEECH, SPEECH_TEXT, Description, DetectorConfig
from ser.detect.fit_calibration import calibrated
from ser.detect.front_end import FrontEnd
from ser.detect.net import FrameLayer, Net
from ser.detect.outliers import Outliers, farthest, input_statistics
from ser.detect.run_folders import RunFolders
from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import ark, audio, tables
from ser.kaldi.labelled import Labelled, read_labelled, stack_vectors
from ser.kaldi.unseen import read_unseen
from ser.models.tdnn import BATCHNORM_EPSILON
from ser.models.xvector import CONTEXTS, XVector, XVectorConfig
from ser.plan.layout import Layout
from ser.text.config import TextModelConfig
from ser.training import model_dir

logger = logging.getLogger(__name__)

# Number of training utterances that are embedded again as a check. Small differences are normal, since the run may
# store features in one byte per value.
NUM_CHECKED = 5
FARTHEST = 0.25


def make_detector(
    run: RunFolders, out: Path, conf: Path, label_map: Path, backend: BackendConfig, settings: DetectorConfig
) -> None:
    """Write the detector of `run` into the folder `out`, whole or not at all; an older detector there is replaced.

    Parameters
    ----------
    conf : folder of the Kaldi option files with which the features were made.
    label_map : file that maps the corpora's labels to the classes.
    """
    if out.exists() and not (out / detector_dir.MANIFEST).is_file():
        raise SerError(f"{out}: this folder exists but is not a detector; name another folder, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        folder = Path(scratch) / "new"
        folder.mkdir()
        _fill(folder, run, conf, label_map, backend, settings)
        detector_dir.write_manifest(folder)
        if out.exists():
            out.rename(Path(scratch) / "old")
        folder.rename(out)
    logger.info("%s: a detector of %s, condition %s, layer %s", out, run.exp, run.condition, run.layer)


def fold(model: XVector, layer: str) -> Net:
    """Fold batch norm into the affine maps of `model`, up to the affine output of `layer`: the net for deployment.

    Batch norm turns each ReLU output x into (x - m) / sqrt(v + e), so that the affine map after it becomes
    W diag(1 / sqrt(v + e)) x + b - W diag(1 / sqrt(v + e)) m. After the pooling, the means are shifted and scaled like
    x, and the standard deviations are only scaled.
    """
    model.check_layers([layer])
    if model.attention is not None:
        raise SerError("ser-detect has no attentive pooling; make the detector of a net with attention_dim: 0")
    weights = {name: tensor.detach().cpu().double().numpy() for name, tensor in model.state_dict().items()}
    scale, shift = np.ones(model.feature_dim), np.zeros(model.feature_dim)
    frame_layers, segment_layers = [], []
    for name, offsets in zip(model.frame_layers, CONTEXTS, strict=True):
        kernel = weights[f"{name}.affine.weight"].transpose(2, 1, 0)  # (k, C, C')
        bias = weights[f"{name}.affine.bias"] + np.einsum("c,kcd->d", shift, kernel)
        frame_layers.append(FrameLayer(_single(kernel * scale[:, None]), _single(bias), offsets))
        scale, shift = _batch_norm(weights, name)
    scale, shift = np.tile(scale, 2), np.concatenate([shift, np.zeros_like(shift)])
    for name in model.segment_layers[: model.segment_layers.index(layer) + 1]:
        weight = weights[f"{name}.affine.weight"].T  # (C, C')
        bias = weights[f"{name}.affine.bias"] + shift @ weight
        segment_layers.append((_single(weight * scale[:, None]), _single(bias)))
        scale, shift = _batch_norm(weights, name)
    return Net(tuple(frame_layers), tuple(segment_layers))


def _fill(
    folder: Path, run: RunFolders, conf: Path, label_map: Path, backend: BackendConfig, settings: DetectorConfig
) -> None:
    shutil.copyfile(label_map, folder / detector_dir.LABELS)
    embed, sample_rate = _fill_net(folder, run, conf)
    train_dir = run.folder(run.data, "backend")
    speech = read_labelled(train_dir / "utt2emo", f"scp:{run.vectors(SPEECH)}")
    check_classes(speech, label_map, train_dir)
    _check_embeddings(embed, sample_rate, train_dir, speech)
    utt2spk = tables.read_map(train_dir / "utt2spk", fields=2)
    unseen, all_new = read_unseen(train_dir), run.encoder is not None  # a published net was trained on none of them
    share = settings.outlier_share
    if run.encoder is None:
        share /= 2  # for either of two outlier scores, so that both together call no more than that unknown
        save_inputs(folder, train_dir, speech, utt2spk, settings, share)
    save_backends(folder, SPEECH, speech, utt2spk, backend, settings, unseen, all_new, share)
    pooling = None
    if run.has_text():
        joined = _with_text(speech, run.vectors(SPEECH_TEXT))
        save_backends(folder, SPEECH_TEXT, joined, utt2spk, backend, settings, unseen, outlier_share=share)
        pooling = model_dir.load_section(run.text_encoder.parent, "model", TextModelConfig).pooling
        _copy_encoder(run.text_encoder, folder / detector_dir.TEXT)
    layer = run.layer if run.encoder is None else run.encoder[1]
    description = Description(detector_dir.FORMAT, ser.__version__, run.condition, layer, pooling, settings)
    write_text(folder / detector_dir.SETTINGS, to_yaml(description))


def _fill_net(folder: Path, run: RunFolders, conf: Path) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Write the parts that make embeddings; return the function from samples to an embedding, and the sampling rate."""
    if run.encoder is not None:
        from ser.detect.deploy_encoded import save_encoder

        encoder, layer = run.encoder
        encoded = save_encoder(folder, encoder.source, layer)
        return encoded, encoded.encoder.sample_rate
    for name in FrontEnd.FILES:
        shutil.copyfile(conf / name, folder / name)
    finetuned = Layout(run.data, run.exp).model("finetune", run.condition)
    model = XVector.from_weights(
        model_dir.load_section(finetuned, "model", XVectorConfig), model_dir.load_weights(finetuned)
    )
    net, front_end = fold(model, run.layer), FrontEnd.load(folder)
    net.save(folder / detector_dir.NET)

    def embed(samples: np.ndarray) -> np.ndarray:
        (block,) = front_end.blocks([samples])
        return net(block.features)

    return embed, front_end.extract.sample_rate


def check_classes(speech: Labelled, label_map: Path, train_dir: Path) -> None:
    """Raise a `SerError` if the label map lacks a class, or a class is called like the answer for no class."""
    if unlisted := sorted(set(speech.classes) - set(read_label_map(label_map).values())):
        raise SerError(
            f"{label_map}: has no class {', '.join(unlisted)}; give the label map of the run with --label-map"
        )
    if UNKNOWN in speech.classes:
        raise SerError(
            f"{train_dir}/utt2emo: a class is called '{UNKNOWN}', which stands for no class in a detector; rename it"
        )


def save_inputs(
    folder: Path,
    train_dir: Path,
    speech: Labelled,
    utt2spk: Mapping[str, str],
    settings: DetectorConfig,
    share: float,
) -> None:
    """Save the distribution of the net's input, scaled so that this share of held-out speakers' utterances exceeds 1.

    No net took part, so that all training speakers can be held out in turn.
    """
    feats = ark.Reader(train_dir / "feats.scp")
    statistics = np.array([input_statistics(feats[utt]) for utt in speech.utts])
    speakers = np.array([utt2spk[utt] for utt in speech.utts])
    part = assign_parts(speech.labels, speakers, settings.held_out_parts, settings.seed)
    Outliers.fit(statistics).over(farthest(statistics, part, share)).save(folder)


def save_backends(
    folder: Path,
    modality: str,
    data: Labelled,
    utt2spk: Mapping[str, str],
    backend: BackendConfig,
    settings: DetectorConfig,
    unseen: Collection[str] = (),
    all_new: bool = False,
    outlier_share: float | None = None,
) -> None:
    """Save two back ends: one for embeddings as they are, one for embeddings minus the mean of their speaker.

    Parameters
    ----------
    unseen : speakers that no net was trained on.
    all_new : whether no net was trained on any of the speakers, as with a published net.
    outlier_share : share of held-out utterances that the outlier score calls unknown. [that of the settings]
    """
    # The first is for recordings of unknown speakers, the second for known ones, for which the setting none means all.
    plain_backend = replace(backend, speaker_normalisation=NONE)
    of_speakers = SpeakerNormalisation.parse(backend.speaker_normalisation) or SpeakerNormalisation(None)
    normalised = replace(backend, speaker_normalisation=str(of_speakers))

    def decider(data: Labelled, backend: BackendConfig = plain_backend) -> Decider:
        speakers = np.array([utt2spk[utt] for utt in data.utts])
        names = tuple(data.classes)
        training = (data.vectors, data.labels, speakers, names, backend, settings)
        return calibrated(*training, unseen, all_new, outlier_share)

    plain = decider(data)
    plain.save(folder / modality)
    speakers = np.array([utt2spk[utt] for utt in data.utts])
    own = decider(data._replace(vectors=of_speakers.apply(data.vectors, speakers)), normalised)
    # The outlier score uses the embedding as it is, without subtraction of a mean.
    calibration = replace(own.calibration, farthest=plain.calibration.farthest)
    Decider(own.classes, calibration, plain.outliers).save(folder / detector_dir.BY_SPEAKER / modality)


def _check_embeddings(
    embed: Callable[[np.ndarray], np.ndarray], sample_rate: int, train_dir: Path, speech: Labelled
) -> None:
    """Compare embeddings made from waveforms, as the detector will make them, with those of the run."""
    segments = train_dir / "segments"
    waves = audio.read_waves(f"scp:{train_dir / 'wav.scp'}", sample_rate, segments if segments.exists() else None)
    known = dict(zip(speech.utts, speech.vectors, strict=True))
    spread = float(np.sqrt(np.square(speech.vectors - speech.vectors.mean(axis=0)).sum(axis=1).mean()))
    for utt, samples in itertools.islice(((utt, wave) for utt, wave in waves if utt in known), NUM_CHECKED):
        if isinstance(samples, audio.Unreadable):
            raise SerError(f"{train_dir}/wav.scp: '{utt}': {samples.reason}; its features cannot be compared")
        distance = float(np.linalg.norm(embed(samples) - known[utt])) / spread
        if not distance < FARTHEST:
            raise SerError(
                f"'{utt}': the embedding made from its waveform is {distance:.2f} of the training set's spread from the"
                f" run's, and rounding explains at most {FARTHEST}: name the folder of the option files that features"
                " were made with (--conf), and the encoder of the run"
            )


def _with_text(speech: Labelled, table: Path) -> Labelled:
    """Return the utterances of `speech` that have a joined vector of speech and text in `table`, and these vectors."""
    vectors = ark.load(f"scp:{table}")
    rows = [row for row, utt in enumerate(speech.utts) if utt in vectors]
    utts = [speech.utts[row] for row in rows]
    labels = speech.labels[rows]
    if len(set(labels.tolist())) < len(speech.classes):
        raise SerError(f"{table}: a class has no vector; extract the text embeddings again")
    return Labelled(utts, stack_vectors(vectors, utts, str(table)), labels, speech.classes)


def _copy_encoder(source: Path, folder: Path) -> None:
    """Copy the data files of the text encoder; drop the paths that transformers notes in the configuration."""
    folder.mkdir()
    for path in sorted(source.iterdir()):
        if path.name in ("config.json", "tokenizer_config.json"):
            settings = json.loads(path.read_text(encoding="utf-8"))
            kept = {key: value for key, value in settings.items() if key not in ("_name_or_path", "name_or_path")}
            write_text(folder / path.name, json.dumps(kept, indent=2) + "\n")
        elif detector_dir.TEXT_FILES.fullmatch(path.name):
            shutil.copyfile(path, folder / path.name)


def _batch_norm(weights: dict[str, np.ndarray], layer: str) -> tuple[np.ndarray, np.ndarray]:
    scale = 1 / np.sqrt(weights[f"{layer}.batchnorm.running_var"] + BATCHNORM_EPSILON)
    return scale, -scale * weights[f"{layer}.batchnorm.running_mean"]


def _single(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float32)
