"""A tiny untrained BERT and its WordPiece vocabulary, for runs without downloads."""

import dataclasses
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch

from ser.errors import SerError
from ser.text.bert import quieten, save_encoder

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclasses.dataclass(frozen=True)
class ScratchConfig:
    """Size of an encoder that starts from random weights.

    Attributes
    ----------
    vocabulary_size : largest number of entries of the vocabulary.
    layers, hidden_size, heads, inner_size : sizes of the transformer (Devlin et al., NAACL 2019: L, H, A, 4H).
    positions : length of the longest text in tokens, special ones included.
    dropout : probability, on the layers and on the attention weights.
    weight_stddev : standard deviation of the random weights.
    """

    vocabulary_size: int
    layers: int
    hidden_size: int
    heads: int
    inner_size: int
    positions: int
    dropout: float
    weight_stddev: float


def make_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Make a WordPiece vocabulary: the special tokens, every character, then the most frequent words.

    Words that do not fit into `size` entries are spelt in characters, so no word of `texts` is unknown. Unlike this
    function, the trainer of the tokenizers library numbers pieces in the order of a randomly seeded hash table.

    >>> make_vocabulary(["No no", "an ox"], 15)[5:]
    ['##a', '##n', '##o', '##x', 'a', 'n', 'o', 'x', 'no', 'an']
    """
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    normalizer, splitter = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    if not counts:
        raise SerError("no words to make a vocabulary of; the text files are empty")
    characters = sorted({character for word in counts for character in word})
    pieces = sorted({*characters, *("##" + character for character in characters)})
    if len(SPECIAL_TOKENS) + len(pieces) > size:
        raise SerError(
            f"vocabulary_size {size} is too small: the text has {len(characters)} different characters, which take "
            f"{len(SPECIAL_TOKENS) + len(pieces)} entries with the special ones"
        )
    words = sorted((word for word in counts if len(word) > 1), key=lambda word: (-counts[word], word))
    return [*SPECIAL_TOKENS, *pieces, *words][:size]


def build_roberta(texts: Iterable[str], config: ScratchConfig, seed: int, folder: str | Path) -> int:
    """Write an untrained RoBERTa, with the vocabulary of `build_encoder`; return its size."""
    return build_encoder(texts, config, seed, folder, roberta=True)


def build_encoder(
    texts: Iterable[str], config: ScratchConfig, seed: int, folder: str | Path, roberta: bool = False
) -> int:
    """Write an untrained encoder for `texts` to `folder` in the Hub's layout; return the vocabulary's size."""
    quieten()
    from tokenizers import BertWordPieceTokenizer
    from transformers import AutoTokenizer, BertConfig, BertModel, RobertaConfig, RobertaModel

    vocabulary = make_vocabulary(texts, config.vocabulary_size)
    kind, model = cast(Any, (RobertaConfig, RobertaModel) if roberta else (BertConfig, BertModel))
    bert_config = kind(
        vocab_size=len(vocabulary),
        num_hidden_layers=config.layers,
        hidden_size=config.hidden_size,
        num_attention_heads=config.heads,
        intermediate_size=config.inner_size,
        max_position_embeddings=config.positions + roberta,  # RoBERTa counts from the padding's index + 1
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        initializer_range=config.weight_stddev,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = model(bert_config, add_pooling_layer=False)
    with tempfile.TemporaryDirectory() as scratch:
        entries = {piece: index for index, piece in enumerate(vocabulary)}
        BertWordPieceTokenizer(entries, lowercase=True).save(f"{scratch}/tokenizer.json")
        settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": config.positions}
        Path(scratch, "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        bert_config.save_pretrained(scratch)
        tokenizer = AutoTokenizer.from_pretrained(scratch)
    save_encoder(folder, encoder, tokenizer)
    return len(vocabulary)
