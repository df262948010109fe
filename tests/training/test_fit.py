import logging
import os
import runpy
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ser.errors import SerError
from ser.training import model_dir
from ser.training.fit import fit

LOSS = nn.CrossEntropyLoss()


def same(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours.keys() | theirs.keys())


class Interrupted:
    """A source that sends a signal when a batch of an epoch is asked for."""

    def __init__(self, source, epoch: int, batch: int, number: int) -> None:
        self.source, self.epoch, self.batch, self.number = source, epoch, batch, number

    def num_batches(self, epoch):
        return self.source.num_batches(epoch)

    def batches(self, epoch, start=0, rank=0, world=1):
        for number, batch in enumerate(self.source.batches(epoch, start, rank, world), start=start):
            if (epoch, number) == (self.epoch, self.batch):
                os.kill(os.getpid(), self.number)
            yield batch


def test_separable_classes_are_learned(tmp_path, make_net, make_blobs, make_config):
    fit(make_net(), make_blobs(20), make_blobs(5, seed=1), make_config(epochs=4), tmp_path, LOSS, "cpu")
    header, *rows = [line.split("\t") for line in (tmp_path / "train.tsv").read_text().splitlines()]
    assert header[:2] == ["epoch", "learning_rate"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1][header.index("valid_accuracy")]) > 0.9
    assert (tmp_path / "curve.png").stat().st_size > 5000


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (0, 6), (1, 9), (2, 9)])
def test_resumed_training_gives_bit_equal_weights(tmp_path, make_net, make_blobs, make_config, optimizer, epoch, batch):
    config = make_config(optimizer=optimizer, max_change=0.3, dropout_schedule="0.1,0.3@0.5,0")
    train, valid = make_blobs(10), make_blobs(3, seed=1)
    straight = fit(make_net(), train, valid, config, tmp_path / "straight", LOSS, "cpu")
    with pytest.raises(KeyboardInterrupt):
        interrupted = Interrupted(train, epoch, batch, signal.SIGINT)
        fit(make_net(), interrupted, valid, config, tmp_path / "halves", LOSS, "cpu")
    state = torch.load(tmp_path / "halves" / model_dir.CHECKPOINT, weights_only=True)
    assert state["progress"]["step"] < 30 or (epoch, batch) == (2, 9)
    resumed = fit(make_net(), train, valid, config, tmp_path / "halves", LOSS, "cpu")
    assert same(straight, resumed)
    tables = [(tmp_path / name / "train.tsv").read_text().splitlines() for name in ("straight", "halves")]
    without_seconds = [[line.rpartition("\t")[0] for line in table] for table in tables]
    assert without_seconds[0] == without_seconds[1]


def test_sigterm_leaves_a_checkpoint_and_exit_status_143(tmp_path, make_net, make_blobs, make_config):
    interrupted = Interrupted(make_blobs(10), 1, 2, signal.SIGTERM)
    with pytest.raises(SystemExit) as left:
        fit(make_net(), interrupted, None, make_config(), tmp_path, LOSS, "cpu")
    assert left.value.code == 143
    assert (tmp_path / model_dir.CHECKPOINT).exists()


def test_checkpoints_inside_an_epoch_do_not_change_the_result(tmp_path, make_net, make_blobs, make_config):
    one = fit(make_net(), make_blobs(), None, make_config(), tmp_path / "a", LOSS, "cpu")
    other = fit(make_net(), make_blobs(), None, make_config(checkpoint_steps=3), tmp_path / "b", LOSS, "cpu")
    assert same(one, other)


PROGRAM = """
import sys, torch
from torch import nn
from conftest import SETTINGS, Blobs
from ser.training import model_dir, parallel
from ser.training.fit import FitConfig, fit
from ser.training.unfreezing import GroupConfig, UnfreezingConfig
torch.manual_seed(0)
# No kink on which rounding decides.
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
groups = GroupConfig(0, ("2",)), GroupConfig(5, ("*",))
config = FitConfig(**(SETTINGS | {"max_change": 0.3, "unfreezing": UnfreezingConfig("steps", 2.6, groups)}))
first = parallel.start("cpu").is_first
if first:
    model_dir.begin(sys.argv[1], config, {})
fit(model, Blobs(size=15), Blobs(3, seed=1), config, sys.argv[1], nn.CrossEntropyLoss(), "cpu")
if first:
    model_dir.save_model(sys.argv[1], model, list("abcd"))
"""


def test_two_processes_with_a_part_of_each_batch_train_as_one(tmp_path, run_two_processes, monkeypatch):
    # Batches of 15: one of the two has a row more than the other.
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "one")])
    monkeypatch.syspath_prepend(Path(__file__).parent)
    runpy.run_path(str(script))
    run_two_processes(script, tmp_path / "two")
    one, two = (model_dir.load_weights(tmp_path / name) for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-5, atol=1e-6)


def test_training_stops_when_patience_is_over_and_the_best_epoch_is_kept(tmp_path, make_net, make_blobs, make_config):
    class Reversed(type(make_blobs())):
        def batches(self, epoch, start=0, rank=0, world=1):
            for inputs, targets in super().batches(epoch, start, rank, world):
                yield inputs, (targets + 1) % 4

    seen = []

    class Recorder(nn.CrossEntropyLoss):
        def forward(self, logits, targets):
            if not torch.is_grad_enabled() and len(targets) == 5:
                seen.append({name: tensor.clone() for name, tensor in net.state_dict().items()})
            return super().forward(logits, targets)

    net = make_net()
    model = fit(net, make_blobs(), Reversed(1, 5), make_config(epochs=20, patience=2), tmp_path, Recorder(), "cpu")
    rows = (tmp_path / "train.tsv").read_text().splitlines()[1:]
    # On labels that are all wrong the loss only grows, so the first epoch is the best.
    assert len(rows) == 3
    assert all(torch.equal(tensor, seen[0][name]) for name, tensor in model.state_dict().items())


def test_frozen_layers_do_not_change_nor_do_their_batch_norm_statistics(tmp_path, make_net, make_blobs, make_config):
    before = {name: tensor.clone() for name, tensor in make_net().state_dict().items()}
    model = fit(make_net(), make_blobs(), None, make_config(frozen=("0", "2")), tmp_path, LOSS, "cpu")
    after = model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"4.weight", "4.bias"}


def test_no_step_changes_the_parameters_by_more_than_max_change(tmp_path, make_net, make_blobs, make_config):
    net, steps = make_net(), []

    class Recorder(nn.CrossEntropyLoss):
        def forward(self, logits, targets):
            steps.append([parameter.detach().clone() for parameter in net.parameters()])
            return super().forward(logits, targets)

    config = make_config(learning_rate=50.0, final_learning_rate=50.0, max_change=0.3, max_change_layer=0.2)
    fit(net, make_blobs(), None, config, tmp_path, Recorder(), "cpu")
    changes = [[(new - old).norm() for new, old in zip(*pair, strict=True)] for pair in zip(steps, steps[1:])]  # noqa: B905, RUF007
    norms = torch.tensor(changes)
    assert norms.norm(dim=1).max() <= 0.3 * (1 + 1e-4)
    assert norms[:, :2].norm(dim=1).max() <= 0.2 * (1 + 1e-4)
    assert norms.norm(dim=1)[0] > 0.25


def test_loss_that_is_not_finite_names_the_step(tmp_path, make_net, make_blobs, make_config):
    class Broken(type(make_blobs())):
        def batches(self, epoch, start=0, rank=0, world=1):
            for number, (inputs, targets) in enumerate(super().batches(epoch, start, rank, world), start=start):
                yield (inputs * float("nan") if number == 4 else inputs), targets

    with pytest.raises(SerError, match=r"step 5: the loss is nan; lower fit.learning_rate"):
        fit(make_net(), Broken(), None, make_config(), tmp_path, LOSS, "cpu")
    assert not (tmp_path / model_dir.CHECKPOINT).exists()


def test_unknown_frozen_layer_is_refused_with_the_names_there_are(tmp_path, make_net, make_blobs, make_config):
    with pytest.raises(SerError, match="no layer 'tdnn9' in the model; it has 0, 1, 2, 3, 4"):
        fit(make_net(), make_blobs(), None, make_config(frozen=("tdnn9",)), tmp_path, LOSS, "cpu")


def test_all_layers_frozen_is_refused(tmp_path, make_net, make_blobs, make_config):
    with pytest.raises(SerError, match="nothing to train"):
        fit(make_net(), make_blobs(), None, make_config(frozen=("0", "2", "4")), tmp_path, LOSS, "cpu")


def test_broken_checkpoint_is_named(tmp_path, make_net, make_blobs, make_config):
    (tmp_path / model_dir.CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(SerError, match=r"checkpoint.pt: not a checkpoint of this model"):
        fit(make_net(), make_blobs(), None, make_config(), tmp_path, LOSS, "cpu")


def test_each_epoch_is_reported(tmp_path, make_net, make_blobs, make_config, caplog):
    caplog.set_level(logging.INFO)
    fit(make_net(), make_blobs(), make_blobs(2), make_config(), tmp_path, LOSS, "cpu")
    assert sum("valid loss" in message for message in caplog.messages) == 3


def test_training_batch_without_rows_is_refused_with_the_remedy(tmp_path, make_net, make_blobs, make_config):
    class Empty(type(make_blobs())):
        def batches(self, epoch, start=0, rank=0, world=1):
            for number, (inputs, targets) in enumerate(super().batches(epoch, start, rank, world), start=start):
                yield (inputs[:0], targets[:0]) if number == 2 else (inputs, targets)

    with pytest.raises(SerError, match=r"step 3: the batch has no row for process 1 of 1; raise data.batch_size"):
        fit(make_net(), Empty(), None, make_config(), tmp_path, LOSS, "cpu")
