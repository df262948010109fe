"""An extraction that is killed and started again ends with the bytes of one that was not."""

import subprocess
from pathlib import Path

import numpy as np
import soundfile

from ser.kaldi import ark, tables
from ser.toy.encoders import build_encoder


def extract(data: Path, net: Path, out: Path) -> subprocess.CompletedProcess:
    words = ["--nj", 2, "--num-threads", 1, "--level", "frame", "--layers", "0 final", "--encoder", net, data, out]
    return subprocess.run(
        ["steps/extract_audio_embeddings.sh", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_killed_extraction_is_resumed_with_equal_bytes(tmp_path):
    build_encoder("hubert-base", tmp_path / "net", 0)
    rng, data = np.random.default_rng(0), tmp_path / "data"
    data.mkdir()
    utts = [f"a-{number}" for number in range(4)]
    waves = {utt: str(tmp_path / f"{utt}.wav") for utt in utts}
    for path in waves.values():
        soundfile.write(path, rng.normal(0, 0.1, 8_000).astype(np.float32), 16_000, subtype="FLOAT")
    # The first time that it is to be read, the last recording kills the job, which has then done another one.
    armed = tmp_path / "armed"
    armed.touch()
    waves["a-3"] = f"if [ -e {armed} ]; then rm {armed}; kill -9 $PPID; fi; cat {waves['a-3']} |"
    tables.write_map(data / "wav.scp", waves)
    tables.write_map(data / "utt2spk", dict.fromkeys(utts, "a"))
    tables.write_lists(data / "spk2utt", {"a": utts})

    killed = extract(data, tmp_path / "net", tmp_path / "out")
    assert killed.returncode != 0 and not armed.exists()
    first = [tmp_path / "out" / f"{layer}.1.ark" for layer in ("0", "final")]
    made = [path.stat().st_mtime_ns for path in first]
    assert not list((tmp_path / "out").glob("*.2.ark")) and not (tmp_path / "out" / "final.scp").exists()

    resumed, whole = (extract(data, tmp_path / "net", tmp_path / name) for name in ("out", "whole"))
    assert resumed.returncode == whole.returncode == 0, resumed.stderr + whole.stderr
    assert [path.stat().st_mtime_ns for path in first] == made  # the job that was finished is left alone
    for layer in ("0", "final"):
        assert list(ark.load(f"scp:{tmp_path}/out/{layer}.scp")) == utts
        for job in (1, 2):
            name = f"{layer}.{job}.ark"
            assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
