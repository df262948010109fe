import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.text import bert, wordpiece


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_every_word_of_the_text_is_one_token_and_none_is_unknown(encoder_folder, examples):
    _, tokenizer = bert.load_encoder(str(encoder_folder))
    for text in examples[0][:50]:
        tokens = tokenizer.convert_ids_to_tokens(bert.tokenize(tokenizer, [text]).ids[0])
        assert tokens == ["[CLS]", *text.split(), "[SEP]"]


def test_rare_word_is_spelt_in_characters():
    vocabulary = wordpiece.make_vocabulary(["ab ab ba"], 10)
    assert vocabulary[5:] == ["##a", "##b", "a", "b", "ab"]


def test_same_seed_gives_the_same_files_in_another_process(encoder_folder, examples, scratch_config, tmp_path):
    (tmp_path / "text").write_text("\n".join(examples[0]), encoding="utf-8")
    code = (
        "import sys; from ser.text import wordpiece;"
        f"texts = open(sys.argv[1]).read().splitlines(); config = wordpiece.{scratch_config!r};"
        "wordpiece.build_encoder(texts, config, 0, sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "text"), str(tmp_path / "encoder")]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(filter(None, sys.path))})
    assert digests(tmp_path / "encoder") == digests(encoder_folder)


def test_other_seed_gives_other_weights(encoder_folder, examples, scratch_config, tmp_path):
    wordpiece.build_encoder(examples[0], scratch_config, 1, tmp_path)
    changed = {name for name, digest in digests(tmp_path).items() if digest != digests(encoder_folder)[name]}
    assert changed == {"model.safetensors", "SHA256SUMS"}


def test_too_small_a_vocabulary_and_no_text_are_refused(scratch_config, tmp_path):
    small = dataclasses.replace(scratch_config, vocabulary_size=8)
    with pytest.raises(SerError, match="vocabulary_size 8 is too small: the text has 2 different characters"):
        wordpiece.build_encoder(["ab"], small, 0, tmp_path / "model")
    with pytest.raises(SerError, match="no words"):
        wordpiece.build_encoder(["", " "], scratch_config, 0, tmp_path / "model")
    assert not (tmp_path / "model").exists()
