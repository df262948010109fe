"""Training: what the loop makes of the speed of bare forward and backward passes on data in memory."""

import os

import pytest
import torch


@pytest.mark.parametrize(
    ("size", "config", "batches"),
    [("full size", "conf/xvector_pretrain.yaml", 1), ("toy", "conf/toy/xvector_pretrain.yaml", 20)],
)
def test_loop_on_cpu(command, table, size, config, batches):
    threads = os.cpu_count() or 1
    found = command("train_chunks.py", config, "cpu", batches, threads=threads).printed
    table(f"x-vector of {size}, CPU, {threads} threads: frames a second in fit()", found["fit"], "frames/s")
    table("its share of bare forward and backward", found["share"], "", 0.9, other="at least")


def test_loop_on_gpu(command, table, note):
    if not torch.cuda.is_available():
        note("training on a GPU: not measured, no CUDA device here")
        pytest.skip("no CUDA device")
    found = command("train_chunks.py", "conf/xvector_pretrain.yaml", "cuda", 200, threads=4).printed
    table("x-vector of full size, GPU, bf16: frames a second in fit()", found["fit"], "frames/s")
    table("its share of bare forward and backward", found["share"], "", 0.9, other="at least")
    share = found["fit"] * found["operations"] / found["matmul"]
    table("its share of plain matrix products of the same precision", share, "")
    note(f"the GPU: {torch.cuda.get_device_name()}; matrix products {found['matmul'] / 1e12:.0f} TFLOP/s")
