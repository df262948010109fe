"""A tiny encoder and a text whose emotion words tell the classes apart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.text import wordpiece

WORDS = {"anger": "furious mad angry", "happiness": "glad happy lovely", "neutral": "paper table door"}


def make_texts(num: int, seed: int) -> tuple[list[str], list[int]]:
    """Draw `num` sentences of different lengths, each with one word of its class; classes in turn."""
    rng = np.random.default_rng(seed)
    texts, targets = [], []
    for index in range(num):
        target = index % len(WORDS)
        words = list(rng.choice(["i", "you", "saw", "the", "old", "house", "today", "."], rng.integers(2, 9)))
        words.insert(rng.integers(len(words)), rng.choice(list(WORDS.values())[target].split()))
        texts.append(" ".join(words))
        targets.append(target)
    return texts, targets


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Nets so small take longer on two threads than on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def examples() -> tuple[list[str], list[int]]:
    return make_texts(600, seed=0)


@pytest.fixture(scope="session")
def other_examples() -> tuple[list[str], list[int]]:
    return make_texts(150, seed=1)


@pytest.fixture(scope="session")
def scratch_config() -> wordpiece.ScratchConfig:
    return wordpiece.ScratchConfig(
        vocabulary_size=100, layers=2, hidden_size=32, heads=2, inner_size=64, positions=16, dropout=0.1,
        weight_stddev=0.05,
    )  # fmt: skip


@pytest.fixture(scope="session")
def encoder_folder(
    examples: tuple[list[str], list[int]],
    scratch_config: wordpiece.ScratchConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    wordpiece.build_encoder(examples[0], scratch_config, 0, folder)
    return folder
