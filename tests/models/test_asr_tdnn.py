import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ser.asr.node_net import load_node_net
from ser.config import from_mapping, read_yaml, to_yaml
from ser.errors import SerError
from ser.files import write_text
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.asr_tdnn_folded import FoldedTdnn
from ser.models.factored import TimeSharedDropout, constrain
from ser.models.node_outputs import OutputOptions, compute_outputs
from ser.training import model_dir

SMALL = AsrTdnnConfig(24, 8, (1, 1, 0, 3, 3), 0.66, 12)


def recipe(path: str) -> AsrTdnnConfig:
    return from_mapping(AsrTdnnConfig, read_yaml(path)["model"], path)


@pytest.fixture
def net() -> AsrTdnn:
    """A small net whose batch norms hold statistics and whose outputs are not zero."""
    torch.manual_seed(0)
    net = AsrTdnn(SMALL, 5, 4, 7)
    for layer in (net.output, net.output_xent):
        torch.nn.init.normal_(layer.weight)
    for _ in range(3):
        net({"features": torch.randn(4, 60, 5), "ivectors": torch.randn(4, 4)})
    return net.eval()


def test_full_net_has_the_recipes_parameters_and_context():
    net = AsrTdnn(recipe("conf/asr_tdnn/tdnnf.yaml"), 40, 100, 3600)
    assert sum(parameter.numel() for parameter in net.parameters()) == 9_431_072
    assert (net.left_context, net.right_context) == (28, 28)
    assert net.lda.weight.shape == (220, 220)
    layers = {name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()}
    assert layers["tdnn1"] == 226_304
    assert layers["tdnnf2"] == layers["tdnnf13"] == layers["prefinal_chain"] == layers["prefinal_xent"] == 525_312
    assert (layers["tdnnf5"], layers["prefinal_l"], layers["output"]) == (263_168, 262_144, 925_200)


def test_toy_net_is_built_from_its_settings():
    net = AsrTdnn(recipe("conf/toy/asr_tdnn/tdnnf.yaml"), 40, 8, 28)
    frames = net.left_context + 10 + net.right_context
    assert net({"features": torch.randn(2, frames, 40), "ivectors": torch.randn(2, 8)}).shape == (2, 4, 56)


def test_layers_compute_what_the_recipe_says(net):
    """Frame by frame, by the formulas: the reference for everything that is arranged for speed."""
    features, ivector = torch.randn(80, 5), torch.randn(4)
    norm = lambda x, bn: (x - bn.running_mean) / (bn.running_var + 1e-3).sqrt()  # noqa: E731
    x = {}
    for t in range(1, 79):
        spliced = torch.cat([features[t - 1], features[t], features[t + 1], ivector])
        x[t] = norm(torch.relu(net.tdnn1.affine(net.lda(spliced))), net.tdnn1.batchnorm)
    for layer, s in zip(net.layers, SMALL.strides, strict=True):
        part = net.get_submodule(layer)
        join = lambda a, b, s=s: torch.cat([a, b]) if s else a  # noqa: E731
        narrow = {t: part.linear(join(x[t - s], x[t])) for t in x if t - s in x}
        wide = {t: part.affine(join(narrow[t], narrow[t + s])) for t in narrow if t + s in narrow}
        x = {t: norm(torch.relu(wide[t]), part.batchnorm) + 0.66 * x[t] for t in wide}
    expected = torch.stack([x[t] for t in sorted(x)])
    found = net.compute(features[:, None], ivector[None], "tdnnf6.noop")
    torch.testing.assert_close(found[:, 0], expected, atol=1e-5, rtol=1e-5)
    third = net.compute(features[:, None], ivector[None], "tdnnf6.noop", 3)
    torch.testing.assert_close(third[:, 0], expected[::3], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("strides", [(1, 1, 0, 3, 3), (3, 3), (0, 3), (1, 2), (1, 0, 1), (0, 0)])
def test_every_third_frame_is_that_of_the_dense_computation(strides):
    torch.manual_seed(0)
    net = AsrTdnn(AsrTdnnConfig(16, 8, strides, 0.66, 12), 5, 0, 7).eval()
    features = torch.randn(60, 2, 5)
    for node in net.node_names:
        left, right = net.context(node)
        dense = net.compute(features, None, node)
        assert dense.shape == (60 - left - right, 2, net.width(node))
        third = net.compute(features, None, node, 3)
        torch.testing.assert_close(third, dense[::3], atol=1e-5, rtol=0)


def test_forward_is_the_two_outputs_at_every_third_frame(net):
    features, ivectors = torch.randn(2, net.left_context + 10 + net.right_context, 5), torch.randn(2, 4)
    found = net({"features": features, "ivectors": ivectors})
    assert found.shape == (2, 4, 14)
    for node, columns in (("output", slice(0, 7)), ("output-xent", slice(7, 14))):
        expected = net.compute(features.transpose(0, 1), ivectors, node, 3).transpose(0, 1)
        part = found[..., columns]
        part = part.log_softmax(2) if node == "output-xent" else part
        torch.testing.assert_close(part, expected, atol=1e-6, rtol=1e-6)


def test_output_sees_its_context_and_no_more(net):
    features, ivectors = torch.randn(1, 61, 5), torch.randn(1, 4)
    before = net({"features": features, "ivectors": ivectors})
    for frame, sees in ((0, True), (2 * net.left_context, True), (2 * net.left_context + 1, False)):
        changed = features.clone()
        changed[0, frame] += 1
        same = torch.equal(net({"features": changed, "ivectors": ivectors})[0, 0], before[0, 0])
        assert same is not sees, frame


def test_utterance_is_computed_in_chunks_like_imported_nets(net):
    rng = np.random.default_rng(0)
    features, ivectors = rng.normal(size=(100, 5)), rng.normal(size=(10, 4))
    found = compute_outputs(net, features, OutputOptions("tdnnf6.noop", 3, 10, 60), ivectors)
    padded = np.pad(features, ((9, 9), (0, 0)), mode="edge").astype(np.float32)
    for start, row in ((0, 2), (20, 7)):
        piece = torch.from_numpy(padded[3 * start : 3 * start + 60 + 18, None])
        vector = torch.from_numpy(ivectors[row : row + 1].astype(np.float32))
        expected = net.compute(piece, vector, "tdnnf6.noop", 3)[:, 0]
        np.testing.assert_allclose(found[start : start + 20], expected[: len(found) - start], atol=1e-5)


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (12, 12)])
def test_orthonormal_steps_drive_the_product_to_a_multiple_of_the_identity(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    for _ in range(100):
        constrain(matrix)
    m = matrix if shape[0] <= shape[1] else matrix.T
    product = m @ m.T
    alpha2 = product.trace() / len(product)
    torch.testing.assert_close(product / alpha2, torch.eye(len(product)), atol=1e-3, rtol=0)


def test_four_training_steps_constrain_every_factor_once(net):
    net.train()
    inputs = {"features": torch.randn(4, 60, 5), "ivectors": torch.randn(4, 4)}
    before = [matrix.clone() for matrix in net.orthonormal()]
    counts = np.zeros(len(before), int)
    for _ in range(4):
        net(inputs)
        for number, matrix in enumerate(net.orthonormal()):
            counts[number] += not torch.equal(matrix, before[number])
            before[number] = matrix.clone()
    assert counts.tolist() == [1] * len(before)


def test_dropout_is_the_same_at_all_times_and_has_the_mean_one():
    torch.manual_seed(0)
    dropout = TimeSharedDropout(0.2)
    scales = dropout(torch.ones(4, 100, 1000))
    assert torch.equal(scales[0], scales[3])
    assert abs(scales.mean() - 1) < 1e-3
    assert scales.min() >= 0.6
    assert scales.max() <= 1.4
    assert abs(scales.var() - 0.8**2 / 12) < 1e-3
    assert torch.equal(dropout.eval()(scales), scales)


def test_gradients_reach_every_parameter(net):
    net.train()
    net({"features": torch.randn(4, 60, 5), "ivectors": torch.randn(4, 4)}).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_net_is_rebuilt_from_its_weights(net, tmp_path):
    model_dir.save_weights(tmp_path / "model.safetensors", net)
    write_text(tmp_path / "config.yaml", to_yaml(WholeConfig(SMALL)))
    again = load_node_net(tmp_path)
    inputs = {"features": torch.randn(2, 40, 5), "ivectors": torch.randn(2, 4)}
    assert torch.equal(again.net(inputs), net(inputs))
    with pytest.raises(SerError, match=r"the weights are not those of a net of these settings: .*tdnnf7"):
        AsrTdnn.from_weights(AsrTdnnConfig(24, 8, (1, 1, 0, 3, 3, 3), 0.66, 12), net.state_dict())


@dataclass(frozen=True)
class WholeConfig:
    model: AsrTdnnConfig


@pytest.mark.parametrize("strides", [(1, 1, 0, 3, 3), (3, 3), (0, 3), (1, 2), (1, 0, 1), (0, 0)])
@pytest.mark.parametrize("ivector_dim", [0, 4])
def test_folded_net_gives_the_same_nodes(strides, ivector_dim):
    torch.manual_seed(0)
    net = AsrTdnn(AsrTdnnConfig(16, 8, strides, 0.66, 12), 5, ivector_dim, 7)
    features, ivectors = torch.randn(60, 2, 5), torch.randn(2, ivector_dim) if ivector_dim else None
    for tensor in net.buffers():
        if tensor.is_floating_point():
            torch.nn.init.uniform_(tensor, 0.2, 1.5)
    for layer in (net.output, net.output_xent):
        torch.nn.init.normal_(layer.weight)
    folded = FoldedTdnn(net)
    for node in net.node_names:
        for step in (1, 3):
            expected = net.compute(features, ivectors, node, step)
            found = folded.compute(features, ivectors, node, step)
            torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("strides", [(1, 1, 0, 3), (3, 0)])
def test_chunks_that_share_the_first_layer_give_the_same_outputs(strides):
    torch.manual_seed(0)
    net = AsrTdnn(AsrTdnnConfig(16, 8, strides, 0.66, 12), 5, 4, 7).eval()
    torch.nn.init.normal_(net.output.weight)
    features, ivectors = torch.randn(100, 5).numpy(), torch.randn(10, 4).numpy()
    for node, step, first in (("output", 3, 0), ("output", 3, 1), ("tdnn1.dropout", 1, 0), ("lda", 1, 0)):
        options = OutputOptions(node, step, 10, 30, first)
        expected = compute_outputs(net, features, options, ivectors)
        np.testing.assert_allclose(compute_outputs(FoldedTdnn(net), features, options, ivectors), expected, atol=1e-4)


def test_net_without_ivectors_takes_none():
    net = AsrTdnn(SMALL, 5, 0, 7)
    assert net({"features": torch.randn(2, 40, 5)}).shape[0] == 2


def test_input_that_does_not_fit_is_refused_with_its_sizes(net):
    with pytest.raises(SerError, match="40 frames of 6 features; expected 5 a frame"):
        net({"features": torch.randn(1, 40, 6), "ivectors": torch.randn(1, 4)})
    with pytest.raises(SerError, match=r"10 frames of 5 features; .* at least 19 frames"):
        net({"features": torch.randn(1, 10, 5), "ivectors": torch.randn(1, 4)})
    with pytest.raises(SerError, match="expected i-vectors of dimension 4"):
        net({"features": torch.randn(1, 40, 5), "ivectors": torch.randn(1, 3)})
    with pytest.raises(SerError, match=r"no node 'tdnnf9.noop'; there are lda, tdnn1.dropout, tdnnf2.noop"):
        net.check_node("tdnnf9.noop")
    for change in ({"dim": 0}, {"strides": (1, -1)}, {"strides": ()}):
        with pytest.raises(SerError, match="model: "):
            AsrTdnn(AsrTdnnConfig(**{**vars(SMALL), **change}), 5, 4, 7)


def test_contexts_add_up(net):
    contexts = [net.context(f"{layer}.noop")[0] for layer in net.layers]
    assert contexts == list(itertools.accumulate(SMALL.strides, initial=1))[1:]
