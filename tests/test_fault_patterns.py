"""The injected faults damage files that the drivers make: each lies in what a job of an earlier stage makes."""

import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent / "faults"
CHECKOUT = FAULTS.parents[1]


@pytest.fixture(scope="module")
def file_faults():
    sys.path.insert(0, str(FAULTS))
    try:
        import file_faults
    finally:
        sys.path.remove(str(FAULTS))
    return file_faults


def made_by(script: str, options: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return (stage, file or folder) of all that a driver's toy run makes, by its plan."""
    run = subprocess.run(
        [script, *options, "--dry-run", "true"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    lines = run.stdout.splitlines()
    heading = next(line for line in lines if line.startswith("stage"))
    begin, end = heading.index("makes"), heading.index("from")
    rows = [line for line in lines if line[:1].isdigit()]
    return [(int(line.split()[0]), made) for line in rows for made in line[begin:end].split()]


def lies_in(pattern: str, folder: str) -> bool:
    """Tell whether a file of the pattern may be `folder`, or lie in it or beside it."""
    parts = pattern.split("/")
    return any(fnmatch.fnmatch(folder, "/".join(parts[:end])) for end in range(1, len(parts) + 1))


def test_every_damaged_file_is_one_that_an_earlier_stage_makes(file_faults):
    for driver, faults in file_faults.FILE_FAULTS.items():
        if driver.base:
            continue
        made = [*made_by(driver.script, driver.options), (0, f"data/{driver.name}/corpora")]
        for fault in faults:
            before = [path for stage, path in made if stage < fault.stage or (fault.again and stage == fault.stage)]
            around = [*before, *(str(Path(path).parent) for path in before if path.count("/") > 2)]
            assert any(lies_in(fault.pattern, path) for path in around), (
                f"{driver.script}: nothing makes {fault.pattern}"
            )
