"""Frames a second of training an x-vector net: bare forward and backward passes, and by the loop from an archive.

python3 tests/benchmarks/train_chunks.py <config> cpu|cuda <batches>: prints JSON, medians over rounds; `share` is what
the loop makes of the bare passes of the same round, `operations` are those of a frame, `matmul` how many the device
does in a second."""

import dataclasses
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from ser.config import load_config
from ser.examples.chunks import ChunkSource
from ser.examples.configs import TrainConfig
from ser.examples.utterances import load_utterances
from ser.kaldi import ark, tables
from ser.models.xvector import XVector
from ser.training.fit import fit

NUM_UTTS, FRAMES, FEATURES, CLASSES = 256, 600, 33, 64
ROUNDS = 5


def main() -> None:
    path, device, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
    logging.disable(logging.INFO)
    data_config = load_config(TrainConfig, path).data
    batch_size, length = data_config.batch_size, data_config.max_chunk
    chunks = batch_size * batches / NUM_UTTS
    # Both do the same work: chunks of one length, and no dropout.
    settings = (
        "fit.dropout_schedule='0,0'",
        f"data.chunks_per_utterance={chunks}",
        f"data.min_chunk={length}",
    )
    config = load_config(TrainConfig, path, settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        utterances = load_utterances(folder, folder / "utt2spk", config.data.min_frames, 1)
        source = ChunkSource(utterances, config.data, seed=0, training=True)
        torch.manual_seed(0)
        model = XVector(config.model, FEATURES, CLASSES).to(device)
        data = [(inputs.to(device), targets.to(device)) for inputs, targets in source.batches(0)]
        frames = batches * batch_size * length
        half = device == "cuda" and config.fit.precision == "bf16"

        def step(inputs: torch.Tensor, targets: torch.Tensor) -> None:
            model.zero_grad(set_to_none=True)
            with torch.autocast(device, torch.bfloat16, enabled=half):
                logits = model(inputs).float()
            cross_entropy(logits, targets).backward()

        with FlopCounterMode(display=False) as counter:
            step(*data[0])
        operations = counter.get_total_flops() / data[0][0].shape[:2].numel()
        rounds = []
        for number in range(ROUNDS + 1):
            # The two in turn, as other work on the machine comes and goes; each call of fit() resumes the one before.
            bare = seconds(device, lambda: [step(*batch) for batch in data])
            fit(
                *(model, source, None, dataclasses.replace(config.fit, epochs=number + 1)),
                *(folder, nn.CrossEntropyLoss(), device),
            )
            # The last column of an epoch is its seconds.
            looped = float((folder / "train.tsv").read_text().splitlines()[-1].split("\t")[-1])
            rounds.append((frames / looped, bare / looped))
    rates, shares = zip(*rounds[1:], strict=True)  # the first one warms up
    found = {
        "fit": statistics.median(rates),
        "share": statistics.median(shares),
        "operations": operations,
    }
    if device == "cuda":
        found["matmul"] = matmul(torch.bfloat16 if half else torch.float32)
    print(json.dumps(found))


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    utts = [f"s{number % CLASSES:02}-u{number:04}" for number in range(NUM_UTTS)]
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compression=1) as writer:
        for utt in sorted(utts):
            writer.write(utt, rng.normal(size=(FRAMES, FEATURES)).astype(np.float32))
    tables.write_map(folder / "utt2spk", {utt: utt[:3] for utt in utts})
    tables.write_map(folder / "utt2num_frames", dict.fromkeys(utts, str(FRAMES)))


def seconds(device: str, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def matmul(dtype: torch.dtype, size: int = 8192, times: int = 20) -> float:
    """Measure the operations a second of square products, one multiplication with its addition counting as two."""
    left, right = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    seconds("cuda", lambda: left @ right)
    return 2 * size**3 * times / seconds("cuda", lambda: [left @ right for _ in range(times)])


if __name__ == "__main__":
    main()
