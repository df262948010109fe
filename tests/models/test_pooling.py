import numpy as np
import torch

from ser.models.pooling import AttentivePooling, mean_stddev


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


def test_attention_by_hand_weighs_a_frame_three_times_as_much():
    """v tanh(W h + b) is 0 and log 3 for the two frames, whose weights are then 1/4 and 3/4."""
    pooling = AttentivePooling(channels=2, hidden=1)
    with torch.no_grad():
        pooling.hidden.weight.copy_(torch.tensor([[[1.0], [0.0]]]))
        pooling.hidden.bias.zero_()
        pooling.score.weight.fill_(np.log(3.0) / np.tanh(1.0))
    pooled = pooling(torch.tensor([[[0.0, 1.0], [8.0, 4.0]]]))  # frames (0, 8) and (1, 4)
    expected = [0.75, 5.0, np.sqrt(0.25 * 0.75), 4 * np.sqrt(0.25 * 0.75)]
    torch.testing.assert_close(pooled, torch.tensor([expected], dtype=torch.float32))


def test_attention_begins_as_statistics_of_equal_weights_and_is_trained():
    torch.manual_seed(0)
    pooling, frames = AttentivePooling(6, 4), torch.randn(3, 6, 50)
    torch.testing.assert_close(pooling(frames), mean_stddev(frames))
    pooling(frames).square().sum().backward()
    assert pooling.score.weight.grad.abs().max() > 0
