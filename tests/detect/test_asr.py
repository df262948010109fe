"""The detector of system B: a recogniser of random weights on planted voices, made and read as ser-detect does."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser.backend.chain import BackendConfig
from ser.config import load_config, to_yaml
from ser.detect import Detector
from ser.detect.asr import AsrDetector, BottleneckNet
from ser.detect.deploy_asr import AsrParts, choose_layer, copy_extractor, make_asr_detector
from ser.detect.deploy_encoded import save_encoder
from ser.detect.detector_dir import DetectorConfig
from ser.encoders.loading import load_audio_encoder
from ser.errors import SerError
from ser.features.extractor import Extractor
from ser.features.mfcc import MfccOptions
from ser.features.pooling import pool
from ser.files import write_text
from ser.ivector.online import OnlineExtractor
from ser.kaldi import ark, tables
from ser.models.asr_tdnn import AsrTdnn, AsrTdnnConfig
from ser.models.node_outputs import OutputOptions, compute_outputs
from ser.training import model_dir
from tests.conftest import RATE, ROOT, VOICES, speak

EXTRACTOR = ROOT / "tests" / "kaldi_reference" / "ivector"
OPTIONS = "--sample-frequency=16000\n--use-energy=false\n--dither=0\n"  # 13 MFCC, as that extractor takes
CONFIG = AsrTdnnConfig(32, 16, (1, 0, 3), 0.66, 16)


def bottlenecks(net: AsrTdnn, extractor: OnlineExtractor, wave: np.ndarray) -> np.ndarray:
    features = Extractor(MfccOptions(use_energy=False, dither=0.0))("u", wave)
    ivectors = extractor.extract(features, extractor.new_speaker())
    return compute_outputs(net, features, OutputOptions("tdnnf4.noop", 3, 10, 150), ivectors)


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> AsrParts:
    """A random net, Kaldi's small extractor, and pooled vectors of 3 voices by 4 speakers."""
    root = tmp_path_factory.mktemp("asr")
    (root / "net").mkdir()
    (root / "train").mkdir()
    extractor = OnlineExtractor.load(EXTRACTOR / "online.conf")
    torch.manual_seed(0)
    net = AsrTdnn(CONFIG, 13, extractor.ivector_dim, 12).eval()
    model_dir.save_weights(root / "net" / model_dir.WEIGHTS, net)
    write_text(root / "mfcc.conf", OPTIONS)
    sizes = "".join(f"  {line}\n" for line in to_yaml(CONFIG).splitlines())
    write_text(root / "net" / "config.yaml", f"model:\n{sizes}")
    maps: dict[str, dict[str, str]] = {"wav.scp": {}, "utt2emo": {}, "utt2spk": {}}
    vectors = {}
    for number, (name, voice) in enumerate(VOICES.items()):
        for index in range(16):
            utt = f"s{index % 4}-{name}{index}"
            wave = speak(voice, 100 * number + index)
            soundfile.write(root / f"{utt}.wav", wave, RATE, subtype="FLOAT")
            for table, value in zip(maps.values(), (str(root / f"{utt}.wav"), name, f"s{index % 4}"), strict=True):
                table[utt] = value
            vectors[utt] = pool(bottlenecks(net, extractor, wave), "mean_stddev")
    for name, table in maps.items():
        tables.write_map(root / "train" / name, table)
    with ark.Writer(f"ark,scp:{root}/layer4.ark,{root}/layer4.scp") as writer:
        for utt in sorted(vectors):
            writer.write(utt, vectors[utt])
    return AsrParts(
        net=root / "net", extractor=EXTRACTOR, mfcc=root / "mfcc.conf", train_dir=root / "train",
        vectors=root / "layer4.scp", layer="layer4", statistics="mean_stddev", condition="1",
    )  # fmt: skip


def make(parts: AsrParts, out: Path) -> None:
    make_asr_detector(
        parts,
        out,
        ROOT / "conf" / "emotions" / "collapsed5.map",
        load_config(BackendConfig, ROOT / "conf" / "backend.yaml"),
        load_config(DetectorConfig, ROOT / "conf" / "detector.yaml"),
    )


@pytest.fixture(scope="module")
def folder(parts, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "detector"
    make(parts, out)
    return out


def best(found) -> str:
    return max(found.posteriors, key=found.posteriors.get)


def test_its_vector_is_that_of_the_recipe(folder, parts, say):
    detector = Detector.load(folder)
    assert isinstance(detector, AsrDetector) and detector.description.statistics == "mean_stddev"
    vector, seconds, speech, _ = detector.embed(say("neutral", 901))
    wave, _ = soundfile.read(say("neutral", 901), dtype="float32")
    net = AsrTdnn.from_weights(CONFIG, model_dir.load_weights(parts.net))
    wanted = pool(bottlenecks(net, OnlineExtractor.load(EXTRACTOR / "online.conf"), wave), "mean_stddev")
    np.testing.assert_allclose(vector, wanted, atol=1e-4)
    assert seconds == speech == 2.5


def test_speakers_of_its_calibration_are_new_to_the_recogniser(folder):
    assert Detector.load(folder).deciders["speech"].calibration.unseen_speakers == 4


def test_planted_emotions_are_found_and_the_folder_can_be_moved(folder, say, tmp_path):
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    detector = Detector.load(moved)
    assert sum(best(detector(say(name, seed))) == name for name in VOICES for seed in (901, 902)) >= 5
    assert b"/" not in (moved / "asr" / "extractor" / "online.conf").read_bytes()


def test_windows_are_utterances_and_the_last_ends_with_the_recording(folder, tmp_path):
    detector = Detector.load(folder)
    wave = np.concatenate([speak(VOICES["anger"], 7), speak(VOICES["sadness"], 8)])
    soundfile.write(tmp_path / "two.wav", wave, RATE, subtype="FLOAT")
    found = list(detector.windows(tmp_path / "two.wav", 2.0, 1.0))
    assert [(one.start, one.end) for one in found] == [(0, 2), (1, 3), (2, 4), (3, 5)]
    soundfile.write(tmp_path / "first.wav", wave[: 2 * RATE], RATE, subtype="FLOAT")
    assert found[0].posteriors == pytest.approx(detector(tmp_path / "first.wav").posteriors, rel=1e-6)
    short = list(detector.windows(tmp_path / "two.wav", 4.0, 3.0))
    assert [(one.start, one.end) for one in short] == [(0, 4), (3, 5)]
    apart = list(detector.windows(tmp_path / "two.wav", 1.0, 3.0))
    assert [(one.start, one.end) for one in apart] == [(0, 1), (3, 4)]


def test_long_recordings_are_pieces(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("ser.detect.samples.BLOCK_FRAMES", 100)
    wave = speak(VOICES["anger"], 7)
    soundfile.write(tmp_path / "long.wav", wave, RATE, subtype="FLOAT")
    detector = Detector.load(folder)
    lengths = [len(piece) for piece in detector._pieces(tmp_path / "long.wav", None)]
    assert sum(lengths) == len(wave) and lengths[:1] == [RATE] and all(size >= RATE // 2 for size in lengths)
    assert detector(tmp_path / "long.wav").end == 2.5


def test_the_layer_is_chosen_by_training_speakers_held_out(parts, tmp_path):
    rng, utts = np.random.default_rng(0), tables.read_map(parts.train_dir / "utt2emo")
    with ark.Writer(f"ark,scp:{tmp_path}/noise.ark,{tmp_path}/noise.scp") as writer:
        for utt in utts:
            writer.write(utt, rng.standard_normal(6).astype(np.float32))
    backend = load_config(BackendConfig, ROOT / "conf" / "backend.yaml")
    vectors = {"noise": tmp_path / "noise.scp", "layer4": parts.vectors}
    assert choose_layer(vectors, parts.train_dir, backend, 4, seed=0) == "layer4"


def test_what_cannot_be_used_is_named(folder, parts, tmp_path):
    detector = Detector.load(folder)
    soundfile.write(tmp_path / "short.wav", np.zeros(2000), RATE)
    with pytest.raises(SerError, match=r"short\.wav: 0\.1\d s of speech found, 0\.25 s needed"):
        detector(tmp_path / "short.wav")
    other = AsrParts(**{**vars(parts), "layer": "layer3"})
    with pytest.raises(SerError, match=r"the vector made from its waveform is .* of the training set's spread"):
        make(other, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    copy_extractor(EXTRACTOR, tmp_path / "asr" / "extractor")
    assert OnlineExtractor.load(tmp_path / "asr" / "extractor" / "online.conf").ivector_dim > 0
    shutil.copytree(parts.net, tmp_path / "asr" / "net")
    assert BottleneckNet.load(tmp_path / "asr", "layer4", "mean").node == "tdnnf4.noop"


def test_it_is_an_encoder_too_whose_layers_are_those_of_the_recogniser(folder, parts, say, tmp_path):
    recording = say("neutral", 902)
    wave, _ = soundfile.read(recording, dtype="float32")
    net = AsrTdnn.from_weights(CONFIG, model_dir.load_weights(parts.net))
    expected = bottlenecks(net.eval(), OnlineExtractor.load(EXTRACTOR / "online.conf"), wave)
    encoder = load_audio_encoder(str(folder))
    assert encoder.layers == ["layer1", "layer2", "layer3", "layer4", "prefinal", "final"]
    assert (encoder.row, encoder.samples_a_row, encoder.sample_rate) == ("frame", 480.0, RATE)
    ((utt, states),) = encoder.encode([("u", wave)], ["layer4", "prefinal", "final"])
    assert utt == "u" and states["layer4"].shape == expected.shape
    np.testing.assert_allclose(states["layer4"], expected, atol=1e-4)
    np.testing.assert_array_equal(states["final"], states["prefinal"])
    tables.write_map(tmp_path / "wav.scp", {"u": str(recording)})
    options = ["--encoder", folder, "--layers", "layer4", "--pool", "mean_std"]
    words = [*options, f"scp:{tmp_path}/wav.scp", tmp_path / "out"]
    subprocess.run([sys.executable, "-m", "ser.bin.extract_audio_embeddings", *words], check=True, cwd=ROOT)
    ((_, vector),) = ark.read(f"scp:{tmp_path}/out/layer4.scp")
    np.testing.assert_allclose(vector, pool(expected, "mean_stddev"), atol=1e-4)


def test_a_recogniser_with_a_changed_file_is_no_encoder(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "detector")
    with (tmp_path / "detector" / "mfcc.conf").open("a") as file:
        file.write("--low-freq=200\n")
    with pytest.raises(
        SerError, match=r"mfcc\.conf: changed or damaged: .* files\.sha256 has .*; make the detector again"
    ):
        load_audio_encoder(str(tmp_path / "detector"))


def test_a_second_extraction_into_the_folder_of_an_encoder_does_nothing(folder, say, tmp_path):
    shutil.copytree(folder, tmp_path / "detector")
    tables.write_map(tmp_path / "wav.scp", {"u": str(say("neutral", 903))})
    out = tmp_path / "detector" / "out"
    words = ["--encoder", tmp_path / "detector", "--layers", "layer4", "--done", out / "x.done"]
    command = [sys.executable, "-m", "ser.bin.extract_audio_embeddings", *words, f"scp:{tmp_path}/wav.scp", out]
    done = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(2)]
    assert ["nothing to do" in one.stderr for one in done] == [False, True]


def test_a_detector_of_an_encoder_that_is_a_recogniser_is_refused(folder, tmp_path):
    with pytest.raises(SerError, match="cannot hold an x-vector net or a recogniser"):
        save_encoder(tmp_path, str(folder), "layer4")
