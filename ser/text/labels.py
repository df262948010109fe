"""Texts with several classes each: reading the labels, tokenizing, and predicted probabilities."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ser.corpora.label_map import map_labels
from ser.errors import SerError
from ser.kaldi import tables
from ser.text import bert


def read_labels(data_dir: str | Path, mapping: Mapping[str, str], classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Read ``utt2labels``: utterance -> (K,) float32, 1 for each class that it has.

    Parameters
    ----------
    data_dir : Kaldi data dir.
    mapping : label -> class; empty: the labels are the classes. Utterances whose labels are not in it are left out.
    classes : the K classes, in the order of the model's outputs.

    Raises
    ------
    SerError
        If a label is not a class, or no utterance has a class.
    """
    path = Path(data_dir) / "utt2labels"
    place = {name: number for number, name in enumerate(classes)}
    found = {}
    for utt, labels in tables.read_map(path).items():
        names = map_labels(mapping, labels) if mapping else labels.split()
        if strangers := [name for name in names if name not in place]:
            raise SerError(f"{path}: {utt} is labelled '{strangers[0]}', none of the classes {', '.join(classes)}")
        if names:
            found[utt] = np.zeros(len(classes), np.float32)
            found[utt][[place[name] for name in names]] = 1
    if not found:
        raise SerError(f"{path}: none of its labels is in the label map")
    return found


def class_names(data_dir: str | Path, mapping: Mapping[str, str]) -> list[str]:
    """List the classes, sorted: those of the map, or without a map the labels of the data dir."""
    if mapping:
        return sorted(set(mapping.values()))
    return sorted(
        {label for labels in tables.read_map(Path(data_dir) / "utt2labels").values() for label in labels.split()}
    )


def of_part(data_dir: str | Path, labels: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """Keep the utterances of one part of the corpus, as ``utt2part`` names it."""
    utt2part = tables.read_map(Path(data_dir) / "utt2part", fields=2)
    kept = {utt: targets for utt, targets in labels.items() if utt2part[utt] == part}
    if not kept:
        raise SerError(f"{data_dir}/utt2part: no part '{part}'; it has {', '.join(sorted(set(utt2part.values())))}")
    return kept


def tokenize_labelled(
    data_dir: str | Path, labels: Mapping[str, np.ndarray], tokenizer: Any
) -> tuple[list[list[int]], np.ndarray, int]:
    """Tokenize the texts with words and a class: returns token ids, targets (N, K), and how many texts were cut."""
    texts = tables.read_map(Path(data_dir) / "text", allow_empty=True)
    utts = [utt for utt in texts if utt in labels]
    tokens = bert.tokenize(tokenizer, [texts[utt] for utt in utts])
    kept = [index for index, ids in enumerate(tokens.ids) if ids]
    if not kept:
        raise SerError(f"{data_dir}/text: no utterance has both words and a class; is utt2labels another corpus's?")
    return [tokens.ids[index] for index in kept], np.stack([labels[utts[index]] for index in kept]), tokens.num_cut


def score(model: torch.nn.Module, batches: Iterable[tuple[dict[str, Tensor], Tensor]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the true classes (N, K) bool of all texts, and the model's sigmoid outputs (N, K)."""
    device = next(model.parameters()).device
    truth, scores = [], []
    for inputs, targets in batches:
        with torch.inference_mode():
            logits = model({key: value.to(device) for key, value in inputs.items()})
        truth.append(targets.numpy() > 0.5)
        scores.append(logits.sigmoid().float().cpu().numpy())
    return np.concatenate(truth), np.concatenate(scores)
