"""Threads of the matrix library: numpy reads how many it may take when it is imported, and never again."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

# Runs a command and prints what numpy finds when it is imported.
SPY = """
import os, runpy, sys

class Spy:
    def find_spec(self, name, *_):
        if name == "numpy":
            print("threads", os.environ.get("OPENBLAS_NUM_THREADS"))

sys.meta_path.insert(0, Spy())
runpy.run_module("ser.bin." + sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "command",
    [
        "make_features --mfcc-config conf/mfcc.conf {wav} ark:{out}",
        "make_audioset_feats --level frame {wav} ark:{out}",
        "extract_audio_embeddings --encoder {encoder} --num-threads 1 {wav} {out}",
        "detect_emotion --model {encoder} --num-threads 1 {out}",
    ],
)
def test_a_command_of_one_thread_says_so_before_numpy_is_imported(command, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    (tmp_path / "wav.scp").write_text(f"a {tmp_path}/a.wav\n")
    (tmp_path / "encoder").mkdir()  # of nothing: how the command ends is no matter
    names = {"wav": f"scp:{tmp_path}/wav.scp", "out": tmp_path / "out", "encoder": tmp_path / "encoder"}
    environment = {name: value for name, value in os.environ.items() if not name.endswith("NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", SPY, *command.format(**names).split()], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[0] == "threads 1", done.stderr
