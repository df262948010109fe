"""The training loop of all nets of this project: `fit`."""

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ser.errors import SerError
from ser.progress import progress as show_progress
from ser.training import model_dir, parallel
from ser.training.batches import BatchSource, Inputs, pinned, prefetched
from ser.training.fit_config import FitConfig
from ser.training.freezing import freeze
from ser.training.losses import RunningLoss, count_right
from ser.training.optimizer import MaxChange, dropout_schedule, learning_rate, make_optimizer
from ser.training.parallel import Process, postponed_signals, share_batch_norms
from ser.training.progress import (
    EpochRow,
    Progress,
    best_epoch,
    load_checkpoint,
    save_checkpoint,
    write_picture,
    write_table,
)
from ser.training.unfreezing import Unfreezing

logger = logging.getLogger(__name__)

# Draw the picture only this often, since drawing takes as long as an epoch of a toy run.
SECONDS_BETWEEN_PICTURES = 30.0

Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Tensor, Tensor], Tensor]


def fit(
    model: Model,
    train: BatchSource,
    valid: BatchSource | None,
    config: FitConfig,
    folder: str | Path,
    loss: Loss,
    device: str = "auto",
) -> Model:
    """Train `model`, from the checkpoint in `folder` if there is one; on a CPU a resumed training is bit-equal.

    Parameters
    ----------
    model : ``model(inputs)`` gives logits (B, K).
    train, valid : sources of batches; without `valid` the last epoch counts as the best, and `patience` has no effect.
    config : see `FitConfig`.
    folder : model folder; call `model_dir.begin` before and `model_dir.save_model` after. `fit` writes ``train.tsv``
        and ``curve.png`` to it, and while training runs ``checkpoint.pt`` and ``best.safetensors``.
    loss : ``loss(logits, targets)`` gives the mean over the rows; its method ``count_right``, if any, counts right
        answers.
    device : ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    nn.Module
        The same `model` with the weights of the best epoch, on the device, in eval mode.

    Raises
    ------
    SerError
        On a loss that is not finite (names the step), an unknown layer in `frozen`, or a bad setting.
    """
    process = parallel.start(device)
    trainer = _Trainer(model.to(process.device), train, valid, config, Path(folder), loss, process)
    trainer.resume()
    with postponed_signals() as received:
        trainer.run(received)
        trainer.draw()
    trainer.load_best()
    return model


class _Trainer:
    """The state of one call of `fit`."""

    def __init__(
        self,
        model: nn.Module,
        train: BatchSource,
        valid: BatchSource | None,
        config: FitConfig,
        folder: Path,
        loss: Loss,
        process: Process,
    ) -> None:
        self.model, self.train, self.valid, self.config = model, train, valid, config
        self.folder, self.process = folder, process
        # The loss may hold class weights, which must be on the device too.
        self.loss = loss.to(process.device) if isinstance(loss, nn.Module) else loss
        self.right = getattr(loss, "count_right", count_right)
        share_batch_norms(model, process.world)
        self.frozen = freeze(model, config.frozen)
        epoch_batches = [train.num_batches(epoch) for epoch in range(config.epochs)]
        self.steps = sum(epoch_batches)
        self.groups = groups = Unfreezing(model, config.unfreezing, epoch_batches)
        self.optimizer = make_optimizer(
            groups.parameters, config.optimizer, config.momentum, config.weight_decay, groups.factors
        )
        self.max_change = MaxChange(model, config.max_change_layer, config.max_change)
        self.dropout = dropout_schedule(config.dropout_schedule) if config.dropout_schedule else None
        self.progress = Progress()
        self.drawn = time.monotonic()
        self.net: nn.Module = model

    def run(self, received: list[int]) -> None:
        """Train the remaining epochs; if a signal is `received`, write a checkpoint and stop."""
        progress = self.progress
        while progress.epoch < self.config.epochs and not self._is_patience_over():
            stopped = self._train_epoch(received)
            if progress.batch == self.train.num_batches(progress.epoch):
                self._end_epoch()
            self._save()
            if stopped:
                self.process.wait_for_all()  # torchrun ends all processes as soon as one has ended
                number = received[0] if received else signal.SIGTERM
                logger.warning("%s: stopped by a signal; the same command resumes from here", self.folder)
                raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def _train_epoch(self, received: list[int]) -> bool:
        """Train to the end of the epoch, or until a signal is received (then True)."""
        progress, process, config = self.progress, self.process, self.config
        self._open_groups()
        # The sums in a checkpoint are over all processes, so only the first process starts from them.
        sums = RunningLoss(process.device, progress.sums if process.is_first else (0.0, 0.0, 0.0), self.right)
        begun = time.monotonic() - progress.seconds
        stopped = False
        batches = self._batches(self.train, progress.epoch, progress.batch)
        left = self.train.num_batches(progress.epoch) - progress.batch
        what = f"epoch {progress.epoch + 1} of {config.epochs}"
        with contextlib.closing(batches):
            for inputs, targets in show_progress(batches, left, what) if process.is_first else batches:
                if not len(targets):
                    raise SerError(
                        f"{self.folder}: step {progress.step + 1}: the batch has no row for process {process.rank + 1} "
                        f"of {process.world}; raise data.batch_size, or train on fewer GPUs"
                    )
                rows, signals = process.sum(len(targets), len(received))
                self._step(inputs, targets, len(targets) * process.world / rows, sums)
                progress.batch += 1
                progress.step += 1
                stopped = signals > 0
                if stopped:
                    break
                if config.checkpoint_steps and progress.step % config.checkpoint_steps == 0:
                    progress.sums, progress.seconds = self._total(sums), time.monotonic() - begun
                    self._save()
        progress.sums, progress.seconds = self._total(sums), time.monotonic() - begun
        return stopped

    def _batches(self, source: BatchSource, epoch: int, start: int) -> Generator[tuple[Inputs, Tensor], None, None]:
        batches = source.batches(epoch, start, self.process.rank, self.process.world)
        # A GPU copies from page-locked memory while it computes.
        return prefetched(map(pinned, batches) if self.process.device.type == "cuda" else batches)

    def _open_groups(self) -> None:
        """Put the model into training mode, open the groups of layers that are due, and keep frozen layers frozen."""
        # DistributedDataParallel exchanges gradients only of parameters that were trainable when it was made.
        if self.groups.open_for(self.progress.step) or self.net is self.model:
            self.net = DistributedDataParallel(self.model) if self.process.world > 1 else self.model
        self.net.train()
        self.groups.set_modes()
        for module in self.frozen:
            module.eval()

    def _step(self, inputs: Inputs, targets: Tensor, weight: float, sums: RunningLoss) -> None:
        step, device = self.progress.step, self.process.device
        if step in self.groups.starts:
            self._open_groups()
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(step) * group["rate_factor"]
        if self.dropout is not None:
            for module in self.model.modules():
                if isinstance(module, (nn.Dropout, nn.Dropout1d)):
                    module.p = self.dropout(step / self.steps)
        # The seed of each step depends on its number, so a checkpoint needs no state of a random generator.
        seed = np.random.SeedSequence([self.config.seed, step, self.process.rank]).generate_state(1, np.uint64)
        torch.manual_seed(int(seed[0]))
        targets = targets.to(device, non_blocking=True)
        self.optimizer.zero_grad(set_to_none=True)
        logits = self._logits(self.net, inputs)
        value = self.loss(logits, targets)
        # Gradients are averaged over processes, so weight each process's loss by its number of rows.
        (value * weight).backward()
        if self.config.max_grad_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        with self.max_change.applied():
            self.optimizer.step()
        sums.add(value.detach(), logits.detach(), targets, f"{self.folder}: step {step + 1}")

    def _logits(self, net: nn.Module, inputs: Inputs) -> Tensor:
        device = self.process.device
        if isinstance(inputs, dict):
            inputs = {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}
        else:
            inputs = inputs.to(device, non_blocking=True)
        half = device.type == "cuda" and self.config.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return net(inputs).float()

    def _rate(self, step: int) -> float:
        config = self.config
        return learning_rate(step, self.steps, config.learning_rate, config.final_learning_rate, config.warmup_fraction)

    def _total(self, sums: RunningLoss) -> tuple[float, float, float]:
        loss, right, rows = self.process.sum(*sums.values())
        return loss, right, rows

    def _end_epoch(self) -> None:
        progress = self.progress
        loss, right, rows = progress.sums
        valid_loss, valid_accuracy = self._evaluate(self.valid) if self.valid is not None else (None, None)
        row = EpochRow(
            epoch=progress.epoch + 1,
            learning_rate=self._rate(progress.step - 1),
            train_loss=loss / rows,
            train_accuracy=right / rows,
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
            seconds=progress.seconds,
        )
        progress.rows.append(row)
        is_best = self.valid is not None and best_epoch(progress.rows, self.config.best_by) is row
        if self.process.is_first:
            logger.info("%s%s", row, " (best so far)" if is_best else "")
            write_table(self.folder / "train.tsv", progress.rows)
            if time.monotonic() - self.drawn > SECONDS_BETWEEN_PICTURES:
                self.draw()
            if is_best:
                model_dir.save_weights(self.folder / model_dir.BEST, self.model)
        progress.epoch, progress.batch, progress.sums, progress.seconds = progress.epoch + 1, 0, (0.0, 0.0, 0.0), 0.0

    @torch.no_grad()
    def _evaluate(self, source: BatchSource) -> tuple[float, float]:
        self.model.eval()
        sums = RunningLoss(self.process.device, right=self.right)
        with contextlib.closing(self._batches(source, 0, 0)) as batches:
            for inputs, targets in batches:
                if len(targets):
                    logits, targets = self._logits(self.model, inputs), targets.to(self.process.device)
                    where = f"{self.folder}: validation after step {self.progress.step}"
                    sums.add(self.loss(logits, targets), logits, targets, where)
        loss, right, rows = self._total(sums)
        return loss / rows, right / rows

    def _is_patience_over(self) -> bool:
        rows, patience = self.progress.rows, self.config.patience
        if self.valid is None or not patience or not rows:
            return False
        waited = rows[-1].epoch - best_epoch(rows, self.config.best_by).epoch
        if waited >= patience:
            logger.info("%d epochs without improvement: training ends", waited)
        return waited >= patience

    def _save(self) -> None:
        if self.process.is_first:
            save_checkpoint(self.folder / model_dir.CHECKPOINT, self.model, self.optimizer, self.progress)

    def resume(self) -> None:
        """Resume from the checkpoint in the folder, if there is one."""
        path = self.folder / model_dir.CHECKPOINT
        if path.exists():
            self.progress = load_checkpoint(path, self.model, self.optimizer)
            logger.info("resuming %s after step %d of %d", self.folder, self.progress.step, self.steps)

    def draw(self) -> None:
        """Draw the picture of the training so far."""
        if self.process.is_first:
            write_picture(self.folder / "curve.png", self.progress.rows)
            self.drawn = time.monotonic()

    def load_best(self) -> None:
        """Give the model the weights of the best epoch."""
        if self.valid is not None and self.progress.rows:
            self.process.wait_for_all()  # wait for the first process, which writes the file ...
            self.model.load_state_dict(model_dir.load_weights(self.folder / model_dir.BEST))
            self.process.wait_for_all()  # ... and will remove it after all have read it
        self.model.eval()
