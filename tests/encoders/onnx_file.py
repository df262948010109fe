"""Writes small ONNX nets, since the tests need no library that can."""

from pathlib import Path

FLOAT, INTS = 1, 7


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer: a number, or bytes behind their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def array(name: str, *shape: int | str) -> bytes:
    dims = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def node(kind: str, read: list[str], made: str, **ints: list[int]) -> bytes:
    found = b"".join(field(1, name) for name in read) + field(2, made) + field(4, kind)
    for name, values in ints.items():
        single = name == "keepdims"
        body = field(3, values[0]) if single else b"".join(field(8, value) for value in values)
        found += field(5, field(1, name) + body + field(20, 2 if single else INTS))
    return field(1, found)


def write_net(path: Path, given: bytes, nodes: list[bytes], made: list[bytes], constant: bytes = b"") -> Path:
    graph = b"".join(nodes) + field(2, "g") + constant + field(11, given) + b"".join(field(12, one) for one in made)
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return path


def write_bands(path: Path) -> Path:
    """Write a net of patches (n, 96, 64): `bands`, the mean of each band's energies, and `out`, the same negated."""
    nodes = [node("ReduceMean", ["x"], "bands", axes=[1], keepdims=[0]), node("Neg", ["bands"], "out")]
    return write_net(path, array("x", "n", 96, 64), nodes, [array("bands", "n", 64), array("out", "n", 64)])
