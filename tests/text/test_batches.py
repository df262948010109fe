import numpy as np
import pytest
import torch

from ser.text import bert
from ser.text.batches import TextBatches
from ser.training import model_dir
from ser.training.fit import FitConfig, fit
from ser.training.losses import LossConfig, cross_entropy

IDS = [[2] + [5] * (index * 7 % 30 + 1) + [3] for index in range(103)]
TARGETS = [index % 4 for index in range(103)]


def make_fit_config(**changes) -> FitConfig:
    settings = {
        "epochs": 6, "optimizer": "adamw", "learning_rate": 3e-3, "final_learning_rate": 1e-3, "warmup_fraction": 0.1,
        "momentum": 0.0, "weight_decay": 0.01, "max_grad_norm": 1.0, "max_change": 0.0, "max_change_layer": 0.0,
        "dropout_schedule": "", "frozen": (), "best_by": "loss", "patience": 0, "precision": "fp32",
        "checkpoint_steps": 0, "seed": 0,
    }  # fmt: skip
    return FitConfig(**(settings | changes))


def test_an_epoch_has_each_text_once_in_batches_of_equal_size():
    source = TextBatches(IDS, TARGETS, 0, 10, seed=3)
    plan = source.plan(0)
    assert source.num_batches(0) == len(plan) == 11
    assert sorted(np.concatenate(plan)) == list(range(103))
    assert {len(batch) for batch in plan} == {9, 10}


def test_texts_of_similar_length_are_together():
    batches = list(TextBatches(IDS, TARGETS, 0, 10, seed=3).batches(0))
    padded = sum(inputs["attention_mask"].numel() for inputs, _ in batches)
    assert padded < 1.15 * sum(map(len, IDS))


def test_plan_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(TextBatches(IDS, TARGETS, 0, 10, seed=seed).plan(epoch)).tolist()

    assert order(3, 1) == order(3, 1)
    assert order(3, 1) != order(3, 2) and order(3, 1) != order(4, 1)


def test_batches_can_begin_in_the_middle_and_be_shared_by_processes():
    source = TextBatches(IDS, TARGETS, 0, 10, seed=3)
    whole = list(source.batches(1))
    late = list(source.batches(1, start=4))
    assert len(late) == len(whole) - 4
    assert torch.equal(late[0][0]["input_ids"], whole[4][0]["input_ids"])
    parts = [next(source.batches(1, rank=rank, world=2))[1] for rank in range(2)]
    assert torch.equal(torch.cat([parts[0], parts[1]]), torch.cat([whole[0][1][0::2], whole[0][1][1::2]]))


def test_targets_stay_with_their_texts():
    source = TextBatches([[index, index] for index in range(50)], list(range(50)), 0, 7, seed=0)
    for inputs, targets in source.batches(0):
        assert torch.equal(inputs["input_ids"][:, 0], targets)


def test_separable_text_is_learnt_in_every_class_though_one_has_80_percent_of_it(
    encoder_folder, examples, other_examples, tmp_path
):
    texts, targets = examples
    kept = [index for index, target in enumerate(targets) if target == 2 or index % 8 == 0]
    encoder, tokenizer = bert.load_encoder(str(encoder_folder))
    torch.manual_seed(0)
    model = bert.TextClassifier(encoder, 3, "mean", 0.1)
    chosen = [targets[index] for index in kept]
    assert np.bincount(chosen).tolist() == [25, 25, 200]
    ids = bert.tokenize(tokenizer, [texts[index] for index in kept]).ids
    train = TextBatches(ids, chosen, tokenizer.pad_token_id, 16, seed=0)
    valid = TextBatches(
        bert.tokenize(tokenizer, other_examples[0]).ids, other_examples[1], tokenizer.pad_token_id, 50, seed=None
    )
    loss = cross_entropy(LossConfig(0.0, "balanced"), np.bincount(chosen))
    fit(model, train, valid, make_fit_config(epochs=10), tmp_path, loss, "cpu")
    truth, guesses = bert.classify(model, valid.batches(0))
    assert sorted(truth.tolist()) == sorted(other_examples[1])
    for target in range(3):
        assert (guesses[truth == target] == target).mean() > 0.9


def test_training_that_was_cut_off_ends_with_the_same_weights(encoder_folder, examples, tmp_path):
    class CutOff(TextBatches):
        def batches(self, epoch, start=0, rank=0, world=1):
            for number, batch in enumerate(super().batches(epoch, start, rank, world), start):
                if (epoch, number) == (1, 4):
                    raise KeyboardInterrupt
                yield batch

    def train(kind: type[TextBatches], folder) -> dict[str, torch.Tensor]:
        encoder, tokenizer = bert.load_encoder(str(encoder_folder))
        torch.manual_seed(0)
        model = bert.TextClassifier(encoder, 3, "cls", 0.1)
        ids = bert.tokenize(tokenizer, examples[0][:120]).ids
        source = kind(ids, examples[1][:120], tokenizer.pad_token_id, 20, seed=0)
        loss = cross_entropy(LossConfig(0.0, "balanced"), [40, 40, 40])
        fit(model, source, None, make_fit_config(epochs=2, checkpoint_steps=3), folder, loss, "cpu")
        return model.state_dict()

    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = train(TextBatches, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(CutOff, tmp_path / "parts")
    assert (tmp_path / "parts" / model_dir.CHECKPOINT).exists()
    parts = train(TextBatches, tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_process_without_a_text_of_a_short_batch_has_an_empty_part():
    source = TextBatches(IDS[:5], TARGETS[:5], 0, 2, seed=None)
    whole = [len(targets) for _, targets in source.batches(0)]
    parts = [
        [(inputs["input_ids"].shape[0], len(targets)) for inputs, targets in source.batches(0, 0, rank, 2)]
        for rank in (0, 1)
    ]
    assert whole == [2, 2, 1]
    assert parts == [[(1, 1)] * 3, [(1, 1), (1, 1), (0, 0)]]
    assert bert.pad([], 0)["attention_mask"].shape == (0, 0)
