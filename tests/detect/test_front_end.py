from pathlib import Path

import numpy as np
import pytest

from ser.detect import front_end
from ser.detect.front_end import FrontEnd
from ser.errors import SerError
from ser.features.cmvn import sliding_cmvn
from ser.features.vad import voiced_frames

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def front() -> FrontEnd:
    return FrontEnd.load(ROOT / "conf")


@pytest.fixture
def speech() -> np.ndarray:
    """Eight seconds of bursts of noise."""
    rng = np.random.default_rng(0)
    envelope = np.maximum(np.sin(2 * np.pi * np.arange(128_000) / 16_000), 1e-3)
    return (0.2 * envelope * rng.standard_normal(128_000)).astype(np.float32)


def test_features_of_a_short_recording_are_the_recipes(front, speech):
    (block,) = front.blocks(np.array_split(speech, 5))
    features = front.extract("any", speech)
    voiced = voiced_frames(features[:, 0], front.vad)
    assert (block.start, block.stop) == (0, 800) and 100 < voiced.sum() < 800
    np.testing.assert_array_equal(block.voiced, np.flatnonzero(voiced))
    np.testing.assert_array_equal(block.features, sliding_cmvn(features, front.cmvn)[voiced])


def test_blocks_cover_a_long_recording_and_join_without_a_seam(front, speech, monkeypatch):
    monkeypatch.setattr(front_end, "BLOCK_FRAMES", 300)
    monkeypatch.setattr(front_end, "MARGIN_FRAMES", 200)
    wave = np.tile(speech, 3)
    blocks = list(front.blocks(np.array_split(wave, 50)))
    assert [block.start for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
    assert blocks[0].start == 0 and blocks[-1].stop == 2400 and len(blocks) == 7
    # MFCC do not know of blocks, and the margin is more than half the window of the normalisation.
    mfcc = sliding_cmvn(front.extract("any", wave), front.cmvn)[:, :30]
    for block in blocks:
        assert 50 < len(block.voiced) < 500 and block.start <= block.voiced[0] < block.voiced[-1] < block.stop
        np.testing.assert_allclose(block.features[:, :30], mfcc[block.voiced], atol=2e-3)


@pytest.mark.parametrize("pieces", [1, 7, 400])
def test_blocks_do_not_depend_on_how_the_samples_come(front, speech, monkeypatch, pieces):
    monkeypatch.setattr(front_end, "BLOCK_FRAMES", 150)
    monkeypatch.setattr(front_end, "MARGIN_FRAMES", 100)
    one, other = (list(front.blocks(np.array_split(speech, count))) for count in (3, pieces))
    assert [block[:2] for block in one] == [block[:2] for block in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.features, b.features)


def test_less_than_a_frame_is_refused(front):
    with pytest.raises(SerError, match="too short for one frame: 60 samples"):
        list(front.blocks([np.ones(60, np.float32)]))
