"""Settings are named from the repository's root, as drivers name them."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test where drivers run."""
    monkeypatch.chdir(Path(__file__).parents[2])
