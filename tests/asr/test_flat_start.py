import numpy as np

from ser.asr.context import ContextConfig, make_context
from ser.asr.flat_start import allowed_phones, loud

ENERGY = np.repeat([10.0, 60.0, 12.0], [4, 20, 6])  # speech in frames 4 to 23


def test_loud_frames_are_above_the_middle_of_quiet_and_loud():
    assert np.flatnonzero(loud(ENERGY)).tolist() == list(range(4, 24))


def test_phones_may_be_near_their_place_and_silence_in_quiet_frames():
    allowed = allowed_phones([1, 2, 1, 3], 0, 5, ENERGY, tolerance=0.0)
    assert np.flatnonzero(allowed[0]).tolist() == [0, 1, 2, 3, *range(24, 30)]
    # The second of four phones is in the middle of 20 frames' second quarter, 5 frames more or less.
    assert np.flatnonzero(allowed[2]).tolist() == list(range(6, 17))
    # The first and the third of them are the same phone: its places together.
    assert np.flatnonzero(allowed[1]).tolist() == list(range(1, 22))
    assert allowed[4].all()
    wider = allowed_phones([1, 2, 1, 3], 0, 5, ENERGY, tolerance=0.1)
    assert np.flatnonzero(wider[2]).tolist() == list(range(4, 19))


def test_pdfs_of_phones_are_those_of_all_their_contexts():
    context = make_context(["SIL", "A", "B"], [[0, 1, 2, 1]] * 3, ContextConfig("biphone", 3, 1))
    owned = context.pdfs_of_phones()
    assert owned.shape == (3, context.num_pdfs)
    assert owned.sum(0).tolist() == [1] * context.num_pdfs
    for left in range(-1, 3):
        for phone in range(3):
            unit = context.unit(left, phone)
            assert owned[phone, 2 * unit] and owned[phone, 2 * unit + 1]
