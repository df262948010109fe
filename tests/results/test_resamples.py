import numpy as np
import pytest

from ser.errors import SerError
from ser.results.resamples import read_resamples


def test_resamples_are_read_with_those_that_have_no_figure(tmp_path):
    path = tmp_path / "bootstrap.tsv"
    assert read_resamples(path, 2) is None
    path.write_text("eer\tuar\n30.5\t60\nnan\t61.25\n")
    np.testing.assert_array_equal(read_resamples(path, 2), [[30.5, 60.0], [np.nan, 61.25]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected lines of 2 numbers, found"),
        ("eer\tuar\n", "expected lines of 2 numbers, found"),
        ("eer\tuar\n30.5\n31.5\n", r"expected lines of 2 numbers, found \(2, 1\)"),
        ("eer\tuar\n30.5\t60\n30.\n", "not 2 numbers per line"),
        ("eer\tuar\n30.5\tsixty\n", "not 2 numbers per line"),
    ],
)
def test_a_file_that_was_cut_is_refused(tmp_path, text, message):
    path = tmp_path / "bootstrap.tsv"
    path.write_text(text)
    with pytest.raises(SerError, match=f"bootstrap.tsv: {message}"):
        read_resamples(path, 2)
