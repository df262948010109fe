from pathlib import Path

import numpy as np
import pytest
import torch

from ser.detect.deploy import fold
from ser.detect.net import FrameLayer, Net, pool
from ser.errors import SerError
from ser.models.xvector import XVector, XVectorConfig, embed_utterance


@pytest.fixture
def model() -> XVector:
    torch.manual_seed(0)
    model = XVector(XVectorConfig((20, 18, 16, 14, 22), (12, 10, 8)), feature_dim=7, num_classes=3)
    with torch.no_grad():
        model(3 * torch.randn(64, 80, 7))  # batch-norm statistics that are not 0 and 1
    return model.eval()


@pytest.mark.parametrize("layer", ["tdnn6", "tdnn7", "tdnn8"])
@pytest.mark.parametrize("frames", [15, 120, 4300])
def test_numpy_net_gives_the_embedding_of_the_torch_net(model, layer, frames):
    features = 3 * np.random.default_rng(frames).standard_normal((frames, 7)).astype(np.float32)
    expected = embed_utterance(model, features, [layer], min_frames=1)[layer]
    np.testing.assert_allclose(fold(model, layer)(features), expected, atol=1e-5)


def test_frame_output_depends_on_its_context_alone(model):
    net = fold(model, "tdnn6")
    features = np.random.default_rng(0).standard_normal((4100, 7)).astype(np.float32)
    whole = net.frames(features)
    assert net.span == 14 and whole.shape == (4086, 22)
    np.testing.assert_allclose(net.frames(features[1990:2030]), whole[1990:2016], atol=1e-5)


def test_pooling_gives_mean_and_deviation():
    frames = 5 + np.random.default_rng(0).standard_normal((900, 3)).astype(np.float32)
    expected = np.concatenate([frames.mean(0, np.float64), frames.std(0, np.float64)])
    np.testing.assert_allclose(pool(frames), expected, rtol=1e-6)


def test_saved_net_comes_back(model, tmp_path: Path):
    net = fold(model, "tdnn7")
    net.save(tmp_path / "net.safetensors")
    features = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    np.testing.assert_array_equal(Net.load(tmp_path / "net.safetensors")(features), net(features))


def test_what_is_no_net_is_refused_by_name(model, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(SerError, match=r"net\.safetensors: not a safetensors file"):
        Net.load(path)
    net = fold(model, "tdnn6")
    Net(net.frame_layers[:-1], net.segment_layers).save(path)
    with pytest.raises(SerError, match=r"net\.safetensors: not the net of a detector"):
        Net.load(path)


@pytest.mark.parametrize("offsets", [(0, 10**12), (1, 1), (2, 1), (0,), (0, 1, 2)])
def test_offsets_that_do_not_fit_the_layer_are_refused_before_anything_is_allocated(tmp_path: Path, offsets):
    layer = FrameLayer(np.ones((2, 3, 4), np.float32), np.zeros(4, np.float32), offsets)
    Net((layer,), ((np.ones((8, 5), np.float32), np.zeros(5, np.float32)),)).save(tmp_path / "net.safetensors")
    with pytest.raises(SerError, match="offsets of a frame layer don't rise"):
        Net.load(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("value", "kind", "reason"), [(np.nan, "f4", "infinite or NaN"), (1, "f8", "single precision")]
)
def test_weights_that_are_no_numbers_of_single_precision_are_refused(tmp_path: Path, value, kind, reason):
    layer = FrameLayer(np.full((2, 3, 4), value, kind), np.zeros(4, np.float32), (0, 1))
    Net((layer,), ((np.ones((8, 5), np.float32), np.zeros(5, np.float32)),)).save(tmp_path / "net.safetensors")
    with pytest.raises(SerError, match=reason):
        Net.load(tmp_path / "net.safetensors")


def test_attentive_pooling_is_refused_by_name():
    model = XVector(XVectorConfig((8, 8, 8, 8, 12), (6,), attention_dim=4), feature_dim=5, num_classes=3).eval()
    with pytest.raises(SerError, match="no attentive pooling; make the detector of a net with attention_dim: 0"):
        fold(model, "tdnn6")
