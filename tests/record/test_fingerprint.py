import numpy as np
import pytest

from ser.kaldi import ark
from ser.record.fingerprint import fingerprint


@pytest.fixture
def make_data(tmp_path):
    def make(name, compression=0):
        folder = tmp_path / name
        folder.mkdir()
        rng = np.random.default_rng(0)
        with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compression) as writer:
            for key in ("a-1", "b-1"):
                writer.write(key, rng.standard_normal((20, 3)).astype(np.float32))
        return folder

    return make


def test_fingerprint_is_of_the_features_and_not_of_the_archives_names(make_data):
    assert fingerprint(make_data("first")) == fingerprint(make_data("second"))


def test_other_numbers_and_other_originals_have_another_fingerprint(make_data):
    first, copies = make_data("first"), make_data("copies")
    assert fingerprint(first) != fingerprint(make_data("compressed", compression=3))
    (copies / "utt2uniq").write_text("a-1 a-1\nb-1 a-1\n")
    assert fingerprint(first) != fingerprint(copies)
