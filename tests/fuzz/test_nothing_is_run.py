"""Models, checkpoints and archives are data: whatever code is in them or named by them, none of it is run."""

import json
import os
import pickle
import re
import shlex
from pathlib import Path

import pytest
import torch

from ser.detect.recordings import find_recordings, read_chunks
from ser.errors import SerError
from ser.kaldi import ark, plda_file
from ser.text import bert
from ser.training import model_dir
from ser.training.progress import load_checkpoint

ROOT = Path(__file__).parents[2]
# What unpickles, or runs what it reads.
FORBIDDEN = re.compile(
    r"pickle\.loads?\(|Unpickler|joblib|allow_pickle=True|torch\.load\((?!.*weights_only=True)|trust_remote_code=True"
    r"|\"trust_remote_code\": True|yaml\.(unsafe_|full_)?load\(|\beval\(|\bexec\(|os\.system|os\.popen|shell=True"
)
# Kaldi's "command |" of a table: the only places that give a shell something that was read.
RUN_COMMANDS = {"ser/kaldi/specifiers.py", "ser/kaldi/audio.py"}


class Malice:
    """Pickled, it makes the file `path` when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {shlex.quote(str(self.path))}",)


@pytest.fixture
def touched(tmp_path: Path) -> Path:
    """A file that is there once something was run."""
    return tmp_path / "touched"


def source_files() -> list[Path]:
    return [*ROOT.glob("ser/**/*.py"), *ROOT.glob("utils/*.py")]


def test_no_source_file_unpickles_or_evaluates_what_it_reads():
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in source_files()
        for match in FORBIDDEN.finditer(re.sub(r"\.eval\(\)", "", path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_two_modules_alone_run_commands_of_tables():
    shells = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("ser/**/*.py")
        if re.search(r"\[\"(ba)?sh\", \"-c\"", path.read_text(encoding="utf-8"))
    }
    assert shells == RUN_COMMANDS


def test_malicious_checkpoint_is_refused_and_not_run(tmp_path, touched):
    net = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for name, save in (("zip", torch.save), ("pickle", lambda state, path: path.write_bytes(pickle.dumps(state)))):
        path = tmp_path / name
        save({"model": Malice(touched), "optimizer": {}, "progress": {}}, path)
        with pytest.raises(SerError, match="remove it to train again"):
            load_checkpoint(path, net, optimizer)
    assert not touched.exists()


def test_weights_that_are_a_pickle_are_refused_and_not_run(tmp_path, touched):
    torch.save({"weight": Malice(touched)}, tmp_path / "model.safetensors")
    with pytest.raises(SerError, match="not a safetensors file"):
        model_dir.load_weights(tmp_path)
    assert not touched.exists()


def test_text_model_of_pickled_weights_or_own_code_is_not_run(tmp_path, touched):
    config = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config |= {"intermediate_size": 8, "vocab_size": 9, "architectures": ["BertModel"]}
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n")
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({"embeddings.word_embeddings.weight": Malice(touched)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(SerError, match="cannot be loaded"):
        bert.load_encoder(str(tmp_path))
    config["auto_map"] = {"AutoConfig": "own.Own", "AutoModel": "own.Own"}
    config["model_type"] = "own"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(touched)!r}, 'w')\n")
    with pytest.raises(SerError, match="cannot be loaded"):
        bert.load_encoder(str(tmp_path))
    assert not touched.exists()


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny BERT as the Hub would distribute it."""
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    folder = tmp_path / "encoder"
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n")
    bert.load_encoder(str(folder))
    return folder


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_text_model_that_asks_for_a_kernel_of_the_hub_is_refused(encoder, key, monkeypatch):
    # With the package `kernels` transformers would download it and run it.
    monkeypatch.setattr("transformers.modeling_utils.is_kernels_available", lambda: True)
    path = encoder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: "kernels-community/evil"}))
    with pytest.raises(SerError, match="asks for an attention kernel of the Hub"):
        bert.load_encoder(str(encoder))


@pytest.mark.parametrize("settings", [
    {"num_attention_heads": 0},
    {"pad_token_id": 99},
    {"num_hidden_layers": "many"},
    {"vocab_size": 10**12},
    {"quantization_config": {"quant_method": "gptq", "bits": 4}},
])  # fmt: skip
def test_text_model_of_settings_that_do_not_fit_is_refused(encoder, settings):
    path = encoder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(SerError, match="cannot be loaded"):
        bert.load_encoder(str(encoder))


def test_command_inside_an_archive_or_a_model_is_text(tmp_path, touched):
    command = f"touch {touched} |"
    (tmp_path / "x.ark").write_text(f"key {command}\n")
    with pytest.raises(SerError):
        list(ark.read(f"ark:{tmp_path}/x.ark"))
    for read in (ark.read_matrix_file, ark.read_vector_file, plda_file.read_plda):
        (tmp_path / "lda.mat").write_text(command)
        with pytest.raises(SerError):
            read(tmp_path / "lda.mat")
    (tmp_path / "config.yaml").write_text(f"text_model: '{command}'\n")
    with pytest.raises(SerError):
        bert.load_encoder(command)
    assert not touched.exists()


def test_command_of_a_table_runs_only_where_the_table_is_opened(tmp_path, touched):
    # As in Kaldi, a table's owner may name commands; what merely copies, splits or checks the table runs none.
    (tmp_path / "feats.scp").write_text(f"a touch {touched} |\n")
    reader = ark.Reader(tmp_path / "feats.scp")
    assert reader.keys() == ["a"] and not touched.exists()


def test_recording_called_like_a_command_is_a_file(tmp_path, touched):
    name = f"touch {touched} |"
    (path,) = find_recordings([name])
    with pytest.raises(SerError):
        list(read_chunks(path, 16000))
    assert not touched.exists()
