import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from ser.bin import extract_embeddings, import_nnet3
from ser.errors import SerError
from ser.kaldi import ark

REFERENCE = Path("tests/kaldi_reference")


@pytest.mark.parametrize("form", ["final.raw", "final.txt"])
def test_imported_network_extracts_kaldis_embeddings(tmp_path, form):
    model, out = str(tmp_path / "model"), str(tmp_path / "out")
    with mock.patch.object(sys, "argv", ["import_nnet3", str(REFERENCE / "nnet3" / form), model]):
        import_nnet3.main()
    features = f"ark:{REFERENCE}/feats/cmvn_sliding.ark"
    with mock.patch.object(sys, "argv", ["extract_embeddings", "--layers", "tdnn6,tdnn7", model, features, out]):
        extract_embeddings.main()
    for layer in ("tdnn6", "tdnn7"):
        expected = ark.load(f"ark:{REFERENCE}/nnet3/embedding_{layer}.affine.ark")
        found = ark.load(f"scp:{out}/{layer}.scp")
        assert found.keys() == expected.keys()
        for key in (key for key in expected if key.startswith("ravdess") or key == "glide"):
            np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-4)


def test_model_that_is_not_there_is_named(tmp_path):
    arguments = ["import_nnet3", str(tmp_path / "no.raw"), str(tmp_path / "model")]
    with mock.patch.object(sys, "argv", arguments), pytest.raises(SerError, match=r"no.raw: cannot be read"):
        import_nnet3.main()
    assert not (tmp_path / "model").exists()
