import os
import signal

import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.training import model_dir
from ser.training.fit import fit
from ser.training.unfreezing import GroupConfig, Unfreezing, UnfreezingConfig

LOSS = nn.CrossEntropyLoss()
# Of the net: linear 0, batch norm 2, dropout 3, linear 4.
GROUPS = (GroupConfig(0, ("4",)), GroupConfig(12, ("2", "3")), GroupConfig(21, ("*",)))
SCHEDULE = UnfreezingConfig("steps", 2.6, GROUPS)


class Interrupted:
    """A source that sends a signal before batch `stop_at` of all, ten an epoch."""

    def __init__(self, source, stop_at: int) -> None:
        self.source, self.stop_at = source, stop_at

    def num_batches(self, epoch):
        return self.source.num_batches(epoch)

    def batches(self, epoch, start=0, rank=0, world=1):
        for number, batch in enumerate(self.source.batches(epoch, start, rank, world), start=start):
            if 10 * epoch + number == self.stop_at:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


class Recorder(nn.CrossEntropyLoss):
    """A loss that keeps the net's state and modes at each step, before the step changes anything."""

    def __init__(self, net) -> None:
        super().__init__()
        self.net, self.states, self.modes = [net], [], []

    def forward(self, logits, targets):
        (net,) = self.net
        self.states.append({name: tensor.clone() for name, tensor in net.state_dict().items()})
        self.modes.append({name: module.training for name, module in net.named_modules()})
        return super().forward(logits, targets)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_group_keeps_its_bits_until_its_step_and_changes_after(
    tmp_path, make_net, make_blobs, make_config, optimizer
):
    net = make_net()
    seen = Recorder(net)
    config = make_config(unfreezing=SCHEDULE, optimizer=optimizer, weight_decay=0.1, learning_rate=0.02)
    fit(net, make_blobs(), None, config, tmp_path, seen, "cpu")
    for start, names in ((0, ("4.weight", "4.bias")), (12, ("2.weight", "2.bias")), (21, ("0.weight", "0.bias"))):
        for name in names:
            states = [state[name] for state in seen.states]
            assert all(torch.equal(states[step], states[0]) for step in range(start + 1))
            assert not torch.equal(states[start + 1], states[start])
    # The batch norm's statistics move in the forward pass of a step, which comes before the loss sees them.
    means = [state["2.running_mean"] for state in seen.states]
    assert all(torch.equal(mean, torch.zeros(16)) for mean in means[:12])
    assert not torch.equal(means[12], means[11])
    assert [modes["3"] for modes in seen.modes] == [step >= 12 for step in range(30)]


def test_groups_of_one_rate_that_open_at_once_train_as_no_schedule_does(tmp_path, make_net, make_blobs, make_config):
    whole = UnfreezingConfig("epochs", 1.0, (GroupConfig(0, ("*",)),))
    plain = fit(make_net(), make_blobs(), None, make_config(), tmp_path / "plain", LOSS, "cpu")
    other = fit(make_net(), make_blobs(), None, make_config(unfreezing=whole), tmp_path / "whole", LOSS, "cpu")
    assert all(torch.equal(one, two) for one, two in zip(plain.parameters(), other.parameters(), strict=True))


def test_each_group_learns_at_the_rate_of_the_one_before_it_over_the_ratio(tmp_path, make_net, make_blobs, make_config):
    # Plain gradient descent: a first step is the rate times the gradient.
    groups = (GroupConfig(0, ("4",)), GroupConfig(1, ("*",)))
    net = make_net()
    seen = Recorder(net)
    config = make_config(
        unfreezing=UnfreezingConfig("steps", 4.0, groups), momentum=0.0, learning_rate=0.2, final_learning_rate=0.2
    )
    gradients = []
    net[0].weight.register_hook(gradients.append)
    fit(net, make_blobs(), None, config, tmp_path, seen, "cpu")
    moved = seen.states[1]["0.weight"] - seen.states[2]["0.weight"]
    torch.testing.assert_close(moved, 0.05 * gradients[0], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("stop_at", [5, 11, 12, 20, 25])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_resumed_training_has_the_same_groups_open_and_the_same_bits(
    tmp_path, make_net, make_blobs, make_config, optimizer, stop_at
):
    config = make_config(unfreezing=SCHEDULE, optimizer=optimizer, max_change=0.3)
    straight = fit(make_net(), make_blobs(), None, config, tmp_path / "straight", LOSS, "cpu")
    with pytest.raises(KeyboardInterrupt):
        fit(make_net(), Interrupted(make_blobs(), stop_at), None, config, tmp_path / "halves", LOSS, "cpu")
    assert torch.load(tmp_path / "halves" / model_dir.CHECKPOINT, weights_only=True)["progress"]["step"] < 30
    resumed = fit(make_net(), make_blobs(), None, config, tmp_path / "halves", LOSS, "cpu")
    ours, theirs = straight.state_dict(), resumed.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_epochs_are_counted_in_their_batches(make_net):
    groups = (GroupConfig(0, ("4",)), GroupConfig(2, ("*",)))
    schedule = Unfreezing(make_net(), UnfreezingConfig("epochs", 2.6, groups), [7, 8, 9])
    assert schedule.starts == [0, 15]
    assert schedule.factors == pytest.approx([1, 1 / 2.6])


def test_layers_of_an_open_group_inside_a_closed_one_are_open():
    net = nn.ModuleDict({"encoder": nn.Sequential(*(nn.Linear(2, 2) for _ in range(12))), "head": nn.Linear(2, 2)})
    groups = (GroupConfig(0, ("head", "encoder.1[01]")), GroupConfig(1, ("encoder",)))
    schedule = Unfreezing(net, UnfreezingConfig("epochs", 2.6, groups), [1, 1])
    assert schedule.open_for(0)
    assert not schedule.open_for(0)
    schedule.set_modes()
    assert net["encoder"][10].training and net["head"].training
    assert not net["encoder"][9].training
    assert [net["encoder"][index].weight.requires_grad for index in (1, 9, 10, 11)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((GroupConfig(0, ("5",)),), "no layer '5' in the model; it has 0, 1, 2, 3, 4; let fit.unfreezing name these"),
        ((GroupConfig(0, ("4",)),), "4 parameters are in no group, the first '0.weight'"),
        ((GroupConfig(0, ("*",)), GroupConfig(1, ("4",))), r"group 2 \(4\) has nothing to train"),
        ((GroupConfig(0, ("0",)), GroupConfig(1, ("*",))), "2 is in group 2, after 0, which is nearer to the input"),
        ((GroupConfig(1, ("*",)),), r"start at \[1\]; the first must start at 0"),
        ((GroupConfig(0, ("4",)), GroupConfig(0, ("*",))), r"start at \[0, 0\]"),
        ((), r"start at \[\]"),
        ((GroupConfig(0, ("4",)), GroupConfig(3, ("*",))), "never be trained"),
    ],
)
def test_a_schedule_that_does_not_fit_the_model_is_refused(make_net, groups, message):
    with pytest.raises(SerError, match=message):
        Unfreezing(make_net(), UnfreezingConfig("epochs", 2.6, groups), [10, 10, 10])
