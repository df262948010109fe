import dataclasses

import numpy as np
import pytest

from ser.backend import backend_dir, chain
from ser.config import load_config
from ser.errors import SerError

SETTINGS = chain.BackendConfig(0, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    return (rng.standard_normal((90, 8)) + 2.0 * rng.standard_normal((3, 8))[labels]).astype(np.float32), labels


def test_default_rows_are_the_classes_less_one(data):
    assert chain.train(*data, SETTINGS).lda.shape == (2, 9)


def test_saved_back_end_is_read_back(data, tmp_path):
    backend = chain.train(*data, SETTINGS)
    backend_dir.save_backend(tmp_path / "new", backend, {"a": 30, "b": 30, "c": 30})
    again = backend_dir.load_backend(tmp_path / "new", "no such file")
    np.testing.assert_allclose(again.project(data[0]), backend.project(data[0]), atol=1e-4)
    assert again.config == SETTINGS
    assert (tmp_path / "new/classes.txt").read_text() == "a\nb\nc\n"
    assert backend_dir.read_num_utts(tmp_path / "new") == {"a": 30, "b": 30, "c": 30}
    assert (tmp_path / "new/lda.mat").read_bytes().startswith(b"\0BFM ")
    assert (tmp_path / "new/mean.vec").read_bytes().startswith(b"\0BFV ")


@pytest.mark.parametrize("with_settings", [True, False])
def test_lda_of_one_row_normalises_no_length_once_it_is_read_back(data, tmp_path, caplog, with_settings):
    backend = chain.train(data[0], data[1] % 2, SETTINGS)
    backend_dir.save_backend(tmp_path, backend, {"a": 60, "b": 30})
    if not with_settings:
        (tmp_path / "config.yaml").unlink()
        caplog.set_level("INFO")
    again = backend_dir.load_backend(tmp_path, "conf/backend.yaml")
    np.testing.assert_allclose(again.project(data[0]), backend.project(data[0]), atol=1e-4)
    assert len(np.unique(again.project(data[0]))) > 80
    assert with_settings or "an LDA of one row: no length normalisation" in caplog.text


def test_lda_of_another_size_than_the_plda_is_refused(data, tmp_path):
    backend = chain.train(*data, SETTINGS)
    backend_dir.save_backend(tmp_path, dataclasses.replace(backend, lda=backend.lda[:1]), {"a": 1})
    with pytest.raises(SerError, match="1 rows, but the PLDA in its folder has dimension 2"):
        backend_dir.load_backend(tmp_path, "conf/backend.yaml")


def test_vectors_that_went_through_the_lda_go_to_the_plda_as_they_are(data):
    backend = chain.train(*data, SETTINGS)
    np.testing.assert_array_equal(backend.project(backend.reduce(data[0])), backend.project(data[0]))


def test_vectors_of_another_size_are_refused(data):
    with pytest.raises(SerError, match="vectors of dimension 8, found vectors of 7"):
        chain.train(*data, SETTINGS).project(data[0][:, :7])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("smoothing", "2", "smoothing is a share"),
        ("plda_iterations", "0", "1 or more"),
        ("rule", "worst", "one of average"),
    ],
)
def test_settings_out_of_range_are_refused(key, value, message):
    path = backend_dir.Path(__file__).parents[2] / "conf/backend.yaml"
    with pytest.raises(SerError, match=message):
        load_config(chain.BackendConfig, path, (f"{key}={value}",))
