"""A recogniser's language folder: ``lexicon.txt``, ``lm.arpa`` and ``oov``.

A token in brackets, such as TED-LIUM's [NOISE], is not a word: training maps it to the unknown word, scoring drops it.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ser.asr.lexicon import UNKNOWN, Lexicon, read_lexicon
from ser.errors import SerError
from ser.files import read_text_lines

LEXICON, LM, OOV = "lexicon.txt", "lm.arpa", "oov"
_NO_WORD = re.compile(r"\[[^]\s]*\]|<[^>\s]*>")


def read_lang_lexicon(lang: str | Path) -> Lexicon:
    """Read the lexicon of a language folder."""
    return read_lexicon(Path(lang) / LEXICON, stress=True)


def for_training(text: str) -> str:
    """Replace each token in brackets by the unknown word.

    >>> for_training("[NOISE] it's <sil> so")
    "<unk> it's <unk> so"
    """
    return " ".join(UNKNOWN if _NO_WORD.fullmatch(word) else word for word in text.split())


def for_scoring(text: str) -> list[str]:
    """Return the words that are scored: all but tokens in brackets.

    >>> for_scoring("[NOISE] it's <unk> so")
    ["it's", 'so']
    """
    return [word for word in text.split() if not _NO_WORD.fullmatch(word)]


def read_sentences(paths: Sequence[str | Path]) -> Iterator[str]:
    """Yield the lines of text files, plain or compressed by gzip; each line is a sentence."""
    for path in paths:
        if not str(path).endswith(".gz"):
            yield from read_text_lines(path, "give a text with one sentence per line")
            continue
        try:
            with gzip.open(path, "rt", encoding="utf-8-sig") as stream:
                yield from (line.rstrip("\n") for line in stream)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise SerError(f"{path}: cannot be read: {error}; download the file again") from error
