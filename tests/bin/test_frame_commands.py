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
    assert "nothing for 1 of 48 utterances, e.g. s1f-0" in said
