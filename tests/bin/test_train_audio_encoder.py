import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from ser.bin import build_toy_encoder, extract_audio_embeddings, train_audio_encoder
from ser.config import load_config
from ser.encoders.wave_batches import WaveSource
from ser.errors import SerError
from ser.kaldi import ark, tables

RATE = 16_000
EMOTIONS = {"anger": 700.0, "neutral": 200.0}


def run(command: ModuleType, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Two data dirs, `train` and `valid`, of tones whose pitch tells the class."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for part, count in (("train", 24), ("valid", 8)):
        folder = root / part
        folder.mkdir()
        wav, emotions, speakers = {}, {}, {}
        for number in range(count):
            name = list(EMOTIONS)[number % 2]
            utt = f"{part}{number % 4}-{number:02}"
            time = np.arange(int(RATE * rng.uniform(0.3, 0.6))) / RATE
            wave = 0.3 * np.sin(2 * np.pi * EMOTIONS[name] * rng.uniform(0.9, 1.1) * time)
            soundfile.write(folder / f"{utt}.wav", wave + rng.normal(0, 0.01, len(time)), RATE)
            wav[utt], emotions[utt], speakers[utt] = f"{folder}/{utt}.wav", name, utt.partition("-")[0]
        for table, content in {"wav.scp": wav, "utt2emo": emotions, "utt2spk": speakers}.items():
            tables.write_map(folder / table, dict(sorted(content.items())))
    (root / "two.map").write_text("anger anger\nneutral neutral\n")
    return root


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    root = tmp_path_factory.mktemp("encoders")

    def give(kind: str) -> Path:
        if not (root / kind).exists():
            run(build_toy_encoder, "--kind", kind, root / kind)
        return root / kind

    return give


def train(data: Path, encoder: Path, model: Path, *settings: str) -> None:
    changed = [word for setting in settings for word in ("--set", setting)]
    run(
        train_audio_encoder, "--config", "conf/toy/audio_encoder.yaml", "--encoder", encoder, *changed,
        "--label-map", data / "two.map", "--num-threads", 1, "--device", "cpu", "--valid-data", data / "valid",
        data / "train", model,
    )  # fmt: skip


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_pitch_is_learnt_and_the_tuned_encoder_is_one_to_extract_with(data, encoder, tmp_path, caplog):
    caplog.set_level("INFO")
    train(data, encoder("wavlm-large"), tmp_path / "m", "fit.epochs=6")
    assert "UAR 100.0 %" in caplog.text
    lines = (tmp_path / "m" / "layer_weights.tsv").read_text().splitlines()
    assert lines[0] == "layer\tweight" and [line.split("\t")[0] for line in lines[1:]] == ["0", "1", "2", "3"]
    assert sum(float(line.split("\t")[1]) for line in lines[1:]) == pytest.approx(1, abs=1e-5)
    assert (tmp_path / "m" / "layer_weights.png").read_bytes().startswith(b"\x89PNG")
    for name in (encoder("wavlm-large"), tmp_path / "m"):
        out = tmp_path / name.name
        run(extract_audio_embeddings, "--encoder", name, "--layers", "1 3", f"scp:{data}/valid/wav.scp", out)
    before, after = (
        {layer: ark.load(f"scp:{tmp_path}/{name}/{layer}.scp") for layer in ("1", "3")} for name in ("wavlm-large", "m")
    )
    utt = next(iter(before["1"]))
    np.testing.assert_array_equal(before["1"][utt], after["1"][utt])  # the two top blocks of three were trained
    assert not np.allclose(before["3"][utt], after["3"][utt], atol=1e-3)
    train(data, encoder("wavlm-large"), tmp_path / "m", "fit.epochs=6")
    assert "nothing to do" in caplog.text


@pytest.fixture(scope="module")
def few(data, tmp_path_factory) -> Path:
    """Four recordings of each part: Whisper takes every one for 30 s."""
    root = tmp_path_factory.mktemp("few")
    (root / "two.map").write_bytes((data / "two.map").read_bytes())
    for part in ("train", "valid"):
        (root / part).mkdir()
        for name in ("wav.scp", "utt2emo", "utt2spk"):
            (root / part / name).write_text("".join((data / part / name).read_text().splitlines(True)[:4]))
    return root


def test_without_validation_the_last_epoch_is_taken_and_the_test_has_no_part_in_the_training(few, encoder, tmp_path):
    common = ["--config", "conf/toy/audio_encoder.yaml", "--encoder", encoder("hubert-base"), "--set", "fit.epochs=2"]
    common += ["--set", "gradual=null", "--label-map", few / "two.map", "--num-threads", 1, "--device", "cpu"]
    run(train_audio_encoder, *common, few / "train", tmp_path / "plain")
    run(train_audio_encoder, *common, "--test-data", few / "valid", few / "train", tmp_path / "tested")
    for name in ("model.safetensors", "encoder/model.safetensors"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "tested" / name).read_bytes()
    header, *rows = ((tmp_path / "tested" / "train.tsv").read_text()).splitlines()
    place = header.split("\t").index("valid_loss")
    assert [row.split("\t")[place] for row in rows] == ["", ""]
    found = ark.load(f"scp:{tmp_path}/tested/posteriors.scp")
    assert sorted(found) == sorted(tables.read_map(few / "valid" / "utt2spk"))
    np.testing.assert_allclose([vector.sum() for vector in found.values()], 1, rtol=1e-6)
    utt = next(iter(found))
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("wav.scp", "utt2spk", "utt2emo"):
        tables.write_map(alone / name, {utt: tables.read_map(few / "valid" / name)[utt]})
    run(train_audio_encoder, *common, "--test-data", alone, few / "train", tmp_path / "one")
    np.testing.assert_allclose(ark.load(f"scp:{tmp_path}/one/posteriors.scp")[utt], found[utt], atol=1e-6)


OTHERS = ["sew", "sew-d", "wav2vec2-conformer", "whisper", "ast", "wav2vec2-bert", "moonshine", "emotion2vec"]


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_are_trained(few, encoder, tmp_path, kind):
    settings = ("fit.epochs=1", "gradual=null", "model.pooling=attentive", "data.batch_size=2")
    train(few, encoder(kind), tmp_path / "m", *settings)
    run(extract_audio_embeddings, "--encoder", tmp_path / "m", f"scp:{few}/valid/wav.scp", tmp_path / "out")
    assert len(ark.load(f"scp:{tmp_path}/out/final.scp")) == 4
    weights = tmp_path / "m" / "encoder" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(SerError, match=r"encoder/model\.safetensors: (changed or )?damaged"):
        run(extract_audio_embeddings, "--encoder", tmp_path / "m", f"scp:{few}/valid/wav.scp", tmp_path / "again")


def test_patches_of_yamnet_are_trained_and_frozen_norms_stay(data, encoder, tmp_path):
    folder = encoder("yamnet")
    train(
        data, folder, tmp_path / "m", "model.layers=13 14", "model.top_blocks=1", "gradual.groups=1", "fit.epochs=2"
    )  # fmt: skip
    before, after = weights(folder), weights(tmp_path / "m" / "encoder")
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"layer14"}
    assert not torch.equal(
        before["layer14.pointwise_conv.bn.running_mean"], after["layer14.pointwise_conv.bn.running_mean"]
    )
    with pytest.raises(SerError, match=r"model.layers of different sizes \(1:32 2:64 .*give some of one size"):
        train(data, folder, tmp_path / "x")


def test_frozen_layers_are_computed_once_and_change_nothing(data, encoder, tmp_path, monkeypatch):
    settings = ("model.layers=9 10", "model.top_blocks=2", "model.pooling=mean_std", "model.normalise_pooled=true",
                "gradual.groups=1", "fit.epochs=2")  # fmt: skip
    train(data, encoder("yamnet"), tmp_path / "kept", *settings)
    once = []
    monkeypatch.setattr("ser.encoders.frozen_start.FrozenStart.keep", lambda *found: once.append(found))
    train(data, encoder("yamnet"), tmp_path / "again", *settings)
    assert len(once) == 2 * 24 + 2 * 8 + 8  # each time that a recording is needed
    for part in ("", "encoder"):
        kept, again = (weights(tmp_path / name / part) for name in ("kept", "again"))
        assert all(torch.equal(kept[name], again[name]) for name in kept)
    before = weights(encoder("yamnet"))
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], kept[name])}
    assert changed == {"layer9", "layer10"}


def test_the_output_of_frozen_layers_gives_the_logits_of_the_patches(few, encoder):
    from ser.encoders.frozen_start import FrozenStart
    from ser.encoders.loading import load_audio_encoder
    from ser.encoders.tuning import TunedEncoder, TuningConfig, arrange
    from ser.encoders.tuning_config import AudioEncoderConfig
    from ser.encoders.wave_batches import WaveConfig

    net = load_audio_encoder(str(encoder("yamnet")))
    config = TuningConfig("8 10", False, "mean", False, 0.0, 1, False, None)
    model = TunedEncoder(net, config, 2)
    arrange(model, config, None, load_config(AudioEncoderConfig, "conf/toy/audio_encoder.yaml").fit)
    assert model.num_frozen == 7  # 8 counts, though only 10 is trained
    waves = tables.read_map(few / "train" / "wav.scp")
    frozen, found = FrozenStart(net.model, 7, kept_bytes=3 * 24 * 512 * 4), []
    for start in (None, frozen):
        source = WaveSource(waves, {}, list(waves), np.zeros(4, np.int64), net, WaveConfig(4, 3.0), None, start)
        found.append(model.eval()(next(source.batches(0))[0]))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)
    assert sum(frozen.find(utt) is not None for utt in waves) == 3  # no room for the fourth


def test_pooling_by_hand():
    from ser.encoders.tuning import MaskedMeanPooling

    rows = torch.tensor([[[1.0], [3.0], [100.0]], [[2.0], [2.0], [2.0]]])
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    assert MaskedMeanPooling()(rows, mask).tolist() == [[2.0], [2.0]]
    torch.testing.assert_close(
        MaskedMeanPooling(with_deviation=True)(rows, mask), torch.tensor([[2.0, 1.0], [2.0, 1e-5]])
    )


def test_pooled_numbers_of_unequal_size_are_normalised(few, encoder, tmp_path):
    """The head's weights for a number a thousand times as small as the others must not be lost."""
    from ser.encoders.loading import load_audio_encoder
    from ser.encoders.tuning import TunedEncoder, TuningConfig

    net = load_audio_encoder(str(encoder("yamnet")))
    config = TuningConfig("10", False, "mean", True, 0.0, 0, False, None)
    model = TunedEncoder(net, config, 2).train()
    seen = []
    model.output.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    patches = torch.randn(12, 96, 64, generator=torch.Generator().manual_seed(0))
    model({"patches": patches, "counts": torch.full((6,), 2)})
    alive = seen[0].abs().sum(0) > 0
    torch.testing.assert_close(seen[0].mean(0), torch.zeros(512), atol=1e-5, rtol=0)
    assert alive.any() and (seen[0].std(0, correction=0)[alive] - 1).abs().median() < 0.1


def test_blocks_stay_bit_equal_until_their_epoch(data, encoder, tmp_path):
    folder = encoder("hubert-base")
    before = weights(folder)
    for epochs, opened in ((2, {"2"}), (3, {"1", "2"})):
        model = tmp_path / str(epochs)
        train(
            data,
            folder,
            model,
            f"fit.epochs={epochs}",
            f"gradual.groups={epochs - 1}",
            f"model.top_blocks={epochs - 1}",
        )
        after = weights(model / "encoder")
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert {name.split(".")[2] for name in changed} == opened
    # All three groups, but the last is not due yet: the second block from the top is as it was.
    with pytest.raises(SerError, match="starts after the 2 epochs"):
        train(data, folder, tmp_path / "x", "fit.epochs=2", "gradual.groups=2", "model.top_blocks=2")


def test_lora_changes_the_feed_forward_part_of_the_upper_half_alone(data, encoder, tmp_path):
    folder = encoder("wavlm-base")
    train(
        data, folder, tmp_path / "m", "model.lora={rank: 4, alpha: 8, upper_share: 0.34}", "gradual=null",
        "fit.epochs=2",
    )  # fmt: skip
    before, after = weights(folder), weights(tmp_path / "m" / "encoder")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    parts = ("intermediate_dense", "output_dense")
    assert changed == {f"encoder.layers.2.feed_forward.{part}.weight" for part in parts}
    change = after["encoder.layers.2.feed_forward.output_dense.weight"] - before[
        "encoder.layers.2.feed_forward.output_dense.weight"
    ]  # fmt: skip
    assert torch.linalg.matrix_rank(change, atol=1e-5) <= 4


def test_training_that_was_stopped_ends_with_the_same_bits(data, encoder, tmp_path, monkeypatch):
    settings = ("fit.epochs=3", "model.dropout=0.2", "fit.checkpoint_steps=1")
    train(data, encoder("data2vec-audio"), tmp_path / "whole", *settings)
    batches = WaveSource.batches

    def stop_at(self, epoch, start=0, rank=0, world=1):
        for number, batch in enumerate(batches(self, epoch, start, rank, world), start=start):
            if self.seed is not None and (epoch, number) == (1, 2):
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    monkeypatch.setattr(WaveSource, "batches", stop_at)
    with pytest.raises(SystemExit):
        train(data, encoder("data2vec-audio"), tmp_path / "cut", *settings)
    monkeypatch.setattr(WaveSource, "batches", batches)
    assert (tmp_path / "cut" / "checkpoint.pt").exists()
    train(data, encoder("data2vec-audio"), tmp_path / "cut", *settings)
    for part in ("", "encoder"):
        whole, cut = weights(tmp_path / "whole" / part), weights(tmp_path / "cut" / part)
        assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_batches_have_one_length_and_an_epoch_has_every_recording_once(data, encoder):
    from ser.encoders.loading import load_audio_encoder
    from ser.encoders.wave_batches import WaveConfig

    waves = tables.read_map(data / "train" / "wav.scp")
    net = load_audio_encoder(str(encoder("hubert-base")))
    for seed in (0, None):
        source = WaveSource(waves, {}, list(waves), np.arange(24), net, WaveConfig(5, 0.5), seed)
        found = list(source.batches(3))
        assert len(found) == source.num_batches(3)
        assert sorted(np.concatenate([targets for _, targets in found])) == list(range(24))
        for (inputs, targets), plan in zip(found, source.plan(3), strict=True):
            assert inputs["input_values"].shape == (len(targets), int(source.lengths[plan].min()))
            assert source.lengths.max() <= RATE // 2
            if seed is None:
                assert len(set(source.lengths[plan])) == 1
        again = list(source.batches(3, start=2))
        torch.testing.assert_close(again[0][0]["input_values"], found[2][0]["input_values"], rtol=0, atol=0)


def test_recording_that_cannot_be_read_and_too_many_blocks_are_named(data, encoder, tmp_path):
    with pytest.raises(SerError, match=r"model.top_blocks is 9, but the encoder has 3 blocks"):
        train(data, encoder("hubert-base"), tmp_path / "m", "model.top_blocks=9")
    with pytest.raises(SerError, match="gradual: 5 groups of 2 trained blocks"):
        train(data, encoder("hubert-base"), tmp_path / "m", "gradual.groups=5")
    broken = tmp_path / "train"
    broken.mkdir()
    for name in ("utt2emo", "utt2spk"):
        (broken / name).write_bytes((data / "train" / name).read_bytes())
    lines = (data / "train" / "wav.scp").read_text().splitlines()
    (broken / "wav.scp").write_text("\n".join([f"{lines[0].split()[0]} {tmp_path}/absent.wav", *lines[1:]]) + "\n")
    (tmp_path / "valid").symlink_to(data / "valid")
    (tmp_path / "two.map").symlink_to(data / "two.map")
    with pytest.raises(SerError, match=r"'train0-00' cannot be trained on: .*absent.wav"):
        train(tmp_path, encoder("hubert-base"), tmp_path / "m")
