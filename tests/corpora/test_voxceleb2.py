import io
import os
import shutil
import subprocess
import wave

import pytest

from ser.corpora import voxceleb2
from ser.errors import SerError

META = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \nid00017 ,n000017 ,f ,test \n"
IN_PARTS = {"dev/aac/id00012/video/00001.m4a": "x", "test/aac/id00017/video/00002.m4a": "y"}
IN_ONE = {"aac/id00012/video/00001.m4a": "x", "aac/id00017/video/00002.m4a": "y", "vox2_meta.csv": META}


@pytest.mark.parametrize("files", [IN_PARTS | {"vox2_meta.csv": META}, IN_ONE])
def test_both_layouts_give_the_same_utterances(make_files, files):
    (dev, test), left_out = voxceleb2.read(make_files(files), "all", "true")
    assert not left_out
    assert (dev.utt, dev.spk, dev.part, dev.gender) == ("id00012-video-00001", "id00012", "dev", "m")
    assert (test.utt, test.spk, test.part, test.gender) == ("id00017-video-00002", "id00017", "test", "f")
    assert dev.dialogue == test.dialogue == "video"


@pytest.mark.parametrize("files", [IN_PARTS, IN_ONE])
def test_part_is_taken_alone(make_files, files):
    assert [utterance.spk for utterance in voxceleb2.read(make_files(files), "test", "true")[0]] == ["id00017"]


def test_path_with_spaces_and_quotes_reaches_ffmpeg_whole(tmp_path):
    """A stand-in for ffmpeg that prints the argument after -i."""
    ffmpeg = tmp_path / "my ffmpeg"
    ffmpeg.write_text('#!/bin/sh\nprintf %s "$4"\n')
    os.chmod(ffmpeg, 0o755)
    command = voxceleb2.decode_command(str(ffmpeg), "/it's here/00001.m4a")
    assert command.endswith("|")
    printed = subprocess.run(command[:-1], shell=True, capture_output=True, text=True, check=True).stdout
    assert printed == "/it's here/00001.m4a"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg here")
def test_command_decodes_aac_to_16_khz_mono_wav(tmp_path):
    sine = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=1", "-ac", "2", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", *sine, str(tmp_path / "a clip.m4a")], check=True)
    command = voxceleb2.decode_command("ffmpeg", str(tmp_path / "a clip.m4a"))
    wav = subprocess.run(command[:-1], shell=True, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(wav)) as stream:
        assert (stream.getframerate(), stream.getnchannels(), stream.getsampwidth()) == (16000, 1, 2)
    assert abs(len(wav) / 32000 - 1) < 0.1


def test_missing_ffmpeg_is_named_with_the_remedy(make_files):
    with pytest.raises(SerError, match=r"'no-such-ffmpeg' is not a program here; .* install it .* --ffmpeg PATH"):
        voxceleb2.read(make_files(IN_PARTS), "all", "no-such-ffmpeg")


def test_one_folder_without_the_meta_file_cannot_be_divided(make_files):
    corpus = make_files({name: text for name, text in IN_ONE.items() if name != "vox2_meta.csv"})
    with pytest.raises(SerError, match="use --part all"):
        voxceleb2.read(corpus, "dev", "true")
    assert len(voxceleb2.read(corpus, "all", "true")[0]) == 2


def test_folder_of_another_corpus_is_refused(make_files):
    with pytest.raises(SerError, match="not VoxCeleb2: none of dev/aac"):
        voxceleb2.read(make_files({"wav/id10001/video/1.wav": None}), "all", "true")


def test_suffixes_and_junk_are_no_matter_and_other_audio_is_listed(make_files):
    junk = dict.fromkeys(("aac/lost+found/a.m4a", "aac/id00012/@eaDir/b.m4a", "aac/id00012/video/._00001.m4a"), "junk")
    files = {"aac/id00012/video/00001.M4A": "x", "aac/id00012/video/00001.wav": "x", "aac/id00012/video/00002.wav": "x"}
    utterances, left_out = voxceleb2.read(make_files(files | junk), "all", "true")
    assert [item.utt for item in utterances] == ["id00012-video-00001"]
    assert left_out == [("id00012/video/00002.wav", "a suffix other than .m4a: convert it", False)]
