from pathlib import Path

import pytest

from ser.corpora.csv_rows import parse_columns, parse_rows
from ser.errors import SerError

PATH = Path("table.csv")


def test_rows_have_line_numbers_and_blank_lines_are_passed_over():
    assert list(parse_rows(PATH, 'a,b\n\n1,"x\ny"\n')) == [("table.csv:1", ["a", "b"]), ("table.csv:4", ["1", "x\ny"])]


def test_carriage_return_inside_a_field_does_not_end_the_reading():
    assert [fields for _, fields in parse_rows(PATH, 'a,b\n"x\ry",2\n')] == [["a", "b"], ["x\ry", "2"]]
    assert [fields for _, fields in parse_rows(PATH, "a,b\nx\ry,2\n")] == [["a", "b"], ["x"], ["y", "2"]]


@pytest.mark.parametrize("text", ['a,b\n"' + "x" * 200_000, "a,b\n" + "x" * 200_000])
def test_field_without_end_is_refused_with_its_line(text):
    with pytest.raises(SerError, match=r"table.csv:2: not CSV .*quote that is not closed"):
        list(parse_rows(PATH, text))


def test_nul_is_refused_with_its_line():
    with pytest.raises(SerError, match=r"table.csv:2: (a NUL|not CSV)"):
        list(parse_rows(PATH, "a,b\n\0x,1\n"))


def test_columns_are_named_by_the_first_row():
    rows = list(parse_columns(PATH, "FileName,more,Vote\nx,1,A\ny,2,B,extra\n", ["FileName", "Vote"]))
    assert rows == [
        ("table.csv:2", {"FileName": "x", "more": "1", "Vote": "A"}),
        ("table.csv:3", {"FileName": "y", "more": "2", "Vote": "B"}),
    ]


def test_missing_column_and_short_row_are_refused():
    with pytest.raises(SerError, match=r"table\.csv:1: no column Vote; found FileName"):
        list(parse_columns(PATH, "FileName\nx\n", ["FileName", "Vote"]))
    with pytest.raises(SerError, match=r"table\.csv:1: no column Vote"):
        list(parse_columns(PATH, "", ["Vote"]))
    with pytest.raises(SerError, match=r"table\.csv:3: expected 2 fields, found fewer"):
        list(parse_columns(PATH, "FileName,Vote\nx,A\ny\n", ["FileName", "Vote"]))
