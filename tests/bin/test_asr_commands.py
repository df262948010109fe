"""A recogniser from its corpus to its word errors, in miniature."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.kaldi import ark, tables
from ser.toy.asr import TedliumSize, write_tedlium

ROOT = Path(__file__).parents[2]
SMALL = [
    "data.batch_size=4",
    "fit.epochs=4",
    "data.valid_utterances=4",
    "model.dim=32",
    "model.bottleneck_dim=16",
    "model.strides=[1,0,3]",
    "model.prefinal_dim=16",
]


def run(module: str, *args: object) -> str:
    command = [sys.executable, "-m", f"ser.bin.{module}", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def fail(module: str, *args: object) -> str:
    command = [sys.executable, "-m", f"ser.bin.{module}", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def train(folder: Path, model: str, *settings: str) -> tuple[object, ...]:
    changed = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    config = ROOT / "conf" / "toy" / "asr_tdnn" / "tdnnf.yaml"
    return ("train_asr", "--config", config, "--num-threads", 1, *changed, folder / "train", folder / "lang",
            folder / model)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small corpus with features, its language folder, and a net that was trained a little."""
    folder = tmp_path_factory.mktemp("asr")
    write_tedlium(folder / "corpus", TedliumSize(words=12, train=4, dev=1, test=1, segments=8, longest=4), seed=1)
    for part in ("train", "dev"):
        data = folder / part
        run("prepare_tedlium", "--part", part, folder / "corpus", data)
        run("make_features", "--mfcc-config", ROOT / "conf/asr_tdnn/mfcc.conf", "--segments", data / "segments",
            f"scp:{data}/wav.scp", f"ark,scp:{data}/feats.ark,{data}/feats.scp")  # fmt: skip
    run("prepare_lang", "--lexicon", folder / "corpus" / "TEDLIUM.152k.dic", "--lm-text",
        folder / "corpus" / "LM" / "toy.en.gz", folder / "train", folder / "lang")  # fmt: skip
    run(*train(folder, "net"))
    return folder


def decode(folder: Path, *options: object) -> tuple[object, ...]:
    outputs = f"ark:{folder}/net/output.ark"
    run("compute_nnet_outputs", "--node", "output", "--frame-subsampling", 3, folder / "net",
        f"scp:{folder}/dev/feats.scp", outputs)  # fmt: skip
    return ("decode_outputs", "--lang", folder / "lang", *options, folder / "net", folder / "dev", outputs,
            folder / "decode")  # fmt: skip


def test_the_objective_rises_and_the_folder_is_complete(folder: Path):
    losses = [float(line.split("\t")[2]) for line in (folder / "net" / "train.tsv").read_text().splitlines()[1:]]
    assert losses[-1] < losses[0]
    assert {"model.safetensors", "units.tsv", "lexicon.txt", "left_out", "config.yaml"} <= {
        path.name for path in (folder / "net").iterdir()
    }


def test_training_again_gives_the_same_bits(folder: Path):
    run(*train(folder, "again"))
    first, second = ((folder / name / "model.safetensors").read_bytes() for name in ("net", "again"))
    assert first == second


def test_two_processes_share_the_minibatches_of_one_net(folder: Path):
    module, *words = train(folder, "shared")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
               "-m", f"ser.bin.{module}", *map(str, words)]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    alone, shared = (
        np.array([line.split("\t")[1:5] for line in (folder / name / "train.tsv").read_text().splitlines()[1:]], float)
        for name in ("net", "shared")
    )
    # The parts of a minibatch are of unequal lengths and weigh by their utterances, so the curves are only near.
    np.testing.assert_array_equal(shared[:, 0], alone[:, 0])
    assert shared[-1, 1] < shared[0, 1]
    np.testing.assert_allclose(shared[:, 1], alone[:, 1], rtol=0.05)


def test_words_are_recognised_and_scored(folder: Path):
    pytest.importorskip("kaldifst", reason="the extra `asr` is not installed")
    said = run(*decode(folder))
    assert "WER" in said
    assert (
        tables.read_map(folder / "decode" / "hyp", allow_empty=True).keys()
        == tables.read_map(folder / "dev" / "text", allow_empty=True).keys()
    )
    assert (folder / "decode" / "wer").read_text().startswith("WER ")
    assert (folder / "decode" / "wer_by_speaker.tsv").read_text().startswith("speaker\twords\terrors\twer\nToyDev00")
    assert "is over --max-wer 0" in fail(*decode(folder, "--max-wer", 0))


def test_many_unknown_words_stop(folder: Path):
    (folder / "few.txt").write_text("kehs K EH S\n")
    said = fail("prepare_lang", "--lexicon", folder / "few.txt", folder / "train", folder / "lang2")
    assert "have no entry in the lexicon, over the limit of 5%" in said


def test_volume_moves_only_the_first_number(folder: Path):
    run("perturb_volume", "--num-mel-bins", 40, "--low", 0.5, "--high", 0.5, f"scp:{folder}/dev/feats.scp",
        f"ark:{folder}/softer.ark")  # fmt: skip
    before, after = (ark.load(name) for name in (f"scp:{folder}/dev/feats.scp", f"ark:{folder}/softer.ark"))
    for utt, array in before.items():
        np.testing.assert_array_equal(after[utt][:, 1:], array[:, 1:])
        np.testing.assert_allclose(after[utt][:, 0] - array[:, 0], -2 * np.sqrt(40) * np.log(2), rtol=1e-5)
    assert "expected 0 < low <= high" in fail(
        "perturb_volume", "--num-mel-bins", 40, "--low", 2, "--high", 1, "ark:a", "ark:b"
    )


def test_volume_is_what_softer_samples_give():
    from ser.features.mfcc import MfccOptions, mfcc
    from ser.kaldi.options import read_options

    options = read_options(MfccOptions, ROOT / "conf" / "asr_tdnn" / "mfcc.conf")
    wave = np.random.default_rng(0).standard_normal(8000).astype(np.float32) * 1000
    loud, soft = mfcc(wave, options), mfcc(wave * np.float32(0.5), options)
    np.testing.assert_allclose(soft[:, 0] - loud[:, 0], -2 * np.sqrt(40) * np.log(2), atol=1e-3)
    np.testing.assert_allclose(soft[:, 1:], loud[:, 1:], atol=1e-3)
