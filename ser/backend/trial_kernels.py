"""The inner loops of `ser.backend.trial_text`, compiled by numba.

Blocks of text are uint8 arrays of whole lines; the last line ends with a newline, too. Loops that can fail return (line
number from 0, problem); the problem is 0 if there is none.
"""

import numpy as np

from ser.features.compiled import compiled_when_called

NO_FIELDS, NO_ENROL, NO_TEST, NO_LABEL, NO_NUMBER = range(1, 6)

# Scores are written with 6 decimals; a number takes at most NUMBER_WIDTH characters.
_DECIMALS = 1_000_000
NUMBER_WIDTH = 24


@compiled_when_called
def fill(text, starts, slots):
    for index in range(len(starts) - 1):
        slot = _hash(text, starts[index], starts[index + 1]) & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = index


@compiled_when_called(inline="always")
def _word(text, position):
    """Read 8 bytes as one number; compiled to a single load."""
    word = np.uint64(text[position])
    for byte in range(1, 8):
        word |= np.uint64(text[position + byte]) << np.uint64(8 * byte)
    return word


@compiled_when_called
def _hash(text, start, end):
    # FNV-1a (Fowler, Noll, Vo) on words of 8 bytes. The upper half is folded in, because the slots use the lower bits.
    value = np.uint64(14695981039346656037)
    while end - start >= 8:
        value = (value ^ _word(text, start)) * np.uint64(1099511628211)
        value ^= value >> np.uint64(32)
        start += 8
    for position in range(start, end):
        value = (value ^ np.uint64(text[position])) * np.uint64(1099511628211)
    return np.int64((value ^ (value >> np.uint64(32))) & np.uint64(0x7FFFFFFF))


@compiled_when_called
def _equal(left, start, end, right, first):
    """Compare bytes `start` to `end` - 1 of `left` with equally many bytes of `right` from `first` on."""
    while end - start >= 8:
        if _word(left, start) != _word(right, first):
            return False
        start += 8
        first += 8
    for offset in range(end - start):  # noqa: SIM110 (numba compiles no generators)
        if left[start + offset] != right[first + offset]:
            return False
    return True


@compiled_when_called
def _find(block, start, end, text, starts, slots):
    slot = _hash(block, start, end) & (len(slots) - 1)
    while slots[slot] >= 0:
        index = slots[slot]
        first = starts[index]
        if starts[index + 1] - first == end - start and _equal(block, start, end, text, first):
            return index
        slot = (slot + 1) & (len(slots) - 1)
    return -1


@compiled_when_called(inline="always")
def _field(block, position):
    """Return the start and end of the next field of the line; they are equal at the line's end."""
    while block[position] == 32 or block[position] == 9 or block[position] == 13:
        position += 1
    start = position
    while block[position] > 32:
        position += 1
    return start, position


@compiled_when_called
def locate(block, e_text, e_starts, e_slots, t_text, t_starts, t_slots, rows, columns):
    position = 0
    last_start, last_end, last_row = 0, 0, -1
    for line in range(len(rows)):
        start, end = _field(block, position)
        test_start, test_end = _field(block, end)
        label_start, label_end = _field(block, test_end)
        position, more = _field(block, label_end)
        if test_start == test_end or more > position or block[position] != 10:
            return line, NO_FIELDS
        position += 1
        # Most lists name one enrolment utterance on many lines in a row: look it up once.
        same = last_row >= 0 and end - start == last_end - last_start
        same = same and _equal(block, start, end, block, last_start)
        if not same:
            last_row = _find(block, start, end, e_text, e_starts, e_slots)
            if last_row < 0:
                return line, NO_ENROL
        last_start, last_end = start, end
        rows[line] = last_row
        columns[line] = _find(block, test_start, test_end, t_text, t_starts, t_slots)
        if columns[line] < 0:
            return line, NO_TEST
        if label_end > label_start and _label(block, label_start, label_end) < 0:
            return line, NO_LABEL
    return 0, 0


@compiled_when_called
def _label(block, start, end):
    """Return 1 for ``target``, 0 for ``nontarget``, else -1."""
    word = b"nontarget"
    skip = 9 - (end - start)
    if skip != 0 and skip != 3:
        return -1
    for offset in range(end - start):
        if block[start + offset] != word[skip + offset]:
            return -1
    return 1 if skip == 3 else 0


@compiled_when_called(fastmath=True)
def dot_rows(left, right, rows, columns):
    out = np.empty(len(rows))
    for index in range(len(rows)):
        row, column = left[rows[index]], right[columns[index]]
        total = 0.0
        for position in range(left.shape[1]):
            total += row[position] * column[position]
        out[index] = total
    return out


@compiled_when_called
def format(rows, columns, scores, e_text, e_starts, t_text, t_starts, out):
    used = 0
    digits = np.empty(NUMBER_WIDTH, dtype=np.uint8)
    for line in range(len(rows)):
        for position in range(e_starts[rows[line]], e_starts[rows[line] + 1]):
            out[used] = e_text[position]
            used += 1
        out[used] = 32
        used += 1
        for position in range(t_starts[columns[line]], t_starts[columns[line] + 1]):
            out[used] = t_text[position]
            used += 1
        out[used] = 32
        used += 1
        value = np.int64(np.rint(abs(scores[line]) * _DECIMALS))
        if scores[line] < 0 and value > 0:
            out[used] = 45
            used += 1
        count = 0
        while value > 0 or count < 7:
            digits[count] = 48 + value % 10
            value //= 10
            count += 1
        for position in range(count - 1, -1, -1):
            out[used] = digits[position]
            used += 1
            if position == 6:
                out[used] = 46
                used += 1
        out[used] = 10
        used += 1
    return used


@compiled_when_called
def read_labels(block, is_target):
    position = 0
    for line in range(len(is_target)):
        _, end = _field(block, position)
        _, end = _field(block, end)
        start, end = _field(block, end)
        position, more = _field(block, end)
        label = _label(block, start, end)
        if label < 0:
            return line, NO_LABEL
        if more > position or block[position] != 10:
            return line, NO_FIELDS
        is_target[line] = label == 1
        position += 1
    return 0, 0


@compiled_when_called
def read_numbers(block, values):
    position = 0
    for line in range(len(values)):
        _, end = _field(block, position)
        _, end = _field(block, end)
        start, end = _field(block, end)
        position, more = _field(block, end)
        value = _number(block, start, end)
        if more > position or block[position] != 10 or not np.isfinite(value):
            return line, NO_NUMBER
        values[line] = value
        position += 1
    return 0, 0


@compiled_when_called
def _number(block, start, end):
    """Parse a decimal number; NaN if the text is not a number."""
    position = start
    negative = False
    if position < end and (block[position] == 45 or block[position] == 43):
        negative = block[position] == 45
        position += 1
    mantissa, digits, scale, point = 0.0, 0, 0, False
    while position < end and (48 <= block[position] <= 57 or (block[position] == 46 and not point)):
        if block[position] == 46:
            point = True
        else:
            mantissa = mantissa * 10.0 + (block[position] - 48)
            digits += 1
            scale -= point
        position += 1
    if position < end and digits > 0 and (block[position] == 101 or block[position] == 69):
        position += 1
        sign, exponent, digits = 1, 0, 0
        if position < end and (block[position] == 45 or block[position] == 43):
            sign = -1 if block[position] == 45 else 1
            position += 1
        while position < end and 48 <= block[position] <= 57 and exponent < 1000:
            exponent = exponent * 10 + (block[position] - 48)
            digits += 1
            position += 1
        scale += sign * exponent
    if position < end or digits == 0:
        return np.nan
    # Divide by a power of ten, which is exact, and not by its inverse: one rounding, as strtod does.
    value = mantissa / 10.0**-scale if scale < 0 else mantissa * 10.0**scale
    return -value if negative else value


@compiled_when_called
def hash_pairs(block, hashes):
    """Hash the first two fields of each line to 64 bits; different pairs rarely have the same hash."""
    position = 0
    for line in range(len(hashes)):
        value = np.uint64(14695981039346656037)
        end = position
        for _ in range(2):
            start, end = _field(block, end)
            for place in range(start, end):
                value = (value ^ np.uint64(block[place])) * np.uint64(1099511628211)
            value = (value ^ np.uint64(32)) * np.uint64(1099511628211)  # "a bc" is not "ab c"
        hashes[line] = value ^ (value >> np.uint64(29))
        while block[end] != 10:
            end += 1
        position = end + 1


@compiled_when_called
def same_keys(left, right):
    i, j = 0, 0
    while i < len(left) and j < len(right):
        for _ in range(2):
            start, end = _field(left, i)
            other, other_end = _field(right, j)
            if end - start != other_end - other or not _equal(left, start, end, right, other):
                return False
            i, j = end, other_end
        while left[i] != 10:
            i += 1
        while right[j] != 10:
            j += 1
        i += 1
        j += 1
    return True
