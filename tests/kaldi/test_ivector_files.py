import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ivector_files
from ser.kaldi.ivector_files import read_extractor, read_ubm, write_extractor, write_ubm


@pytest.fixture
def folder(reference):
    return reference / "ivector"


def shared(name):
    from pathlib import Path

    path = Path("../shared/kaldi_reference/ivector") / name
    if not path.exists():
        pytest.skip("no ../shared/kaldi_reference")
    return path


def test_binary_files_are_what_their_text_says(folder):
    for name in ("0.dubm", "final.dubm"):
        for binary, text in zip(read_ubm(folder / name), read_ubm(shared(f"{name}.txt")), strict=True):
            np.testing.assert_allclose(binary, text, rtol=1e-5, atol=1e-6)
    for binary, text in (("0.ie", "0.ie.txt"), ("final.ie", "3.ie.txt")):
        for first, second in zip(read_extractor(folder / binary), read_extractor(shared(text)), strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-7)


def test_extractor_is_written_as_kaldi_writes_it(folder, tmp_path):
    write_extractor(tmp_path / "x.ie", read_extractor(folder / "final.ie"))
    assert (tmp_path / "x.ie").read_bytes() == (folder / "final.ie").read_bytes()


def test_ubm_is_written_as_kaldi_writes_it(folder, tmp_path):
    write_ubm(tmp_path / "x.dubm", read_ubm(folder / "final.dubm"))
    written, expected = ((path).read_bytes() for path in (tmp_path / "x.dubm", folder / "final.dubm"))
    assert len(written) == len(expected)
    for first, second in zip(read_ubm(tmp_path / "x.dubm"), read_ubm(folder / "final.dubm"), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6)
    place = expected.index(b"<WEIGHTS>")
    constants = (np.frombuffer(data[place - 16 : place], "<f4") for data in (written, expected))
    np.testing.assert_allclose(*constants, rtol=1e-6)


def test_extractor_has_the_sizes_of_its_training(folder):
    arrays = read_extractor(folder / "final.ie")
    assert arrays.projections.shape == (4, 20, 6)
    assert arrays.weights.shape == (4,)
    np.testing.assert_array_equal(arrays.precisions, arrays.precisions.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(arrays.precisions).min() > 0


@pytest.mark.parametrize("size", [2, 30, 60, 400, 5000, -10])
def test_truncated_extractor_is_named(folder, tmp_path, size):
    (tmp_path / "x.ie").write_bytes((folder / "final.ie").read_bytes()[:size])
    with pytest.raises(SerError, match=r"x\.ie: byte \d+: .*the file is broken"):
        read_extractor(tmp_path / "x.ie")


@pytest.mark.parametrize("size", [2, 30, 60, 400, -5])
def test_truncated_ubm_is_named(folder, tmp_path, size):
    (tmp_path / "x.dubm").write_bytes((folder / "final.dubm").read_bytes()[:size])
    with pytest.raises(SerError, match=r"x\.dubm"):
        read_ubm(tmp_path / "x.dubm")


def test_files_of_another_kind_are_named(folder, tmp_path):
    with pytest.raises(SerError, match="expected <IvectorExtractor>"):
        read_extractor(folder / "final.dubm")
    with pytest.raises(SerError, match="expected a mixture of diagonal Gaussians"):
        read_ubm(folder / "final.ie")
    with pytest.raises(SerError, match=r"no.ie: cannot be read"):
        read_extractor(tmp_path / "no.ie")


def test_weights_that_depend_on_the_ivector_are_refused(tmp_path):
    (tmp_path / "x.ie").write_text("<IvectorExtractor> <w>  [\n  1 2 \n  3 4 ]\n<w_vec>  [ ]\n")
    with pytest.raises(SerError, match="its weights depend on the i-vector; train it with --use-weights=false"):
        read_extractor(tmp_path / "x.ie")


def test_nan_is_refused_by_the_field(folder, tmp_path):
    data = bytearray((folder / "final.ie").read_bytes())
    place = data.index(b"DP ") + 8
    data[place : place + 8] = np.float64("nan").tobytes()
    (tmp_path / "x.ie").write_bytes(data)
    with pytest.raises(SerError, match="<SigmaInv> holds NaN"):
        read_extractor(tmp_path / "x.ie")


def test_options_out_of_range_are_refused():
    for change in ({"ivector_period": 0}, {"min_post": 0.5}, {"posterior_scale": 2.0}, {"max_count": -1.0}):
        with pytest.raises(SerError, match=r"must be|in \(0, 1\]"):
            ivector_files.OnlineIvectorOptions(**change)
    with pytest.raises(SerError, match="expected 0 or more"):
        ivector_files.SpliceOptions(left_context=-1)
