"""What a page shows of a recording: its sound, spectrogram and pitch."""

import base64
import io

import numpy as np
import pytest
import soundfile

from ser.report import clip


def tone(hertz: float, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * clip.RATE)) / clip.RATE
    return (0.3 * np.sign(np.sin(2 * np.pi * hertz * time))).astype(np.float32)


def test_sound_comes_back_from_its_uri():
    samples = tone(200, 1.0)
    kind, data = clip.sound_uri(samples).split(";base64,")
    assert kind in ("data:audio/mpeg", "data:audio/flac")
    back, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == clip.RATE and abs(len(back) - len(samples)) < 3000
    assert len(data) < 20_000


def test_spectrogram_has_a_tone_in_its_band():
    time = np.arange(clip.RATE) / clip.RATE
    levels = clip.spectrogram(np.sin(2 * np.pi * 2500 * time).astype(np.float32))
    assert levels.shape[0] == clip.BANDS and levels.dtype == np.uint8
    # 2,500 of 5,000 Hz: in the middle.
    assert abs(int(levels.mean(axis=1).argmax()) - clip.BANDS // 2) <= 1
    assert clip.spectrogram(np.zeros(100, np.float32)).shape == (clip.BANDS, 1)
    assert clip.spectrogram(tone(100, 60.0)).shape[1] <= clip.MOST_COLUMNS + 1


def test_pitch_line_of_a_tone_is_at_its_height():
    (line,) = clip.pitch_lines(tone(169.7, 1.0))  # the middle of 60 and 480 Hz in octaves
    heights = [y for _, y in line]
    assert np.median(heights) == pytest.approx(0.5, abs=0.01)
    assert min(x for x, _ in line) >= 0 and max(x for x, _ in line) <= 1
    assert clip.pitch_lines(np.zeros(100, np.float32)) == ()


def test_hum_in_a_pause_has_no_pitch_line():
    samples = np.concatenate([0.003 * tone(60, 0.5), tone(200, 0.5)])
    (line,) = clip.pitch_lines(samples)
    assert min(x for x, _ in line) > 0.45


def test_long_clip_is_cut_but_says_its_length():
    made = clip.make_clip(tone(100, 25.0), with_sound=False)
    assert made.seconds == 25.0 and made.sound == ""
