import errno
import hashlib
import os

import pytest

from ser.errors import SerError
from ser.files import atomic_path, read_text, read_text_lines, sha256, write_text


def test_full_disk_is_told_with_the_name_of_the_file_and_leaves_the_old_one(tmp_path):
    write_text(tmp_path / "table", "old")
    with (
        pytest.raises(SerError, match=r"table: cannot be written: No space left on device; check .* free disk space"),
        atomic_path(tmp_path / "table") as temporary,
    ):
        temporary.write_text("ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == ["table"]
    assert (tmp_path / "table").read_text() == "old"


def test_error_of_a_file_that_is_read_is_left_alone(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"), atomic_path(tmp_path / "table"):
        open(tmp_path / "absent")  # noqa: SIM115 - never open


def test_sha256_is_that_of_the_contents(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(
        SerError, match="absent: cannot be read: No such file or directory; run the step that makes it again"
    ):
        sha256(tmp_path / "absent")


def test_byte_order_marks_are_no_part_of_a_text(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\xef\xbb\xbftwo\n")  # as `cat a b` of two such files has it
    assert read_text(path) == "one\ntwo\n"
    path.write_bytes("a word\ufeff joiner stays\n".encode())
    assert read_text(path) == "a word\ufeff joiner stays\n"


def test_lines_end_at_line_feeds_alone(tmp_path):
    path = tmp_path / "text"
    path.write_bytes("a\rb\n\u2028c\x0bd\x85\r\n\ne".encode())
    assert read_text_lines(path) == ["a\rb", "\u2028c\x0bd\x85", "", "e"]
    path.write_bytes(b"one\rtwo\r")  # of a Mac before OS X
    assert read_text_lines(path) == ["one", "two"]
    path.write_bytes(b"")
    assert read_text_lines(path) == []


def test_text_that_is_no_utf8_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("a,b\n".encode("utf-16"))
    with pytest.raises(SerError, match=r"table.csv: UTF-16, which is not read; save it as UTF-8, or run iconv"):
        read_text(path)
    path.write_bytes(b"M\xfcller\n")
    with pytest.raises(SerError, match=r"table.csv: not UTF-8: b'\\xfcller\\n'; take another copy"):
        read_text(path, "take another copy")
    assert read_text(path, errors="replace") == "M\ufffdller\n"
    with pytest.raises(SerError, match=r"absent: missing; make it"):
        read_text(tmp_path / "absent", "make it")
