"""The estimated signal-to-noise ratio, on signals to which noise of a known power was added."""

import math

import numpy as np
import pytest

from ser.features.signal_to_noise import HIGHEST, LOWEST, wada_snr


def in_noise(signal: np.ndarray, ratio: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(len(signal))
    return signal + np.sqrt(np.mean(signal**2) / 10 ** (ratio / 10)) * noise


@pytest.mark.parametrize("ratio", [0.0, 5.0, 10.0, 20.0])
def test_the_ratio_of_speech_with_gamma_amplitudes_is_found_within_1_db(ratio):
    rng = np.random.default_rng(3)
    speech = rng.gamma(0.4, size=80000) * rng.choice([-1.0, 1.0], 80000)
    assert wada_snr(in_noise(speech, ratio)) == pytest.approx(ratio, abs=1.0)


def test_more_noise_is_a_lower_ratio_and_loudness_changes_nothing():
    rng = np.random.default_rng(4)
    envelope = np.repeat(rng.random(100) ** 3, 160)  # syllables and pauses of a harmonic signal
    time = np.arange(16000) / 16000
    speech = envelope * sum(np.sin(2 * np.pi * 150 * k * time + k) / k for k in range(1, 12))
    found = [wada_snr(in_noise(speech, ratio)) for ratio in (20.0, 10.0, 5.0, 0.0)]
    assert found == sorted(found, reverse=True)
    assert found[1:] == pytest.approx([10.0, 5.0, 0.0], abs=4.0)
    noisy = in_noise(speech, 5.0)
    assert wada_snr(1e-3 * noisy) == pytest.approx(wada_snr(noisy))


def test_noise_alone_is_at_the_low_end_and_silence_has_no_ratio():
    noise = np.random.default_rng(5).standard_normal(16000)
    assert LOWEST <= wada_snr(noise) < -2.0
    assert wada_snr(np.r_[1e-9, np.ones(10)]) <= HIGHEST
    assert math.isnan(wada_snr(np.zeros(100)))
