import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark
from ser.kaldi.nnet3 import read_nnet3
from ser.models.nnet3 import from_nnet3
from ser.models.xvector import XVector, embed_utterance

REFERENCE = Path("tests/kaldi_reference")
# Signals without change: in units that are constant Kaldi's E[x^2] - E[x]^2 is rounding noise of the order of 1e-3.
CONSTANT = ("silence", "click", "noise")


@pytest.fixture(scope="module", params=["final.raw", "final.txt"])
def model(request) -> XVector:
    return XVector.from_weights(*from_nnet3(read_nnet3(REFERENCE / "nnet3" / request.param)))


@pytest.mark.parametrize("layer", ["tdnn6", "tdnn7", "output"])
def test_embeddings_equal_those_of_nnet3_xvector_compute(model, layer):
    expected = ark.load(f"ark:{REFERENCE}/nnet3/embedding_{layer}.affine.ark")
    features = ark.load(f"ark:{REFERENCE}/feats/cmvn_sliding.ark")
    assert features.keys() == expected.keys()
    for key, matrix in features.items():
        tolerance = 2e-3 if key in CONSTANT else 1e-4
        np.testing.assert_allclose(
            embed_utterance(model, matrix, [layer])[layer], expected[key], rtol=0, atol=tolerance
        )


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


def test_unknown_component_is_refused_by_name():
    nnet = read_nnet3(REFERENCE / "nnet3/final.txt")
    nnet.components["tdnn1.relu"] = dataclasses.replace(nnet.components["tdnn1.relu"], type="TanhComponent")
    with pytest.raises(SerError, match=r"the component 'tdnn1.relu' is a TanhComponent"):
        from_nnet3(nnet)


def test_truncated_model_and_other_files_are_refused(tmp_path):
    whole = (REFERENCE / "nnet3/final.raw").read_bytes()
    (tmp_path / "half.raw").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SerError, match="the file ends too early"):
        read_nnet3(tmp_path / "half.raw")
    (tmp_path / "other").write_text("something else\n")
    with pytest.raises(SerError, match="does not begin with <Nnet3>"):
        read_nnet3(tmp_path / "other")
