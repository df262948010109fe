"""T5 encoders: facts about the model, and a tiny untrained one for tests and toy runs.

C. Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 2020. A
text is represented by the states of all tokens, or by their mean, which J. Ni et al. ("Sentence-T5", ACL Findings 2022)
found better than the first token's state; T5 has no [CLS]. The </s> at the end of every text is one of the tokens. T5
was trained in bfloat16, and float16 is too narrow for it; ser.text.bert loads it.
"""

import math
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch

from ser.errors import SerError
from ser.text.bert import quieten, save_encoder
from ser.text.wordpiece import ScratchConfig

SPECIAL_TOKENS = ("<pad>", "</s>", "<unk>")
# Marks the beginning of a word in SentencePiece vocabularies.
WORD = "▁"


def make_vocabulary(texts: Iterable[str], size: int) -> list[tuple[str, float]]:
    """Make a unigram vocabulary with log probabilities: special tokens, all characters, the most frequent words.

    A word in the vocabulary is one piece; any other word is spelt in characters.

    >>> [piece for piece, _ in make_vocabulary(["No no", "an ox"], 12)[3:]]
    ['a', 'n', 'o', 'x', '▁', '▁no', '▁an', '▁ox']
    """
    counts = Counter(word for text in texts for word in text.lower().split())
    if not counts:
        raise SerError("no words to make a vocabulary of; the text files are empty")
    characters = sorted({character for word in counts for character in word} | {WORD})
    if len(SPECIAL_TOKENS) + len(characters) > size:
        raise SerError(
            f"vocabulary_size {size} is too small: the text has {len(characters) - 1} different characters, which take "
            f"{len(SPECIAL_TOKENS) + len(characters)} entries with the special ones"
        )
    total = counts.total()
    words = sorted(counts, key=lambda word: (-counts[word], word))
    entries = [(token, 0.0) for token in SPECIAL_TOKENS]
    # The spelling in characters must never be more probable than the word itself.
    entries += [(character, -math.log(total) - 10.0) for character in characters]
    entries += [(WORD + word, math.log(counts[word] / total)) for word in words]
    return entries[:size]


def build_encoder(texts: Iterable[str], config: ScratchConfig, seed: int, folder: str | Path) -> int:
    """Write an untrained T5 encoder for `texts` to `folder` in the Hub's layout; return the vocabulary's size.

    From `config`, `positions` is the longest text; `weight_stddev` is not used, since T5 has its own.
    """
    quieten()
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import AutoTokenizer, T5Config, T5EncoderModel, T5TokenizerFast  # type: ignore[attr-defined]  # loaded when it is asked for

    vocabulary = make_vocabulary(texts, config.vocabulary_size)
    t5_config = T5Config(
        vocab_size=len(vocabulary),
        d_model=config.hidden_size,
        d_kv=config.hidden_size // config.heads,
        d_ff=config.inner_size,
        num_layers=config.layers,
        num_heads=config.heads,
        dropout_rate=config.dropout,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = T5EncoderModel(t5_config)
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    with tempfile.TemporaryDirectory() as scratch:
        wrapped = T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0, model_max_length=config.positions)
        wrapped.save_pretrained(scratch)
        t5_config.save_pretrained(scratch)
        save_encoder(folder, encoder, AutoTokenizer.from_pretrained(scratch))
    return len(vocabulary)
