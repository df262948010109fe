"""Pronunciation lexica, with an entry for out-of-vocabulary words.

A lexicon file has one pronunciation per line, ``word phone phone ...``, like Kaldi's ``data/local/dict/lexicon.txt``; a
word with several pronunciations has several lines. ARPAbet's stress digits and the ``(2)`` of CMU's ``word(2)`` are
removed.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines, write_text

logger = logging.getLogger(__name__)

SILENCE = "SIL"
UNKNOWN_PHONE = "SPN"  # pronunciation of out-of-vocabulary words and of tokens in brackets
UNKNOWN = "<unk>"

_VARIANT = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"^([A-Z]+)[0-2]$")


@dataclass(frozen=True)
class Lexicon:
    """The pronunciations of words.

    Attributes
    ----------
    entries : word -> its pronunciations, each a tuple of phones, without duplicates, in the order of the file.
    """

    entries: Mapping[str, tuple[tuple[str, ...], ...]]

    @cached_property
    def phones(self) -> tuple[str, ...]:
        """Silence, then all other phones, sorted; the index of a phone is its number."""
        found = {phone for ways in self.entries.values() for way in ways for phone in way}
        return (SILENCE, *sorted(found - {SILENCE}))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, sorted."""
        return tuple(sorted(self.entries))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each phone."""
        return {phone: number for number, phone in enumerate(self.phones)}

    def ways(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Return the pronunciations of `word`, or those of the unknown word if it has no entry."""
        return self.entries.get(word) or self.entries[UNKNOWN]


def make_lexicon(lines: Iterable[tuple[str, Iterable[str]]], unknown: bool = True) -> Lexicon:
    """Make a lexicon from (word, phones) pairs; `unknown` adds the entry for out-of-vocabulary words."""
    entries: dict[str, dict[tuple[str, ...], None]] = {}
    for word, phones in lines:
        entries.setdefault(word, {})[tuple(phones)] = None
    if unknown:
        entries.setdefault(UNKNOWN, {(UNKNOWN_PHONE,): None})
    return Lexicon({word: tuple(ways) for word, ways in entries.items()})


def read_lexicon(path: str | Path, stress: bool = False, lower: bool = False) -> Lexicon:
    """Read a lexicon file.

    Parameters
    ----------
    path : one pronunciation per line; Kaldi's lexiconp.txt, whose second field is a probability, is read too.
    stress : whether phones keep ARPAbet's stress digits.
    lower : whether words are converted to lower case.

    Raises
    ------
    SerError
        If a word has no phones, or the file has no words. The number of duplicate lines is logged.
    """
    lines, doubles = [], 0
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for number, line in enumerate(read_text_lines(path, "give a lexicon of lines 'word phone phone ...'"), start=1):
        fields = line.split()
        if not fields or line.startswith(";;;"):
            continue
        word, phones = _VARIANT.sub("", fields[0]), fields[1:]
        if phones and re.fullmatch(r"[01]?\.\d+|[01]", phones[0]):
            phones = phones[1:]
        if not phones or not word:
            raise SerError(f"{path}:{number}: expected a word and its phones, found '{line}'; add phones or remove it")
        if not stress:
            phones = [_STRESS.sub(r"\1", phone) for phone in phones]
        entry = (word.lower() if lower else word, tuple(phones))
        doubles += entry in seen
        seen.add(entry)
        lines.append(entry)
    if not lines:
        raise SerError(f"{path}: it has no words; give a lexicon of lines 'word phone phone ...'")
    if doubles:
        logger.warning("%s: %d lines repeat an earlier line; each pronunciation counts once", path, doubles)
    return make_lexicon(lines)


def write_lexicon(path: str | Path, lexicon: Lexicon) -> None:
    """Write a lexicon file, sorted by word."""
    lines = [f"{word} {' '.join(way)}\n" for word in lexicon.words for way in lexicon.entries[word]]
    write_text(path, "".join(lines))


def check_phones(lexicon: Lexicon, phones: Iterable[str], where: str) -> None:
    """Raise SerError if the lexicon has phones that a model does not know; the message begins with `where`."""
    known = set(phones)
    unknown = sorted(set(lexicon.phones) - known)
    if unknown:
        word = next(word for word in lexicon.words for way in lexicon.entries[word] if set(way) & set(unknown))
        raise SerError(
            f"{where}: the model does not know the lexicon's phone {', '.join(unknown)}, as in the word '{word}'; "
            "write such words with the model's phones, or train a model with this lexicon"
        )


@dataclass(frozen=True)
class Coverage:
    """The number of out-of-vocabulary tokens of a text, and the most frequent ones."""

    words: int
    unknown: int
    examples: tuple[str, ...]

    @property
    def rate(self) -> float:
        return self.unknown / max(1, self.words)


def coverage(lexicon: Lexicon, texts: Iterable[str]) -> Coverage:
    """Count the out-of-vocabulary words of `texts`; the unknown word itself is not one of them."""
    counts: dict[str, int] = {}
    total = 0
    for text in texts:
        for word in text.split():
            total += 1
            if word not in lexicon.entries:
                counts[word] = counts.get(word, 0) + 1
    examples = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:5])
    return Coverage(total, sum(counts.values()), examples)


def check_coverage(lexicon: Lexicon, texts: Iterable[str], largest: float, where: str) -> Coverage:
    """Log how many words are out of vocabulary; raise SerError if their share is above `largest`."""
    found = coverage(lexicon, texts)
    if found.unknown:
        examples = ", ".join(found.examples)
        if found.rate > largest:
            raise SerError(
                f"{where}: {found.unknown} of {found.words} words ({found.rate:.1%}) have no entry in the lexicon, "
                f"over the limit of {largest:.0%}, most often {examples}; add them to the lexicon"
            )
        logger.warning("%s: %d of %d words (%.1f %%) have no entry in the lexicon and count as %s, most often %s",
                       where, found.unknown, found.words, 100 * found.rate, UNKNOWN, examples)  # fmt: skip
    return found
