import subprocess

import pytest

from ser import checksums
from ser.errors import SerError

REMEDY = "copy the folder again"


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "part" / "with space").write_text("b\n")
    checksums.write(tmp_path / "SUMS", ["a.txt", "part/with space"])
    return tmp_path / "SUMS"


def test_sha256sum_checks_the_list_too(listed):
    done = subprocess.run(
        ["sha256sum", "--check", "SUMS"], cwd=listed.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "a.txt: OK\npart/with space: OK\n"
    digests = checksums.read(listed, REMEDY)
    assert list(digests) == ["a.txt", "part/with space"]
    checksums.check(listed, digests, REMEDY)


def test_a_changed_a_missing_and_an_unlisted_file_are_named(listed):
    digests = checksums.read(listed, REMEDY)
    with pytest.raises(SerError, match=r"a\.txt: changed or damaged: .* SUMS has unlisted.*; copy the folder again"):
        checksums.check(listed, {"a.txt": "unlisted"}, REMEDY)
    (listed.parent / "part" / "with space").write_text("c\n")
    with pytest.raises(
        SerError, match=r"part/with space: changed or damaged: its sha256 is [0-9a-f]{12}\.\.\., SUMS has"
    ):
        checksums.check(listed, digests, REMEDY)
    (listed.parent / "a.txt").unlink()
    with pytest.raises(SerError, match=r"a\.txt: missing, but listed in SUMS; copy the folder again"):
        checksums.check(listed, digests, REMEDY)


def test_a_line_of_another_format_is_refused(listed):
    listed.write_text("d41d8cd98f00b204e9800998ecf8427e  a.txt\n")
    with pytest.raises(SerError, match=r"SUMS:1: expected '<sha256>  <file>', found 'd41d.*; copy the folder again"):
        checksums.read(listed, REMEDY)
