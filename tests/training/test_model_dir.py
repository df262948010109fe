from dataclasses import dataclass, replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ser.errors import SerError
from ser.training import model_dir


@dataclass(frozen=True)
class Inner:
    rate: float


@dataclass(frozen=True)
class Config:
    fit: Inner
    widths: tuple[int, ...] = (1, 2)


CONFIG = Config(Inner(0.5))


class Net(nn.Module):
    def __init__(self, width: int, classes: int, extra: bool = False) -> None:
        super().__init__()
        self.tdnn6 = nn.Linear(3, width)
        if extra:
            self.tdnn8 = nn.Linear(width, width)
        self.output = nn.Linear(width, classes)


def test_saved_weights_and_classes_are_read_back(tmp_path):
    net = Net(4, 2)
    model_dir.begin(tmp_path, CONFIG, {})
    model_dir.save_model(tmp_path, net, ["anger", "joy"])
    weights = model_dir.load_weights(tmp_path)
    assert all(torch.equal(weights[name], tensor) for name, tensor in net.state_dict().items())
    assert model_dir.load_classes(tmp_path) == ["anger", "joy"]


def test_finished_model_of_the_same_settings_is_left_alone(tmp_path):
    (tmp_path / "utt2emo").write_text("a b\n")
    folder, inputs = tmp_path / "model", {"utt2class": tmp_path / "utt2emo"}
    assert model_dir.begin(folder, CONFIG, inputs)
    assert model_dir.begin(folder, CONFIG, inputs)
    model_dir.save_model(folder, Net(4, 2), ["a", "b"])
    assert not model_dir.begin(folder, CONFIG, inputs)
    assert {"config.yaml", "command.txt", "version.txt", "note.tsv"} < {path.name for path in folder.iterdir()}
    assert model_dir.load_section(folder, "fit", Inner) == Inner(0.5)


def test_other_settings_are_refused_by_the_name_of_the_key(tmp_path):
    model_dir.begin(tmp_path, CONFIG, {})
    (tmp_path / model_dir.CHECKPOINT).touch()
    with pytest.raises(SerError, match=r"begun with fit.rate: 0.5; it is 0.1 now; remove"):
        model_dir.begin(tmp_path, replace(CONFIG, fit=Inner(0.1)), {})


def test_other_inputs_are_refused_by_name(tmp_path):
    (tmp_path / "utt2emo").write_text("a b\n")
    model_dir.begin(tmp_path / "model", CONFIG, {"utt2class": tmp_path / "utt2emo"})
    (tmp_path / "model" / model_dir.CHECKPOINT).touch()
    (tmp_path / "utt2emo").write_text("a c\n")
    with pytest.raises(SerError, match="begun with another utt2class"):
        model_dir.begin(tmp_path / "model", CONFIG, {"utt2class": tmp_path / "utt2emo"})


def test_other_features_are_refused_by_name(tmp_path):
    model_dir.begin(tmp_path, CONFIG, {}, {"features": "1"})
    (tmp_path / model_dir.CHECKPOINT).touch()
    assert model_dir.begin(tmp_path, CONFIG, {}, {"features": "1"})
    with pytest.raises(SerError, match="begun with another features"):
        model_dir.begin(tmp_path, CONFIG, {}, {"features": "2"})


def test_start_that_failed_before_its_first_checkpoint_binds_nobody(tmp_path):
    model_dir.begin(tmp_path, CONFIG, {})
    other = replace(CONFIG, fit=Inner(0.1))
    assert model_dir.begin(tmp_path, other, {})
    assert model_dir.load_section(tmp_path, "fit", Inner) == Inner(0.1)


def test_warm_start_with_other_classes_and_a_new_layer_says_what_it_did_not_load(caplog):
    caplog.set_level("INFO")
    old, new = Net(4, 7), Net(4, 2, extra=True)
    output = new.output.weight.detach().clone()
    model_dir.warm_start(new, old.state_dict(), same_classes=False)
    assert torch.equal(new.tdnn6.weight, old.tdnn6.weight)
    assert torch.equal(new.output.weight, output)
    assert "warm start: loaded tdnn6" in caplog.messages
    assert "warm start: new here, not loaded: output, tdnn8" in caplog.messages
    assert "warm start: not used: output" in caplog.messages


def test_output_is_loaded_only_where_the_classes_are_the_same():
    old, new = Net(4, 2), Net(4, 2)
    model_dir.warm_start(new, old.state_dict(), same_classes=True)
    assert torch.equal(new.output.weight, old.output.weight)


def test_other_shape_is_refused_by_the_name_of_the_tensor():
    with pytest.raises(SerError, match=r"tdnn6.weight is \(4, 3\) in the initial model and \(5, 3\) here"):
        model_dir.warm_start(Net(5, 2), Net(4, 2).state_dict(), same_classes=True)


def test_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SerError, match=r"model.safetensors: no such file; train the model"):
        model_dir.load_weights(tmp_path)
    with pytest.raises(SerError, match=r"config.yaml: no such file"):
        model_dir.load_section(tmp_path, "model", Inner)


def test_a_changed_bit_of_the_weights_is_noticed(tmp_path):
    model_dir.save_weights(tmp_path / "model.safetensors", Net(4, 2))
    data = bytearray((tmp_path / "model.safetensors").read_bytes())
    data[-3] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(SerError, match=r"model\.safetensors: damaged: .* train the model again"):
        model_dir.load_weights(tmp_path)


def test_weights_of_another_program_have_no_checksum_to_check(tmp_path):
    save_file(Net(4, 2).state_dict(), tmp_path / "model.safetensors")
    assert "tdnn6.weight" in model_dir.load_weights(tmp_path)


def test_settings_that_are_no_yaml_are_refused(tmp_path):
    for text in ("a: [", "", "- 1\n"):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(SerError, match=r"config\.yaml: (not YAML|no section 'model')"):
            model_dir.load_section(tmp_path, "model", Inner)


def test_weights_that_are_tied_are_written_under_both_names(tmp_path):
    net = nn.ModuleDict({"one": nn.Linear(3, 2), "two": nn.Linear(3, 2)})
    net["two"].weight = net["one"].weight
    model_dir.save_weights(tmp_path / "w.safetensors", net)
    loaded = model_dir.load_weights(tmp_path / "w.safetensors")
    assert torch.equal(loaded["one.weight"], net["one"].weight) and torch.equal(
        loaded["two.weight"], loaded["one.weight"]
    )
