import pytest
import torch

from ser.errors import SerError
from ser.models.tdnn import frame_layer


def test_layer_is_affine_then_relu_then_batch_norm_of_spliced_frames():
    torch.manual_seed(0)
    layer = frame_layer(3, 4, (-2, 0, 2)).eval()
    layer.batchnorm.running_mean.uniform_()
    layer.batchnorm.running_var.uniform_(0.5, 2.0)
    x = torch.randn(1, 3, 9)
    t = 4
    weight, bias = layer.affine.weight, layer.affine.bias  # (4, 3, 3), (4,)
    affine = sum(weight[:, :, tap] @ x[0, :, t + offset] for tap, offset in enumerate((-2, 0, 2))) + bias
    norm = layer.batchnorm
    expected = (affine.clamp(min=0) - norm.running_mean) / (norm.running_var + 1e-3).sqrt()
    torch.testing.assert_close(layer(x)[0, :, t - 2], expected)


def test_frames_shrink_by_the_span_of_the_context():
    assert frame_layer(3, 4, (-3, 0, 3))(torch.zeros(2, 3, 20)).shape == (2, 4, 14)


def test_uneven_offsets_are_refused():
    with pytest.raises(SerError, match="offsets must rise evenly; found -1, 0, 2"):
        frame_layer(3, 4, (-1, 0, 2))


def test_dropout_takes_whole_channels_of_a_segment():
    torch.manual_seed(0)
    layer = frame_layer(3, 40, (0,)).train()
    layer.dropout.p = 0.5
    dropped = (layer(torch.randn(2, 3, 20)) == 0).float().mean(2)
    assert set(dropped.flatten().tolist()) == {0.0, 1.0}
