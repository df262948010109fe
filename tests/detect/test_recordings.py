import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.detect.recordings import count_channels, find_recordings, read_chunks
from ser.errors import SerError
from ser.kaldi.audio import Unreadable, read_wave

RATE = 16000
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(rate: int = RATE, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 220 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def read(path: Path) -> np.ndarray:
    return np.concatenate(list(read_chunks(path, RATE)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff", "a.au"])
def test_formats_of_libsndfile(tmp_path: Path, name):
    soundfile.write(tmp_path / name, tone(), RATE)
    assert np.abs(read(tmp_path / name)[:RATE] - tone()).max() < 0.02


def test_stereo_at_44_khz_is_mono_at_16_khz(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.stack([1.5 * tone(44100, 25), 0.5 * tone(44100, 25)], axis=1), 44100)
    found = read(tmp_path / "a.wav")
    assert len(found) == 25 * RATE
    assert np.abs(found - tone(seconds=25))[100:-100].max() < 1e-3


@needs_ffmpeg
def test_formats_of_ffmpeg(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(48000), tone(48000)], axis=1), 48000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a"], check=True)
    found = read(tmp_path / "a.m4a")
    assert abs(len(found) - RATE) < 2000
    assert np.abs(found[4000:12000]).max() == pytest.approx(0.3, abs=0.02)


@needs_ffmpeg
@pytest.mark.parametrize(
    "name", ["-i.wav", "$(touch hacked).wav", "touch hacked |", "; touch hacked", "http:a.m4a", "-", "concat:a|b"]
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_name_is_only_a_name(tmp_path: Path, monkeypatch, name, encoded):
    monkeypatch.chdir(tmp_path)
    soundfile.write("plain.wav", tone(), RATE)
    if encoded:  # what libsndfile refuses and ffmpeg reads
        subprocess.run(["ffmpeg", "-v", "error", "-i", "plain.wav", "plain.m4a"], check=True)
    shutil.copy("plain.m4a" if encoded else "plain.wav", Path.cwd() / name)
    assert len(read(Path(name))) >= RATE
    assert not (tmp_path / "hacked").exists()


@needs_ffmpeg
def test_a_playlist_fetches_nothing(tmp_path: Path):
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SerError, match=r"a\.m3u8: not audio"):
        read(tmp_path / "a.m3u8")


@needs_ffmpeg
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.ts\n",
    ],
)
def test_a_playlist_opens_no_other_file(tmp_path: Path, text):
    soundfile.write(tmp_path / "other.wav", tone(), RATE)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "other.wav", tmp_path / "other.ts"], check=True)
    assert len(read(tmp_path / "other.ts")) >= RATE
    for name in ("list.m3u8", "list.wav"):
        (tmp_path / name).write_text(text)
        with pytest.raises(SerError, match=rf"{name}: not audio .*: a playlist or another format"):
            read(tmp_path / name)


@pytest.mark.parametrize("line", ["id true |", "clip other.wav", "a touch hacked |"])
def test_a_table_of_recordings_is_no_recording(tmp_path: Path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    soundfile.write("other.wav", tone(), RATE)
    Path("wav.scp").write_text(f"{line}\n")
    with pytest.raises(SerError, match=r"wav\.scp: not audio"):
        read(Path("wav.scp"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.wav", "wav.scp"]


def wav_of(*chunks: bytes, size: int = 0) -> bytes:
    content = b"WAVE" + FMT + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", size or len(content)) + content


def data_chunk(samples: np.ndarray, size: int | None = None) -> bytes:
    data = np.round(32767 * samples).astype("<i2").tobytes()
    return b"data" + struct.pack("<I", len(data) if size is None else size) + data


FMT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
LIST = b"LIST" + struct.pack("<I", 8) + b"INFOISFT"
FAULTY = {
    "streamed": wav_of(data_chunk(tone(), 0xFFFFFFFF), size=0xFFFFFFFF),
    "streamed, size 0": wav_of(data_chunk(tone(), 0), size=36),
    "empty": wav_of(data_chunk(tone(seconds=0)), LIST),
    "truncated": wav_of(data_chunk(tone()))[:-5000],
    "16 too long": wav_of(data_chunk(tone(), 2 * RATE + 16)),
    "two data chunks": wav_of(data_chunk(tone()), data_chunk(tone(seconds=2))),
    "no pad byte": wav_of(b"LIST" + struct.pack("<I", 3) + b"abc", data_chunk(tone())),
    "no data": wav_of(LIST),
    "no file": b"",
    "words": b"these are only words" * 20,
}


@pytest.mark.parametrize("name", FAULTY)
def test_features_and_detector_judge_a_file_alike(tmp_path: Path, caplog, monkeypatch, name):
    monkeypatch.setattr("shutil.which", lambda program: None)  # ffmpeg knows more than libsndfile, for ser-detect alone
    path = tmp_path / "a.wav"
    path.write_bytes(FAULTY[name])
    features = read_wave(str(path), RATE)
    of_features = [
        message.replace(f"'{path}': ", "").replace(", here and in others like it", "") for message in caplog.messages
    ]
    caplog.clear()
    if isinstance(features, Unreadable):
        with pytest.raises(SerError) as error:
            read(path)
        same = {"the recording has no samples": "no samples in it"}
        reason = same.get(features.reason, features.reason)
        assert str(error.value).removeprefix(f"{path}: ").split(",")[0].startswith(reason.split(",")[0].split(";")[0])
    else:
        np.testing.assert_array_equal(read(path), features)
    assert [message.removeprefix(f"{path}: ") for message in caplog.messages] == of_features


@pytest.mark.parametrize("kind", ["inverse", "two talkers"])
def test_what_is_done_to_channels_is_said(tmp_path: Path, caplog, kind):
    other = -tone() if kind == "inverse" else tone()[::-1] * np.linspace(0, 1, RATE, dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), other], axis=1), RATE, subtype="FLOAT")
    found = read(tmp_path / "a.wav")
    expected = tone() if kind == "inverse" else (tone() + other) / 2
    assert np.abs(found - expected).max() < 1e-6
    said = (
        "its channels cancel each other: channel 1 is used"
        if kind == "inverse"
        else "the mean of 2 channels that differ is used"
    )
    assert len(caplog.messages) == 1 and said in caplog.messages[0]
    assert count_channels(tmp_path / "a.wav") == 2
    second = np.concatenate(list(read_chunks(tmp_path / "a.wav", RATE, 2)))
    np.testing.assert_array_equal(second, other.astype(np.float32))
    with pytest.raises(SerError, match=r"a.wav: no channel 3: the recording has 2"):
        list(read_chunks(tmp_path / "a.wav", RATE, 3))


@needs_ffmpeg
def test_channels_of_what_ffmpeg_reads_are_told_apart_too(tmp_path: Path, caplog):
    both = np.stack([tone(48000, 1), 0 * tone(48000, 1)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 48000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a"], check=True)
    assert count_channels(tmp_path / "a.m4a") == 2
    first, second = (np.concatenate(list(read_chunks(tmp_path / "a.m4a", RATE, channel))) for channel in (1, 2))
    assert np.abs(first[4000:12000]).max() > 0.25 and np.abs(second).max() < 0.02
    read(tmp_path / "a.m4a")
    assert "2 channels that differ" in caplog.text


@needs_ffmpeg
def test_broken_file_of_ffmpeg_is_named(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", tmp_path / "a.m4a"], check=True)
    (tmp_path / "b.m4a").write_bytes((tmp_path / "a.m4a").read_bytes()[:2000])  # its index is at the end
    with pytest.raises(SerError, match=r"b.m4a: not audio that libsndfile or ffmpeg reads, or broken: "):
        read(tmp_path / "b.m4a")


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "stub.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (tmp_path / "text.wav").write_text("these are only words\n" * 20)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "slow.wav", np.ones(100), 8)
    expected = {
        "absent.wav": "no such file",
        "empty.wav": "the file is empty",
        "stub.wav": "git-lfs",
        "text.wav": "not audio",
        "none.wav": "no samples",
        "nan.wav": "infinite or NaN",
        "slow.wav": "8 Hz",
    }
    for name, reason in expected.items():
        with pytest.raises(SerError, match=rf"{name}: .*{reason}"):
            read(tmp_path / name)


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    subprocess.run(["mkfifo", tmp_path / "pipe.wav"], check=True)
    with pytest.raises(SerError, match="not a plain file"):
        read(tmp_path / "pipe.wav")


def test_folders_give_their_recordings_in_order(tmp_path: Path):
    for name in ("b/2.flac", "b/1.WAV", "a.mp3", "b/notes.txt", "b/.hidden.wav", ".trash/3.wav", "@eaDir/4.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(find_recordings([tmp_path, "odd.name"]))
    assert found == [tmp_path / "a.mp3", tmp_path / "b" / "1.WAV", tmp_path / "b" / "2.flac", Path("odd.name")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SerError, match="empty: no recording in this folder"):
        list(find_recordings([tmp_path / "empty"]))
