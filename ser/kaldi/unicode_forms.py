"""Find and repair keys that look alike but differ in Unicode form: accents composed (NFC) or decomposed (NFD).

File names from a Mac are decomposed and typed text is composed (Unicode Standard Annex 15); keys are compared by bytes.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

from ser.errors import SerError


def compose(text: str) -> str:
    """Return `text` with composed letters (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_FIX = "utils/fix_data_dir.sh composes the letters of all tables of a data dir"


def form_problem(missing: Iterable[str], there: Iterable[str], remedy: str = _FIX) -> str:
    """Return a message if missing keys exist in another Unicode form, else ''.

    >>> form_problem(["re\\u0301my"], ["r\\u00e9my"])[:48]
    '1 of them differ in Unicode form only, the first'
    """
    wanted = [key for key in missing if not key.isascii()]
    if not wanted:
        return ""
    composed = {compose(key): key for key in there if not key.isascii()}
    twins = [(key, composed[compose(key)]) for key in wanted if compose(key) in composed]
    if not twins:
        return ""
    one, other = twins[0]
    return (
        f"{len(twins)} of them differ in Unicode form only, the first '{one}': {one.encode()!r} and {other.encode()!r};"
        f" {remedy}"
    )


def check_list(where: str | Path, listed: Iterable[str], known: Iterable[str], table: str | Path) -> None:
    """Raise a `SerError` if names of the list `where` are in the table only in another Unicode form."""
    known = set(known)
    missing = sorted(set(listed) - known)
    if problem := form_problem(missing, known, f"save the list in the form that {table} has"):
        raise SerError(f"{where}: {len(missing)} of its names are not in {table}; {problem}")


def compose_keys(table: Mapping[str, str], where: str) -> dict[str, str]:
    """Compose the keys of a table; raise a `SerError` if two keys become equal but have different values."""
    composed: dict[str, str] = {}
    for key, value in table.items():
        if composed.setdefault(compose(key), value) != value:
            raise SerError(
                f"{where}: '{key}' is there twice, in two Unicode forms with different values; remove one line"
            )
    return composed
