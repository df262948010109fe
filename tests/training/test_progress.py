import pytest
import torch

from ser.errors import SerError
from ser.training.progress import Progress, load_checkpoint, save_checkpoint


@pytest.fixture
def saved(tmp_path):
    """A checkpoint, its net and its optimizer."""
    net = torch.nn.Linear(20, 20)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 20)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "checkpoint.pt", net, optimizer, Progress(epoch=2, sums=(1.0, 2.0, 3.0)))
    return tmp_path / "checkpoint.pt", net, optimizer


def test_progress_comes_back(saved):
    assert load_checkpoint(*saved) == Progress(epoch=2, sums=(1.0, 2.0, 3.0))


def test_a_checkpoint_of_another_implementation_of_the_step_keeps_ours(saved):
    path, net, _ = saved
    ours = torch.optim.AdamW(net.parameters(), fused=True)
    load_checkpoint(path, net, ours)
    assert [group["fused"] for group in ours.param_groups] == [True]
    ours.step()
    assert [state["step"].item() for state in ours.state.values()] == [2.0, 2.0]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_changed_bit_is_noticed(saved, share):
    path, *rest = saved
    data = bytearray(path.read_bytes())
    weights = data.find(rest[0].weight.detach().numpy().tobytes())
    data[weights + int(1600 * share)] ^= 16
    path.write_bytes(data)
    with pytest.raises(SerError, match=r"checkpoint\.pt: damaged in its member .*; remove it to train again"):
        load_checkpoint(*saved)


@pytest.mark.parametrize("keep", [0, 100, 4000])
def test_truncated_checkpoint_is_refused(saved, keep):
    path, *_ = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SerError, match=r"checkpoint\.pt: not a checkpoint of this model: .*; remove it to train again"):
        load_checkpoint(*saved)
