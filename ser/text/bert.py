"""A text classifier: a pretrained encoder (BERT, or any that `AutoModel` reads) with a linear output layer.

An encoder is given as a name on the Hugging Face Hub, as a folder in the Hub's layout (config.json, tokenizer files,
model.safetensors), or as a model folder that `train_text` wrote, which holds such a folder under the name ``encoder``.
Code that comes with a model is never run, and weights are safetensors: nothing is unpickled.
"""

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ser.errors import SerError
from ser.text.model_folder import find_folder
from ser.training import pretrained_dir

Pooling = Literal["cls", "mean"]


class TextClassifier(torch.nn.Module):
    """Encoder, pooling over the tokens, dropout and a linear layer (Devlin et al., NAACL 2019, section 4.1).

    Parameters
    ----------
    encoder : a transformers model whose first output is the last hidden state, (B, T, D).
    num_classes : K.
    pooling : see `pool`.
    dropout : probability, on the pooled vector, in training.
    """

    def __init__(self, encoder: Any, num_classes: int, pooling: Pooling, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(encoder.config.hidden_size, num_classes)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return the logits (B, K) of the tokens `inputs` (see `pad`)."""
        return self.head(self.dropout(embed(self.encoder, inputs, self.pooling)))


def embed(encoder: torch.nn.Module, inputs: dict[str, Tensor], pooling: Pooling) -> Tensor:
    """Return the vectors (B, D) of the tokens `inputs` (see `pad`)."""
    hidden = encoder(**inputs, return_dict=True).last_hidden_state
    return pool(hidden, inputs["attention_mask"], pooling)


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Reduce the hidden states (B, T, D) of each text to one vector (B, D).

    ``cls`` takes the first token's, ``mean`` the average over the tokens whose `mask` (B, T) is 1.
    """
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def load_encoder(name: str) -> tuple[torch.nn.Module, Any]:
    """Load the encoder `name`, in float32 and in eval mode, and its tokenizer.

    A model in the cache or in a folder is loaded without network access.

    Raises
    ------
    SerError
        If no model of that name is found, weights of the encoder are missing or fail their checksum, or the tokenizer
        cannot pad.
    """
    folder = find_folder(name)
    pretrained_dir.check(folder)
    quieten()
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    def load(kind: Any, **settings: Any) -> Any:
        settings |= {"trust_remote_code": False}
        try:
            return kind.from_pretrained(folder, local_files_only=True, **settings)
        except OSError:
            if Path(folder).is_dir():
                raise
            return kind.from_pretrained(folder, **settings)

    try:
        # Load the small file first: without a network, only its retries cost time.
        config = load(AutoConfig)
        if "/" in str(getattr(config, "_attn_implementation", None)):
            raise ValueError("its config.json asks for an attention kernel of the Hub, which is code and never run")
        tokenizer = load(AutoTokenizer)
        # For T5, AutoModel would load the decoder too.
        kind = _t5_encoder(config.model_type) or AutoModel
        encoder, report = load(kind, config=config, use_safetensors=True, output_loading_info=True)
    except Exception as error:  # settings in a stranger's folder may make transformers fail in any way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise SerError(
            f"text model '{name}' cannot be loaded: {reason}; give --text-model a folder with a model's config.json, "
            "tokenizer files and model.safetensors, or run once where the Hugging Face Hub can be reached, so that "
            "the model is in the cache"
        ) from error
    # This class does the pooling itself; a pooling layer of the encoder would stay untrained, so drop it.
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing or report["mismatched_keys"]:
        raise SerError(
            f"text model '{name}': its weights lack {len(missing)} arrays of the encoder ({', '.join(missing[:3])}), "
            f"and {len(report['mismatched_keys'])} have another size; get the model again"
        )
    if tokenizer.pad_token_id is None:
        raise SerError(f"text model '{name}': its tokenizer has no padding token; take an encoder such as BERT")
    tokenizer.model_max_length = min(tokenizer.model_max_length, count_positions(encoder))
    return encoder.float().eval(), tokenizer


def _t5_encoder(model_type: str) -> Any:
    """Return the class of the encoder without decoder for T5 and similar models, else None."""
    import transformers

    names = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}
    return getattr(transformers, names[model_type]) if model_type in names else None


def check_pooling(name: str, tokenizer: Any, pooling: Pooling) -> None:
    """Refuse the pooling ``cls`` for an encoder whose texts do not begin with a token that stands for the whole text.

    T5's texts begin with a word. Those of a decoder begin with one too, or with a token that sees nothing of the text.

    Raises
    ------
    SerError
        If so; `name` is the encoder's.
    """
    if pooling == "cls" and tokenizer("a")["input_ids"][:1] != [tokenizer.cls_token_id]:
        raise SerError(
            f"text model '{name}': pooling cls takes the first token's state, but its texts do not begin with a [CLS]; "
            "take mean, as for any T5"
        )


def count_positions(encoder: torch.nn.Module) -> int:
    """Return the number of tokens that `encoder` can take, special ones included."""
    positions = getattr(encoder.config, "max_position_embeddings", None)
    if positions is None:
        return sys.maxsize
    # RoBERTa and similar models count positions from the padding's index + 1.
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return positions if padding is None else positions - padding - 1


def save_encoder(folder: str | Path, encoder: Any, tokenizer: Any) -> None:
    """Write the encoder and its tokenizer as a folder that `load_encoder` and any transformers program reads."""
    quieten()
    pretrained_dir.save(folder, encoder, tokenizer)


def quieten() -> None:
    """Keep progress bars and needless warnings of transformers and tokenizers out of the log."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Texts as numbers.

    Attributes
    ----------
    ids : token ids of each text, special tokens included; an empty list for a text without tokens.
    num_cut : how many texts were longer than the limit and were cut.
    """

    ids: list[list[int]]
    num_cut: int


def tokenize(tokenizer: Any, texts: Sequence[str], max_tokens: int | None = None) -> Tokens:
    """Turn `texts` into token ids, at most `max_tokens` each and at most the encoder's number of positions."""
    limit = min(max_tokens or tokenizer.model_max_length, tokenizer.model_max_length)
    num_special = tokenizer.num_special_tokens_to_add()
    if limit <= num_special:
        raise SerError(f"max_tokens {limit} leaves no room for a token beside the {num_special} special ones; raise it")
    if not texts:
        return Tokens([], 0)
    whole = tokenizer(list(texts), verbose=False)["input_ids"]
    num_cut = sum(len(row) > limit for row in whole)
    ids = tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"] if num_cut else whole
    return Tokens([row if len(row) > num_special else [] for row in ids], num_cut)


def pad(ids: Sequence[list[int]], pad_id: int) -> dict[str, Tensor]:
    """Make a batch of token ids: ``input_ids`` and ``attention_mask``, both (B, T) int64, padded at the end.

    B may be 0, with T = 0: one of several processes may get no text of a short batch.

    >>> pad([[2, 7, 3], [2, 3]], 0)["attention_mask"].tolist()
    [[1, 1, 1], [1, 1, 0]]
    """
    lengths = torch.tensor([len(row) for row in ids], dtype=torch.int64)
    input_ids = torch.full((len(ids), max(map(len, ids), default=0)), pad_id)
    for index, row in enumerate(ids):
        input_ids[index, : len(row)] = torch.tensor(row)
    mask = (torch.arange(input_ids.shape[1]) < lengths[:, None]).long()
    return {"input_ids": input_ids, "attention_mask": mask}


def extract(
    encoder: torch.nn.Module, ids: Sequence[list[int]], pad_id: int, pooling: Pooling, batch_size: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index, vector (D,) float32 on the CPU) of each non-empty text of `ids`, short ones first."""
    device = next(encoder.parameters()).device
    order = sorted((index for index, row in enumerate(ids) if row), key=lambda index: len(ids[index]))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        inputs = {key: value.to(device) for key, value in pad([ids[index] for index in batch], pad_id).items()}
        with torch.inference_mode():
            vectors = embed(encoder, inputs, pooling).float().cpu()
        yield from zip(batch, vectors, strict=True)


def token_states(
    encoder: torch.nn.Module, ids: Sequence[list[int]], pad_id: int, batch_size: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index, states (T, D) float32 on the CPU) of each non-empty text of `ids`, special tokens included."""
    device = next(encoder.parameters()).device
    order = sorted((index for index, row in enumerate(ids) if row), key=lambda index: len(ids[index]))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        inputs = {key: value.to(device) for key, value in pad([ids[index] for index in batch], pad_id).items()}
        with torch.inference_mode():
            hidden = encoder(**inputs, return_dict=True).last_hidden_state.float().cpu()
        yield from ((index, states[: len(ids[index])]) for index, states in zip(batch, hidden, strict=True))


def classify(
    model: TextClassifier, batches: Iterable[tuple[dict[str, Tensor], Tensor]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return true and predicted class numbers of all texts in `batches`: (N,) int64 each."""
    device = next(model.parameters()).device
    truth, guesses = [], []
    for inputs, targets in batches:
        with torch.inference_mode():
            logits = model({key: value.to(device) for key, value in inputs.items()})
        truth.append(targets.numpy())
        guesses.append(logits.argmax(dim=1).cpu().numpy())
    return np.concatenate(truth), np.concatenate(guesses)
