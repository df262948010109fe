import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest

from ser.bin import extract_embeddings, import_nnet3, train_xvector
from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.training import model_dir

REFERENCE = Path("tests/kaldi_reference")


def run(command: ModuleType, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


@pytest.mark.parametrize("form", ["final.raw", "final.txt"])
def test_imported_network_extracts_kaldis_embeddings(tmp_path, form):
    model, out = str(tmp_path / "model"), str(tmp_path / "out")
    run(import_nnet3, REFERENCE / "nnet3" / form, model)
    features = f"ark:{REFERENCE}/feats/cmvn_sliding.ark"
    run(extract_embeddings, "--layers", "tdnn6,tdnn7", model, features, out)
    for layer in ("tdnn6", "tdnn7"):
        expected = ark.load(f"ark:{REFERENCE}/nnet3/embedding_{layer}.affine.ark")
        found = ark.load(f"scp:{out}/{layer}.scp")
        assert found.keys() == expected.keys()
        for key in (key for key in expected if key.startswith("ravdess") or key == "glide"):
            np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-4)


def test_training_begins_with_the_imported_network(tmp_path):
    run(import_nnet3, REFERENCE / "nnet3/final.raw", tmp_path / "model")
    data, rng = tmp_path / "data", np.random.default_rng(0)
    data.mkdir()
    utts = [f"s{number % 2}-u{number:02}" for number in range(12)]
    with ark.Writer(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        for utt in sorted(utts):
            writer.write(utt, rng.normal(size=(120, 33)).astype(np.float32))
    tables.write_map(data / "utt2spk", {utt: utt[:2] for utt in utts})
    tables.write_map(data / "utt2num_frames", dict.fromkeys(utts, "120"))
    settings = [
        "model.frame_dims=[24,24,24,24,40]", "model.segment_dims=[16,16]", "fit.epochs=1", "fit.learning_rate=1e-12",
        "fit.final_learning_rate=1e-12", "data.max_chunk=110", "data.batch_size=4", "data.min_utts_per_class=1",
    ]  # fmt: skip
    changed = [word for setting in settings for word in ("--set", setting)]
    run(
        train_xvector, "--config", "conf/toy/xvector_pretrain.yaml", *changed, "--init-model", tmp_path / "model",
        "--num-threads", 1, data, data / "utt2spk", tmp_path / "tuned",
    )  # fmt: skip
    before, after = (model_dir.load_weights(tmp_path / name / "model.safetensors") for name in ("model", "tuned"))
    for name in ("tdnn1.affine.weight", "tdnn6.affine.weight"):
        np.testing.assert_allclose(after[name], before[name], rtol=0, atol=1e-6)


def test_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SerError, match=r"no.raw: cannot be read"):
        run(import_nnet3, tmp_path / "no.raw", tmp_path / "model")
    assert not (tmp_path / "model").exists()
