import pytest
import torch

from ser.config import load_config
from ser.errors import SerError
from ser.text import bert, t5
from ser.text.config import TextConfig
from ser.text.wordpiece import ScratchConfig
from ser.training.unfreezing import Unfreezing

CONFIG = ScratchConfig(
    vocabulary_size=60, layers=2, hidden_size=16, heads=2, inner_size=32, positions=16, dropout=0.1, weight_stddev=0.05
)
TEXTS = ["I saw the old house today", "you are so happy", "the happy house"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("t5")
    t5.build_encoder(TEXTS, CONFIG, 0, path)
    return path


def test_the_encoder_alone_is_loaded_and_a_text_ends_with_its_end_token(folder):
    encoder, tokenizer = bert.load_encoder(str(folder))
    assert type(encoder).__name__ == "T5EncoderModel"
    assert not any(name.startswith("decoder") for name, _ in encoder.named_parameters())
    (ids,) = bert.tokenize(tokenizer, ["the happy house"]).ids
    assert tokenizer.convert_ids_to_tokens(ids) == ["▁the", "▁happy", "▁house", "</s>"]


@pytest.mark.parametrize("kind", ["T5", "MT5", "UMT5"])
def test_a_whole_model_with_its_decoder_gives_its_encoder(folder, tmp_path, kind):
    import transformers

    config = getattr(transformers, f"{kind}Config").from_pretrained(folder)
    config.is_encoder_decoder, config.num_decoder_layers = True, 1
    whole = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval()
    whole.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    encoder, _ = bert.load_encoder(str(tmp_path))
    assert type(encoder).__name__ == f"{kind}EncoderModel"
    ids = torch.tensor([[4, 5, 1]])
    torch.testing.assert_close(encoder(ids).last_hidden_state, whole.encoder(ids).last_hidden_state)


def test_states_of_a_text_are_the_same_alone_and_beside_longer_ones(folder):
    encoder, tokenizer = bert.load_encoder(str(folder))
    ids = bert.tokenize(tokenizer, [*TEXTS, ""]).ids
    assert ids[3] == []
    states = dict(bert.token_states(encoder, ids, tokenizer.pad_token_id, batch_size=8))
    assert states.keys() == {0, 1, 2}
    for index, rows in states.items():
        assert rows.shape == (len(ids[index]), 16)
        alone = encoder(torch.tensor([ids[index]])).last_hidden_state[0]
        torch.testing.assert_close(rows, alone, rtol=1e-5, atol=1e-6)


def test_their_mean_over_the_tokens_is_the_vector(folder):
    encoder, tokenizer = bert.load_encoder(str(folder))
    ids = bert.tokenize(tokenizer, TEXTS).ids
    states = dict(bert.token_states(encoder, ids, tokenizer.pad_token_id, batch_size=2))
    for index, vector in bert.extract(encoder, ids, tokenizer.pad_token_id, "mean", batch_size=3):
        torch.testing.assert_close(vector, states[index].mean(0), rtol=1e-5, atol=1e-6)


def test_the_same_texts_and_seed_give_the_same_bytes(folder, tmp_path):
    t5.build_encoder(TEXTS, CONFIG, 0, tmp_path)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_an_unknown_word_is_spelt(folder):
    _, tokenizer = bert.load_encoder(str(folder))
    (ids,) = bert.tokenize(tokenizer, ["hat"]).ids
    assert tokenizer.convert_ids_to_tokens(ids) == ["▁", "h", "a", "t", "</s>"]


def test_no_words_and_a_vocabulary_that_is_too_small_are_refused():
    with pytest.raises(SerError, match="no words"):
        t5.make_vocabulary([" "], 30)
    with pytest.raises(SerError, match="vocabulary_size 6 is too small: the text has 4 different characters"):
        t5.make_vocabulary(["an ox"], 6)


def test_a_text_without_a_first_token_for_the_whole_is_not_pooled_by_it(folder, encoder_folder):
    _, tokenizer = bert.load_encoder(str(folder))
    with pytest.raises(SerError, match=r"text model 't5-base': pooling cls takes .* do not begin with a \[CLS\]"):
        bert.check_pooling("t5-base", tokenizer, "cls")
    bert.check_pooling("t5-base", tokenizer, "mean")
    bert.check_pooling("bert", bert.load_encoder(str(encoder_folder))[1], "cls")


def test_the_driver_of_system_c_tunes_a_t5_by_the_mean_block_by_block_from_the_output_on():
    from transformers import T5Config, T5EncoderModel

    settings = load_config(TextConfig, "conf/coattention/goemotions.yaml")
    assert settings.text_model == "t5-base" and settings.model.pooling == "mean"
    assert 1e-4 <= settings.fit.learning_rate <= 3e-4
    # T5 base has 12 blocks.
    sizes = T5Config(vocab_size=8, d_model=8, d_kv=4, d_ff=8, num_layers=12, num_heads=2)
    model = bert.TextClassifier(T5EncoderModel(sizes), 28, "mean", 0.1)
    schedule = Unfreezing(model, settings.fit.unfreezing, [2440] * settings.fit.epochs)
    assert [schedule.group_of[f"encoder.encoder.block.{block}"] for block in range(12)] == [2] * 4 + [1] * 4 + [0] * 4
    assert schedule.group_of["head"] == 0 and schedule.group_of["encoder.shared"] == 2
    assert schedule.starts == [0, 500, 1000]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            6,
            r"no layer 'encoder.encoder.block.\[89\]' in the model; it has .* encoder.encoder.block.5, .* to null",
        ),
        (24, r"encoder.encoder.block.12 is in group 3, after encoder.encoder.block.11, which is nearer to the input"),
    ],
)
def test_a_t5_of_other_blocks_is_not_unfrozen_by_the_groups_of_t5_base(blocks, message):
    from transformers import T5Config, T5EncoderModel

    settings = load_config(TextConfig, "conf/coattention/goemotions.yaml")
    sizes = T5Config(vocab_size=8, d_model=8, d_kv=4, d_ff=8, num_layers=blocks, num_heads=2)
    model = bert.TextClassifier(T5EncoderModel(sizes), 28, "mean", 0.1)
    with pytest.raises(SerError, match=message) as caught:
        Unfreezing(model, settings.fit.unfreezing, [2440] * settings.fit.epochs)
    assert len(str(caught.value)) < 600


def test_berts_published_settings_are_a_file_of_their_own():
    settings = load_config(TextConfig, "conf/coattention/goemotions_bert.yaml")
    assert settings.text_model == "bert-base-cased" and settings.model.pooling == "cls"
    found = (settings.data.max_tokens, settings.data.batch_size, settings.fit.epochs, settings.fit.learning_rate)
    assert found == (50, 16, 4, 5e-5) and settings.fit.unfreezing is None
