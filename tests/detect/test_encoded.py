"""The detector of an audio encoder: one of random weights on planted voices, made and read as ser-detect does."""

import json
import shutil
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile

from ser.bin import build_toy_encoder, detect_emotion, extract_audio_embeddings, make_detector
from ser.detect import Detector
from ser.detect.encoded import EncodedDetector
from ser.detect.run_folders import RunFolders
from ser.errors import SerError
from ser.files import sha256
from ser.kaldi import ark
from ser.plan.encoders import read_encoders
from tests.conftest import RATE, ROOT, VOICES, speak


def call(command, *words: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, words)]):
        command.main()


@pytest.fixture(scope="module")
def run(toy_run, tmp_path_factory) -> tuple[Path, Path, str]:
    """The data and exp folders of a run that trained no net, and its --encoders; the detector is made of wavlm_2."""
    root = tmp_path_factory.mktemp("encoded")
    words = []
    for name, kind, layers in (("wavlm", "wavlm-large", "2,final"), ("yamnet", "yamnet", "7")):
        call(build_toy_encoder, "--kind", kind, root / name)
        words.append(f"{name}={root / name}:{layers}")
        made = root / "exp" / f"encoded_{name}"
        wave_table = f"scp:{toy_run.data}/backend_none/wav.scp"
        call(extract_audio_embeddings, "--encoder", root / name, "--layers", layers, wave_table, made)
    encoders = " ".join(words)
    folders = [toy_run.data, root / "exp", root / "exp" / "detector"]
    call(make_detector, "--encoders", encoders, "--layer", "wavlm_2", *folders)
    return toy_run.data, root / "exp", encoders


def test_its_vector_is_that_of_the_recipe(run, say, tmp_path):
    detector = Detector.load(run[1])
    assert isinstance(detector, EncodedDetector) and detector.description.layer == "2"
    clip = say("neutral", 901)
    (tmp_path / "wav.scp").write_text(f"u {clip}\n")
    source = run[1].parent / "wavlm"
    call(extract_audio_embeddings, "--encoder", source, "--layers", "2", f"scp:{tmp_path}/wav.scp", tmp_path)
    vector, seconds, speech, _ = detector.embed(clip)
    np.testing.assert_allclose(vector, ark.load(f"scp:{tmp_path}/2.scp")["u"], atol=1e-6)
    assert seconds == speech == 2.5


def test_planted_emotions_are_found_by_the_command_wherever_the_folder_is(run, say, tmp_path, capsys, caplog):
    moved = Path(shutil.copytree(run[1] / "detector", tmp_path / "elsewhere"))
    clips = [say(name, seed) for name in VOICES for seed in (901, 902)]
    call(detect_emotion, "--model", moved, "--json", *clips)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    best = [max(VOICES, key=row["posteriors"].get) for row in rows]
    assert sum(one == name for one, name in zip(best, [name for name in VOICES for _ in range(2)], strict=True)) >= 5
    assert "not calibrated" not in caplog.text  # nobody trained the encoder on these speakers
    assert {path.name for path in (moved / "encoder").iterdir()} == {
        "config.json", "preprocessor_config.json", "model.safetensors"
    }  # fmt: skip


def test_windows_and_speakers_work_as_of_other_detectors(run, say, tmp_path):
    detector = Detector.load(run[1])
    wave = np.concatenate([speak(VOICES["anger"], 7), speak(VOICES["sadness"], 8)])
    soundfile.write(tmp_path / "two.wav", wave, RATE, subtype="FLOAT")
    found = list(detector.windows(tmp_path / "two.wav", 2.0, 1.0))
    assert [(one.start, one.end) for one in found] == [(0, 2), (1, 3), (2, 4), (3, 5)]
    clips = [say("anger", 5), say("neutral", 6)]
    of_speakers = detector.with_speakers(dict.fromkeys(clips, "ann"))
    assert of_speakers(clips[0]).speaker == "ann" and of_speakers(clips[0]).posteriors != detector(clips[0]).posteriors
    with pytest.raises(SerError, match=r"short\.wav: 0\.1\d s of speech found, 0\.25 s needed"):
        soundfile.write(tmp_path / "short.wav", np.zeros(2000), RATE)
        detector(tmp_path / "short.wav")


def test_a_layer_is_chosen_only_where_no_net_has_one_and_what_is_not_there_is_named(run, toy_run, tmp_path):
    data, exp, words = run
    encoders = read_encoders(words.split())
    assert RunFolders.find(data, exp, encoders=encoders).layer == "wavlm_2"  # no cell: the first
    assert RunFolders.find(toy_run.data, toy_run.exp, encoders=encoders).layer == "tdnn6"
    with pytest.raises(SerError, match=r"backend_3: no such data dir; conditions there: none"):
        RunFolders.find(data, exp, "3", encoders=encoders)
    with pytest.raises(SerError, match="no finished model"):
        RunFolders.find(data, exp, layer="tdnn6", encoders=encoders)
    other = words.replace(str(exp.parent / "wavlm"), str(exp.parent / "other"))
    with pytest.raises(SerError, match=r"encoder '.*other': no such folder"):
        call(make_detector, "--encoders", other, data, exp, tmp_path / "detector")
    swapped = words.replace(":2,final", ":final,2").replace("wavlm=", "yam=").replace("yamnet=", "wavlm=")
    (tmp_path / "exp").mkdir()
    for kind, name in (("wavlm", "yam"), ("yamnet", "wavlm")):
        shutil.copytree(exp / f"encoded_{kind}", tmp_path / "exp" / f"encoded_{name}")
    for path in (tmp_path / "exp" / "encoded_wavlm").glob("7.scp"):
        path.write_text((exp / "encoded_yamnet" / "7.scp").read_text())
    (tmp_path / "exp" / "encoded_yam" / "final.scp").write_text((exp / "encoded_wavlm" / "2.scp").read_text())
    with pytest.raises(SerError, match="of the training set's spread from the run's"):
        call(make_detector, "--encoders", swapped, "--layer", "yam_final", data, tmp_path / "exp", tmp_path / "made")


def test_a_file_that_is_no_data_is_refused(run, tmp_path):
    folder = Path(shutil.copytree(run[1] / "detector", tmp_path / "d"))
    (folder / "encoder" / "modeling.py").write_text("raise SystemExit\n")
    manifest = folder / "files.sha256"
    line = f"{sha256(folder / 'encoder' / 'modeling.py')}  encoder/modeling.py\n"
    manifest.write_text(manifest.read_text() + line)
    with pytest.raises(SerError, match=r"modeling\.py: not a file of an audio encoder that is data only"):
        Detector.load(folder)


def test_yamnet_makes_a_detector_too(run, say, tmp_path):
    data, exp, encoders = run
    call(make_detector, "--encoders", encoders, "--layer", "yamnet_7", data, exp, tmp_path / "detector")
    assert Detector.load(tmp_path / "detector")(say("anger", 3)).posteriors
    assert not (ROOT / "encoder").exists()


def test_words_are_heard_beside_an_encoder(run, say, tmp_path):
    from ser.text import wordpiece

    data, exp = run[0], Path(shutil.copytree(run[1], tmp_path / "exp", ignore=shutil.ignore_patterns("detector")))
    scratch = wordpiece.ScratchConfig(60, 1, 8, 2, 8, 16, 0.1, 0.05)
    wordpiece.build_encoder(["the furious paper was alone"] * 4, scratch, 0, exp / "text_none" / "encoder")
    (exp / "text_none" / "config.yaml").write_text("model:\n  pooling: mean\n  dropout: 0.1\n")
    (exp / "speech+text_none").mkdir()
    stem, rng = exp / "speech+text_none" / "wavlm_2", np.random.default_rng(0)
    heard = ark.load(f"scp:{exp}/encoded_wavlm/2.scp")
    with ark.Writer(f"ark,scp:{stem}.ark,{stem}.scp") as writer:
        for utt, vector in heard.items():
            writer.write(utt, np.concatenate([vector, rng.standard_normal(8)]).astype(np.float32))
    call(make_detector, "--encoders", run[2], "--layer", "wavlm_2", data, exp, exp / "detector")
    detector, clip = Detector.load(exp), say("neutral", 3)
    assert isinstance(detector, EncodedDetector)
    spoken, silent = detector(clip, text="the furious paper"), detector(clip, text=" ")
    assert spoken.modality == "speech+text" and silent.modality == "speech" and silent == detector(clip)
    assert spoken.posteriors != silent.posteriors
    # The back end of both reads the encoder's vector, then that of the words.
    width = detector.deciders["speech+text"].classes.averages.shape[1]
    assert len(detector.embed(clip)[0]) == len(next(iter(heard.values()))) == width - 8
