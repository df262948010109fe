"""Both commands of the x-vector network, on features that tell four speakers apart."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

from ser.bin import extract_embeddings, train_xvector
from ser.config import load_config
from ser.errors import SerError
from ser.examples.configs import TrainConfig
from ser.kaldi import ark

SPEAKERS = ("anna", "bert", "cora", "dirk")
FRAMES = (40, 90)
SETTINGS = [
    "model.frame_dims=[16,16,16,16,24]",
    "model.segment_dims=[16,16]",
    "data.min_frames=20",
    "data.min_chunk=30",
    "data.max_chunk=40",
    "data.batch_size=16",
    "fit.epochs=8",
    "data.chunks_per_utterance=4",
    "data.valid_fraction=0.25",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Write 60 utterances of white noise about a mean of their speaker."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    means = rng.standard_normal((4, 33))
    lines = []
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", 2) as writer:
        for speaker, mean in zip(SPEAKERS, means, strict=True):
            for number in range(15):
                frames = int(rng.integers(*FRAMES))
                writer.write(f"{speaker}-{number:02}", (mean + rng.standard_normal((frames, 33))).astype(np.float32))
                lines.append(f"{speaker}-{number:02} {speaker}\n")
    (folder / "utt2spk").write_text("".join(lines))
    half = {"anna": "happiness", "bert": "happiness", "cora": "sadness", "dirk": "sadness"}
    (folder / "utt2emo").write_text("".join(f"{line.split()[0]} {half[line.split()[1]]}\n" for line in lines))
    return folder


def run(command: ModuleType, *arguments: str | Path) -> None:
    """Call the command in this process: PyTorch takes a second to import."""
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


def train(data: Path, classes: str, model: Path, *options: str | Path) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    config = "conf/toy/xvector_pretrain.yaml"
    run(train_xvector, "--config", config, *settings, "--num-threads", 1, *options, data, data / classes, model)


@pytest.fixture(scope="module")
def pretrained(data, tmp_path_factory) -> Path:
    model = tmp_path_factory.mktemp("models") / "pretrained"
    train(data, "utt2spk", model)
    return model


def accuracy(model: Path) -> float:
    header, *rows = [line.split("\t") for line in (model / "train.tsv").read_text().splitlines()]
    return float(rows[-1][header.index("valid_accuracy")])


def test_speakers_are_told_apart(pretrained):
    assert accuracy(pretrained) > 0.9
    assert (pretrained / "classes.txt").read_text().split() == list(SPEAKERS)
    assert {path.name for path in pretrained.iterdir()} == {
        "model.safetensors", "config.yaml", "classes.txt", "train.tsv", "curve.png", "command.txt", "version.txt",
        "note.tsv",
    }  # fmt: skip


def test_finished_training_is_not_done_again(data, pretrained, caplog):
    caplog.set_level(logging.INFO)
    before = (pretrained / "model.safetensors").stat().st_mtime_ns
    train(data, "utt2spk", pretrained)
    assert "already trained" in caplog.text
    assert (pretrained / "model.safetensors").stat().st_mtime_ns == before


def test_other_settings_for_a_finished_model_are_refused(data, pretrained):
    with pytest.raises(SerError, match=r"begun with fit.seed: 0; it is 5 now"):
        train(data, "utt2spk", pretrained, "--set", "fit.seed=5")


def test_emotion_is_learned_from_the_speaker_network_with_frozen_layers(data, pretrained, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    model, out = tmp_path / "finetuned", tmp_path / "out"
    settings = ("--set", "fit.frozen=[tdnn1,tdnn2]", "--set", "model.segment_dims=[16,16,8]")
    train(data, "utt2emo", model, "--init-model", pretrained, *settings)
    assert "new here, not loaded: output, tdnn8" in caplog.text
    assert accuracy(model) > 0.9

    run(extract_embeddings, "--job", 3, "--device", "cpu", model, f"scp:{data}/feats.scp", out)
    for layer, width in (("tdnn6", 16), ("tdnn7", 16), ("tdnn8", 8)):
        keys, vectors = ark.stack(f"scp:{out}/{layer}.3.scp")
        assert len(keys) == 60 and vectors.shape == (60, width)


def curve(model: Path) -> np.ndarray:
    """Read train.tsv, without the seconds."""
    return np.loadtxt(model / "train.tsv", skiprows=1)[:, :-1]


def test_two_processes_stop_at_sigterm_and_without_torchrun_and_resume_to_the_curve_of_no_stop(data, tmp_path):
    # That two processes take the steps of one is shown in tests/training, in float64: a curve of some epochs hangs on
    # how the processor rounds. Of the same two processes it is the same to the last bit.
    settings = [word for setting in (*SETTINGS, "fit.epochs=4") for word in ("--set", setting)]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "ser.bin.train_xvector", "--config", "conf/toy/xvector_pretrain.yaml", *settings, "--num-threads", "1"),
        *(data, data / "utt2spk"),
    ]
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    checkpoint, seen = tmp_path / "stopped" / "checkpoint.pt", 0
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    straight = subprocess.Popen([*command, tmp_path / "straight"], env=environment, **quiet)
    for number in (signal.SIGTERM, signal.SIGKILL):
        begun = subprocess.Popen([*command, tmp_path / "stopped"], env=environment, stderr=subprocess.PIPE, text=True)
        while (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == seen) and begun.poll() is None:
            time.sleep(0.01)
        begun.send_signal(number)  # to torchrun alone
        _, messages = begun.communicate(timeout=60)  # to the end of all three: they share the pipe
        assert begun.returncode != 0 and messages.count("the same command resumes from here") >= 1, messages
        assert not (tmp_path / "stopped" / "model.safetensors").exists()
        seen = checkpoint.stat().st_mtime_ns
    resumed = subprocess.run([*command, tmp_path / "stopped"], env=environment, capture_output=True, text=True)
    assert resumed.returncode == 0 and "resuming" in resumed.stderr, resumed.stderr
    assert straight.wait(timeout=60) == 0
    np.testing.assert_array_equal(curve(tmp_path / "stopped"), curve(tmp_path / "straight"))
    ours, theirs = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "straight"))
    assert ours == theirs


def test_unknown_layer_and_setting_are_refused_by_name(data, pretrained, tmp_path):
    with pytest.raises(SerError, match="no segment-level layer 'tdnn9'; there are tdnn6, tdnn7"):
        run(extract_embeddings, "--layers", "tdnn6,tdnn9", pretrained, f"scp:{data}/feats.scp", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(SerError, match="unknown key 'epoch'"):
        train(data, "utt2spk", tmp_path / "model", "--set", "fit.epoch=3")


def test_features_of_another_width_are_refused_with_the_utterance(pretrained, tmp_path):
    with ark.Writer(f"ark:{tmp_path}/feats.ark") as writer:
        writer.write("anna-01", np.zeros((50, 30), np.float32))
    with pytest.raises(SerError, match="'anna-01': x-vector: expected over 14 frames of 33 features; found 50 of 30"):
        run(extract_embeddings, pretrained, f"ark:{tmp_path}/feats.ark", tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_utterance_without_frames_is_left_out(pretrained, tmp_path, caplog):
    with ark.Writer(f"ark:{tmp_path}/feats.ark") as writer:
        writer.write("anna-01", np.zeros((0, 0), np.float32))
        writer.write("anna-02", np.zeros((50, 33), np.float32))
    arguments = (pretrained, f"ark:{tmp_path}/feats.ark", tmp_path / "out")
    with pytest.raises(SerError, match="1 of 2 utterances cannot be used, over the 5 % of --max-left-out: anna-01: no"):
        run(extract_embeddings, *arguments)
    run(extract_embeddings, "--max-left-out", 0.5, *arguments)
    assert ark.stack(f"scp:{tmp_path}/out/tdnn6.scp")[0] == ["anna-02"]
    assert "anna-01: left out: no frames" in caplog.text


@pytest.mark.parametrize(("value", "column"), [(np.nan, 0), (np.inf, 32), (-np.inf, 7)])
def test_a_feature_that_is_not_finite_is_named_in_training_and_extraction(data, pretrained, tmp_path, value, column):
    folder = tmp_path / "data"
    folder.mkdir()
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        for key, features in ark.read(f"scp:{data}/feats.scp"):
            features = features.copy()
            if key == "bert-03":
                features[17, column] = value
            writer.write(key, features)
    (folder / "utt2spk").write_bytes((data / "utt2spk").read_bytes())
    message = rf"'bert-03': frame 17 \(from 0\) holds {value}"
    with pytest.raises(SerError, match=message):
        run(extract_embeddings, pretrained, f"scp:{folder}/feats.scp", tmp_path / "out")
    with pytest.raises(SerError, match=message):
        train(folder, "utt2spk", tmp_path / "model")


def test_an_empty_archive_is_no_success(pretrained, tmp_path):
    with ark.Writer(f"ark:{tmp_path}/feats.ark"):
        pass
    with pytest.raises(
        SerError,
        match=r"feats.ark: no utterance in it; read the log of the step that made the features, and make them again",
    ):
        run(extract_embeddings, pretrained, f"ark:{tmp_path}/feats.ark", tmp_path / "out")


def test_every_configuration_has_the_same_keys():
    paths = sorted(Path("conf").glob("**/xvector_*.yaml"))
    assert len(paths) >= 5
    for path in paths:
        load_config(TrainConfig, path)
