import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.kaldi import ark
from ser.kaldi.nnet3 import Component, read_nnet3
from ser.models import xvector
from ser.models.nnet3 import from_nnet3
from ser.models.xvector import XVector, embed_utterance

REFERENCE = Path("tests/kaldi_reference")
FOLDERS = [pytest.param(REFERENCE, id="generated signals"), pytest.param(Path("../shared/kaldi_reference"), id="all")]
LAYERS = ["tdnn6", "tdnn7", "output"]
# A unit that is constant over a clip has no deviation. Kaldi takes E[x^2] - E[x]^2 in single precision and so finds
# rounding noise, up to 1e-3 of the unit's value. These clips have such units, and their embeddings move by up to 8e-4.
CONSTANT = ("silence", "click", "noise")


@pytest.fixture(scope="module", params=["final.raw", "final.txt"])
def model(request) -> XVector:
    return XVector.from_weights(*from_nnet3(read_nnet3(REFERENCE / "nnet3" / request.param)))


def clips(folder: Path) -> Iterator[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
    """Give each clip's name, features, and Kaldi's vectors by layer."""
    if not folder.exists():
        pytest.skip("no ../shared/kaldi_reference")
    vectors = {layer: ark.load(f"ark:{folder}/nnet3/embedding_{layer}.affine.ark") for layer in LAYERS}
    for key, matrix in ark.load(f"ark:{folder}/feats/cmvn_sliding.ark").items():
        yield key, matrix, {layer: table[key] for layer, table in vectors.items()}


@pytest.mark.parametrize("folder", FOLDERS)
def test_embeddings_equal_those_of_nnet3_xvector_compute(model, folder):
    for key, matrix, expected in clips(folder):
        for layer, vector in embed_utterance(model, matrix, LAYERS).items():
            tolerance = 1e-3 if key in CONSTANT else 1e-4
            np.testing.assert_allclose(vector, expected[layer], rtol=0, atol=tolerance, err_msg=f"{key} {layer}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_segment_layers_equal_kaldis_on_its_own_statistics(model, folder, monkeypatch):
    statistics = ark.load(f"ark:{folder}/nnet3/stats_pooling.ark") if folder.exists() else {}
    for key, matrix, expected in clips(folder):
        pooled = torch.from_numpy(statistics[key].reshape(1, -1).copy())
        monkeypatch.setattr(xvector, "mean_stddev", lambda frames, pooled=pooled: pooled)
        for layer, vector in embed_utterance(model, matrix, LAYERS).items():
            np.testing.assert_allclose(vector, expected[layer], rtol=0, atol=1e-4, err_msg=f"{key} {layer}")


def test_batch_norm_after_tdnn6_is_kaldis(model):
    before = ark.load(f"ark:{REFERENCE}/nnet3/embedding_tdnn6.affine.ark")
    for key, expected in ark.load(f"ark:{REFERENCE}/nnet3/embedding_tdnn6.batchnorm.ark").items():
        with torch.inference_mode():
            found = model.get_submodule("tdnn6").activate(torch.from_numpy(before[key].reshape(1, -1).copy()))
        np.testing.assert_allclose(found[0], expected.reshape(-1), rtol=0, atol=1e-4, err_msg=key)


@pytest.mark.parametrize("folder", FOLDERS)
def test_statistics_by_kaldis_sums_in_single_precision_leave_no_difference(model, folder, monkeypatch):
    monkeypatch.setattr(xvector, "mean_stddev", kaldi_mean_stddev)
    for key, matrix, expected in clips(folder):
        # In digital silence all units are constant, and the noise is that of the matrix products too.
        if key != "silence":
            for layer, vector in embed_utterance(model, matrix, LAYERS).items():
                np.testing.assert_allclose(vector, expected[layer], rtol=0, atol=1e-4, err_msg=f"{key} {layer}")


def kaldi_mean_stddev(frames: torch.Tensor) -> torch.Tensor:
    """Pool as StatisticsPoolingComponent does: frame added to frame, then multiplied by 1/T."""
    x = frames.numpy()
    mean, square = (np.add.accumulate(a, axis=2)[:, :, -1] * np.float32(1 / x.shape[2]) for a in (x, x * x))
    return torch.from_numpy(np.hstack([mean, np.sqrt(np.maximum(square - mean * mean, np.float32(1e-10)))]))


def test_unknown_node_is_refused_by_name():
    nnet = read_nnet3(REFERENCE / "nnet3/final.txt")
    nnet = dataclasses.replace(nnet, nodes=[*nnet.nodes, "input-node name=ivector dim=100"])
    with pytest.raises(SerError, match="unknown node 'ivector'"):
        from_nnet3(nnet)


def test_other_context_is_refused_by_the_name_of_its_node():
    nnet = read_nnet3(REFERENCE / "nnet3/final.txt")
    nodes = [line.replace("Offset(tdnn2.batchnorm, 3)", "Offset(tdnn2.batchnorm, 4)") for line in nnet.nodes]
    with pytest.raises(SerError, match=r"the node 'tdnn3.affine' has the input .*, 4\)\), expected"):
        from_nnet3(dataclasses.replace(nnet, nodes=nodes))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("tdnn1.relu", {"type": "TanhComponent"}, "'tdnn1.relu' is a TanhComponent, expected Rect"),
        ("tdnn2.affine", {"type": "TdnnComponent"}, "'tdnn2.affine' is a TdnnComponent, expected Natural"),
        ("tdnn6.relu", {"type": "AffineComponent"}, "'tdnn6.relu' is a AffineComponent, expected Rect"),
        ("tdnn3.batchnorm", {"Epsilon": 0.1}, "'tdnn3.batchnorm' has <Epsilon> 0.1, expected 0.001"),
        ("tdnn3.batchnorm", {"Count": 0.0}, "the batch norm 'tdnn3.batchnorm' holds no statistics"),
        (
            "stats-pooling-0-10000",
            {"RightContext": 300},
            "'stats-pooling-0-10000' has <RightContext> 300, expected 10000",
        ),
        ("stats-pooling-0-10000", {"OutputStddevs": "F"}, "'stats-pooling-0-10000' has <OutputStddevs> F"),
        (
            "tdnn7.affine",
            {"LinearParams": np.zeros((3, 4))},
            "<LinearParams> of the component 'tdnn7.affine' is of shape",
        ),
        (
            "tdnn8.lstm",
            {"type": "LstmNonlinearityComponent"},
            "'tdnn8.lstm', a LstmNonlinearityComponent, is of no node",
        ),
    ],
)
def test_component_that_is_not_the_recipes_is_refused_by_name(name, change, message):
    nnet = read_nnet3(REFERENCE / "nnet3/final.txt")
    component = nnet.components.get(name, Component("", {}))
    fields = {field: value for field, value in change.items() if field != "type"}
    nnet.components[name] = Component(change.get("type", component.type), component.fields | fields)
    with pytest.raises(SerError, match=re.escape(message)):
        from_nnet3(nnet)


def test_truncated_model_and_other_files_are_refused(tmp_path):
    whole = (REFERENCE / "nnet3/final.raw").read_bytes()
    (tmp_path / "half.raw").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SerError, match="the file ends too early"):
        read_nnet3(tmp_path / "half.raw")
    (tmp_path / "other").write_text("something else\n")
    with pytest.raises(SerError, match="does not begin with <Nnet3>"):
        read_nnet3(tmp_path / "other")
