import numpy as np
import pytest

from ser.errors import SerError
from ser.features.vad import VadOptions, voiced_frames
from ser.kaldi.options import read_options


def test_frames_around_enough_loud_ones_are_voiced():
    options = VadOptions(vad_energy_mean_scale=0, vad_proportion_threshold=0.5, vad_frames_context=1)
    energy = np.array([9, 0, 9, 9, 0, 0, 0, 9.0])
    # Loud frames among those within one frame:  1/2 2/3 2/3 2/3 1/3 0/3 1/3 1/2
    assert voiced_frames(energy, options).tolist() == [True, True, True, True, False, False, False, True]


def test_threshold_follows_the_mean():
    energy = np.array([10.0, 14.0])
    assert voiced_frames(energy, VadOptions(vad_energy_threshold=5, vad_energy_mean_scale=0.5)).tolist() == [
        False,
        True,
    ]


def test_vad_is_that_of_kaldi(reference):
    feats, options = reference.feats("mfcc"), read_options(VadOptions, reference.conf("vad"))
    for key, expected in reference.feats("vad").items():
        np.testing.assert_array_equal(voiced_frames(feats[key][:, 0], options), expected != 0, err_msg=key)


def test_nothing_gives_nothing():
    assert voiced_frames(np.zeros(0), VadOptions()).shape == (0,)


@pytest.mark.parametrize(
    "settings", [{"vad_energy_mean_scale": -1}, {"vad_proportion_threshold": 1.0}, {"vad_frames_context": -1}]
)
def test_impossible_options_are_named(settings):
    with pytest.raises(SerError, match=r"vad-energy-mean-scale=.*expected at least 0, between 0 and 1"):
        VadOptions(**settings)
