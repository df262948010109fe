import struct

import numpy as np
import pytest

from ser.encoders import tflite
from ser.errors import SerError
from tests.encoders.flatbuffer import FlatBuffer, write_tflite


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tflite"


def test_quantised_numbers_are_scaled_along_their_axis(path):
    """(stored - zero) x scale: (3 - 1) x 0.5 = 1, (-5 - 2) x 2 = -14."""
    tensor = {
        0: np.array([2, 2], "<i4"), 1: ("<b", 9), 2: ("<I", 1), 3: np.frombuffer(b"kernel", "u1"),
        4: {2: np.array([0.5, 2], "<f4"), 3: np.array([1, 2], "<i8"), 6: ("<i", 0)},
    }  # fmt: skip
    model = {
        1: [{0: ("<b", 9)}],
        2: [{0: [tensor], 3: [{0: ("<I", 0), 1: np.array([-1, 0], "<i4")}]}],
        4: [{}, {0: np.array([3, 1, -5, 2], "i1").view("u1")}],
    }
    path.write_bytes(bytes(FlatBuffer(model).data))
    (operator,) = tflite.read_operators(path)
    assert operator.code == tflite.FULLY_CONNECTED and operator.constants[0] is None
    constant = operator.constants[1]
    assert constant.name == "kernel"
    np.testing.assert_array_equal(constant.array(), [[1, 0], [-14, 0]])


def test_float_constants_and_codes_over_127(path):
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    path.write_bytes(write_tflite([(9, [weight, np.ones(2, np.float32)]), (3, [weight])]))
    first, second = tflite.read_operators(path)
    np.testing.assert_array_equal(first.constants[1].array(), weight)
    assert (first.code, second.code) == (9, 3)
    model = {1: [{0: ("<b", 127), 3: ("<i", 131)}], 2: [{0: [], 3: [{}]}], 4: []}
    path.write_bytes(bytes(FlatBuffer(model).data))
    assert tflite.read_operators(path)[0].code == 131


def test_offset_out_of_the_file_is_refused(path):
    data = bytearray(write_tflite([(9, [np.ones((2, 3), np.float32), np.ones(2, np.float32)])]))
    for place in range(0, len(data) - 4, 4):
        if place == 4:
            continue  # the identifier
        broken = bytearray(data)
        struct.pack_into("<I", broken, place, 0x7FFFFFF0)
        path.write_bytes(broken)
        try:
            tflite.read_operators(path)
        except SerError as error:
            assert "damaged or truncated TensorFlow Lite model" in str(error)


def test_wrong_length_of_a_buffer_and_no_model_are_named(path):
    model = {
        1: [{0: ("<b", 9)}],
        2: [{0: [{0: np.array([5], "<i4"), 2: ("<I", 0)}], 3: [{1: np.array([0], "<i4")}]}],
        4: [{0: np.zeros(16, "u1")}],
    }
    path.write_bytes(bytes(FlatBuffer(model).data))
    with pytest.raises(SerError, match=r"has 16 bytes, which are not of shape \(5,\)"):
        tflite.read_operators(path)
    path.write_bytes(b"PK\3\4" * 10)
    with pytest.raises(SerError, match="not a TensorFlow Lite model: it has no 'TFL3' at byte 4"):
        tflite.read_operators(path)
