import numpy as np
import pytest
import torch
from torch.nn import functional

from ser.encoders.published import read_published
from ser.errors import SerError
from ser.models.emotion2vec import AlibiBlock, Emotion2vec, Emotion2vecConfig, distance_bias
from ser.toy.encoders import build_encoder

BASE = Emotion2vecConfig(
    kernels=(10, 3, 3, 3, 3, 2, 2), strides=(5, 2, 2, 2, 2, 2, 2), channels=512, dim=768, heads=12, hidden=3072,
    first_blocks=4, blocks=8, extra_tokens=10, position_layers=5, position_kernel=19, position_groups=16,
)  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> tuple[str, Emotion2vec]:
    folder = tmp_path_factory.mktemp("emotion2vec")
    build_encoder("emotion2vec", folder, seed=0)
    found = read_published(folder / "model.pt")
    return str(folder / "model.pt"), Emotion2vec.from_weights(found.config, found.weights)


def test_base_model_has_93_million_numbers_and_50_frames_a_second():
    with torch.device("meta"):
        model = Emotion2vec(BASE)
        states = model.states(torch.zeros(1, 16_000), ["0", "12", "final"])
    assert sum(parameter.numel() for parameter in model.parameters()) == 93_171_212  # 93.8 M with its decoder
    assert model.receptive_field == 400
    assert {name: tuple(state.shape) for name, state in states.items()} == {
        name: (1, 1 + (16_000 - 400) // 320, 768) for name in ("0", "12", "final")
    }


def test_slopes_of_12_heads_are_those_of_8_and_every_second_of_16():
    slopes = -distance_bias(12, 2)[:, 0, 1].numpy()
    np.testing.assert_allclose(slopes, [*(2.0 ** -np.arange(1, 9)), *(2.0 ** -(np.arange(4) + 0.5))], rtol=1e-6)


def test_block_attends_with_the_bias_and_norms_after_the_sums():
    torch.manual_seed(0)
    block, x, bias = AlibiBlock(4, 2, 6), torch.randn(1, 3, 4), distance_bias(2, 3)
    with torch.no_grad():
        q, k, v = block.qkv(x)[0].split(4, dim=1)
        heads = []
        for head in (slice(0, 2), slice(2, 4)):
            scores = q[:, head] @ k[:, head].T / 2**0.5 + bias[head.start // 2]
            heads.append(scores.softmax(dim=1) @ v[:, head])
        summed = block.norm1(x[0] + block.proj(torch.cat(heads, dim=1)))
        expected = block.norm2(summed + block.fc2(functional.gelu(block.fc1(summed))))
        torch.testing.assert_close(block(x, bias)[0], expected, atol=1e-6, rtol=0)


def test_sizes_are_read_off_the_published_names(toy):
    _, model = toy
    assert (model.config.first_blocks, model.config.blocks, model.config.heads) == (2, 2, 4)
    assert (model.config.position_layers, model.config.position_kernel, model.config.position_groups) == (2, 5, 4)
    assert model.layers == ["0", "1", "2", "3", "4", "final"]
    torch.manual_seed(0)
    same = Emotion2vec(model.config).eval()  # what the toy's builder made
    samples = torch.randn(1, 8_000)
    with torch.no_grad():
        torch.testing.assert_close(model(samples), same(samples), atol=0, rtol=0)


def test_loudness_changes_nothing_and_tokens_in_front_are_dropped(toy):
    _, model = toy
    samples = torch.randn(2, 8_000)
    with torch.no_grad():
        states = model.states(samples, ["final", "4"])
        torch.testing.assert_close(states["final"], states["4"], atol=0, rtol=0)
        torch.testing.assert_close(model(3 * samples + 1), states["final"], atol=1e-4, rtol=0)
        torch.testing.assert_close(model(samples[:1]), states["final"][:1], atol=1e-5, rtol=0)
    assert states["final"].shape == (2, 24, 32)


def test_files_that_are_not_its_weights_are_refused(toy, tmp_path):
    path = tmp_path / "model.pt"
    state = torch.load(toy[0], weights_only=True)["model"]
    torch.save({"model": {name: value for name, value in state.items() if "extra_tokens" not in name}}, path)
    with pytest.raises(
        SerError, match=r"not the weights of emotion2vec: no 'extra_tokens', from which a size is inferred"
    ):
        read_published(path)
    torch.save({"model": {name: value for name, value in state.items() if "blocks.1.norm1.bias" not in name}}, path)
    with pytest.raises(SerError, match=r"2 of \d+ arrays are missing \(blocks.1.norm1.bias"):
        read_published(path)
    torch.save({"model": state | {"spy.weight": torch.zeros(1)}}, path)
    with pytest.raises(SerError, match=r"1 do not belong to it \(spy.weight\)"):
        read_published(path)
    torch.save({}, path)
    with pytest.raises(SerError, match="not the weights of emotion2vec"):
        read_published(path)
