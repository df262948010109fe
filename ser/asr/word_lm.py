"""Word n-grams with Witten-Bell smoothing, and the ARPA format.

I. H. Witten, T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991. Let N be
the count of a history and T the number of different words that follow it. The estimate for the history is interpolated
with the estimate for the next shorter history, which has the weight T / (N + T). Below the unigrams, this weight is
shared evenly by all words, so that words which were never seen have a probability too.
"""

import logging
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser.errors import SerError
from ser.files import read_text_lines, write_text

logger = logging.getLogger(__name__)

BEGIN, END = "<s>", "</s>"
History = tuple[str, ...]


@dataclass(frozen=True)
class WordLm:
    """An n-gram language model with back-off.

    Attributes
    ----------
    order : n of the longest n-grams.
    probabilities : history -> word -> natural log of the probability.
    backoffs : history -> natural log of the back-off weight; 0 for a history that is not listed.
    """

    order: int
    probabilities: dict[History, dict[str, float]]
    backoffs: dict[History, float]

    @property
    def words(self) -> list[str]:
        """All words, sorted, with the end of a sentence among them."""
        return sorted(self.probabilities[()])

    def log_probability(self, history: Sequence[str], word: str) -> float:
        """Give the natural log of the probability of `word` after `history`; minus infinity for an unknown word."""
        left = tuple(history)[max(0, len(history) - self.order + 1) :]
        total = 0.0
        while True:
            found = self.probabilities.get(left, {}).get(word)
            if found is not None:
                return total + found
            if not left:
                return -math.inf
            total += self.backoffs.get(left, 0.0)
            left = left[1:]

    def perplexity(self, texts: Iterable[str]) -> float:
        """Return the perplexity of `texts`, with sentence ends; words without a probability are skipped."""
        total, count = 0.0, 0
        for text in texts:
            history = [BEGIN]
            for word in [*text.split(), END]:
                value = self.log_probability(history, word)
                if math.isfinite(value):
                    total, count = total + value, count + 1
                history.append(word)
        return math.exp(-total / max(1, count))


def estimate(texts: Iterable[str], vocabulary: Iterable[str], order: int) -> WordLm:
    """Estimate an n-gram model from `texts` over the words of `vocabulary`; sentences are cut at other words.

    Raises
    ------
    SerError
        If there is no text, or `order` is under 1.
    """
    words = set(vocabulary) - {BEGIN, END}
    if order < 1 or not words:
        raise SerError(f"language model: order {order} over {len(words)} words; expected 1 or more of both")
    counts: dict[History, Counter[str]] = defaultdict(Counter)
    num_texts = 0
    for text in texts:
        num_texts += 1
        history: list[str] = [BEGIN]
        for word in [*text.split(), END]:
            known = word in words or word == END
            for length in range(min(order - 1, len(history)) + 1) if known else ():
                counts[tuple(history[len(history) - length :])][word] += 1
            history = [*history, word] if known else []
    if not num_texts:
        raise SerError("language model: no text to learn from")
    return _interpolated(counts, sorted(words), order)


def uniform(vocabulary: Iterable[str]) -> WordLm:
    """Make a word loop: a unigram model in which all words and the end of the sentence are equally likely."""
    words = [*sorted(set(vocabulary) - {BEGIN, END}), END]
    return WordLm(1, {(): dict.fromkeys(words, -math.log(len(words)))}, {})


def _interpolated(counts: dict[History, Counter[str]], words: list[str], order: int) -> WordLm:
    everything = [*words, END]
    probabilities: dict[History, dict[str, float]] = {}
    backoffs: dict[History, float] = {}
    unigrams = counts[()]
    total, kinds = unigrams.total(), len(unigrams)
    floor = kinds / (total + kinds) / len(everything)
    probabilities[()] = {word: math.log(unigrams[word] / (total + kinds) + floor) for word in everything}
    lm = WordLm(order, probabilities, backoffs)
    for history in sorted(counts, key=lambda history: (len(history), history)):
        if not history:
            continue
        followers = counts[history]
        total, kinds = followers.total(), len(followers)
        backoffs[history] = math.log(kinds / (total + kinds))
        probabilities[history] = {
            word: math.log(
                count / (total + kinds) + kinds / (total + kinds) * math.exp(lm.log_probability(history[1:], word))
            )
            for word, count in sorted(followers.items())
        }
    return lm


def write_arpa(path: str | Path, lm: WordLm) -> None:
    """Write a language model in the ARPA format."""
    sections = []
    ngrams: dict[int, list[tuple[History, float | None]]] = {length: [] for length in range(1, lm.order + 1)}
    for history, followers in lm.probabilities.items():
        ngrams[len(history) + 1] += [((*history, word), value) for word, value in followers.items()]
    listed = {ngram for rows in ngrams.values() for ngram, _ in rows}
    # A history that is not an n-gram itself, such as <s>, still needs a line for its back-off weight.
    for history in lm.backoffs:
        if history not in listed:
            ngrams[len(history)].append((history, None))
    for length, rows in ngrams.items():
        lines = []
        for ngram, value in sorted(rows):
            backoff = f"\t{lm.backoffs[ngram] / math.log(10):.7g}" if ngram in lm.backoffs else ""
            number = "-99" if value is None else f"{value / math.log(10):.7g}"
            lines.append(f"{number}\t{' '.join(ngram)}{backoff}\n")
        sections.append(f"\n\\{length}-grams:\n{''.join(lines)}")
    header = "".join(f"ngram {length}={len(rows)}\n" for length, rows in ngrams.items())
    write_text(path, f"\n\\data\\\n{header}{''.join(sections)}\n\\end\\\n")


def read_arpa(path: str | Path, lower: bool = False) -> WordLm:
    """Read a language model in the ARPA format; `lower` converts its words to lower case.

    Raises
    ------
    SerError
        If a line is not an n-gram (with file and line), or if the file has fewer n-grams than its header says.
    """
    expected: dict[int, int] = {}
    found: Counter[int] = Counter()
    probabilities: dict[History, dict[str, float]] = {(): {}}
    backoffs: dict[History, float] = {}
    length = 0  # n of the current section; 0 in the header
    for number, line in enumerate(read_text_lines(path, "give a language model in the ARPA format"), start=1):
        text = line.strip().lower() if lower else line.strip()
        if section := re.fullmatch(r"\\([1-9][0-9]?)-grams:", text):
            length = int(section[1])
        elif text.startswith("\\"):
            length = 0
        elif header := re.fullmatch(r"ngram ([1-9][0-9]?) *= *([0-9]{1,18})", text) if not length else None:
            expected[int(header[1])] = int(header[2])
        elif text and length:
            try:
                ngram, value, backoff = _parse_ngram(text.split(), length)
            except ValueError as error:
                raise SerError(
                    f"{path}:{number}: expected log10 probability, {length} words, maybe a back-off; found '{text}'"
                ) from error
            found[length] += 1
            if backoff is not None:
                backoffs[ngram] = backoff
            if ngram[-1] != BEGIN:
                probabilities.setdefault(ngram[:-1], {})[ngram[-1]] = value
    if not expected or dict(found) != {name: count for name, count in expected.items() if count}:
        raise SerError(f"{path}: {dict(found)} n-grams, but its header says {expected}; is the file cut off?")
    return WordLm(max(expected), probabilities, backoffs)


def _parse_ngram(fields: list[str], length: int) -> tuple[tuple[str, ...], float, float | None]:
    """Return the words, the natural log of the probability, and that of the back-off weight, if there is one."""
    if not length < len(fields) <= length + 2:
        raise ValueError
    numbers = [float(field) * math.log(10) for field in (fields[0], *fields[length + 1 :])]
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return tuple(fields[1 : length + 1]), numbers[0], numbers[1] if len(numbers) == 2 else None
