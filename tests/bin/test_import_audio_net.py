import sys
from pathlib import Path
from unittest import mock

import pytest
import torch

from ser.bin import import_audio_net
from ser.encoders import net_dir
from ser.errors import SerError
from ser.models.yamnet import Yamnet, YamnetConfig


def run(*arguments: object) -> None:
    with mock.patch.object(sys, "argv", ["import_audio_net", *map(str, arguments)]):
        import_audio_net.main()


@pytest.fixture(scope="module")
def pth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Yamnet]:
    torch.manual_seed(0)
    model = Yamnet(YamnetConfig(batch_norm=True, num_classes=521)).eval()
    path = tmp_path_factory.mktemp("pth") / "yamnet.pth"
    torch.save({name.replace("layer1.", "layer1.fused."): value for name, value in model.state_dict().items()}, path)
    return path, model


def test_imported_net_is_the_published_one(pth, tmp_path):
    path, model = pth
    run(path, tmp_path / "net")
    kind, config, found = net_dir.load_net(tmp_path / "net")
    assert kind == "yamnet" and config == YamnetConfig(True, 521) and not found.training
    patches = torch.randn(2, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(found(patches), model(patches), rtol=0, atol=0)
    assert "Apache-2.0" in (tmp_path / "net" / "SOURCE").read_text()


def test_folder_that_was_changed_since_is_refused(pth, tmp_path):
    run(pth[0], tmp_path / "net")
    weights = tmp_path / "net" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-100] ^= 1
    weights.write_bytes(data)
    with pytest.raises(SerError, match="damaged: its numbers do not match its checksum"):
        net_dir.load_net(tmp_path / "net")
    (tmp_path / "net" / "config.yaml").write_text("kind: resnet\nmodel: {}\n")
    with pytest.raises(SerError, match="expected kind: yamnet or vggish"):
        net_dir.load_net(tmp_path / "net")


def test_sizes_that_are_not_the_weights_are_refused(pth, tmp_path):
    run(pth[0], tmp_path / "net")
    (tmp_path / "net" / "config.yaml").write_text("kind: yamnet\nmodel: {batch_norm: true, num_classes: 7}\n")
    with pytest.raises(SerError, match=r"its weights are not those of a yamnet: .*classifier.bias"):
        net_dir.load_net(tmp_path / "net")


def test_nothing_is_written_of_a_refused_file(tmp_path):
    (tmp_path / "yamnet.tflite").write_bytes(b"abcdTFL3")
    with pytest.raises(SerError, match="is not that of the published file"):
        run(tmp_path / "yamnet.tflite", tmp_path / "net")
    with pytest.raises(SerError, match="damaged or truncated"):
        run("--any-version", "true", tmp_path / "yamnet.tflite", tmp_path / "net")
    assert not (tmp_path / "net").exists()
