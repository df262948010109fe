import errno
import hashlib
import os

import pytest

from ser.errors import SerError
from ser.files import atomic_path, sha256, write_text


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
    with pytest.raises(SerError, match="absent: cannot be read: No such file or directory; run the step again"):
        sha256(tmp_path / "absent")
