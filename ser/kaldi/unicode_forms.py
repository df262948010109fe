"""Keys that look alike and differ in Unicode form: letters composed with their accents (NFC), or beside them (NFD).

A Mac's file names are decomposed, what people type is composed (Unicode Standard Annex 15). Tables are joined by bytes.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from ser.errors import SerError


def compose(text: str) -> str:
    """Give `text` with composed letters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def form_problem(missing: Iterable[str], there: Iterable[str]) -> str:
    """Say that missing keys are there in another Unicode form only; '' where none is.

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
        " utils/fix_data_dir.sh composes the letters of all tables of a data dir"
    )


def compose_keys(table: Mapping[str, str], where: str) -> dict[str, str]:
    """Compose the keys of a table; `SerError` where two keys become one and say different things."""
    composed: dict[str, str] = {}
    for key, value in table.items():
        if composed.setdefault(compose(key), value) != value:
            raise SerError(f"{where}: '{key}' is there in two Unicode forms that say different things; remove one line")
    return composed
