import pytest
import torch
from torch.nn import functional

from ser.errors import SerError
from ser.models.vggish import Vggish, VggishConfig

SMALL = VggishConfig(hidden=8, embedding=5)


@pytest.fixture(scope="module")
def net() -> Vggish:
    torch.manual_seed(0)
    return Vggish(SMALL).eval()


def test_published_one_has_72141184_numbers():
    with torch.device("meta"):
        net = Vggish(VggishConfig(4096, 128))
    assert sum(parameter.numel() for parameter in net.parameters()) == 72_141_184


def test_maps_are_flattened_as_6_by_4_by_512(net):
    """TensorFlow's order: time, frequency, channel; torch's own is channel, time, frequency."""
    patches = torch.randn(2, 96, 64)
    with torch.no_grad():
        maps = net.features(patches.unsqueeze(1))
        assert maps.shape == (2, 512, 6, 4)
        flat = torch.stack([maps[:, :, t, f] for t in range(6) for f in range(4)], dim=1).flatten(1)
        states = net.states(patches, ["fc1", "final", "6"])
        torch.testing.assert_close(states["fc1"], functional.relu(net.embeddings[0](flat)))
    assert states["6"].shape == (2, 512)


def test_embedding_has_no_relu(net):
    with torch.no_grad():
        embedding = net(torch.randn(4, 96, 64))
    assert embedding.shape == (4, 5) and (embedding < 0).any()


def test_early_layers_alone_are_the_same(net):
    patches = torch.randn(2, 96, 64)
    with torch.no_grad():
        every = net.states(patches, net.layers)
        for layer in net.layers:
            torch.testing.assert_close(net.states(patches, [layer])[layer], every[layer])


def test_layer_that_is_not_there_is_named(net):
    with pytest.raises(SerError, match="no layer '9'; there are 1, 2, 3, 4, 5, 6, fc1, fc2, final"):
        net.states(torch.zeros(1, 96, 64), ["9"])
