"""What a plan must know of the corpora: sizes, folds, words; from the data dirs once they are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ser.config import load_config
from ser.corpora import voxceleb1
from ser.kaldi import tables
from ser.plan.corpora import find, read_corpora
from ser.plan.options import RunOptions
from ser.plan.sizes import Size, measure, published

TOY_CONFIG = Path(__file__).parents[2] / "conf" / "toy" / "corpora.yaml"


@dataclass(frozen=True)
class Facts:
    """What is known of the corpora of a run.

    Attributes
    ----------
    sizes : of all corpora; published ones where a corpus is not there.
    missing : the corpora that are not there -> the folder that they were looked for in.
    folds : of the corpus that is scored: those of its data dir, or before that is made the published ones.
    wordless : whether an utterance of it has no words.
    annotated : whether its data dir has the annotators' votes.
    has_trials : whether VoxCeleb1 lies there with a list of its trials of speaker verification.
    """

    sizes: Mapping[str, Size]
    folds: tuple[str, ...]
    wordless: bool = False
    annotated: bool = False
    has_trials: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)

    def utts(self, names: Iterable[str]) -> float:
        """Count the utterances of corpora; one that was not found counts nothing."""
        return float(sum(self.sizes[name].utts for name in names if name in self.sizes))


def find_out(options: RunOptions, corpora: Iterable[str], test: str) -> Facts:
    """Look at data dirs and corpora.

    Parameters
    ----------
    corpora : all that the run prepares.
    test : the corpus that is scored.
    """
    toy = None
    if options.toy:
        from ser.toy.corpora import ToyConfig

        toy = load_config(ToyConfig, TOY_CONFIG)
    layout = options.layout
    sizes, missing = {}, {}
    for name in corpora:
        folder = options.folder(name)
        size = measure(name, layout.corpus(name), Path(folder), toy)
        if size is None:
            missing[name] = folder
        sizes[name] = size or published(name, folder)
    scored = layout.corpus(test)
    folds = find(test, read_corpora()).fold_names
    if (scored / "utt2spk").is_file():
        folds = ()
        if (scored / "utt2fold").is_file():
            folds = tuple(dict.fromkeys(tables.read_map(scored / "utt2fold", fields=2).values()))
    words = tables.read_map(scored / "text", allow_empty=True) if (scored / "text").is_file() else {}
    return Facts(
        sizes,
        folds,
        wordless=not all(words.values()),
        annotated=any((scored / name).is_file() for name in ("utt2annotators", "utt2votes")),
        has_trials=_has_trials(options, sizes),
        missing=missing,
    )


def _has_trials(options: RunOptions, corpora: Iterable[str]) -> bool:
    if "voxceleb1" not in corpora:
        return False
    return any(Path(options.folder("voxceleb1"), name).is_file() for name in voxceleb1.TRIALS)
