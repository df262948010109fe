import hashlib

import numpy as np
import pytest
from scipy.io import wavfile

from ser.errors import SerError
from ser.features.augmentation import (
    KINDS,
    NUM_FILES,
    SNRS,
    Augmenter,
    Treatment,
    draw_treatment,
    mix,
    recording_loader,
    reverberate,
)

FILES = {
    "noise": [f"/noise/{index}.wav" for index in range(20)],
    "music": ["/music/0.wav", "/music/1.wav"],
    "speech": [f"/speech/{index}.wav" for index in range(9)],
    "smallroom": ["/small.wav"],
    "mediumroom": [f"/medium/{index}.wav" for index in range(50)],
}


def power(samples):
    return np.mean(np.square(samples, dtype=np.float64))


@pytest.fixture
def speech():
    return (0.1 * np.random.default_rng(0).standard_normal(48000)).astype(np.float32)


def load_tone(path, num_samples):
    """A recording of 0.5 s, a tone whose frequency the path tells."""
    tone = np.sin(2 * np.pi * float(path) * np.arange(8000) / 16000).astype(np.float32)
    return tone[:num_samples]


@pytest.mark.parametrize("snr", [20.0, 5.0, 0.0, -5.0])
def test_snr_of_the_mix_is_the_one_asked_for(speech, snr):
    noise = np.random.default_rng(1).uniform(-1, 1, len(speech))
    mixture = mix(speech, [(0, noise)], [snr]).astype(np.float64)
    # Speech and noise are uncorrelated, up to what least squares takes out.
    (speech_part, noise_part), *_ = np.linalg.lstsq(np.stack([speech, noise], axis=1), mixture, rcond=None)
    measured = 10 * np.log10(power(speech_part * speech) / power(noise_part * noise))
    assert measured == pytest.approx(snr, abs=1e-3)


def test_each_babbler_has_its_own_snr(speech):
    treatment = Treatment("babble", ("440", "660", "880"), (20.0, 13.0, 15.0))
    noisy = Augmenter({"u": treatment}, load_tone, 16000)("u", speech)
    tones = [np.resize(load_tone(file, None), len(speech)) for file in treatment.files]
    parts, *_ = np.linalg.lstsq(np.stack([speech, *tones], axis=1).astype(np.float64), noisy, rcond=None)
    speech_power = power(parts[0] * speech)
    snrs = [10 * np.log10(speech_power / power(part * tone)) for part, tone in zip(parts[1:], tones, strict=True)]
    np.testing.assert_allclose(snrs, treatment.snrs, atol=1e-3)


def test_unit_impulse_as_the_room_gives_the_input_back(speech):
    for delay in (0, 37):
        rir = np.zeros(200)
        rir[delay] = 0.5
        np.testing.assert_allclose(reverberate(speech, rir), speech, atol=1e-6)


def test_room_with_one_echo_adds_it_at_its_delay(speech):
    rir = np.zeros(1000)
    rir[[10, 810]] = 1.0, 0.5
    expected = speech.astype(np.float64)
    expected[800:] += 0.5 * speech[:-800]
    expected *= np.sqrt(power(speech) / power(expected))
    np.testing.assert_allclose(reverberate(speech, rir), expected, atol=1e-6)


def test_foreground_noises_follow_each_other_with_a_second_between(speech):
    treatment = Treatment("noise", ("440", "880"), (0.0, 0.0))
    noisy = Augmenter({"u": treatment}, load_tone, 16000)("u", speech)
    # Sample 10000 is in a pause: there the copy is the speech but for the one gain that keeps the energy.
    added = noisy * (speech[10000] / noisy[10000]) - speech
    loud = np.abs(added) > 1e-4
    # 0.5 s of noise, 1 s of pause, 0.5 s of noise, 1 s of pause: and so the 3 s end.
    assert loud[:8000].mean() > 0.98 and loud[24000:32000].mean() > 0.98
    assert not loud[8000:24000].any() and not loud[32000:].any()
    spectrum = np.abs(np.fft.rfft(added[24000:32000]))
    assert np.argmax(spectrum) * 2 == 880


@pytest.mark.parametrize("kind", KINDS)
def test_length_and_energy_are_kept(speech, kind):
    treatment = draw_treatment(kind, "spk-utt", {name: ["300", "500", "700"] for name in FILES}, seed=3)
    copy = Augmenter({"u": treatment}, load_tone, 16000)("u", speech)
    assert copy.dtype == np.float32 and copy.shape == speech.shape
    assert power(copy) == pytest.approx(power(speech), rel=1e-5)
    assert not np.allclose(copy, speech)


def test_utterance_without_treatment_is_left_as_it_is(speech):
    assert Augmenter({}, load_tone, 16000)("u", speech) is speech


def test_silence_stays_silence():
    silence = np.zeros(1600, dtype=np.float32)
    for treatment in (Treatment("reverb", ("100",)), Treatment("music", ("100",), (5.0,))):
        np.testing.assert_array_equal(Augmenter({"u": treatment}, load_tone, 16000)("u", silence), silence)


@pytest.mark.parametrize("kind", KINDS)
def test_treatment_is_the_same_for_the_same_seed_and_utterance_and_else_another(kind):
    first = draw_treatment(kind, "a", FILES, seed=1)
    assert draw_treatment(kind, "a", FILES, seed=1) == first
    assert {draw_treatment(kind, utt, FILES, seed) for utt in "bcdef" for seed in (1, 2)} != {first}


def test_treatments_keep_to_kaldis_numbers():
    for kind, snrs in SNRS.items():
        treatments = [draw_treatment(kind, str(index), FILES, seed=1) for index in range(300)]
        assert {snr for treatment in treatments for snr in treatment.snrs} == set(snrs)
        lengths = {len(treatment.files) for treatment in treatments}
        assert lengths == set(NUM_FILES[kind])
        assert all(len(treatment.snrs) == len(treatment.files) for treatment in treatments)


def test_small_and_medium_rooms_are_drawn_equally_often_however_many_there_are():
    small = sum(draw_treatment("reverb", str(index), FILES, seed=1).files == ("/small.wav",) for index in range(1000))
    assert 430 < small < 570


@pytest.mark.parametrize("kind", KINDS)
def test_treatment_is_read_back_from_its_line(kind):
    treatment = draw_treatment(kind, "a", {name: ["/a b/it's.wav", "/c.wav"] for name in FILES}, seed=5)
    assert Treatment.parse(treatment.line(), "here") == treatment


def test_table_on_disk_makes_the_same_waveform_every_time(tmp_path, speech):
    noise = tmp_path / "noise.wav"
    wavfile.write(noise, 16000, np.random.default_rng(2).integers(-9999, 9999, 30000).astype(np.int16))
    (tmp_path / "utt2augment").write_text(f"u-music music 8 {noise}\n")
    digests = {
        hashlib.sha256(Augmenter.from_table(tmp_path / "utt2augment", 16000)("u-music", speech).tobytes()).hexdigest()
        for _ in range(2)
    }
    assert len(digests) == 1


def test_loader_resamples_and_takes_the_first_channel(tmp_path):
    path = tmp_path / "stereo.wav"
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    wavfile.write(path, 44100, np.stack([tone, np.zeros(44100)], axis=1).astype(np.float32))
    samples = recording_loader(16000)(str(path), 8000)
    assert samples.shape == (8000,)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)
    np.testing.assert_allclose(samples[200:-200], expected[200:-200], atol=1e-3)


@pytest.mark.parametrize("line", ["", "reverb", "reverb a b", "noise 10", "noise loud a.wav", "hum 10 a.wav"])
def test_bad_treatment_is_refused_with_its_line(line):
    with pytest.raises(SerError, match=f"table: u: expected 'reverb <file>'.*found '{line}'"):
        Augmenter({"u": line}, load_tone, 16000, "table")("u", np.ones(10, np.float32))


def test_missing_recordings_are_named():
    with pytest.raises(SerError, match="babble needs recordings whose utt2type is speech"):
        draw_treatment("babble", "u", {"noise": ["a"]}, seed=1)
    with pytest.raises(SerError, match="unknown kind 'hum'; valid kinds: reverb, noise, music, babble"):
        draw_treatment("hum", "u", FILES, seed=1)
    with pytest.raises(SerError, match=r"/nowhere\.wav: cannot be read as audio"):
        recording_loader(16000)("/nowhere.wav", None)
