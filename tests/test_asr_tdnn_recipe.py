"""System B from speech to emotion, small: a narrow net of few layers and epochs, planted voices in three folds."""

import csv
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ser.detect import Detector
from ser.kaldi import ark
from ser.toy.asr import TedliumSize, write_tedlium
from ser.toy.speech import draw_style, draw_voice, make_rng, speak, write_wav

ROOT = Path(__file__).parent.parent

# Of its own for each worker of pytest-xdist, should they share the tests of this file.
NAME = "asr_tdnn_test" + os.environ.get("PYTEST_XDIST_WORKER", "")
SMALLER = {
    "tdnnf": {
        "dim": 32, "bottleneck_dim": 16, "strides": "[1, 0, 3]", "prefinal_dim": 16, "epochs": 1, "valid_utterances": 4,
    },
    "ivector": {"num_gaussians": 8, "num_initial": 4, "init_iterations": 2, "iterations": 1, "ivector_dim": 4},
    "frames": {"epochs": 4, "hidden": 16, "class_weights": "none"},
}  # fmt: skip
EMOTIONS = ("anger", "neutral", "sadness")
SPEECH = TedliumSize(words=20, train=4, dev=1, test=1, segments=8, longest=4)
OPTIONS = {
    "speech": "tedlium", "test": "table", "layers": "layer4", "variants": "pretrained mfcc", "speeds": "",
    "statistics": "mean_stddev", "speaker-normalisation": "none,all", "decode": "false", "nj": "1",
}  # fmt: skip


def shrink(name: str) -> str:
    """Return a file of conf/toy/asr_tdnn with smaller numbers."""
    lines = []
    for line in (ROOT / "conf" / "toy" / "asr_tdnn" / f"{name}.yaml").read_text().splitlines():
        key = line.strip().partition(":")[0]
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}{key}: {SMALLER[name][key]}" if key in SMALLER[name] else line)
    return "\n".join(lines) + "\n"


def write_table(folder: Path) -> None:
    """Write 4 clips of each of 3 emotions by 2 speakers a fold, and the table of them."""
    lines = ["file,speaker,emotion,fold"]
    for fold in (1, 2, 3):
        for sex in "mf":
            voice = draw_voice(sex, make_rng(1, f"{fold}{sex}"))
            for emotion in EMOTIONS:
                for clip in range(4):
                    rng = make_rng(1, f"{fold}{sex}", emotion, str(clip))
                    path = f"{fold}{sex}_{emotion}{clip}.wav"
                    write_wav(folder / path, speak(voice, draw_style(emotion, voice, rng), 5, rng))
                    lines.append(f"{path},s{fold}{sex},{emotion},{fold}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def exp(tmp_path_factory):
    """A run of all stages, removed after the tests."""
    folders = ROOT / "data" / NAME, ROOT / "exp" / NAME
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    conf, corpora = tmp_path_factory.mktemp("conf"), tmp_path_factory.mktemp("corpora")
    for name in SMALLER:
        (conf / f"{name}.yaml").write_text(shrink(name))
    write_tedlium(corpora / "TEDLIUM_release2", SPEECH, seed=1)
    write_table(corpora)
    words = [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
    command = ["local/run_asr_tdnn.sh", "--name", NAME, "--conf", str(conf), "--corpora", str(corpora), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    yield folders[1]
    for folder in folders:
        shutil.rmtree(folder)


def test_the_table_has_a_row_of_each_layer_by_each_judge(exp):
    with open(exp / "results.tsv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["fold"] == "all"]
    means = {(row["variant"], row["layer"], row["backend"], row["speaker_normalisation"]): row for row in rows}
    assert set(means) == {
        *(("pretrained", "layer4", "-", "none"), ("majority", "-", "-", "none")),
        *(("mfcc", layer, "-", "none") for layer in ("mfcc", "mfcc+stddev", "nested", "paper")),
        *(("pretrained", "layer4+stddev", "plda", less) for less in ("none", "all")),
        *(("mfcc", "mfcc+stddev", "plda", less) for less in ("none", "all")),
    }
    assert all(row["status"] == "ok" for row in rows)
    assert means["majority", "-", "-", "none"]["uar"].startswith("33.3")
    # Toy emotions differ in loudness and tilt: vectors of the features tell them.
    assert float(means["mfcc", "mfcc+stddev", "plda", "none"]["uar"]) > 45


def test_all_folds_together_and_the_detector_of_the_run(exp):
    with open(exp / "pooled.tsv", newline="") as stream:
        kinds = {(row["kind"], row["stratum"], row["utts"]) for row in csv.DictReader(stream, delimiter="\t")}
    assert ("all", "all", "72") in kinds and {kind for kind, *_ in kinds} == {"all", "duration"}
    detector = Detector.load(exp)
    assert set(detector.classes) == set(EMOTIONS)
    clip = next((exp.parent.parent / "data" / NAME / "table").glob("wav.scp")).read_text().split()[1]
    assert detector(clip).posteriors.keys() == set(EMOTIONS)


def test_the_recogniser_of_the_run_is_an_encoder_for_every_system(exp, tmp_path):
    data = tmp_path / "data"
    own = ark.load(f"scp:{exp}/pooled/pretrained/mean_stddev/layer4.scp")
    (tmp_path / "utts").write_text("".join(f"{utt}\n" for utt in list(own)[:3]))
    subset = ["utils/subset_data_dir.sh", str(ROOT / "data" / NAME / "table"), str(tmp_path / "utts"), str(data)]
    options = ["--encoder", str(exp / "detector"), "--layers", "layer4", "--pool", "mean_std"]
    extract = ["steps/extract_audio_embeddings.sh", *options, str(data), str(tmp_path / "out")]
    for command in (subset, extract):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    found = ark.load(f"scp:{tmp_path}/out/layer4.scp")
    assert len(found) == 3
    # The run stores its features in one byte per value; tests/detect/test_asr.py compares more closely.
    for utt, vector in found.items():
        np.testing.assert_allclose(vector, own[utt], atol=0.01 * np.abs(own[utt]).max())
