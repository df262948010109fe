import io
import logging
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from ser.errors import SerError
from ser.kaldi import audio, tables
from ser.kaldi.audio import Unreadable, read_wave, read_waves

RATE = 16000


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 300) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def wav_bytes(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", container: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, subtype=subtype, format=container)
    return stream.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def riff_bytes(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


PCM16 = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16))


def test_sixteen_bit_samples_are_their_integers_over_32768(tmp_path):
    integers = np.array([-32768, -1, 0, 1, 32767], np.int16)
    (tmp_path / "x.wav").write_bytes(riff_bytes(PCM16, chunk(b"data", integers.tobytes())))
    samples = read_wave(f"{tmp_path}/x.wav", RATE)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples * 32768, integers)


def test_kaldis_recordings_are_what_libsndfile_reads(reference):
    expected, _ = soundfile.read(reference / "wav/glide.wav", dtype="float32")
    np.testing.assert_array_equal(read_wave(str(reference / "wav/glide.wav"), RATE), expected)


@pytest.mark.parametrize(
    ("subtype", "container", "error"),
    [
        ("PCM_16", "WAV", 1 / 32768),
        ("PCM_16", "WAVEX", 1 / 32768),
        ("PCM_24", "WAV", 1e-6),
        ("FLOAT", "WAV", 1e-7),
        ("PCM_U8", "WAV", 1 / 128),
        ("PCM_16", "FLAC", 1 / 32768),
        ("VORBIS", "OGG", 0.1),
    ],
)
def test_any_container_gives_the_samples(tmp_path, subtype, container, error):
    (tmp_path / "x").write_bytes(wav_bytes(tone(), RATE, subtype, container))
    samples = read_wave(f"{tmp_path}/x", RATE)
    assert samples.dtype == np.float32 and samples.shape == (8000,)
    assert np.abs(samples - tone()).max() <= error


def test_odd_chunks_around_the_samples_are_skipped(tmp_path):
    data = struct.pack("<3h", 1, 2, 3)
    content = riff_bytes(chunk(b"LIST", b"abc"), PCM16, chunk(b"junk", b""), chunk(b"data", data), chunk(b"LIST", b"x"))
    (tmp_path / "x.wav").write_bytes(content)
    np.testing.assert_array_equal(read_wave(f"{tmp_path}/x.wav", RATE) * 32768, [1, 2, 3])


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_length_unknown_to_a_pipe_is_taken_from_what_is_there(tmp_path, size):
    content = b"RIFF" + struct.pack("<I", size) + b"WAVE" + PCM16 + b"data" + struct.pack("<I3h", size, 1, 2, 3)
    (tmp_path / "x.wav").write_bytes(content)
    (tmp_path / "x.ark").write_bytes(b"u " + content)
    np.testing.assert_array_equal(read_wave(f"cat {tmp_path}/x.wav |", RATE) * 32768, [1, 2, 3])
    ((utt, samples),) = read_waves(f"ark:{tmp_path}/x.ark", RATE)
    assert utt == "u" and len(samples) == 3


def test_other_rate_is_resampled_and_channels_averaged_with_one_warning_each(tmp_path, caplog):
    stereo = np.stack([tone(rate=48000), np.zeros(24000)], axis=1)
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes(wav_bytes(stereo, 48000))
    (tmp_path / "wav.scp").write_text(f"a {tmp_path}/a.wav\nb {tmp_path}/b.wav\n")
    with caplog.at_level(logging.WARNING):
        waves = dict(read_waves(f"scp:{tmp_path}/wav.scp", RATE))
    for samples in waves.values():
        assert samples.shape == (8000,) and samples.dtype == np.float32
        assert np.abs(samples - tone() / 2)[200:-200].max() < 1e-3
    assert len(caplog.messages) == 2
    assert any("'a' has 2 channels" in message for message in caplog.messages)
    assert any("'a' has 48000 Hz: resampled to 16000 Hz" in message for message in caplog.messages)


def write_archive(path, count: int = 3) -> None:
    with open(path, "wb") as stream:
        for index in range(count):
            stream.write(f"u{index} ".encode() + wav_bytes(np.full(100 + index, index / 4)))


def test_wave_archive_by_name_offset_and_standard_input(tmp_path):
    write_archive(tmp_path / "x.ark")
    found = list(read_waves(f"ark:{tmp_path}/x.ark", RATE))
    assert [(utt, len(samples), samples[0]) for utt, samples in found] == [
        ("u0", 100, 0),
        ("u1", 101, 0.25),
        ("u2", 102, 0.5),
    ]
    offset = (tmp_path / "x.ark").read_bytes().index(b"u1 ") + 3
    assert len(read_wave(f"{tmp_path}/x.ark:{offset}", RATE)) == 101
    code = f"from ser.kaldi.audio import read_waves\nfor u, x in read_waves('ark:-', {RATE}): print(u, len(x))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=(tmp_path / "x.ark").read_bytes(), capture_output=True, check=True
    )
    assert done.stdout == b"u0 100\nu1 101\nu2 102\n"


def test_truncated_wave_archive_gives_the_recordings_before(tmp_path):
    write_archive(tmp_path / "x.ark")
    (tmp_path / "x.ark").write_bytes((tmp_path / "x.ark").read_bytes()[:-10])
    found = dict(read_waves(f"ark:{tmp_path}/x.ark", RATE))
    assert [len(found["u0"]), len(found["u1"])] == [100, 101]
    assert "key 'u2', byte 511: truncated" in found["u2"].reason


@pytest.mark.parametrize("kind", ["scp", "ark"])
def test_segments_are_cut_out_of_one_reading(tmp_path, monkeypatch, kind):
    ramp = np.arange(RATE, dtype=np.int16)
    content = riff_bytes(PCM16, chunk(b"data", ramp.tobytes()))
    (tmp_path / "r.wav").write_bytes(content)
    (tmp_path / "wav.scp").write_text(f"r {tmp_path}/r.wav\n")
    (tmp_path / "wav.ark").write_bytes(b"r " + content)
    (tmp_path / "segments").write_text("a r 0.25 0.5\nb r 0.75 1.2\nc r 0.5 -1\nd x 0 1\ne r 0.5 1.6\nf r 1.1 1.2\n")
    readings = []
    original = audio._read_bytes
    monkeypatch.setattr(audio, "_read_bytes", lambda name: readings.append(name) or original(name))
    found = dict(read_waves(f"{kind}:{tmp_path}/wav.{kind}", RATE, tmp_path / "segments"))
    np.testing.assert_array_equal(found["a"] * 32768, ramp[4000:8000])
    np.testing.assert_array_equal(found["b"] * 32768, ramp[12000:])
    np.testing.assert_array_equal(found["c"] * 32768, ramp[8000:])
    assert "its recording 'x' is not in" in found["d"].reason
    assert "0.5 to 1.6 s is outside the recording 'r', which has 1.00 s" in found["e"].reason
    assert "outside" in found["f"].reason
    assert len(readings) == (kind == "scp")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a r 0", "segments:1: expected 4 fields, found 3: 'a r 0'"),
        ("a r 1 0.5", "segments:1: expected 0 <= start < end, found '1 0.5'"),
        ("a r x 1", "segments:1: expected times in seconds, found 'x 1'"),
        ("a r 0 nan", "segments:1: expected 0 <= start < end"),
    ],
)
def test_broken_segments_are_named_by_line(tmp_path, line, message):
    (tmp_path / "segments").write_text(line + "\n")
    with pytest.raises(SerError, match=message):
        list(audio.read_segments(tmp_path / "segments"))


FLAC = wav_bytes(tone(), container="FLAC")
WAV = wav_bytes(tone())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (WAV[:-100], "truncated: the WAV header announces 16000 bytes of samples, 15900 are there"),
        (WAV[:30], "truncated: a WAV header without data"),
        (wav_bytes(tone(), subtype="FLOAT")[:-100], "truncated: the WAV header announces"),
        (FLAC[: len(FLAC) // 2], "broken"),
        (b"no audio at all" * 100, "not audio"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs stub.*run `git lfs pull`"),
        (riff_bytes(PCM16, chunk(b"data", b"")), "the recording has no samples"),
        (wav_bytes(np.array([0.0, np.nan]), subtype="FLOAT"), "infinite or not a number"),
        (wav_bytes(np.array([0.0, np.inf]), subtype="FLOAT"), "infinite or not a number"),
        (riff_bytes(chunk(b"data", b"1234")), "broken WAV header: no sample format"),
        (
            riff_bytes(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 0, 0, 0, 0, 16)), chunk(b"data", b"12")),
            "broken WAV header",
        ),
    ],
    # Not of the bytes: libsndfile writes the time into a WAV of floats, and two test processes would not agree.
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_one_bad_recording_never_costs_the_others(tmp_path, reference, content, reason):
    (tmp_path / "bad").write_bytes(content)
    good = reference / "wav/glide.wav"
    (tmp_path / "wav.scp").write_text(f"a {good}\nb {tmp_path}/bad\nc {good}\n")
    waves = dict(read_waves(f"scp:{tmp_path}/wav.scp", RATE))
    assert len(waves["a"]) == len(waves["c"]) == 24000
    assert isinstance(waves["b"], Unreadable)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(waves["b"].reason)


def test_missing_file_and_failing_command_are_given_as_reasons(tmp_path):
    assert read_wave(f"{tmp_path}/x.wav", RATE) == Unreadable(
        f"{tmp_path}/x.wav: cannot be read: No such file or directory"
    )
    assert read_wave("echo why >&2; exit 3 |", RATE) == Unreadable(
        "command failed with exit status 3: 'echo why >&2; exit 3': why"
    )
    assert read_wave("false | cat |", RATE).reason.startswith("command failed with exit status 1")


def test_missing_ffmpeg_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "bash").symlink_to(shutil.which("bash", path="/bin:/usr/bin"))
    assert read_wave("ffmpeg -i x.m4a -f wav - |", RATE).reason.startswith("ffmpeg is not installed; install it")


def test_scp_line_without_a_file_is_named_by_line(tmp_path):
    (tmp_path / "wav.scp").write_text("a\n")
    with pytest.raises(SerError, match=r"wav\.scp:1: expected 2 fields, found 1: 'a'"):
        list(read_waves(f"scp:{tmp_path}/wav.scp", RATE))


def test_archive_of_something_else_is_refused(tmp_path):
    (tmp_path / "x.ark").write_bytes(b"key \0BFM " + bytes(20))
    with pytest.raises(SerError, match="expected a WAV file"):
        list(read_waves(f"ark:{tmp_path}/x.ark", RATE))


@pytest.mark.parametrize(
    "command",
    ["cat {} | head -c 16044 |", "cat {} {} | head -c 16044 |", "cat {}; kill -PIPE $$ |", "cat {}; exit 3 |"],
)
def test_command_that_fails_after_the_audio_is_whole_is_a_warning(tmp_path, caplog, command):
    (tmp_path / "x.wav").write_bytes(WAV)
    (tmp_path / "big").write_bytes(WAV + bytes(1 << 20))
    samples = read_wave(
        command.format(tmp_path / "big" if "head" in command else tmp_path / "x.wav", "/dev/zero"), RATE
    )
    assert len(samples) == 8000
    assert len(caplog.messages) == 1 and "its audio is whole and is used" in caplog.messages[0]


def test_command_that_fails_before_the_audio_is_whole_costs_the_recording(tmp_path):
    (tmp_path / "x.wav").write_bytes(WAV[:-100])
    assert read_wave(f"cat {tmp_path}/x.wav; exit 3 |", RATE).reason.startswith("command failed with exit status 3")
    streamed = WAV[:40] + b"\xff\xff\xff\xff" + WAV[44:]  # nothing tells whether all is there
    (tmp_path / "x.wav").write_bytes(streamed)
    assert read_wave(f"cat {tmp_path}/x.wav; exit 3 |", RATE).reason.startswith("command failed with exit status 3")
    (tmp_path / "x.wav").write_bytes(streamed + bytes(1 << 20))
    assert len(read_wave(f"cat {tmp_path}/x.wav | head -c 16044 |", RATE)) == 8000


@pytest.mark.parametrize("name", ["a:30", "take [2]", "x.wav:7", "[0:9]"])
def test_file_called_like_an_offset_or_a_range_is_that_file(tmp_path, name):
    (tmp_path / name).write_bytes(WAV)
    (tmp_path / "wav.scp").write_text(f"u {tmp_path}/{name}\n")
    ((utt, samples),) = read_waves(f"scp:{tmp_path}/wav.scp", RATE)
    assert utt == "u" and len(samples) == 8000
    assert list(tables.named_files(tmp_path / "wav.scp")) == [f"{tmp_path}/{name}"]


def test_inverse_channels_are_no_rounding_noise(tmp_path, caplog):
    (tmp_path / "x.wav").write_bytes(wav_bytes(np.stack([tone(), -tone()], axis=1)))
    samples = read_wave(f"{tmp_path}/x.wav", RATE)
    assert np.abs(samples - tone()).max() <= 1 / 32768
    assert "has channels that cancel: channel 1 is taken" in caplog.text
