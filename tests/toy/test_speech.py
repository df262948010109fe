from dataclasses import replace

import numpy as np
import pytest
from scipy.io import wavfile

from ser.toy.speech import (
    SAMPLE_RATE,
    STYLES,
    Style,
    Voice,
    draw_style,
    draw_voice,
    make_rng,
    speak,
    write_wav,
)

VOICE = Voice(f0=120.0, formants=(1.0, 1.0, 1.0, 1.0))
MONOTONE = Style(f0_range=0.0, stress=0.0)


def measure_f0(samples):
    """Median over the loud frames of the F0 by the peak of the autocorrelation, 60 to 400 Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::512]
    frames = frames[np.std(frames, axis=1) > 0.5 * np.std(samples)] * np.hanning(1024)
    spectra = np.abs(np.fft.rfft(frames, 4096)) ** 2
    correlation = np.fft.irfft(spectra)[:, :1024]
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(1024), 4096)) ** 2)[:1024]
    low, high = SAMPLE_RATE // 400, SAMPLE_RATE // 60
    # Of the peaks at one, two, three ... periods, which are all but equal, the first is meant.
    lags = low + np.argmax((correlation / window)[:, low:high] * np.linspace(1.0, 0.8, high - low), axis=1)
    return SAMPLE_RATE / np.median(lags)


@pytest.mark.parametrize(("f0", "semitones"), [(100.0, 0.0), (130.0, 4.0), (200.0, 0.0), (220.0, -3.0)])
def test_f0_is_the_one_asked_for(f0, semitones):
    samples = speak(replace(VOICE, f0=f0), replace(MONOTONE, f0=semitones), 12, np.random.default_rng(0))
    assert measure_f0(samples) == pytest.approx(f0 * 2 ** (semitones / 12), rel=0.02)


def test_energy_is_the_one_asked_for():
    levels = []
    for energy in (-6.0, 0.0, 6.0):
        samples = speak(VOICE, Style(energy=energy), 12, np.random.default_rng(0))
        levels.append(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))
    np.testing.assert_allclose(np.diff(levels), 6.0, atol=0.01)


def test_faster_rate_makes_a_shorter_utterance():
    lengths = [len(speak(VOICE, Style(rate=rate), 12, np.random.default_rng(0))) for rate in (3.0, 4.5, 6.0)]
    assert lengths[0] > lengths[1] > lengths[2]


def test_brighter_source_has_more_energy_at_high_frequencies():
    shares = []
    for brightness in (-1.0, 0.0, 1.0):
        samples = speak(VOICE, Style(brightness=brightness), 12, np.random.default_rng(0), snr=60.0)
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        shares.append(spectrum[len(spectrum) // 8 : len(spectrum) // 2].sum() / spectrum.sum())
    assert shares[0] < shares[1] < shares[2]


def test_emotions_are_ordered_by_energy_and_pitch_in_the_mean_and_overlap():
    styles = {emotion: [] for emotion in STYLES}
    for emotion in STYLES:
        for index in range(60):
            rng = make_rng(1, emotion, str(index))
            styles[emotion].append(draw_style(emotion, draw_voice("mf"[index % 2], rng), rng))
    energy = {emotion: np.array([style.energy for style in drawn]) for emotion, drawn in styles.items()}
    f0 = {emotion: np.array([style.f0 for style in drawn]) for emotion, drawn in styles.items()}
    means = [energy[emotion].mean() for emotion in ("sadness", "neutral", "happiness", "anger")]
    assert means == sorted(means)
    means = [f0[emotion].mean() for emotion in ("sadness", "neutral", "happiness", "surprise")]
    assert means == sorted(means)
    assert energy["neutral"].max() > energy["happiness"].min()


def test_men_have_lower_voices_and_longer_vocal_tracts_in_the_mean():
    voices = {sex: [draw_voice(sex, make_rng(1, sex, str(index))) for index in range(40)] for sex in "mf"}
    assert np.mean([voice.f0 for voice in voices["m"]]) < 0.7 * np.mean([voice.f0 for voice in voices["f"]])
    assert np.mean([voice.formants for voice in voices["m"]]) < np.mean([voice.formants for voice in voices["f"]])


def test_waveform_is_float32_within_full_scale_and_the_same_for_the_same_seed():
    first, second = (speak(VOICE, STYLES["anger"], 8, np.random.default_rng(7)) for _ in range(2))
    assert first.dtype == np.float32 and first.ndim == 1 and np.abs(first).max() < 1.0
    np.testing.assert_array_equal(first, second)


def test_generators_of_two_names_differ():
    assert make_rng(1, "a").random() != make_rng(1, "b").random() != make_rng(2, "b").random()


def test_wav_is_16_bit_pcm(tmp_path):
    write_wav(tmp_path / "a" / "b.wav", np.array([0.0, 0.5, 2.0, -2.0]), 48000)
    rate, samples = wavfile.read(tmp_path / "a" / "b.wav")
    assert rate == 48000 and samples.dtype == np.int16
    assert samples.tolist() == [0, 16384, 32767, -32767]
