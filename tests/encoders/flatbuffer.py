"""Writes models of TensorFlow Lite, as far as our reader looks at them."""

import struct
from typing import Any

import numpy as np


class FlatBuffer:
    """Writes tables forward: a table's inline fields, then what they refer to."""

    def __init__(self, root: dict[int, Any], identifier: bytes = b"TFL3") -> None:
        self.data = bytearray(b"\0\0\0\0" + identifier)
        struct.pack_into("<I", self.data, 0, self.table(root))

    def table(self, fields: dict[int, Any]) -> int:
        """Write a table of field number -> ("<i", number), array, list of tables or table; give its position."""
        self.align(4)
        vtable, slots = len(self.data), max(fields, default=-1) + 1
        size = 4 + 8 * len(fields)
        start = vtable + 4 + 2 * slots + (-(vtable + 4 + 2 * slots)) % 4
        self.data += bytes(start + size - vtable)
        struct.pack_into("<HH", self.data, vtable, 4 + 2 * slots, size)
        struct.pack_into("<i", self.data, start, start - vtable)
        for place, (number, value) in enumerate(fields.items()):
            at = 4 + 8 * place
            struct.pack_into("<H", self.data, vtable + 4 + 2 * number, at)
            if isinstance(value, tuple):
                struct.pack_into(value[0], self.data, start + at, value[1])
            else:
                target = self.table(value) if isinstance(value, dict) else self.vector(value)
                struct.pack_into("<I", self.data, start + at, target - (start + at))
        return start

    def vector(self, value: np.ndarray | list[dict]) -> int:
        self.align(8)
        self.data += bytes(4)  # so that the items are aligned
        start = len(self.data)
        self.data += struct.pack("<I", len(value))
        if isinstance(value, np.ndarray):
            self.data += value.tobytes()
            return start
        self.data += bytes(4 * len(value))
        for index, item in enumerate(value):
            place = start + 4 + 4 * index
            struct.pack_into("<I", self.data, place, self.table(item) - place)
        return start

    def align(self, size: int) -> None:
        self.data += bytes(-len(self.data) % size)


def write_tflite(operators: list[tuple[int, list[np.ndarray]]]) -> bytes:
    """Make a model of operators (code, constants); int8 where a constant has over 300 numbers, with a scale a row."""
    codes = sorted({code for code, _ in operators})
    buffers: list[dict] = [{}]
    tensors, nodes = [], []
    for code, constants in operators:
        inputs = [-1]
        for constant in constants:
            fields: dict[int, Any] = {0: np.array(constant.shape, "<i4"), 2: ("<I", len(buffers))}
            fields[3] = np.frombuffer(f"tensor{len(tensors)}".encode(), "u1")
            stored = constant.astype("<f4")
            if constant.size > 300:
                axis = 3 if code == 4 else 0
                rest = tuple(index for index in range(constant.ndim) if index != axis)
                scales = np.abs(constant).max(axis=rest, keepdims=True) / 127
                stored = np.round(constant / scales).astype("i1")
                fields |= {
                    1: ("<b", 9),
                    4: {2: scales.ravel().astype("<f4"), 3: np.zeros(scales.size, "<i8"), 6: ("<i", axis)},
                }
            buffers.append({0: np.frombuffer(stored.tobytes(), "u1")})
            inputs.append(len(tensors))
            tensors.append(fields)
        nodes.append({0: ("<I", codes.index(code)), 1: np.array(inputs, "<i4")})
    model = {
        0: ("<I", 3), 1: [{0: ("<b", code), 3: ("<i", code)} for code in codes],
        2: [{0: tensors, 3: nodes}], 4: buffers,
    }  # fmt: skip
    return bytes(FlatBuffer(model).data)
