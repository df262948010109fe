"""Find out what a plan needs to know of the corpora: sizes, folds, words; from the data dirs once they exist."""

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
    """Facts about the corpora of a run.

    Attributes
    ----------
    sizes : corpus -> its size; the published size if the corpus was not found.
    missing : corpus that was not found -> the folder in which it was looked for.
    folds : folds of the scored corpus: those of its data dir or, if that does not exist yet, the published ones.
    wordless : whether some utterance of the scored corpus has no words.
    annotated : whether the data dir of the scored corpus has the annotators' votes.
    has_trials : whether VoxCeleb1 was found with a list of its speaker verification trials.
    """

    sizes: Mapping[str, Size]
    folds: tuple[str, ...]
    wordless: bool = False
    annotated: bool = False
    has_trials: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)

    def utts(self, names: Iterable[str]) -> float:
        """Sum the utterances of corpora; a corpus without a known size counts as 0."""
        return float(sum(self.sizes[name].utts for name in names if name in self.sizes))


def find_out(options: RunOptions, corpora: Iterable[str], test: str) -> Facts:
    """Collect the facts from data dirs and corpora.

    Parameters
    ----------
    corpora : all corpora that the run prepares.
    test : the scored corpus.
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
        folds = read_folds(scored)
    words = tables.read_map(scored / "text", allow_empty=True) if (scored / "text").is_file() else {}
    return Facts(
        sizes,
        folds,
        wordless=not all(words.values()),
        annotated=any((scored / name).is_file() for name in ("utt2annotators", "utt2votes")),
        has_trials=_has_trials(options, sizes),
        missing=missing,
    )


def read_folds(data_dir: Path) -> tuple[str, ...]:
    """Return the folds of a data dir; none where it has no utt2fold."""
    path = data_dir / "utt2fold"
    return tuple(dict.fromkeys(tables.read_map(path, fields=2).values())) if path.is_file() else ()


def _has_trials(options: RunOptions, corpora: Iterable[str]) -> bool:
    if "voxceleb1" not in corpora:
        return False
    return any(Path(options.folder("voxceleb1"), name).is_file() for name in voxceleb1.TRIALS)
