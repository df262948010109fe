import shutil
import sys
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
import soundfile
import torch

from ser.bin import build_toy_encoder, extract_audio_embeddings
from ser.encoders import hub
from ser.encoders.audio_encoder import pool_rows
from ser.encoders.loading import load_audio_encoder
from ser.errors import SerError
from ser.kaldi import ark
from ser.toy.encoders import KINDS

RATE = 16_000
LENGTHS = {"a-1": 20_000, "b-2": 13_333, "c-3": 20_000}
TRANSFORMERS = [kind for kind in KINDS if kind not in ("emotion2vec", "yamnet", "vggish")]


def run(command: ModuleType, *arguments: object) -> None:
    with mock.patch.object(sys, "argv", [command.__name__, *map(str, arguments)]):
        command.main()


def extract(encoder: Path, out: Path, wav: str, *options: object, layers: str = "final") -> dict[str, dict]:
    run(extract_audio_embeddings, "--encoder", encoder, "--layers", layers, "--num-threads", 1, *options, wav, out)
    return {layer: ark.load(f"scp:{out}/{layer}.scp") for layer in layers.split()}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """Give the folder of a toy encoder of a kind."""
    root = tmp_path_factory.mktemp("encoders")

    def give(kind: str) -> Path:
        if not (root / kind).exists():
            run(build_toy_encoder, "--kind", kind, root / kind)
        return root / kind

    return give


@pytest.fixture(scope="module")
def waves() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {utt: (rng.normal(0, 0.1, length)).astype(np.float32) for utt, length in LENGTHS.items()}


@pytest.fixture(scope="module")
def wav_scp(tmp_path_factory, waves) -> str:
    folder = tmp_path_factory.mktemp("wav")
    for utt, wave in waves.items():
        soundfile.write(folder / f"{utt}.wav", wave, RATE, subtype="FLOAT")
    (folder / "wav.scp").write_text("".join(f"{utt} {folder}/{utt}.wav\n" for utt in waves))
    return f"scp:{folder}/wav.scp"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs_and_an_utterance_alone_is_the_same(kind, encoder, wav_scp, waves, tmp_path):
    folder = encoder(kind)
    net = load_audio_encoder(str(folder))
    level = net.row
    layers = " ".join(net.layers)
    found = extract(folder, tmp_path / "all", wav_scp, "--level", level, layers=layers)
    pooled = extract(folder, tmp_path / "pooled", wav_scp, layers=layers)
    (tmp_path / "one.scp").write_text(Path(wav_scp[4:]).read_text().splitlines()[1] + "\n")
    alone = extract(folder, tmp_path / "alone", f"scp:{tmp_path}/one.scp", "--level", level, layers=layers)
    for layer in layers.split():
        assert list(found[layer]) == list(waves)
        for states in found[layer].values():
            assert states.ndim == 2 and states.dtype == np.float32 and np.isfinite(states).all()
        # A matrix product of more patches may add in another order: up to 12,288 terms in VGGish, 1,024 in YAMNet.
        rtol = 1e-5 * (level == "patch")
        np.testing.assert_allclose(alone[layer]["b-2"], found[layer]["b-2"], rtol=rtol, atol=1e-6)
        np.testing.assert_allclose(pooled[layer]["b-2"], found[layer]["b-2"].mean(axis=0), rtol=0, atol=1e-6)
    assert not np.allclose(pooled["final"]["a-1"], pooled["final"]["c-3"])


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_layers_are_the_hidden_states_and_final_is_the_last_hidden_state(kind, encoder, wav_scp, waves, tmp_path):
    from transformers import AutoFeatureExtractor, AutoModel

    folder = encoder(kind)
    extractor, model = AutoFeatureExtractor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    inputs = extractor(waves["a-1"], sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        expected = (model.encoder if kind in ("whisper", "moonshine") else model)(**inputs, output_hidden_states=True)
    last = len(expected.hidden_states) - 1
    found = extract(folder, tmp_path / "out", wav_scp, "--level", "frame", layers=f"0 {last} final")
    rows = {"whisper": slice(0, 63), "ast": slice(2, None)}.get(kind, slice(None))  # 20,000 / 320 = 62.5
    for layer, states in ((0, expected.hidden_states[0]), (last, expected.hidden_states[last])):
        np.testing.assert_allclose(found[str(layer)]["a-1"], states[0, rows].numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["final"]["a-1"], expected.last_hidden_state[0, rows].numpy(), rtol=0, atol=1e-6)
    num_frames = {"whisper": 63, "ast": 60, "moonshine": 50}.get(kind, 62)
    assert len(found["final"]["a-1"]) == num_frames
    if kind.endswith("-large") or kind == "ast":  # a norm follows their last block
        assert np.abs(found[str(last)]["a-1"] - found["final"]["a-1"]).max() > 0.1
    if kind in ("sew", "sew-d"):
        assert len(found["0"]["a-1"]) == 31


@pytest.mark.parametrize("kind", ["wav2vec2-base", "hubert-base", "data2vec-audio", "wavlm-large"])
def test_recordings_of_one_length_may_share_a_batch_and_others_may_not(kind, encoder, wav_scp, waves, tmp_path):
    """Which is why the extractor never pads: of a padded recording all states change in base-size models."""
    from transformers import AutoModel

    folder = encoder(kind)
    model = AutoModel.from_pretrained(folder).double().eval()  # so that what differs is no rounding
    extractor = load_audio_encoder(str(folder)).extractor
    normal = {utt: extractor(wave, sampling_rate=RATE).input_values[0] for utt, wave in waves.items()}

    def states(*batch: np.ndarray, mask: torch.Tensor | None = None) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(np.stack(batch)).double(), attention_mask=mask).last_hidden_state.numpy()

    alone = {utt: states(wave)[0] for utt, wave in normal.items()}
    found = extract(folder, tmp_path / "out", wav_scp, "--level", "frame")["final"]
    for utt, expected in alone.items():
        np.testing.assert_allclose(found[utt], expected, rtol=0, atol=1e-5)  # in float32
    equal = states(normal["a-1"], normal["c-3"])
    np.testing.assert_allclose(equal, [alone["a-1"], alone["c-3"]], rtol=0, atol=1e-10)
    mask = torch.ones(2, LENGTHS["a-1"], dtype=torch.long)
    mask[1, LENGTHS["b-2"] :] = 0
    padded = np.pad(normal["b-2"], (0, LENGTHS["a-1"] - LENGTHS["b-2"]))
    unequal = states(normal["a-1"], padded, mask=mask)[1, : len(alone["b-2"])]
    error = np.abs(unequal - alone["b-2"]).max()
    assert error < 1e-10 if kind == "wavlm-large" else error > 0.01


def test_feature_extractor_is_that_of_the_folder(encoder, wav_scp, tmp_path):
    """With do_normalize a recording twice as loud gives the same states; without it, others."""
    folder, louder = encoder("moonshine"), tmp_path / "normal"
    shutil.copytree(folder, louder)
    settings = louder / "preprocessor_config.json"
    assert '"do_normalize": false' in settings.read_text()
    settings.write_text(settings.read_text().replace('"do_normalize": false', '"do_normalize": true'))
    wave = np.random.default_rng(1).normal(0, 0.05, 8_000).astype(np.float32)
    for source, same in ((folder, False), (louder, True)):
        net = load_audio_encoder(str(source))
        first, second = (next(net.encode([("a", wave * gain)], ["0"]))[1]["0"] for gain in (1, 2))
        assert np.allclose(first, second, atol=1e-3) == same


def test_long_recordings_are_windowed_weighted_by_their_frames_and_counted(encoder, wav_scp, tmp_path, caplog):
    folder = encoder("wavlm-large")
    caplog.set_level("INFO")
    frames = extract(folder, tmp_path / "f", wav_scp, "--level", "frame", "--max-seconds", 1)["final"]
    vectors = extract(folder, tmp_path / "v", wav_scp, "--max-seconds", 1)["final"]
    assert len(frames["a-1"]) == 2 * (1 + (10_000 - 400) // 320) and len(frames["b-2"]) == 41
    np.testing.assert_allclose(vectors["a-1"], frames["a-1"].mean(axis=0), atol=1e-6)
    assert "2 cut into windows" in caplog.text
    with pytest.raises(SerError, match=r"windows of 0.01 s are shorter than one frame; raise --max-seconds"):
        extract(folder, tmp_path / "x", wav_scp, "--max-seconds", 0.01)


def test_short_loud_stereo_and_silent_clips(encoder, tmp_path, caplog):
    caplog.set_level("INFO")
    clips = {
        "a-short": (np.full(399, 0.1), RATE), "b-zeros": (np.zeros(8_000), RATE),
        "c-nan": (np.full(8_000, np.nan), RATE),
        "d-44k": (np.random.default_rng(0).normal(0, 0.1, (44_100, 2)), 44_100),
    }  # fmt: skip
    for utt, (wave, rate) in clips.items():
        soundfile.write(tmp_path / f"{utt}.wav", wave, rate, subtype="FLOAT")
    (tmp_path / "wav.scp").write_text("".join(f"{utt} {tmp_path}/{utt}.wav\n" for utt in clips))
    for kind in ("wavlm-large", "sew-d", "moonshine", "wav2vec2-bert", "emotion2vec", "yamnet"):
        out = tmp_path / kind
        level = "patch" if kind == "yamnet" else "frame"
        found = extract(
            encoder(kind), out, f"scp:{tmp_path}/wav.scp", "--level", level,
            "--left-out", out / "left_out", "--max-left-out", 0.5,
        )["final"]  # fmt: skip
        assert list(found) == ["a-short", "b-zeros", "d-44k"]
        assert "not a number" in (out / "left_out").read_text()
        assert len(found["a-short"]) in ((1, 2) if kind == "sew-d" else (1,))
        assert all(np.isfinite(states).all() for states in found.values())
        padded = 2 if kind == "yamnet" else 1  # half a second is shorter than a patch
        assert f"{padded} shorter than one {level} (padded)" in caplog.text
        caplog.clear()


def test_patches_of_yamnet(encoder, wav_scp, tmp_path):
    found = extract(encoder("yamnet"), tmp_path / "p", wav_scp, "--level", "patch", layers="10 final")
    assert found["10"]["a-1"].shape == (2, 512) and found["final"]["b-2"].shape == (1, 1024)
    both = extract(encoder("yamnet"), tmp_path / "s", wav_scp, "--pool", "mean_std", layers="10")["10"]["a-1"]
    expected = np.concatenate([found["10"]["a-1"].mean(axis=0), found["10"]["a-1"].std(axis=0)])
    np.testing.assert_allclose(both, expected, atol=1e-6)
    thinned = extract(encoder("yamnet"), tmp_path / "t", wav_scp, "--level", "patch", "--every", 2, layers="10")["10"]
    np.testing.assert_array_equal(thinned["a-1"], found["10"]["a-1"][:1])


def test_mean_and_deviation():
    np.testing.assert_array_equal(pool_rows(np.array([[1.0, 4], [3, 4]]), "mean_std"), [2, 4, 1, 0])


def test_segments_are_utterances(encoder, wav_scp, waves, tmp_path):
    (tmp_path / "segments").write_text("u-1 a-1 0.25 1.0\nu-2 a-1 0 0.5\n")
    found = extract(encoder("hubert-base"), tmp_path / "o", wav_scp, "--segments", tmp_path / "segments")["final"]
    net = load_audio_encoder(str(encoder("hubert-base")))
    ((_, states),) = net.encode([("x", waves["a-1"][4_000:16_000])], ["final"])
    assert list(found) == ["u-1", "u-2"]
    np.testing.assert_allclose(found["u-1"], states["final"].mean(axis=0), atol=1e-6)


def test_done_job_is_left_alone_and_another_encoder_is_not(encoder, wav_scp, tmp_path, caplog):
    caplog.set_level("INFO")
    note = ("--done", tmp_path / "note.done")
    folder = tmp_path / "copy"
    shutil.copytree(encoder("hubert-base"), folder)
    first = extract(folder, tmp_path / "o", wav_scp, *note)["final"]
    assert "nothing to do" not in caplog.text
    extract(folder, tmp_path / "o", wav_scp, *note)
    assert "nothing to do" in caplog.text
    shutil.copy(encoder("hubert-large") / "model.safetensors", folder)
    shutil.copy(encoder("hubert-large") / "config.json", folder)
    assert not np.allclose(extract(folder, tmp_path / "o", wav_scp, *note)["final"]["a-1"], first["a-1"])


def test_our_own_x_vector_net(toy_run, wav_scp, tmp_path, say):
    from ser.detect.front_end import FrontEnd
    from ser.kaldi import audio
    from ser.models.xvector import XVector, XVectorConfig, embed_utterance
    from ser.training import model_dir

    folder = toy_run.exp / "finetune_none"
    (tmp_path / "wav.scp").write_text(f"a-1 {say('anger', 1)}\n")
    found = extract(folder, tmp_path / "o", f"scp:{tmp_path}/wav.scp", layers="tdnn6 tdnn7 final")
    model = XVector.from_weights(
        model_dir.load_section(folder, "model", XVectorConfig), model_dir.load_weights(folder)
    )  # fmt: skip
    (block,) = FrontEnd.load(Path("conf")).blocks([audio.read_wave(str(say("anger", 1)), RATE)])
    expected = embed_utterance(model, block.features, ["tdnn6", "tdnn7"])
    for layer, name in (("tdnn6", "tdnn6"), ("tdnn7", "tdnn7"), ("final", "tdnn7")):
        np.testing.assert_allclose(found[layer]["a-1"], expected[name], atol=1e-5)
    with pytest.raises(SerError, match="it has a state per utterance, not per frame; give --level utterance"):
        extract(folder, tmp_path / "x", wav_scp, "--level", "frame")


class TestRefused:
    def test_layers_and_levels_that_are_not_there_are_listed(self, encoder, wav_scp, tmp_path):
        with pytest.raises(SerError, match=r"wavlm-base': no layer '4'; there are 0 1 2 3 final"):
            extract(encoder("wavlm-base"), tmp_path, wav_scp, layers="4")
        with pytest.raises(SerError, match="name one layer twice"):
            extract(encoder("wavlm-base"), tmp_path, wav_scp, layers="1 1")
        with pytest.raises(SerError, match=r"no layer '15'; there are 1 2 .* 14 final"):
            extract(encoder("yamnet"), tmp_path, wav_scp, layers="15")
        with pytest.raises(SerError, match="it has a state per patch, not per frame; give --level patch or utterance"):
            extract(encoder("yamnet"), tmp_path, wav_scp, "--level", "frame")

    def test_frames_that_would_fill_the_disk(self, encoder, wav_scp, tmp_path, monkeypatch):
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=20_000))
        # 53,333 samples: 167 frames of 32 numbers of 4 bytes at 2 layers.
        with pytest.raises(SerError, match=r"need about 0.000 GB .* take --level utterance, fewer --layers, --every 4"):
            extract(encoder("hubert-base"), tmp_path / "o", wav_scp, "--level", "frame", layers="0 final")
        extract(encoder("hubert-base"), tmp_path / "o", wav_scp, "--level", "frame", "--check-disk", "false")
        extract(encoder("hubert-base"), tmp_path / "o", wav_scp)

    @pytest.mark.parametrize(
        ("removed", "message"),
        [
            ("preprocessor_config.json", "holds no preprocessor_config.json; get the whole folder"),
            ("model.safetensors", r"holds only pytorch_model.bin, which is a pickle and is never read; convert it to"),
        ],
    )
    def test_incomplete_folder(self, encoder, wav_scp, tmp_path, removed, message):
        folder = tmp_path / "encoder"
        shutil.copytree(encoder("hubert-base"), folder)
        (folder / removed).rename(folder / "pytorch_model.bin")
        with pytest.raises(SerError, match=message):
            extract(folder, tmp_path / "o", wav_scp)

    def test_another_kind_of_model_and_damaged_ones(self, encoder, wav_scp, tmp_path):
        folder = tmp_path / "encoder"
        shutil.copytree(encoder("hubert-base"), folder)
        config = (folder / "config.json").read_text()
        (folder / "config.json").write_text(config.replace('"hubert"', '"bert"'))
        with pytest.raises(SerError, match="the model type bert is not supported; give one of wav2vec2, wavlm"):
            extract(folder, tmp_path / "o", wav_scp)
        (folder / "config.json").write_text("{")
        with pytest.raises(SerError, match=r"config.json is damaged"):
            extract(folder, tmp_path / "o", wav_scp)
        (folder / "config.json").write_text(config.replace('"num_hidden_layers": 3', '"num_hidden_layers": 4'))
        with pytest.raises(SerError, match=r"its file of weights lacks \d+ arrays \(encoder.layers.3"):
            extract(folder, tmp_path / "o", wav_scp)
        (folder / "config.json").write_text(config)
        weights = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(weights[:1000])
        with pytest.raises(SerError, match="cannot be loaded"):
            extract(folder, tmp_path / "o", wav_scp)

    def test_name_of_the_hub_without_a_network(self, wav_scp, tmp_path, monkeypatch):
        import huggingface_hub

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(SerError, match=r"the Hub is switched off \(HF_HUB_OFFLINE\); give a folder, or run once"):
            hub.find_folder("nobody/no-such-model")
        with pytest.raises(SerError, match="no such folder; give a folder, or a name on the Hub"):
            hub.find_folder(str(tmp_path / "absent"))

    def test_folder_of_nothing(self, wav_scp, tmp_path):
        with pytest.raises(SerError, match=r"holds no config.json and no config.yaml"):
            extract(tmp_path, tmp_path / "o", wav_scp)

    def test_unknown_kind_of_toy_encoder_lists_them(self, tmp_path):
        with pytest.raises(
            SerError, match="there is no toy encoder of the kind 'bird'; kinds: wav2vec2-base, wav2vec2-large"
        ):
            run(build_toy_encoder, "--kind", "bird", tmp_path)


@pytest.mark.parametrize("network", ["resnet", "yamnet"])
def test_net_of_the_triplet_training_is_an_encoder(network, wav_scp, tmp_path):
    from ser.models.resnet import Resnet, ResnetConfig
    from ser.models.yamnet import Yamnet, YamnetConfig
    from ser.training import model_dir

    torch.manual_seed(0)
    sizes = ResnetConfig((4, 8), 1)
    net = Resnet(sizes) if network == "resnet" else Yamnet(YamnetConfig(True, 521))
    folder, model = tmp_path / "triplet", "{channels: [4, 8], blocks: 1}" if network == "resnet" else "null"
    folder.mkdir()
    (folder / "config.yaml").write_text(f"network: {network}\nmodel: {model}\n")
    model_dir.save_weights(folder / "model.safetensors", net)
    found = extract(folder, tmp_path / "o", wav_scp, "--level", "patch", layers="1 final")
    assert found["final"]["a-1"].shape == (2, 8 if network == "resnet" else 1024)
    (folder / "config.yaml").write_text("network: resnet\nmodel: {channels: [4, 9], blocks: 1}\n")
    with pytest.raises(SerError, match=r"its weights are not those of its config.yaml"):
        extract(folder, tmp_path / "x", wav_scp)
