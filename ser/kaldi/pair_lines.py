"""The compiled loops under `ser.kaldi.trials`: lines of two names and a third field, from text to arrays and back."""

import math

import numba
import numpy as np

# The third field.
NOTHING, LABEL, NUMBER = 0, 1, 2
LONGEST_THIRD = 24
# What `parse` gives in place of the number of a bad line.
DONE, FULL = -1, -2

_SPACE, _TAB, _NEWLINE, _RETURN = 32, 9, 10, 13
_TARGET = np.frombuffer(b"target", np.uint8)
_NONTARGET = np.frombuffer(b"nontarget", np.uint8)
_DIGITS = 7


@numba.njit(cache=True, nogil=True)
def parse(data, third, enrol, test, values, names, slots):
    """Parse all lines of `data`, (bytes,) uint8.

    Parameters
    ----------
    third : NOTHING, LABEL (1 for target, 0 for nontarget) or NUMBER.
    enrol, test, values : filled, one number a line.
    names : (2, room, 2) int64, filled with offset and length of each new name of either side.
    slots : (2, a power of two) int32 of -1: the two hash tables.

    Returns
    -------
    The number from 0 of the first bad line and its offset, or DONE or FULL; and the number of names of each side.
    """
    size, mask = len(data), slots.shape[1] - 1
    counts = np.zeros(2, np.int64)
    place, line = 0, 0
    while place < size:
        start = place
        for side in range(2):
            while place < size and (data[place] == _SPACE or data[place] == _TAB):
                place += 1
            first, code = place, np.uint64(14695981039346656037)
            while place < size and data[place] > _SPACE:
                code = (code ^ np.uint64(data[place])) * np.uint64(1099511628211)
                place += 1
            length = place - first
            if length == 0:
                return line, start, counts
            slot = np.int64((code ^ (code >> np.uint64(32))) & np.uint64(mask))
            while True:
                name = slots[side, slot]
                if name < 0:
                    name = counts[side]
                    if name == names.shape[1]:
                        return FULL, start, counts
                    slots[side, slot] = name
                    names[side, name, 0], names[side, name, 1] = first, length
                    counts[side] += 1
                    break
                if names[side, name, 1] == length and _same(data, first, data, names[side, name, 0], length):
                    break
                slot = (slot + 1) & mask
            if side == 0:
                enrol[line] = name
            else:
                test[line] = name
        while place < size and (data[place] == _SPACE or data[place] == _TAB):
            place += 1
        first = place
        while place < size and data[place] > _SPACE:
            place += 1
        if third == NOTHING:
            good = place == first
        elif third == LABEL:
            good = place - first == 6 and _same(data, first, _TARGET, 0, 6)
            values[line] = 1.0 if good else 0.0
            good = good or (place - first == 9 and _same(data, first, _NONTARGET, 0, 9))
        else:
            good, values[line] = _number(data, first, place)
        while place < size and (data[place] == _SPACE or data[place] == _TAB or data[place] == _RETURN):
            place += 1
        if not good or (place < size and data[place] != _NEWLINE):
            return line, start, counts
        place += 1
        line += 1
    return DONE, place, counts


@numba.njit(cache=True, nogil=True)
def render(enrol_names, enrol_ends, test_names, test_ends, enrol, test, values, third, buffer):
    """Write the lines to `buffer`, (bytes,) uint8, and return how many bytes they take.

    Name n of a side is ``names[ends[n] : ends[n + 1]]``.
    """
    place = 0
    for line in range(len(enrol)):
        place = _copy(enrol_names, enrol_ends[enrol[line]], enrol_ends[enrol[line] + 1], buffer, place)
        buffer[place] = _SPACE
        place = _copy(test_names, test_ends[test[line]], test_ends[test[line] + 1], buffer, place + 1)
        if third != NOTHING:
            buffer[place] = _SPACE
            place += 1
        if third == LABEL and values[line] > 0:
            place = _copy(_TARGET, 0, 6, buffer, place)
        elif third == LABEL:
            place = _copy(_NONTARGET, 0, 9, buffer, place)
        elif third == NUMBER:
            place = _render_number(values[line], buffer, place)
        buffer[place] = _NEWLINE
        place += 1
    return place


@numba.njit(cache=True, nogil=True)
def _same(data, first, word, other, length):
    index = 0
    while index < length and data[first + index] == word[other + index]:
        index += 1
    return index == length


@numba.njit(cache=True, nogil=True)
def _number(data, place, stop):
    """Read ``[+-]digits[.digits][e[+-]digits]``: whether it is one, and its value."""
    negative = place < stop and data[place] == 45
    if place < stop and (data[place] == 45 or data[place] == 43):
        place += 1
    mantissa, exponent, digits, point = 0.0, 0, 0, False
    while place < stop and (48 <= data[place] <= 57 or (data[place] == 46 and not point)):
        if data[place] == 46:
            point = True
        else:
            mantissa = mantissa * 10.0 + (data[place] - 48)
            digits += 1
            exponent -= point
        place += 1
    if place < stop and digits and (data[place] == 101 or data[place] == 69):
        place += 1
        sign = -1 if place < stop and data[place] == 45 else 1
        if place < stop and (data[place] == 45 or data[place] == 43):
            place += 1
        power, digits = 0, 0
        while place < stop and 48 <= data[place] <= 57 and power < 10000:
            power = power * 10 + (data[place] - 48)
            digits += 1
            place += 1
        exponent += sign * power
    # Division by an exact power of ten rounds once; multiplication by its inverse twice.
    value = mantissa / 10.0**-exponent if exponent < 0 else mantissa * 10.0**exponent
    return digits > 0 and place == stop and math.isfinite(value), -value if negative else value


@numba.njit(cache=True, nogil=True)
def _copy(source, start, stop, buffer, place):
    for index in range(start, stop):
        buffer[place] = source[index]
        place += 1
    return place


@numba.njit(cache=True, nogil=True)
def _render_number(value, buffer, place):
    """Print as C's ``%.7g`` does."""
    if value < 0:
        buffer[place] = 45
        place += 1
        value = -value
    if value == 0:
        buffer[place] = 48
        return place + 1
    power = math.floor(math.log10(value))
    shift = _DIGITS - 1 - power
    # Two steps, as 10**shift alone is infinite for the least numbers.
    scaled = value * 10.0**shift if shift < 300 else value * 1e300 * 10.0 ** (shift - 300)
    whole = int(np.rint(scaled))
    if whole >= 10**_DIGITS:
        whole, power = int(np.rint(scaled / 10.0)), power + 1
    digits = np.empty(_DIGITS, np.uint8)
    for index in range(_DIGITS - 1, -1, -1):
        digits[index] = 48 + whole % 10
        whole //= 10
    last = _DIGITS
    while last > 1 and digits[last - 1] == 48:
        last -= 1
    fixed = -5 < power < _DIGITS
    before = (power + 1 if power >= 0 else 0) if fixed else 1
    if before == 0:
        buffer[place], buffer[place + 1] = 48, 46
        place += 2
        for _ in range(-power - 1):
            buffer[place] = 48
            place += 1
    for index in range(max(last, before)):
        if index == before and before > 0:
            buffer[place] = 46
            place += 1
        buffer[place] = digits[index]
        place += 1
    if fixed:
        return place
    buffer[place] = 101
    buffer[place + 1] = 45 if power < 0 else 43
    place += 2
    power = abs(power)
    if power >= 100:
        buffer[place] = 48 + power // 100
        place += 1
    buffer[place], buffer[place + 1] = 48 + power // 10 % 10, 48 + power % 10
    return place + 2
