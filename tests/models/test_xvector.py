import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.models.xvector import CONTEXT_FRAMES, XVector, XVectorConfig, embed_utterance


@pytest.fixture
def model() -> XVector:
    torch.manual_seed(0)
    return XVector(XVectorConfig((8, 8, 8, 8, 12), (6, 6, 4)), feature_dim=5, num_classes=3).eval()


@pytest.mark.parametrize(("layer", "offsets"), [
    ("tdnn1", [-2, -1, 0, 1, 2]),
    ("tdnn2", [-4, -3, -2, -1, 0, 1, 2, 3, 4]),
    ("tdnn3", [-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]),
    ("tdnn5", [-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]),
])  # fmt: skip
def test_frame_layer_sees_exactly_its_context(model, layer, offsets):
    frames, t = 41, 20
    x = torch.randn(1, frames, 5, requires_grad=True)
    seen = {}
    model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: seen.update(output=output))
    model(x)
    lost = frames - seen["output"].shape[2]
    (gradient,) = torch.autograd.grad(seen["output"][0, :, t - lost // 2].sum(), x)
    assert (gradient[0].abs().sum(1).nonzero().flatten() - t).tolist() == offsets


def test_pooling_covers_the_valid_frames(model):
    seen = {}
    model.tdnn5.register_forward_hook(lambda module, inputs, output: seen.update(output=output))
    model(torch.zeros(2, 100, 5))
    assert CONTEXT_FRAMES == 14
    assert seen["output"].shape == (2, 12, 86)


def test_embedding_is_the_affine_output_before_the_relu(model):
    x = torch.randn(4, 50, 5)
    embeddings = model.embed(x, ["tdnn6", "tdnn8", "output"])
    assert {name: tuple(vectors.shape) for name, vectors in embeddings.items()} == {
        "tdnn6": (4, 6), "tdnn8": (4, 4), "output": (4, 3),
    }  # fmt: skip
    assert embeddings["tdnn6"].min() < 0
    torch.testing.assert_close(embeddings["output"], model(x))


def test_number_of_parameters_of_the_published_network():
    model = XVector(XVectorConfig((512, 512, 512, 512, 1500), (512, 512)), feature_dim=30, num_classes=7323)
    sizes = [30 * 5, 512 * 3, 512 * 3, 512, 512, 3000, 512, 512]
    widths = [512, 512, 512, 512, 1500, 512, 512, 7323]
    count = sum((size + 1) * width for size, width in zip(sizes, widths, strict=True))
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_short_utterance_is_padded_with_its_first_and_last_frames(model):
    features = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    padded = np.concatenate([features[:1]] * 2 + [features] + [features[-1:]] * 3)
    torch.testing.assert_close(
        embed_utterance(model, features, ["tdnn6"])["tdnn6"], embed_utterance(model, padded, ["tdnn6"])["tdnn6"]
    )


def test_long_utterance_is_the_average_of_its_pieces_by_length(model):
    features = np.random.default_rng(0).standard_normal((130, 5)).astype(np.float32)
    whole = embed_utterance(model, features, ["tdnn7"], max_frames=50)["tdnn7"]
    pieces = [embed_utterance(model, features[start : start + 50], ["tdnn7"])["tdnn7"] for start in (0, 50, 100)]
    np.testing.assert_allclose(whole, np.average(pieces, axis=0, weights=[50, 50, 30]), rtol=1e-5)
    assert whole.dtype == np.float32


def test_weights_tell_feature_and_class_numbers(model):
    copy = XVector.from_weights(XVectorConfig((8, 8, 8, 8, 12), (6, 6, 4)), model.state_dict())
    x = torch.randn(1, 30, 5)
    torch.testing.assert_close(copy(x), model(x))


def test_unknown_layer_is_refused_by_name(model):
    with pytest.raises(SerError, match=r"no segment-level layer 'tdnn9'; there are tdnn6, tdnn7, tdnn8, output"):
        model.embed(torch.zeros(1, 30, 5), ["tdnn9"])


def test_wrong_feature_width_and_too_few_frames_are_refused(model):
    with pytest.raises(SerError, match="expected over 14 frames of 5 features; found 30 of 4"):
        model(torch.zeros(1, 30, 4))
    with pytest.raises(SerError, match="found 14 of 5"):
        model(torch.zeros(1, 14, 5))
    with pytest.raises(SerError, match="without frames"):
        embed_utterance(model, np.zeros((0, 5), np.float32), ["tdnn6"])


def test_wrong_number_of_widths_is_refused():
    with pytest.raises(SerError, match=r"expected 5 frame_dims .* found \[8, 8\] and \[4\]"):
        XVector(XVectorConfig((8, 8), (4,)), 5, 3)


def test_attentive_pooling_takes_a_net_without_it_as_its_start(model):
    from ser.training.model_dir import warm_start

    config = XVectorConfig((8, 8, 8, 8, 12), (6, 6, 4), attention_dim=5)
    attentive = XVector(config, feature_dim=5, num_classes=3).eval()
    warm_start(attentive, model.state_dict(), same_classes=True)
    x = torch.randn(2, 60, 5)
    torch.testing.assert_close(attentive(x), model(x))
    again = XVector.from_weights(config, attentive.state_dict())
    torch.testing.assert_close(again(x), model(x))
    with pytest.raises(SerError, match="attention_dim is 0"):
        XVectorConfig((8, 8, 8, 8, 12), (6,), attention_dim=-1)
