"""Small hand-made corpora: files written from a table of names."""

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED_CORPORA = Path(__file__).parents[3] / "shared" / "corpora"


@pytest.fixture(scope="session")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WAV file of 10 ms of silence, to hard-link under many names."""
    path = tmp_path_factory.mktemp("audio") / "silence.wav"
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(16000)
        stream.writeframes(bytes(320))
    return path


@pytest.fixture
def make_files(tmp_path: Path, silence: Path) -> Callable[..., Path]:
    """Write files under tmp_path/corpus: text where it is given, else the silent WAV; return the corpus folder."""

    def make(files: dict[str, str | None]) -> Path:
        corpus = tmp_path / "corpus"
        for name, text in files.items():
            path = corpus / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.hardlink_to(silence)
            else:
                path.write_text(text, encoding="utf-8")
        return corpus

    return make


@pytest.fixture
def real_corpus() -> Callable[[str], Path]:
    """The folder of a real corpus beside the repository; skips the test where it is absent."""

    def find(name: str) -> Path:
        path = SHARED_CORPORA / name
        if not path.is_dir():
            pytest.skip(f"no real corpus at ../shared/corpora/{name}")
        return path

    return find
