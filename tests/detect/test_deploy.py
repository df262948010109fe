import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from ser.backend.chain import BackendConfig
from ser.config import load_config
from ser.detect import Detector
from ser.detect.deploy import make_detector
from ser.detect.detector_dir import DetectorConfig
from ser.detect.fit_calibration import calibrated
from ser.detect.run_folders import RunFolders
from ser.errors import SerError
from ser.files import write_text
from ser.kaldi import ark
from ser.results import result_table

ROOT = Path(__file__).parent.parent.parent
CONF = ROOT / "conf"
LABEL_MAP = CONF / "emotions" / "collapsed5.map"


@pytest.fixture
def backend() -> BackendConfig:
    return load_config(BackendConfig, CONF / "backend.yaml")


@pytest.fixture
def settings() -> DetectorConfig:
    return load_config(DetectorConfig, CONF / "detector.yaml")


def test_calibration_calls_the_asked_share_unknown_and_takes_no_prior(backend, settings):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 300, 60])  # the third is rare
    vectors = 1.5 * np.eye(3, 8)[labels] + rng.standard_normal((660, 8))
    speakers = rng.integers(0, 11, 660)
    names = np.array([f"s{number}" for number in speakers])
    found = calibrated(vectors.astype(np.float32), labels, names, ("a", "b", "c"), backend, settings).calibration
    assert found.unseen_speakers == 0
    new = calibrated(vectors, labels, names, ("a", "b", "c"), backend, settings, ["s1", "s2", "s3"]).calibration
    assert new.unseen_speakers == 3 and new.utterances == np.isin(speakers, (1, 2, 3)).sum()
    assert 0 < new.cllr < 1 and 0 < new.cost < 1 and 0 < new.error <= 0.1 and new.problem() == ""
    assert "speakers that the net was trained on" in found.problem()
    assert found.utterances == 660 and 1 / 3 < found.threshold < 0.6
    # A class of a tenth of the others' utterances is as likely as they are.
    assert max(found.bias.values()) - min(found.bias.values()) < 0.7


def test_calibration_that_says_nothing_of_further_new_speakers_is_measured_as_such(backend, settings):
    rng = np.random.default_rng(0)
    labels, speakers = np.tile([0, 1], 300), np.repeat(np.arange(6), 100)
    vectors = 3 * np.eye(2, 8)[labels] + rng.standard_normal((600, 8))
    vectors[speakers == 1] = vectors[speakers == 1][::-1]  # of this speaker, the classes are exchanged
    names = np.array([f"s{number}" for number in speakers])
    settings = dataclasses.replace(settings, held_out_parts=2)
    found = calibrated(vectors, labels, names, ("a", "b"), backend, settings, ["s0", "s1"]).calibration
    assert found.unseen_speakers == 2 and found.cllr > 1 and found.error > 0.1
    assert f"on 2 speakers new to the net their Cllr was {found.cllr:.3f}" in found.problem()


def test_first_condition_and_best_layer_are_taken(tmp_path: Path):
    exp = tmp_path / "exp"
    for condition in ("2", "1", "none"):
        (exp / f"finetune_{condition}").mkdir(parents=True)
        (exp / f"embeddings_{condition}").mkdir()
        for layer, eer in (("tdnn6", 30.5), ("tdnn7", 28.25)):
            (exp / f"embeddings_{condition}" / f"{layer}.scp").touch()
            (exp / f"embeddings_{condition}" / f"{layer}.1.scp").touch()
            names = {**dict.fromkeys(result_table.NAMES, "-"), "layer": layer, "lda_dim": 4}
            row = result_table.Result(**names, status=result_table.OK, eer=eer)
            write_text(exp / "cells" / f"speech_{layer}_{condition}" / "result.tsv", result_table.to_tsv([row]))
        if condition != "none":
            (exp / f"finetune_{condition}" / "model.safetensors").touch()
    run = RunFolders.find(tmp_path, exp)
    assert (run.condition, run.layer) == ("1", "tdnn7")
    (exp / "finetune_none" / "model.safetensors").touch()
    assert RunFolders.find(tmp_path, exp).condition == "none"
    assert RunFolders.find(tmp_path, exp, "2", "tdnn6").layer == "tdnn6"
    with pytest.raises(SerError, match="finetune_5: no finished model; conditions there: none, 1, 2"):
        RunFolders.find(tmp_path, exp, "5")
    with pytest.raises(SerError, match=r"no tdnn9\.scp; layers there: tdnn6, tdnn7"):
        RunFolders.find(tmp_path, exp, layer="tdnn9")


def test_options_that_made_other_features_are_noticed(toy_run, tmp_path: Path, backend, settings):
    conf = Path(shutil.copytree(CONF, tmp_path / "conf"))
    (conf / "mfcc.conf").write_text((conf / "mfcc.conf").read_text().replace("--low-freq=20", "--low-freq=900"))
    with pytest.raises(SerError, match=r"s0-anger0': the embedding .* of the training set's spread .*--conf"):
        make_detector(RunFolders.find(toy_run.data, toy_run.exp), tmp_path / "out", conf, LABEL_MAP, backend, settings)
    assert not list(tmp_path.glob("*out*"))


def test_label_map_of_other_classes_and_folders_of_others_are_refused(toy_run, tmp_path: Path, backend, settings):
    run = RunFolders.find(toy_run.data, toy_run.exp)
    write_text(tmp_path / "other.map", "anger rage\n")
    with pytest.raises(SerError, match=r"other\.map: has no class anger, neutral, sadness"):
        make_detector(run, tmp_path / "out", CONF, tmp_path / "other.map", backend, settings)
    (tmp_path / "thesis").mkdir()
    with pytest.raises(SerError, match="thesis: this folder exists but is not a detector"):
        make_detector(run, tmp_path / "thesis", CONF, LABEL_MAP, backend, settings)


@pytest.fixture(scope="module")
def with_text(toy_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of the same run with texts, whose vectors hold a hint of the emotion."""
    from ser.text import wordpiece

    exp = Path(shutil.copytree(toy_run.exp, tmp_path_factory.mktemp("text") / "exp"))
    scratch = wordpiece.ScratchConfig(
        vocabulary_size=60,
        layers=1,
        hidden_size=8,
        heads=2,
        inner_size=8,
        positions=16,
        dropout=0.1,
        weight_stddev=0.05,
    )
    wordpiece.build_encoder(["the furious paper was alone"] * 4, scratch, 0, exp / "text_none" / "encoder")
    write_text(exp / "text_none" / "config.yaml", "model:\n  pooling: mean\n  dropout: 0.1\n")
    (exp / "speech+text_none").mkdir()
    rng = np.random.default_rng(0)
    with ark.Writer("ark,scp:{0}.ark,{0}.scp".format(exp / "speech+text_none" / "tdnn6")) as writer:
        for utt, vector in ark.load(f"scp:{exp}/embeddings_none/tdnn6.scp").items():
            writer.write(utt, np.concatenate([vector, rng.standard_normal(8)]).astype(np.float32))
    settings = load_config(DetectorConfig, CONF / "detector.yaml")
    backend = load_config(BackendConfig, CONF / "backend.yaml")
    make_detector(RunFolders.find(toy_run.data, exp), exp / "detector", CONF, LABEL_MAP, backend, settings)
    return exp


def test_words_are_used_where_there_are_any(with_text, say):
    detector, clip = Detector.load(with_text), say("neutral", 3)
    spoken, silent = detector(clip, text="the furious paper"), detector(clip, text="  ")
    assert spoken.modality == "speech+text" and silent.modality == "speech"
    assert spoken.posteriors != silent.posteriors and silent == detector(clip)
    with pytest.raises(SerError, match="works with speech only"):
        detector.enrol("boredom", [clip])(clip, text="the paper")


def test_damaged_text_encoder_is_refused_when_it_is_needed(with_text, say, tmp_path: Path):
    model = Path(shutil.copytree(with_text / "detector", tmp_path / "model"))
    data = bytearray((model / "text" / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (model / "text" / "model.safetensors").write_bytes(data)
    detector = Detector.load(model)
    with pytest.raises(SerError, match=r"text/model\.safetensors: changed or damaged"):
        detector(say("anger", 1), text="the paper")


def test_a_detector_without_the_features_of_its_training_set_is_not_made(toy_run, tmp_path: Path, backend, settings):
    data = Path(shutil.copytree(toy_run.data, tmp_path / "data"))
    (data / "backend_none" / "feats.scp").unlink()
    with pytest.raises(SerError, match=r"backend_none/feats\.scp"):
        make_detector(RunFolders.find(data, toy_run.exp), tmp_path / "out", CONF, LABEL_MAP, backend, settings)
    assert not (tmp_path / "out").exists()
