"""Frames a second of training an x-vector net: bare forward and backward passes, and by the loop from an archive.

python3 tests/benchmarks/train_chunks.py <config> cpu|cuda <batch size> <batches>: prints JSON; `operations` are those
of a frame, `matmul` how many the device does in a second."""

import json
import logging
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
from ser.kaldi import ark, tables
from ser.models.xvector import XVector
from ser.training.dataset import ChunkSource, load_utterances
from ser.training.fit import fit
from ser.training.xvector_config import TrainConfig

NUM_UTTS, FRAMES, FEATURES, CLASSES = 256, 600, 33, 64
ROUNDS = 3


def main() -> None:
    path, device, batch_size, batches = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    logging.disable(logging.INFO)
    chunks = batch_size * batches / NUM_UTTS
    length = load_config(TrainConfig, path).data.max_chunk
    # Both do the same work: chunks of one length, and no dropout.
    settings = (
        f"fit.epochs={ROUNDS + 1}",
        "fit.dropout_schedule='0,0'",
        f"data.batch_size={batch_size}",
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
        # Before and after, as other work on the machine comes and goes.
        bare = [seconds(device, lambda: [step(*batch) for batch in data]) for _ in range(ROUNDS)]
        fit(model, source, None, config.fit, folder, nn.CrossEntropyLoss(), device)
        bare += [seconds(device, lambda: [step(*batch) for batch in data]) for _ in range(ROUNDS)]
        # The last column of an epoch is its seconds; the first epoch warms up.
        epochs = [float(line.split("\t")[-1]) for line in (folder / "train.tsv").read_text().splitlines()[2:]]
    found = {"fit": frames / min(epochs), "bare": frames / min(bare), "operations": operations}
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
