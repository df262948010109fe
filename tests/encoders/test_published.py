import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser.encoders.published import read_published
from ser.errors import SerError
from ser.features import audioset
from ser.models.vggish import Vggish, VggishConfig
from ser.models.yamnet import Yamnet

SHARED = Path(__file__).parents[3] / "shared"
TFLITE = SHARED / "yamnet" / "yamnet.tflite"
needs_yamnet = pytest.mark.skipif(not TFLITE.exists(), reason="no ../shared/yamnet/yamnet.tflite, Google's weights")


def scores(published, patches: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.sigmoid(Yamnet.from_weights(published.config, published.weights)(patches))


def test_layouts_of_one_net_agree(net, published):
    patches = torch.randn(2, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = torch.sigmoid(net(patches))
    assert expected.std() > 0.05
    for suffix in (".pth", ".h5"):
        found = read_published(published(suffix), any_version=True)
        assert found.kind == "yamnet" and found.config.batch_norm
        torch.testing.assert_close(scores(found, patches), expected, rtol=0, atol=1e-6)
    folded = read_published(published(".tflite"), any_version=True)
    assert not folded.config.batch_norm
    torch.testing.assert_close(scores(folded, patches), expected, rtol=0, atol=0.02)


def test_torch_port_of_vggish_is_read(tmp_path):
    sizes = VggishConfig(hidden=8, embedding=4)
    model = Vggish(sizes)
    torch.save(model.state_dict(), tmp_path / "vggish.pth")
    found = read_published(tmp_path / "vggish.pth", any_version=True, vggish=sizes)
    assert found.kind == "vggish"
    torch.testing.assert_close(found.weights["embeddings.4.bias"], model.embeddings[4].bias.detach())
    with pytest.raises(SerError, match=r"embeddings.0.weight is \(8, 12288\), expected \(4096, 12288\)"):
        read_published(tmp_path / "vggish.pth", any_version=True)


@pytest.fixture(scope="module")
def model() -> Yamnet:
    found = read_published(TFLITE)
    return Yamnet.from_weights(found.config, found.weights)


@needs_yamnet
class TestGoogles:
    @pytest.mark.parametrize("name", ["glide", "ravdess_03-01-04-01-02-02-08", "ravdess_03-01-05-02-01-01-03"])
    def test_outputs_are_those_of_its_own_interpreter(self, model, name):
        """The interpreter rounds what goes into each layer to int8, its log mel too, which is given here."""
        theirs = np.load(SHARED / "yamnet" / f"{name}.npz")
        patches = torch.from_numpy(theirs["log_mel"][..., 0])
        with torch.no_grad():
            maps = model.maps(patches, ["1", "5", "10", "13", "14"])
            embedding = model.embed(patches).numpy()
        for layer, map_ in maps.items():
            found, expected = (
                map_[0].permute(1, 2, 0).numpy(),
                theirs[f"layer{layer}"].reshape(map_[0].permute(1, 2, 0).shape),
            )
            least = 0.997 if layer == "14" else 0.999
            assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] >= least, layer
            if layer == "10":
                assert np.abs(found - expected).max() <= 0.04 * np.ptp(expected)
        assert np.corrcoef(embedding.ravel(), theirs["embedding"].ravel())[0, 1] >= 0.998

    def test_our_log_mel_of_speech_leads_to_the_same_embedding(self, model):
        name = "ravdess_03-01-05-02-01-01-03"
        theirs = np.load(SHARED / "yamnet" / f"{name}.npz")
        wave, _ = soundfile.read(SHARED / "kaldi_reference" / "wav" / f"{name}.wav", dtype="float32")
        patches = audioset.patches(wave[16_000 : 16_000 + 15_600], audioset.YAMNET)
        with torch.no_grad():
            embedding = model.embed(torch.from_numpy(patches)).numpy()
        assert np.corrcoef(embedding.ravel(), theirs["embedding"].ravel())[0, 1] > 0.99

    @pytest.mark.parametrize(
        ("wave", "label"),
        [
            (np.zeros(48_000), 494),  # Silence
            (np.random.RandomState(51773).uniform(-1, 1, 48_000), 514),  # White noise
            (np.sin(2 * np.pi * 440 * np.linspace(0, 3, 48_000)), 495),  # Sine wave
        ],
    )
    def test_clips_of_its_authors_are_named(self, model, wave, label):
        patches = torch.from_numpy(audioset.patches(wave, audioset.YAMNET))
        with torch.no_grad():
            mean = torch.sigmoid(model(patches)).mean(dim=0)
        assert label in mean.argsort(descending=True)[:10]

    def test_one_changed_byte_is_refused(self, tmp_path):
        data = bytearray(TFLITE.read_bytes())
        data[2_000_000] ^= 1
        (tmp_path / "yamnet.tflite").write_bytes(data)
        with pytest.raises(SerError, match=r"yamnet.tflite: its sha256 .* is not that of the published file"):
            read_published(tmp_path / "yamnet.tflite")


class TestRefused:
    def test_missing_extra_and_wrongly_shaped_arrays_are_named(self, published, tmp_path):
        path, good = tmp_path / "yamnet.pth", torch.load(published(".pth"), weights_only=True)
        bad = {name: tensor for name, tensor in good.items() if name != "classifier.bias"}
        torch.save(bad, path)
        with pytest.raises(SerError, match=r"1 of \d+ arrays are missing \(classifier.bias\), 0 do not belong to it"):
            read_published(path)
        torch.save(good | {"spy": torch.zeros(1)}, path)
        with pytest.raises(SerError, match=r"0 of \d+ arrays are missing, 1 do not belong to it \(spy\)"):
            read_published(path)
        torch.save(good | {"classifier.bias": torch.zeros(520)}, path)
        with pytest.raises(SerError, match=r"classifier.bias is \(520,\), expected \(521,\)"):
            read_published(path)
        torch.save(good | {"classifier.bias": torch.full((521,), torch.nan)}, path)
        with pytest.raises(SerError, match=r"classifier.bias has infinity or NaN"):
            read_published(path)
        torch.save(good | {"layer1.fused.bn.weight": torch.full((32,), 2.0)}, path)
        with pytest.raises(SerError, match=r"layer1.fused.bn.weight is not 1"):
            read_published(path)

    def test_pickled_code_is_refused_and_not_run(self, tmp_path):
        class Malice:
            def __reduce__(self) -> tuple:
                return Path.touch, (tmp_path / "touched",)

        path = tmp_path / "yamnet.pth"
        for save in (torch.save, lambda state, path: path.write_bytes(pickle.dumps(state))):
            save({"classifier.bias": Malice()}, path)
            with pytest.raises(SerError, match=r"yamnet.pth: not a file of weights only"):
                read_published(path)
        torch.save([1, 2], path)
        with pytest.raises(SerError, match=r"expected a table of names and arrays, found list"):
            read_published(path)
        assert not (tmp_path / "touched").exists()

    @pytest.mark.parametrize("suffix", [".pth", ".h5", ".tflite"])
    def test_truncated_file_is_refused(self, published, tmp_path, suffix):
        data, path = published(suffix).read_bytes(), tmp_path / f"yamnet{suffix}"
        for share in (0.9, 0.5, 0.01):
            path.write_bytes(data[: int(share * len(data))])
            with pytest.raises(SerError, match=rf"yamnet{suffix}: "):
                read_published(path, any_version=True)

    def test_keras_file_that_points_elsewhere_is_refused(self, published, tmp_path):
        h5py = pytest.importorskip("h5py")
        path = tmp_path / "yamnet.h5"
        shutil.copy(published(".h5"), path)
        (tmp_path / "secret").write_bytes(bytes(4 * 521))
        with h5py.File(path, "a") as file:
            del file["logits/logits/bias:0"]
            file.create_dataset(
                "logits/logits/bias:0", (521,), "<f4", external=[(str(tmp_path / "secret"), 0, 4 * 521)]
            )
        with pytest.raises(SerError, match="is not an array of YAMNet's"):
            read_published(path, any_version=True)

    def test_without_h5py_the_extra_is_named(self, tmp_path, monkeypatch):
        (tmp_path / "yamnet.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
        monkeypatch.setitem(sys.modules, "h5py", None)
        with pytest.raises(SerError, match=r"h5py, which is not installed; .*utils/make_venv\.sh --extras h5$"):
            read_published(tmp_path / "yamnet.h5", any_version=True)

    def test_file_whose_name_tells_another_digest_is_refused(self, published, tmp_path):
        path = tmp_path / "yamnet-0123abcd.pth"
        shutil.copy(published(".pth"), path)
        with pytest.raises(SerError, match=r"its sha256 is [0-9a-f]{8}..., but its name says 0123abcd"):
            read_published(path)

    def test_other_suffixes_and_no_file(self, tmp_path):
        with pytest.raises(SerError, match="no such file"):
            read_published(tmp_path / "yamnet.pth")
        (tmp_path / "model.ckpt").touch()
        with pytest.raises(SerError, match=r"model.ckpt: expected a name that ends in .tflite, .h5, .pth"):
            read_published(tmp_path / "model.ckpt")
