"""A finished run in miniature and the detector made of it; options of systems as their drivers pass them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from ser.plan import asr_tdnn, vgg_bert, xvector_bert
from ser.plan.corpora import read_corpora
from ser.plan.facts import Facts
from ser.plan.options import read_options
from ser.plan.sizes import Size

ROOT = Path(__file__).parent.parent
RATE = 16000
# Syllables a second, pitch in Hz and how far it swings: what tells the planted emotions apart.
VOICES = {"anger": (7.0, 260.0, 0.05), "neutral": (4.0, 140.0, 0.02), "sadness": (2.0, 110.0, 0.3)}
BOREDOM = (1.0, 140.0, 0.6)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the recipes, which take longest, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: not item.path.name.endswith("_recipe.py"))


def speak(voice: tuple[float, float, float], seed: int, seconds: float = 2.5) -> np.ndarray:
    """Harmonics in bursts with a little noise: (N,) float32 that the energy VAD takes for speech."""
    rng = np.random.default_rng(seed)
    syllables, pitch, swing = np.array(voice) * rng.uniform(0.95, 1.05, 3)
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(pitch * (1 + swing * np.sin(2 * np.pi * syllables * time))) / RATE
    tilt = 1.0 + 0.3 * np.sin(2 * np.pi * syllables * time + rng.uniform(0, 6))
    wave = sum(np.sin(k * phase) / k**tilt for k in range(1, 12))
    envelope = np.clip(np.sin(2 * np.pi * syllables * time / 2 + rng.uniform(0, 6)) ** 2, 0.02, 1)
    return (0.1 * envelope * wave + 0.002 * rng.standard_normal(len(time))).astype(np.float32)


class Toy(NamedTuple):
    """A run's data and exp folders, and its `detector`, made of them."""

    data: Path
    exp: Path
    detector: Path


@pytest.fixture(scope="session")
def with_epochs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, dict[str, int]], Path]:
    """Copy settings with other epochs: `with_epochs(folder, {name of a file: epochs})` gives the copies' folder."""

    def copy(folder: Path, epochs: dict[str, int]) -> Path:
        made = tmp_path_factory.mktemp("conf")
        for path in folder.glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            if path.stem in epochs:
                text, count = re.subn(r"(?m)^  epochs: \d+", f"  epochs: {epochs[path.stem]}", text)
                assert count, path
            (made / path.name).write_text(text, encoding="utf-8")
        assert all((made / f"{name}.yaml").exists() for name in epochs)
        return made

    return copy


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Train nothing but back ends: a net of random weights tells the planted voices apart."""
    import torch

    from ser.backend.chain import BackendConfig
    from ser.config import load_config
    from ser.detect.deploy import fold, make_detector
    from ser.detect.detector_dir import DetectorConfig
    from ser.detect.front_end import FrontEnd
    from ser.detect.run_folders import RunFolders
    from ser.files import write_text
    from ser.kaldi import ark, tables
    from ser.models.xvector import XVector, XVectorConfig
    from ser.record.note import Note
    from ser.training.model_dir import NOTE, save_model

    root = tmp_path_factory.mktemp("run")
    data, exp, train = root / "data", root / "exp", root / "data" / "backend_none"
    front_end = FrontEnd.load(ROOT / "conf")
    torch.manual_seed(0)
    model = XVector(XVectorConfig((32, 32, 32, 32, 48), (8, 8)), feature_dim=33, num_classes=3)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.momentum = None  # the average of all
    with torch.no_grad():
        spoken = [speak(voice, seed) for voice in VOICES.values() for seed in range(50, 56)]
        model(torch.from_numpy(np.stack([next(front_end.blocks([wave])).features[:150] for wave in spoken])))
    Note().write(exp / "finetune_none" / NOTE)
    save_model(exp / "finetune_none", model.eval(), sorted(VOICES))
    widths = "  frame_dims: [32, 32, 32, 32, 48]\n  segment_dims: [8, 8]\n"
    write_text(exp / "finetune_none" / "config.yaml", f"model:\n{widths}")
    net = fold(model, "tdnn6")
    train.mkdir(parents=True)
    wav, emotions, speakers, vectors, features = {}, {}, {}, {}, {}
    for number, (name, voice) in enumerate(VOICES.items()):
        for index in range(24):
            utt = f"s{index % 4}-{name}{index}"
            wave = speak(voice, 100 * number + index)
            soundfile.write(train / f"{utt}.wav", wave, RATE, subtype="FLOAT")
            (block,) = front_end.blocks([wave])
            wav[utt], emotions[utt] = str(train / f"{utt}.wav"), name
            speakers[utt], vectors[utt], features[utt] = f"s{index % 4}", net(block.features), block.features
    for name, table in {"wav.scp": wav, "utt2emo": emotions, "utt2spk": speakers}.items():
        tables.write_map(train / name, table)
    with ark.Writer(f"ark,scp:{train}/feats.ark,{train}/feats.scp") as writer:
        for utt in sorted(features):
            writer.write(utt, features[utt])
    tables_dir = exp / "embeddings_none"
    tables_dir.mkdir()
    with ark.Writer(f"ark,scp:{tables_dir}/tdnn6.ark,{tables_dir}/tdnn6.scp") as writer:
        for utt in sorted(vectors):
            writer.write(utt, vectors[utt])
    detector = exp / "detector"
    make_detector(
        RunFolders.find(data, exp),
        detector,
        ROOT / "conf",
        ROOT / "conf" / "emotions" / "collapsed5.map",
        load_config(BackendConfig, ROOT / "conf" / "backend.yaml"),
        load_config(DetectorConfig, ROOT / "conf" / "detector.yaml"),
    )
    return Toy(data, exp, detector)


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Write a clip of a planted voice: `say(emotion, seed)` gives its path."""
    folder = tmp_path_factory.mktemp("clips")

    def write(emotion: str, seed: int) -> Path:
        path = folder / f"{emotion}{seed}.wav"
        if not path.exists():
            soundfile.write(path, speak((VOICES | {"boredom": BOREDOM})[emotion], seed), RATE)
        return path

    return write


# The options of planted runs: those of every driver, and of systems A and D.
COMMON = {
    "stage": "0", "stop_stage": "9", "check_inputs": "true", "estimate": "false", "dry_run": "false",
    "check_disk": "true", "rates": "conf/rates.yaml", "nj": "2", "num_threads": "1", "train_jobs": "", "seed": "",
    "reproducible": "false",
    "name": "run", "conf": "conf", "toy": "false", "corpora": "/corpora",
}  # fmt: skip
XVECTOR_BERT = {
    "processes": "1", "compress": "true", "pretrain": "voxceleb1 voxceleb2", "finetune": "cremad iemocap",
    "backend": "cremad iemocap", "text_train": "dailydialog", "test": "iemocap", "only": "", "drawn_text": "cremad",
    "text_condition": "gold", "augment": "reverb noise music babble", "finetune_noise": "false", "finetune_speeds": "",
    "pretrain_config": "xvector_pretrain", "finetune_config": "xvector_finetune",
    "label_map": "conf/emotions/collapsed5.map",
    "unseen": "", "ties": "drop", "same_trials": "false",
    "modalities": "speech text speech+text", "layers": "tdnn6,tdnn7", "encoders": "", "text_model": "",
    "pooling": "",
    "backend_config": "conf/backend.yaml", "lda_dim": "", "speaker_normalisation": "", "hold_out_speakers": "0",
    "speaker_cmvn": "false",
}  # fmt: skip
VGG_BERT = {
    "stop_stage": "7", "conf": "conf/vgg_bert", "test": "iemocap", "protocols": "folds random", "split_seed": "0",
    "copies": "white pitch", "modalities": "speech text speech+text", "yardsticks": "bc_lstm icon",
    "yardstick_modalities": "", "soft_targets": "false", "label_map": "conf/emotions/vgg_bert5.map", "text_model": "",
    "inner_folds": "0", "encoder": "", "row_mark": "",
}  # fmt: skip
ASR_TDNN = {
    "stop_stage": "8", "conf": "conf/asr_tdnn", "speech": "tedlium", "train_part": "", "test_part": "",
    "test_speakers": "", "lexicon": "", "lm_text": "", "arpa": "", "asr_model": "", "extractor": "",
    "mfcc_config": "conf/asr_tdnn/mfcc.conf", "speeds": "0.9 1.1", "test": "iemocap",
    "label_map": "conf/emotions/asr_tdnn4.map", "layers": "layer12 layer13 prefinal",
    "variants": "pretrained random no_ivector ivector_only mfcc", "statistics": "mean mean_stddev",
    "backend_config": "conf/backend.yaml", "speaker_normalisation": "",
    "ivector_history": "utterance", "frame_offset": "0", "processes": "1", "decode": "true",
    "word_loop": "false", "max_wer": "40", "max_active": "7000", "lm_weight": "1.0",
    "word_penalty": "0.0", "vote": "sum",
}  # fmt: skip
SIZES = {
    "tedlium": Size(300, 1.5, 1, "planted", False),
    "voxceleb1": Size(1000, 10.0, 1, "planted", False),
    "voxceleb2": Size(3000, 30.0, 1, "planted", True),
    "cremad": Size(200, 1.0, 5, "planted", False),
    "iemocap": Size(100, 1.0, 5, "planted", False),
    "dailydialog": Size(500, 0.0, 1, "planted", False),
}
FACTS = Facts(SIZES, ("1", "2", "3", "4", "5"))


def _words(values: dict[str, str], changes: dict[str, str]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in {**COMMON, **values, **changes}.items()]


def _make(cls: type, values: dict[str, str], changes: dict[str, str]):
    return read_options(cls, _words(values, changes), read_corpora())


@pytest.fixture(scope="session")
def xvector_words() -> Callable[..., list[str]]:
    """The words that run.sh passes to plan_run, changed by keyword."""
    return lambda **changes: _words(XVECTOR_BERT, changes)


@pytest.fixture(scope="session")
def xvector_options() -> Callable[..., xvector_bert.Options]:
    """Options of system A, changed by keyword."""
    return lambda **changes: _make(xvector_bert.Options, XVECTOR_BERT, changes)


@pytest.fixture(scope="session")
def vgg_options() -> Callable[..., vgg_bert.Options]:
    """Options of system D, changed by keyword."""
    return lambda **changes: _make(vgg_bert.Options, VGG_BERT, changes)


@pytest.fixture(scope="session")
def asr_options() -> Callable[..., asr_tdnn.Options]:
    """Options of system B, changed by keyword."""
    return lambda **changes: _make(asr_tdnn.Options, ASR_TDNN, changes)


@pytest.fixture(scope="session")
def facts() -> Facts:
    """What is known of planted corpora: 100 utterances of IEMOCAP in five folds, and so on."""
    return FACTS
