"""What code this is."""

import subprocess
from importlib import metadata
from pathlib import Path

import ser


def project_version() -> str:
    """Return this package's version, and the commit where it runs from a checkout."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "no git"
    return f"ser {ser.__version__} ({commit})"


def package_version(name: str) -> str:
    """Return the version of an installed package, without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
