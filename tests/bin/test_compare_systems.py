import sys
from unittest import mock

import numpy as np
import pytest
from scipy.stats import norm

from ser.bin import compare_systems, pool_features
from ser.errors import SerError
from ser.kaldi import ark, tables

SETTINGS = """
choice_folds: ["1"]
seeds: ["0"]
backends: [gaussian]
join_backends: [gaussian]
backend_config: conf/ravdess/backend.yaml
protocol: conf/protocol.yaml
most_joined: 1
systems:
  pooled: {{group: pooled features, vectors: {folder}/pooled.scp}}
  absent: {{group: others, vectors: {folder}/absent.scp}}
"""


def run(command, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", ["command", *map(str, arguments)]):
        command.main()


def test_pooled_features_of_planted_classes_are_recognised_as_often_as_is_possible(tmp_path):
    """Two classes whose first feature has means 2 d apart per utterance: the best UAR is that of a threshold."""
    rng = np.random.default_rng(0)
    utts = [f"s{speaker}-{number:02}" for speaker in range(6) for number in range(40)]
    labels = np.tile([0, 1], 120)
    shares = norm.cdf(1.5)
    tables.write_map(tmp_path / "utt2emo", {utt: ("anger", "sadness")[k] for utt, k in zip(utts, labels, strict=True)})
    tables.write_map(tmp_path / "utt2spk", {utt: utt[:2] for utt in utts})
    tables.write_map(tmp_path / "utt2fold", {utt: str(1 + int(utt[1]) // 3) for utt in utts})
    with ark.Writer(f"ark:{tmp_path}/feats.ark") as feats, ark.Writer(f"ark:{tmp_path}/vad.ark") as vad:
        for utt, label in zip(utts, labels, strict=True):
            level = rng.normal() + 1.5 * (2 * label - 1)
            voiced = np.repeat([1.0, 0.0], [30, 10]).astype(np.float32)
            # What is not speech would hide the level.
            frames = np.where(voiced[:, None] > 0, level, 100 * rng.normal(size=(40, 1)))
            feats.write(utt, np.repeat(frames, 2, axis=1).astype(np.float32))
            vad.write(utt, voiced)
    run(
        pool_features, f"ark:{tmp_path}/feats.ark", f"ark:{tmp_path}/vad.ark",
        f"ark,scp:{tmp_path}/pooled.ark,{tmp_path}/pooled.scp",
    )  # fmt: skip
    (tmp_path / "side.yaml").write_text(SETTINGS.format(folder=tmp_path), encoding="utf-8")
    run(compare_systems, "--systems", "pooled", tmp_path / "side.yaml", tmp_path, tmp_path / "out")
    header, plain, _ = ((tmp_path / "out/table.tsv").read_text().splitlines())[:3]
    row = dict(zip(header.split("\t"), plain.split("\t"), strict=True))
    assert (row["row"], row["speakers"], row["backend"]) == ("pooled features", "none", "gaussian")
    assert abs(float(row["uar"].split()[0]) - 100 * shares) < 6.0
    with pytest.raises(SerError, match=r"absent\.scp"):
        run(compare_systems, tmp_path / "side.yaml", tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("utt", "frames", "reason"),
    [
        ("u0", 4, r"no decisions on the speech of 'u1'; run steps/compute_vad\.sh"),
        ("u1", 3, r"u1: 4 frames in ark:.*feats\.ark, 3 in .*; compute the voice activity anew"),
    ],
)
def test_features_without_decisions_on_their_frames_are_named(tmp_path, utt, frames, reason):
    with ark.Writer(f"ark:{tmp_path}/feats.ark") as feats, ark.Writer(f"ark:{tmp_path}/vad.ark") as vad:
        feats.write("u1", np.zeros((4, 2), np.float32))
        vad.write(utt, np.ones(frames, np.float32))
    with pytest.raises(SerError, match=reason):
        run(pool_features, f"ark:{tmp_path}/feats.ark", f"ark:{tmp_path}/vad.ark", f"ark:{tmp_path}/out.ark")
