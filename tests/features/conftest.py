from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser.kaldi import ark

TESTS = Path(__file__).parent.parent


class Reference:
    """Outputs of Kaldi's own binaries, with their waves and options."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def conf(self, name: str) -> Path:
        return self.folder / "conf" / f"{name}.conf"

    def feats(self, name: str) -> dict[str, np.ndarray]:
        return ark.load(f"ark:{self.folder / 'feats' / name}.ark")

    def with_waves(self, name: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yield utterance, samples on the scale of 16 bits, and features."""
        for key, feats in self.feats(name).items():
            samples, rate = soundfile.read(self.folder / "wav" / f"{key}.wav", dtype="int16")
            assert rate == 16000
            yield key, samples.astype(np.float32), feats


@pytest.fixture(params=["generated signals", "all clips"])
def reference(request: pytest.FixtureRequest) -> Reference:
    if request.param == "generated signals":
        return Reference(TESTS / "kaldi_reference")
    folder = TESTS.parent.parent / "shared" / "kaldi_reference"
    if not folder.exists():
        pytest.skip("no ../shared/kaldi_reference")
    return Reference(folder)
