"""train_coattention and apply_coattention on four classes of which speech tells two apart, and text the other two."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.kaldi import ark, tables

CONFIG = "conf/toy/coattention/fusion.yaml"
CLASSES = ("anger", "happiness", "neutral", "sadness")


@pytest.fixture
def call(monkeypatch):
    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """One row of each sequence tells: of speech whether the class is of the first two, of text whether it is odd."""
    folder = tmp_path_factory.mktemp("coattention")
    rng = np.random.default_rng(0)
    tables.write_map(folder / "map", {name: name for name in CLASSES})
    sequences: dict[str, dict[str, np.ndarray]] = {"speech": {}, "text": {}}
    for part, size in (("train", 240), ("valid", 60), ("test", 60)):
        utt2emo = {}
        for number in range(size):
            utt, label = f"{part}-{number:03}", number % 4
            utt2emo[utt] = CLASSES[label]
            for name, side in (("speech", label // 2), ("text", label % 2)):
                rows = rng.standard_normal((rng.integers(3, 7), 6)).astype(np.float32)
                rows[rng.integers(len(rows)), :2] = (4, 8 * side - 4)
                sequences[name][utt] = rows
        (folder / part).mkdir()
        tables.write_map(folder / part / "utt2emo", utt2emo)
        tables.write_map(folder / part / "utt2spk", dict.fromkeys(utt2emo, part))
    for name, matrices in sequences.items():
        with ark.Writer(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as writer:
            for utt, rows in matrices.items():
                writer.write(utt, rows)
    return folder


def accuracy(data: Path, posteriors: Path) -> float:
    truth = tables.read_map(data / "test" / "utt2emo")
    found = ark.load(f"scp:{posteriors}")
    assert found.keys() == truth.keys()
    np.testing.assert_allclose([row.sum() for row in found.values()], 1, atol=1e-5)
    return float(np.mean([CLASSES[row.argmax()] == truth[utt] for utt, row in found.items()]))


def test_speech_and_text_together_tell_what_neither_tells_alone(data, call):
    scored = {}
    for modalities in (("speech",), ("text",), ("speech", "text")):
        inputs = [word for name in modalities for word in ("--input", f"{name}=scp:{data}/{name}.scp")]
        model = data / "+".join(modalities)
        call("train_coattention", "--config", CONFIG, "--num-threads", 1, "--label-map", data / "map", *inputs,
             "--valid-data", data / "valid", data / "train", model)  # fmt: skip
        call("apply_coattention", "--num-threads", 1, *inputs, model, data / "test",
             f"ark,scp:{model}/p.ark,{model}/p.scp")  # fmt: skip
        scored[modalities] = accuracy(data, model / "p.scp")
    assert scored["speech", "text"] > 0.9
    assert max(scored["speech",], scored["text",]) < 0.65
    # Without its text the joint model is as good as speech alone, about one half.
    call("apply_coattention", "--num-threads", 1, *inputs, "--without", "text", model, data / "test",
         f"ark,scp:{model}/n.ark,{model}/n.scp")  # fmt: skip
    assert 0.35 < accuracy(data, model / "n.scp") < 0.65
    # Trained on two modalities, it is not applied to one.
    with pytest.raises(SerError, match="trained on other inputs than"):
        call("apply_coattention", "--input", f"text=scp:{data}/text.scp", model, data / "test",
             f"ark,scp:{model}/x.ark,{model}/x.scp")  # fmt: skip


def test_another_modality_is_refused(data, call):
    with pytest.raises(SerError, match="video: expected speech or text"):
        call("train_coattention", "--config", CONFIG, "--label-map", data / "map",
             "--input", f"video=scp:{data}/text.scp", "--valid-data", data / "valid", data / "train", data / "x",
             )  # fmt: skip


@pytest.mark.parametrize("kind", ["resnet", "yamnet"])
def test_a_net_of_speech_is_tuned_with_the_attention_and_kept(kind, data, call, tmp_path):
    from ser.encoders.loading import load_audio_encoder
    from ser.models.resnet import Resnet, ResnetConfig
    from ser.training import model_dir

    torch.manual_seed(0)
    if kind == "yamnet":
        call("build_toy_encoder", "--kind", kind, tmp_path / "net")
    else:
        net = Resnet(ResnetConfig((4, 8), 1))
        (tmp_path / "net").mkdir()
        (tmp_path / "net" / "config.yaml").write_text("network: resnet\nmodel: {channels: [4, 8], blocks: 1}\n")
        model_dir.save_weights(tmp_path / "net" / "model.safetensors", net)
    untuned = load_audio_encoder(str(tmp_path / "net")).model.state_dict()
    rng = np.random.default_rng(0)
    # Louder patches are of the last two classes.
    with ark.Writer(f"ark,scp:{tmp_path}/p.ark,{tmp_path}/p.scp") as writer:
        for part in ("train", "valid", "test"):
            for utt, name in tables.read_map(data / part / "utt2emo").items():
                loud = CLASSES.index(name) // 2
                writer.write(utt, (rng.standard_normal((2, 96 * 64)) + 2 * loud).astype(np.float32))
    schedule = "fit.unfreezing={unit: steps, rate_ratio: 2.6, groups: [{start: 0, layers: [coattention]}, " \
               "{start: 2, layers: ['*']}]}"  # fmt: skip
    model = tmp_path / "model"
    call("train_coattention", "--config", CONFIG, "--set", "fit.epochs=2", "--set", schedule, "--num-threads", 1,
         "--label-map", data / "map", "--input", f"speech=scp:{tmp_path}/p.scp", "--encoder", tmp_path / "net",
         "--encoder-layer", "final", "--test-data", data / "test", "--valid-data", data / "valid", data / "train",
         model)  # fmt: skip
    if kind == "resnet":  # so few steps teach a YAMNet of random weights nothing
        assert accuracy(data, model / "posteriors.scp") > 0.4
    tuned = load_audio_encoder(str(model)).model.state_dict()
    assert any(not torch.equal(tuned[name], tensor) for name, tensor in untuned.items())
    # Applied again, the folder gives the same.
    call("apply_coattention", "--num-threads", 1, "--input", f"speech=scp:{tmp_path}/p.scp", model, data / "test",
         f"ark,scp:{model}/again.ark,{model}/again.scp")  # fmt: skip
    one, two = (ark.load(f"scp:{model}/{name}.scp") for name in ("posteriors", "again"))
    assert all(np.array_equal(one[utt], two[utt]) for utt in one)


def test_another_kind_of_encoder_or_layer_is_refused(tmp_path):
    from ser.coattention.model import load_patch_net
    from ser.models.resnet import Resnet, ResnetConfig
    from ser.training import model_dir

    (tmp_path / "config.yaml").write_text("network: resnet\nmodel: {channels: [4], blocks: 1}\n")
    model_dir.save_weights(tmp_path / "model.safetensors", Resnet(ResnetConfig((4,), 1)))
    with pytest.raises(SerError, match=r"--encoder-layer 10: .* has 1, final"):
        load_patch_net(str(tmp_path), "10")
