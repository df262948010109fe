from collections.abc import Callable
from pathlib import Path

import pytest

from ser.kaldi import datadir


@pytest.fixture
def reference() -> Path:
    """Outputs of Kaldi's own binaries."""
    return Path(__file__).parent.parent / "kaldi_reference"


@pytest.fixture
def make_data_dir(tmp_path: Path) -> Callable[..., Path]:
    """Make a valid data directory of two speakers `a` and `b` with two utterances each."""

    def make(name: str = "data", **changes: dict[str, str]) -> Path:
        utts = ["a-1", "a-2", "b-1", "b-2"]
        (tmp_path / "clip.wav").write_bytes(b"RIFF")
        tables = {
            "utt2spk": {utt: utt[0] for utt in utts},
            "wav.scp": {utt: str(tmp_path / "clip.wav") for utt in utts},
            "text": {utt: "some words" for utt in utts},
            "utt2emo": {utt: "anger" for utt in utts},
            "spk2gender": {"a": "f", "b": "m"},
        }
        datadir.write_data_dir(tmp_path / name, tables | changes)
        return tmp_path / name

    return make
