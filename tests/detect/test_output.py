import csv
import io

import pytest

from ser.detect.detection import Detection
from ser.detect.output import format_lines


@pytest.mark.parametrize("name", ["a\nb.wav", "a\rb.wav", "a\r\nb.wav", 'a,"b".wav', "a b.wav"])
def test_any_name_of_a_file_is_one_row_of_csv(name):
    detection = Detection(name, 0.0, 1.0, 0.5, "speech", "joy", {"joy": 1.0})
    text = "".join(f"{line}\n" for line in format_lines([detection], ("joy",), "csv"))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["file"] for row in rows] == [name]


@pytest.mark.parametrize("form", ["table", "json"])
def test_any_name_of_a_file_is_one_line_of_the_other_forms(form):
    detection = Detection("a\nb\r.wav", 0.0, 1.0, 0.5, "speech", "joy", {"joy": 1.0})
    assert all("\n" not in line and "\r" not in line for line in format_lines([detection], ("joy",), form))
