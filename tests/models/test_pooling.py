import numpy as np
import torch

from ser.models.pooling import mean_stddev


def test_mean_and_stddev_equal_numpys():
    frames = np.random.default_rng(0).standard_normal((3, 5, 40)) * 2 + 7
    pooled = mean_stddev(torch.from_numpy(frames))
    np.testing.assert_allclose(pooled.numpy(), np.concatenate([frames.mean(2), frames.std(2)], axis=1), rtol=1e-12)


def test_gradient_equals_finite_differences():
    frames = torch.randn(2, 3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(mean_stddev, frames)


def test_constant_channel_has_kaldis_floor_and_no_gradient_through_it():
    frames = torch.full((1, 1, 10), 3.0, requires_grad=True)
    pooled = mean_stddev(frames)
    torch.testing.assert_close(pooled, torch.tensor([[3.0, 1e-5]]))
    pooled[0, 1].backward()
    assert frames.grad.abs().max() == 0


def test_half_precision_is_pooled_in_float32():
    assert mean_stddev(torch.ones(1, 2, 4, dtype=torch.bfloat16)).dtype == torch.float32
