"""WAV as programs write it, and channels as people record them."""

import io
import struct

import numpy as np
import pytest
import soundfile

from ser.errors import SerError
from ser.kaldi import riff
from ser.kaldi.sound import Mixer, open_sound

RATE = 16000
UNKNOWN = (0, 0x7FFFF000, 0xFFFFFFFF)


def chunk(name: bytes, content: bytes, pad: bool = True) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2 if pad else 0)


def fmt(bits: int = 16, channels: int = 1, tag: int = 1) -> bytes:
    width = bits // 8 * channels
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, RATE, width * RATE, width, bits))


def wav(*chunks: bytes, riff_size: int | None = None) -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) if riff_size is None else riff_size) + content


def read(data: bytes) -> np.ndarray:
    blocks = list(open_sound(io.BytesIO(data)).blocks)
    return np.concatenate(blocks)[:, 0] if blocks else np.zeros(0, np.float32)


RAMP = struct.pack("<4h", 1, 2, 3, 4)
COMMENT = chunk(b"LIST", b"INFOICMT" + struct.pack("<I", 50) + b"x" * 50)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_every_kind_are_what_libsndfile_reads(subtype, channels):
    noise = np.random.default_rng(0).uniform(-1, 1, (500, channels))
    stream = io.BytesIO()
    soundfile.write(stream, noise, RATE, subtype=subtype, format="WAV")
    expected, _ = soundfile.read(io.BytesIO(stream.getvalue()), dtype="float32", always_2d=True)
    (block,) = open_sound(io.BytesIO(stream.getvalue())).blocks
    np.testing.assert_array_equal(block, expected)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW"])
@pytest.mark.parametrize("size", UNKNOWN)
def test_length_that_its_writer_did_not_know_is_that_of_what_is_there(subtype, size):
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE)
    stream = io.BytesIO()
    soundfile.write(stream, tone, RATE, subtype=subtype, format="WAV")
    data = bytearray(stream.getvalue())
    place = data.index(b"data") + 4
    end = place + 4 + struct.unpack_from("<I", data, place)[0]  # what libsndfile writes behind the samples goes
    struct.pack_into("<I", data, 4, size)
    struct.pack_into("<I", data, place, size)
    sound = open_sound(io.BytesIO(bytes(data[:end])))
    assert sound.is_streamed
    found = np.concatenate(list(sound.blocks))[:, 0]
    assert len(found) == 2 * RATE
    assert np.abs(found - tone).max() < 0.02


@pytest.mark.parametrize("after", [COMMENT, chunk(b"id3 ", b"abc"), COMMENT + chunk(b"cue ", bytes(4))])
def test_empty_data_before_a_comment_is_no_samples(after):
    assert len(read(wav(fmt(), chunk(b"data", b""), after))) == 0


@pytest.mark.parametrize("riff_size", [36, *UNKNOWN])
def test_empty_data_whose_header_was_never_mended_has_the_samples_behind_it(riff_size):
    data = wav(fmt(), chunk(b"data", b""), riff_size=riff_size) + RAMP
    np.testing.assert_array_equal(read(data) * 32768, [1, 2, 3, 4])


def test_right_riff_size_and_no_data_size_has_samples_where_no_chunk_follows():
    data = wav(fmt(), b"data" + bytes(4) + RAMP * 20)
    assert len(read(data)) == 80


@pytest.mark.parametrize("excess", [2, 8, 16, 36, 44])
def test_header_that_counts_itself_among_the_samples_is_noted(excess):
    data = wav(fmt(), b"data" + struct.pack("<I", len(RAMP) + excess) + RAMP)
    sound = open_sound(io.BytesIO(data))
    assert sum(map(len, sound.blocks)) == 4
    assert sound.notes == (f"the WAV header announces {excess} bytes more than there are",)


def test_samples_that_are_cut_off_are_refused():
    data = wav(fmt(), b"data" + struct.pack("<I", 1000) + RAMP)
    with pytest.raises(SerError, match="truncated: the WAV header announces 1000 bytes of samples, 8 are there"):
        open_sound(io.BytesIO(data))


@pytest.mark.parametrize("between", [b"", COMMENT])
def test_second_data_chunk_is_noted_and_not_read(between):
    sound = open_sound(io.BytesIO(wav(fmt(), chunk(b"data", RAMP), between, chunk(b"data", RAMP * 3))))
    assert sum(map(len, sound.blocks)) == 4
    assert sound.notes == ("a second data chunk, of 24 bytes, is not read",)


@pytest.mark.parametrize("name", [b"LIST", b"bext", b"odd "])
def test_missing_pad_byte_is_noted_and_the_samples_are_found(name):
    data = wav(fmt(), chunk(name, b"abc", pad=False), chunk(b"data", RAMP))
    sound = open_sound(io.BytesIO(data))
    np.testing.assert_array_equal(np.concatenate(list(sound.blocks))[:, 0] * 32768, [1, 2, 3, 4])
    assert sound.notes == ("a chunk of odd size has no pad byte",)


def test_sound_header_has_no_notes():
    sound = open_sound(io.BytesIO(wav(chunk(b"LIST", b"abc"), fmt(), chunk(b"data", RAMP), COMMENT)))
    assert sound.notes == () and not sound.is_streamed


def test_header_of_zeros_is_refused_soon():
    with pytest.raises(SerError, match="broken WAV header: no data among its first 1000 chunks"):
        riff.read_layout(io.BytesIO(wav(fmt(), bytes(100_000))), 100_048)


VOICE = (0.1 * np.random.default_rng(1).normal(size=8000)).astype(np.float32)


@pytest.mark.parametrize("error", [0.0, 1 / 32768])
def test_channel_and_its_inverse_give_the_channel(error):
    mixer = Mixer()
    noise = np.random.default_rng(2).choice([-error, 0.0, error], VOICE.size).astype(np.float32)
    found = mixer.mix(np.stack([VOICE, noise - VOICE], axis=1))
    np.testing.assert_array_equal(found, VOICE)
    assert mixer.taken == 1 and not mixer.differ


def test_louder_of_two_channels_that_nearly_cancel_is_taken_to_the_end():
    mixer = Mixer()
    np.testing.assert_array_equal(mixer.mix(np.stack([-0.9 * VOICE, VOICE], axis=1)), VOICE)
    assert mixer.taken == 2
    np.testing.assert_array_equal(mixer.mix(np.stack([VOICE, 2 * VOICE], axis=1)), 2 * VOICE)


@pytest.mark.parametrize(
    ("second", "differ"), [(VOICE, False), (0.95 * VOICE, False), (VOICE[::-1], True), (0 * VOICE, True)]
)
def test_channels_that_do_not_cancel_are_averaged_and_it_is_known_whether_they_differ(second, differ):
    mixer = Mixer()
    np.testing.assert_allclose(mixer.mix(np.stack([VOICE, second], axis=1)), (VOICE + second) / 2, atol=1e-7)
    assert mixer.differ is differ and not mixer.taken


def test_silence_cancels_nothing():
    mixer = Mixer()
    assert not mixer.mix(np.zeros((100, 2), np.float32)).any()
    assert not mixer.taken and not mixer.differ


def test_channel_is_chosen_by_its_number():
    block = np.stack([VOICE, -VOICE], axis=1)
    np.testing.assert_array_equal(Mixer(2).mix(block), -VOICE)
    with pytest.raises(SerError, match="no channel 3: the recording has 2"):
        Mixer(3).mix(block)
