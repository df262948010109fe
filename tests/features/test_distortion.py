import numpy as np
import pytest

from ser.errors import SerError
from ser.features import distortion
from ser.features.augmentation import Augmenter, Treatment, copy_rng

RATE = 16000
TIME = np.arange(RATE) / RATE
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32)


def distort(kind: str, amount: float) -> np.ndarray:
    return distortion.distort(kind, amount, TONE, RATE, np.random.default_rng(0))


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


def test_white_noise_has_its_ratio_to_the_signal():
    noise = distort("white", 20.0) - TONE
    assert 10 * np.log10(np.mean(TONE**2) / np.mean(noise**2)) == pytest.approx(20.0, abs=0.2)


def test_pitch_goes_up_by_semitones_and_the_length_stays():
    changed = distort("pitch", 2.0)
    assert len(changed) == len(TONE)
    assert loudest_hz(changed) == pytest.approx(440 * 2 ** (2 / 12), rel=0.01)


def test_a_stretch_changes_the_length_and_not_the_pitch():
    changed = distort("stretch", 1.25)
    assert len(changed) == pytest.approx(len(TONE) / 1.25, abs=2)
    assert loudest_hz(changed) == pytest.approx(440, rel=0.01)


def test_a_shift_moves_the_samples_and_brings_zeros_in():
    later = distort("shift", 0.25)
    np.testing.assert_array_equal(later[4000:], TONE[:-4000])
    assert (later[:4000] == 0).all()
    earlier = distort("shift", -0.25)
    np.testing.assert_array_equal(earlier[:-4000], TONE[4000:])
    assert (distort("shift", 5.0) == 0).all()


@pytest.mark.parametrize("kind", distortion.KINDS)
def test_a_treatment_survives_its_table_and_gives_the_same_copy_each_time(kind):
    amount = distortion.draw_amount(kind, copy_rng(kind, "utt", 1))
    low, high = distortion.AMOUNTS[kind]
    assert low <= amount <= high
    line = Treatment(kind, amount=amount).line()
    assert Treatment.parse(line, "utt2augment:1") == Treatment(kind, amount=amount)
    copies = [Augmenter({f"utt-{kind}": line}, None, RATE)(f"utt-{kind}", TONE) for _ in range(2)]
    np.testing.assert_array_equal(*copies)
    assert copies[0].dtype == np.float32


def test_a_treatment_without_a_number_is_refused():
    with pytest.raises(SerError, match=r"utt2augment:7: expected .* found 'pitch high'; make the table anew"):
        Treatment.parse("pitch high", "utt2augment:7")
