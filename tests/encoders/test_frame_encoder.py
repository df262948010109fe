"""Recordings of one length, alone and in a batch, through `prepare` and `batch_states`, as the trainings call them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.encoders import hub
from ser.encoders.frame_encoder import FrameEncoder
from ser.encoders.loading import load_audio_encoder
from ser.toy.encoders import KINDS, build_encoder

OWN = ("yamnet", "vggish", "emotion2vec")
PATCHES = ("yamnet", "vggish")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give the folder of a toy encoder of a kind."""
    root = tmp_path_factory.mktemp("encoders")

    def give(kind: str) -> str:
        if not (root / kind).exists():
            build_encoder(kind, root / kind, 0)
        return str(root / kind)

    return give


def test_toy_encoders_cover_every_kind_that_the_hub_may_give(folder):
    built = {
        json.loads(Path(folder(kind), "config.json").read_text())["model_type"] for kind in KINDS if kind not in OWN
    }
    assert built == set(hub.KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in PATCHES])
def test_a_recording_alone_and_in_a_batch_of_one_length_differ_by_rounding(kind, folder):
    """In float64 to 1e-12; so in float32 only the order of sums differs: mean to 1e-6, states to 1e-6 of their size."""
    encoder = load_audio_encoder(folder(kind))
    assert isinstance(encoder, FrameEncoder)
    rng = np.random.default_rng(0)
    waves = [rng.normal(0, 0.1, 20_000).astype(np.float32) for _ in range(3)]

    def states(batch: list[np.ndarray], dtype: torch.dtype) -> dict[str, torch.Tensor]:
        encoder.model.to(dtype)
        given = encoder.prepare(batch)  # type: ignore[attr-defined]
        given = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in given.items()}
        with torch.inference_mode():
            return encoder.batch_states(given, encoder.layers, len(batch[0]))  # type: ignore[attr-defined]

    for dtype, limit in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        together = states(waves, dtype)
        for row, wave in enumerate(waves):
            alone = states([wave], dtype)
            for layer in encoder.layers:
                one, other = alone[layer][0], together[layer][row]
                assert (one - other).square().mean().sqrt() <= limit * one.square().mean().sqrt(), layer
                torch.testing.assert_close(one.mean(0), other.mean(0), rtol=0, atol=limit)
        assert not torch.allclose(together["final"][0], together["final"][1])
