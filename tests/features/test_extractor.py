import dataclasses

import numpy as np
import pytest

from ser.errors import SerError
from ser.features.extractor import Extractor
from ser.features.fbank import FbankOptions
from ser.features.mfcc import MfccOptions
from ser.features.pitch import PitchOptions
from ser.features.pitch_process import ProcessPitchOptions
from ser.kaldi.options import read_options

MFCC = MfccOptions(snip_edges=False)
PITCH = PitchOptions(snip_edges=False)
NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 16000).astype(np.float32)


def test_mfcc_and_pitch_are_those_of_kaldi(reference):
    extract = Extractor(
        read_options(MfccOptions, reference.conf("mfcc")), read_options(PitchOptions, reference.conf("pitch"))
    )
    references = reference.feats("mfcc_pitch")
    for key, wave, _ in reference.with_waves("pitch_raw"):
        found = extract(key, wave / np.float32(32768))
        np.testing.assert_allclose(found[:, :30], references[key][:, :30], atol=0.02, err_msg=key)
        close = np.abs(found[:, 30:] - references[key][:, 30:]).max(axis=1) < 1e-3
        assert close.mean() >= 0.995, key


def test_features_stand_side_by_side():
    assert Extractor(MFCC)("a", NOISE).shape == (100, 13)
    assert Extractor(MFCC, PITCH)("a", NOISE).shape == (100, 16)
    assert Extractor(FbankOptions(snip_edges=False), PITCH)("a", NOISE).shape == (100, 26)
    assert Extractor(MFCC, PITCH, ProcessPitchOptions(add_raw_log_pitch=True))("a", NOISE).shape == (100, 17)


def test_one_frame_more_of_either_is_cut():
    # With snipped edges the spectrum has 98 frames; pitch, whose frames are centred, has 100.
    found = Extractor(MfccOptions(), PITCH)("a", NOISE)
    assert found.shape == (98, 16)
    np.testing.assert_array_equal(found[:, :13], Extractor(MfccOptions())("a", NOISE))


def test_noise_is_that_of_the_utterance():
    extract = Extractor(
        dataclasses.replace(MFCC, dither=1.0), PITCH, ProcessPitchOptions(delta_pitch_noise_stddev=0.005)
    )
    np.testing.assert_array_equal(extract("a", NOISE), extract("a", NOISE))
    assert (extract("a", NOISE) != extract("b", NOISE)).any()


@pytest.mark.parametrize("num_samples", [1, 79, 300])
def test_too_short_for_a_frame_is_an_error(num_samples):
    with pytest.raises(SerError, match=f"too short for one frame: {num_samples} samples"):
        Extractor(MFCC, PITCH)("a", NOISE[:num_samples])


def test_frames_of_spectrum_and_pitch_that_do_not_belong_together_are_an_error():
    with pytest.raises(SerError, match="96 frames of spectrum but 100 of pitch"):
        Extractor(MfccOptions(frame_length=50), PITCH)("a", NOISE)


def test_samples_that_are_not_numbers_are_an_error():
    with pytest.raises(SerError, match="samples are not numbers"):
        Extractor(MFCC)("a", np.full(1600, np.nan, np.float32))


def test_rates_that_differ_are_an_error():
    with pytest.raises(SerError, match=r"sample-frequency=16000.0 of the spectral features, 8000.0 of the pitch"):
        Extractor(MFCC, dataclasses.replace(PITCH, sample_frequency=8000.0))
