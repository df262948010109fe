"""Audit: find speakers, sessions, dialogues, recordings and texts that a test set shares with training data."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ser.errors import SerError
from ser.files import tab_separated
from ser.kaldi.datadir import normalise_text
from ser.protocol.fingerprints import near_recordings
from ser.protocol.inventory import Inventory
from ser.protocol.recordings import same_recordings
from ser.protocol.sentences import score_table

NUM_EXAMPLES = 5

# Dialogues with fewer words are not compared: two dialogues "Hello. - Hello." need not be the same one.
DIALOGUE_WORDS = 10
# Number of words in a shingle, and the share of common shingles at which two dialogues count as the same.
SHINGLE = 4
SHARED_SHINGLES = 0.5

# Where the actors speak different sentences in each emotion, a text model can learn the sentences in place of emotion.
SENTENCE_TABLE = "sentence table"

OK, LEAK, SHARED, NOT_TOLD = "ok", "LEAK", "shared", "not told"

# Value that is compared, such as a speaker -> the first utterance that has it.
Keys = Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """Result of one check of one test and one training data dir.

    `status` is OK, LEAK, SHARED (shared, but no fault) or NOT_TOLD (the tables are missing). `count` is the number of
    shared values, such as speakers.
    """

    test: str
    role: str
    train: str
    check: str
    status: str
    count: int
    examples: str

    def message(self) -> str:
        """Say what is wrong and how to correct it."""
        return (
            f"{self.count} {self.check} of {self.test} are in {self.train}, which trains the {self.role} model: "
            f"{self.examples}; {_REMEDIES[self.check]}"
        )


COLUMNS = tuple(Finding.__dataclass_fields__)


class Check(NamedTuple):
    """One kind of check.

    `keys` returns the values of the test side and of the training side; None for a side without the tables. A value
    that both sides have is a leak if `is_fatal` is true for the training side.
    """

    name: str
    keys: Callable[[Inventory, Inventory], tuple[Keys | None, Keys | None]]
    remedy: str
    is_fatal: Callable[[Inventory], bool] = lambda train: True
    shows_key: bool = True  # whether examples show the value; a digest would tell the reader nothing


def audit(test: Inventory, role: str, train: Inventory) -> list[Finding]:
    """Run all checks of `train`, the training data of the model `role`, against `test`."""
    findings = []
    for check in CHECKS:
        test_keys, train_keys = check.keys(test, train)
        if test_keys is None or train_keys is None:
            findings.append(Finding(str(test.path), role, str(train.path), check.name, NOT_TOLD, 0, "-"))
            continue
        common = sorted(test_keys.keys() & train_keys.keys())
        status = OK if not common else LEAK if check.is_fatal(train) else SHARED
        examples = [_example(key, test_keys[key], train_keys[key], check.shows_key) for key in common[:NUM_EXAMPLES]]
        findings.append(
            Finding(str(test.path), role, str(train.path), check.name, status, len(common), ", ".join(examples) or "-")
        )
    return [*findings, _sentence_table(test, role, train)]


def _sentence_table(test: Inventory, role: str, train: Inventory) -> Finding:
    """Measure the accuracy on `test` of a lookup table "sentence -> class" made of `train`; it is never a leak."""
    sides = [
        value
        for side in (train, test)
        for value in (
            {utt: normalise_text(text) for utt, text in side.table("text").items()},
            side.own_table("utt2emo") or side.table("utt2emo"),
        )
    ]
    score = score_table(*sides)
    names = str(test.path), role, str(train.path), SENTENCE_TABLE
    if score is None:
        return Finding(*names, NOT_TOLD, 0, "-")
    said = (
        f"a table of sentences has accuracy {100 * score.accuracy:.1f} % (UA {100 * score.recall:.1f} %) and knows the "
        f"sentence of {100 * score.known:.1f} %; the most frequent class has accuracy {100 * score.majority:.1f} %"
    )
    count = round(score.accuracy * score.known * len(test.utt2spk))
    return Finding(*names, SHARED if score.known else OK, count if score.known else 0, said)


def to_tsv(findings: Iterable[Finding]) -> str:
    """Write findings under their header, tab separated."""
    return tab_separated(COLUMNS, ([getattr(finding, name) for name in COLUMNS] for finding in findings))


def from_tsv(text: str, where: str) -> list[Finding]:
    """Read what `to_tsv` wrote; `where` names it in messages."""
    lines = [line.split("\t") for line in text.splitlines()]
    if not lines or tuple(lines[0]) != COLUMNS:
        raise SerError(f"{where}:1: expected the header '{' '.join(COLUMNS)}'; audit_protocol writes such a file")
    findings = []
    for number, fields in enumerate(lines[1:], start=2):
        if len(fields) != len(COLUMNS) or not fields[5].isdecimal():
            raise SerError(f"{where}:{number}: expected {len(COLUMNS)} fields, the sixth a number; audit again")
        findings.append(Finding(fields[0], fields[1], fields[2], fields[3], fields[4], int(fields[5]), fields[6]))
    return findings


def _example(key: str, test_utt: str, train_utt: str, shows_key: bool) -> str:
    if not shows_key:
        return f"{test_utt} = {train_utt}"
    utts = [utt for utt in dict.fromkeys((test_utt, train_utt)) if utt != key]
    return f"{key} ({', '.join(utts)})" if utts else key


def _first(pairs: Iterable[tuple[str, str]]) -> Keys:
    keys: dict[str, str] = {}
    for utt, key in pairs:
        keys.setdefault(key, utt)
    return keys


def _both(keys: Callable[[Inventory], Keys]) -> Callable[[Inventory, Inventory], tuple[Keys | None, Keys | None]]:
    return lambda test, train: (keys(test) or None, keys(train) or None)


def _speakers(side: Inventory) -> Keys:
    return _first(side.utt2spk.items())


def _sessions(side: Inventory) -> Keys:
    return _first(side.qualified("utt2fold").items())


def _dialogues(side: Inventory) -> Keys:
    return _first(side.qualified("utt2dialogue").items())


def _utterances(side: Inventory) -> Keys:
    """Return the ids of the utterances and of their originals: two copies of one recording share the original."""
    return _first((utt, name) for utt, original in side.originals.items() for name in (original, utt))


def _sentences(side: Inventory) -> Keys:
    return _first((utt, words) for utt, text in side.table("text").items() if (words := normalise_text(text)))


def _near_dialogues(test: Inventory, train: Inventory) -> tuple[Keys | None, Keys | None]:
    """Find pairs of a test and a training dialogue with nearly the same words; both sides get the name of each pair.

    Two dialogues match if they share at least SHARED_SHINGLES of the shingles (runs of SHINGLE words) of the smaller
    one (Broder, "On the resemblance and containment of documents", SEQUENCES 1997). So a changed word, or one turn
    more or less, does not hide a match.
    """
    sides = [_dialogue_texts(side) for side in (test, train)]
    if not all(sides):
        return None, None
    shingles = [{words: _shingles(words) for words in side} for side in sides]
    having: dict[str, list[str]] = {}  # shingle -> test dialogues that have it
    for words, runs in shingles[0].items():
        for run in runs:
            having.setdefault(run, []).append(words)
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for other, runs in shingles[1].items():
        shared = Counter(words for run in runs for words in having.get(run, ()))
        for words, count in shared.items():
            if count >= SHARED_SHINGLES * min(len(runs), len(shingles[0][words])):
                name = f"{sides[0][words]} = {sides[1][other]}"
                found[0][name], found[1][name] = sides[0][words], sides[1][other]
    return found


def _shingles(words: str) -> frozenset[str]:
    fields = words.replace(" / ", " ").split()
    return frozenset(" ".join(fields[at : at + SHINGLE]) for at in range(max(1, len(fields) - SHINGLE + 1)))


def _dialogue_texts(side: Inventory) -> Keys:
    """Return words -> first utterance, for each dialogue of at least two utterances and DIALOGUE_WORDS words."""
    texts = side.table("text")
    turns: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for utt, dialogue in side.qualified("utt2dialogue").items():
        if words := normalise_text(texts.get(utt, "")):
            turns.setdefault(dialogue, []).append(words)
            first.setdefault(dialogue, utt)
    return {
        " / ".join(words): first[dialogue]
        for dialogue, words in turns.items()
        if len(words) > 1 and sum(len(turn.split()) for turn in words) >= DIALOGUE_WORDS
    }


_SELECT = "take them out of the training data (utils/select_fold.sh --part train, utils/subset_data_dir.sh)"
CHECKS: Sequence[Check] = (
    Check("speakers", _both(_speakers), _SELECT),
    Check("sessions", _both(_sessions), f"{_SELECT}; if they are folds of another corpus, name both by --corpora"),
    Check("dialogues", _both(_dialogues), _SELECT),
    Check("utterances", _both(_utterances), f"{_SELECT}, and their copies with them"),
    Check("recordings", same_recordings, "the same recording has two names: keep it on one side", shows_key=False),
    Check("alike recordings", near_recordings, "one is a changed copy of the other: keep one side", shows_key=False),
    # Two recordings of the same script by different actors are no leak. Without audio it is the same dialogue twice.
    Check(
        "dialogue texts",
        _near_dialogues,
        "the same dialogue has two names: keep it on one side",
        is_fatal=lambda train: not train.own_table("wav.scp"),
        shows_key=False,
    ),
    Check("sentences", _both(_sentences), "", is_fatal=lambda train: False),
)
_REMEDIES = {check.name: check.remedy for check in CHECKS}
