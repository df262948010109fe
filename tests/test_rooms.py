"""The rooms of the package, ser/<room>: their imports point one way, and no room becomes a heap."""

import ast
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ser"


def imported(source: str) -> Iterator[str]:
    """Yield the rooms of ser that a module imports, also those imported inside functions."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "ser":
            names = [f"ser.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from (name.split(".")[1] for name in names if name.startswith("ser."))


def order(rooms: dict[str, set[str]]) -> list[str]:
    return list(graphlib.TopologicalSorter(rooms).static_order())


def test_no_room_imports_a_room_that_imports_it():
    rooms = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        rooms[room] |= set(imported(path.read_text(encoding="utf-8"))) - {room}
    ordered = order(rooms)
    assert ordered.index("errors") < ordered.index("kaldi") < ordered.index("training") < ordered.index("bin")


def test_a_cycle_would_be_found():
    rooms = {"training": set(imported("from ser.examples.chunks import ChunkSource")), "examples": {"training"}}
    with pytest.raises(graphlib.CycleError):
        order(rooms)


def test_the_training_loop_has_at_most_13_modules():
    assert len(list((PACKAGE / "training").glob("[!_]*.py"))) <= 13
