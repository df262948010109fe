"""A folder from which a recogniser can be used for recordings, such as a detector of system B, and its files."""

from pathlib import Path

from ser import checksums
from ser.errors import SerError

# The options of its MFCC; the folder of `ser.asr.recogniser.Recogniser`; and the checksums of all files.
MFCC = "mfcc.conf"
RECOGNISER = "asr"
MANIFEST = "files.sha256"


def has_recogniser(folder: Path) -> bool:
    """Tell whether `folder` has a recogniser."""
    return (folder / RECOGNISER / "net").is_dir()


def recogniser_files(folder: Path) -> list[Path]:
    """List the files of the recogniser in `folder`."""
    return [folder / MFCC, *sorted(path for path in (folder / RECOGNISER).rglob("*") if path.is_file())]


def check_recogniser(folder: Path) -> None:
    """Raise a `SerError` that names the first file of the recogniser that is not as the manifest has it."""
    remedy = "make the detector again"
    listed = checksums.read(folder / MANIFEST, remedy)
    names = [path.relative_to(folder).as_posix() for path in recogniser_files(folder)]
    if unknown := [name for name in names if name not in listed]:
        raise SerError(f"{folder / unknown[0]}: not listed in {MANIFEST}; {remedy}")
    checksums.check(folder / MANIFEST, {name: listed[name] for name in names}, remedy)
