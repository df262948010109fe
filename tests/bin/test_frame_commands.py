"""Frame classifiers of planted bottlenecks, and the cells made of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.kaldi import ark, datadir, tables
from ser.results import result_table

ROOT = Path(__file__).parents[2]
EMOTIONS = ("anger", "excitement", "neutral", "sadness")


def run(module: str, *args: object, succeeds: bool = True) -> str:
    command = [sys.executable, "-m", f"ser.bin.{module}", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == succeeds, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write 3 folds of 2 speakers; the layer `good` tells the emotion, `bad` does not."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, 6)) * 1.5
    maps: dict[str, dict[str, str]] = {"utt2spk": {}, "utt2emo": {}, "utt2fold": {}}
    rows = {"good": {}, "bad": {}}
    for fold in range(1, 4):
        for speaker in "mf":
            for number in range(8):
                utt, emotion = f"s{fold}{speaker}-{number}", number % 4
                maps["utt2spk"][utt] = f"s{fold}{speaker}"
                maps["utt2emo"][utt] = EMOTIONS[emotion]
                maps["utt2fold"][utt] = str(fold)
                noise = rng.standard_normal((int(rng.integers(6, 30)), 6))
                rows["good"][utt] = (noise + centres[emotion]).astype(np.float32)
                rows["bad"][utt] = noise.astype(np.float32)
    datadir.write_data_dir(folder / "data", maps)
    for name, table in rows.items():
        with ark.Writer(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as writer:
            for utt, array in sorted(table.items()):
                writer.write(utt, array)
        run(*train(folder, name))
    return folder


def train(folder: Path, name: str) -> tuple[object, ...]:
    return ("train_frames", "--config", ROOT / "conf/toy/asr_tdnn/frames.yaml", "--set", "data.utts=4", "--label-map",
            ROOT / "conf/emotions/asr_tdnn4.map", folder / "data", folder / f"{name}.scp", folder / name)  # fmt: skip


def test_classifiers_of_each_fold_judge_their_test_and_validation_parts(folder: Path):
    utt2fold = tables.read_map(folder / "data" / "utt2fold")
    for fold, validating in (("1", "2"), ("2", "3"), ("3", "1")):
        for part, expected in (("test", fold), ("valid", validating)):
            found = ark.load(f"scp:{folder}/good/{fold}/{part}.scp")
            assert set(found) == {utt for utt, other in utt2fold.items() if other == expected}
            np.testing.assert_allclose([shares.sum() for shares in found.values()], 1.0, atol=1e-5)
    assert "nothing to do" in run(*train(folder, "good"))


def test_cells_tell_the_nested_choice_and_the_papers(folder: Path):
    cells = folder / "cells"
    run("evaluate_frames", "--train", "toy", "--test", "toy", "--seed", 0, f"--trained=pretrained:bad:{folder}/bad",
        f"--trained=pretrained:good:{folder}/good", f"--trained=random:bad:{folder}/bad", folder / "data", cells,
    )  # fmt: skip
    listed = (cells / "list").read_text().split()
    run("make_results_table", folder / "exp", *listed)
    path = folder / "exp" / "results.tsv"
    rows = {(row.variant, row.layer, row.fold): row for row in result_table.from_tsv(path.read_text(), str(path))}
    assert rows["pretrained", "good", "all"].uar > 80
    assert rows["pretrained", "nested", "all"].uar == rows["pretrained", "good", "all"].uar
    assert rows["pretrained", "paper", "1"].uar == rows["pretrained", "good", "1"].uar
    assert rows["majority", "-", "all"].uar == 25.0
    assert rows["random", "bad", "all"].uar < 60
    assert ("random", "nested", "all") not in rows
    assert {row.system for row in rows.values()} == {"asr_tdnn"}
    lines = (cells / "choices.tsv").read_text().splitlines()
    assert [line.split("\t")[:4] for line in lines[1:]] == [
        ["pretrained", fold, "good", "good"] for fold in ("1", "2", "3")
    ]


def test_an_utterance_without_frames_is_named(folder: Path):
    lines = (folder / "good.scp").read_text().splitlines()[1:]
    (folder / "short.scp").write_text("\n".join(lines) + "\n")
    said = run(*train(folder, "short"), succeeds=False)
    assert "no frames of 1 of 48 utterances, e.g. s1f-0" in said


def test_pooled_vectors_go_through_classifier_and_back_end(folder: Path):
    tables_of = [f"{name}={folder}/{name}.scp" for name in ("good", "bad")]
    run("pool_frames", "--statistics", "mean,mean_stddev", folder / "pooled", *tables_of)
    scp = folder / "pooled" / "mean_stddev" / "good.scp"
    vectors, frames = ark.load(f"scp:{scp}"), ark.load(f"scp:{folder}/good.scp")
    np.testing.assert_allclose(vectors["s1f-0"][:6], frames["s1f-0"].mean(0), atol=1e-6)
    np.testing.assert_allclose(vectors["s1f-0"][6:], frames["s1f-0"].std(0), atol=1e-6)
    run("train_frames", "--config", ROOT / "conf/toy/asr_tdnn/frames.yaml", "--label-map",
        ROOT / "conf/emotions/asr_tdnn4.map", folder / "data", scp, folder / "vectors")  # fmt: skip
    assert len(ark.load(f"scp:{folder}/vectors/1/test.scp")) == 16
    lines, data = [], folder / "data"
    for name in ("good", "bad"):
        table = f"scp:{folder}/pooled/mean/{name}.scp"
        words = ["--system", "asr_tdnn", "--train", "toy", "--test", "toy", "--fold", "1", "--layer", name]
        words += ["--modality", "speech", str(data), table, str(data), table, str(folder / f"plda_{name}")]
        lines.append("\t".join(words))
    (folder / "cells.tsv").write_text("\n".join(lines) + "\n")
    run("evaluate_backends", "--list", folder / "cells.list", folder / "cells.tsv")
    assert (folder / "cells.list").read_text().split() == [str(folder / f"plda_{name}") for name in ("good", "bad")]
    text = (folder / "plda_good" / "result.tsv").read_text()
    (row,) = result_table.from_tsv(text, "result.tsv")
    assert (row.backend, row.layer) == ("plda", "good") and row.uar > 95


def test_tables_to_pool_have_names_and_frames(folder: Path):
    assert "expected <name>=<scp>" in run("pool_frames", folder / "none", f"{folder}/good.scp", succeeds=False)
    said = run("pool_frames", "--statistics", "median", folder / "none", f"x={folder}/good.scp", succeeds=False)
    assert "'median' is none of mean, mean_stddev" in said
    scp = folder / "pooled" / "mean" / "good.scp"
    said = run("pool_frames", folder / "none", f"x={scp}", succeeds=False)
    assert "'s1f-0': pooling: expected one frame or more, found an array of shape (6,)" in said
