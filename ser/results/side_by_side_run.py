"""Runs the comparison of systems: reads vectors, scores each way once, and makes the choices."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ser.backend.chain import BackendConfig
from ser.backend.fold_scores import Corpus, FoldScores, average, measure_folds, posterior_scores, score_fold
from ser.backend.speaker_normalisation import ALL, NONE, SpeakerNormalisation
from ser.config import load_config
from ser.corpora.folds import natural_key
from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.kaldi.labelled import read_speakers, stack_vectors
from ser.results.protocol_config import ProtocolConfig
from ser.results.side_by_side import SeedFigures, SideBySideConfig, Way, choose_forward, goodness

logger = logging.getLogger(__name__)

AVERAGE = "average"
# The only back end of a system that gives posteriors.
ITSELF = "itself"


def read_corpus(data_dir: str | Path) -> Corpus:
    """Read the utterances of a data dir with their classes, speakers and folds."""
    data_dir = Path(data_dir)
    if not (data_dir / "utt2fold").exists():
        raise SerError(f"{data_dir}: no utt2fold; prepare the corpus with --folds")
    utt2emo, utt2fold = (tables.read_map(data_dir / name, fields=2) for name in ("utt2emo", "utt2fold"))
    utts = list(utt2emo)
    if missing := [utt for utt in utts if utt not in utt2fold]:
        raise SerError(f"{data_dir}/utt2fold: no fold of {len(missing)} utterances: {', '.join(missing[:5])}")
    classes, labels = np.unique(list(utt2emo.values()), return_inverse=True)
    speakers = read_speakers(data_dir / "utt2spk", utts)
    return Corpus(utts, labels, classes.tolist(), speakers, np.array([utt2fold[utt] for utt in utts]))


class SideBySide:
    """Scores each way to recognise emotions once and keeps the scores.

    Parameters
    ----------
    train_speakers : number of training speakers, drawn anew for each fold; 0 for all.
    """

    def __init__(self, config: SideBySideConfig, corpus: Corpus, train_speakers: int = 0) -> None:
        self.config, self.corpus = config, corpus
        self.backend = load_config(BackendConfig, config.backend_config)
        self.protocol = load_config(ProtocolConfig, config.protocol)
        self.folds = sorted(set(corpus.folds.tolist()), key=natural_key)
        if unknown := set(config.choice_folds) - set(self.folds):
            raise SerError(f"side by side: no fold {', '.join(sorted(unknown))}; there are {', '.join(self.folds)}")
        self._train_speakers = train_speakers
        self._vectors: dict[tuple[str, str, str, str], np.ndarray] = {}
        self._scores: dict[tuple[Way, str, str], FoldScores] = {}
        self._members: dict[Way, tuple[Way, ...]] = {}
        self._figures: dict[Way, SeedFigures] = {}

    @property
    def other_folds(self) -> list[str]:
        """The folds that are not used for choices."""
        return [fold for fold in self.folds if fold not in self.config.choice_folds]

    def average_of(self, members: Sequence[Way]) -> Way:
        """Return the way that averages the scores of `members`."""
        names = tuple(f"{one.name} ({one.backend})" for one in members)
        way = Way(names, AVERAGE, members[0].speakers)
        self._members[way] = tuple(members)
        return way

    def seeds(self, way: Way) -> tuple[str, ...]:
        """Return the seeds of a way: those of the settings if one of its nets is trained with several.

        An average over seeds has only one, ``-``.
        """
        if way.over_seeds:
            return ("-",)
        names = [name for one in self._members.get(way, (way,)) for name in one.systems]
        return self.config.seeds if any(self.config.systems[name].has_seeds for name in names) else ("-",)

    def scores(self, way: Way, seed: str, fold: str) -> FoldScores:
        """Score a fold in a way, with the nets of a seed."""
        key = (way, seed, fold)
        if key not in self._scores:
            if way.over_seeds:
                each = replace(way, over_seeds=False)
                self._scores[key] = average([self.scores(each, one, fold) for one in self.seeds(each)])
            elif way in self._members:
                self._scores[key] = average([self.scores(one, seed, fold) for one in self._members[way]])
            else:
                self._scores[key] = self._score(way, seed, fold)
        return self._scores[key]

    def _score(self, way: Way, seed: str, fold: str) -> FoldScores:
        vectors = np.hstack([self._read(name, seed, fold, way.speakers) for name in way.systems])
        if way.backend == ITSELF:
            return posterior_scores(vectors[self.corpus.folds == fold])
        protocol = self.protocol
        options = (self.backend, protocol.held_out_parts, protocol.seed, protocol.p_target)
        return score_fold(vectors, self.corpus, fold, way.backend, *options, self._trained(fold))

    def _trained(self, fold: str) -> np.ndarray | None:
        if not self._train_speakers:
            return None
        others = np.unique(self.corpus.speakers[self.corpus.folds != fold])
        drawn = np.random.default_rng((self.protocol.seed, int(self.folds.index(fold)))).permutation(others)
        return np.isin(self.corpus.speakers, drawn[: self._train_speakers])

    def _read(self, name: str, seed: str, fold: str, speakers: str) -> np.ndarray:
        system, corpus = self.config.systems[name], self.corpus
        path = system.vectors.replace("{seed}", seed).replace("{fold}", fold)
        key = (name, path, fold if system.posteriors else "", speakers)
        if key not in self._vectors:
            rspecifier = f"{'scp' if path.endswith('.scp') else 'ark'}:{path}"
            table = ark.load(rspecifier)
            utts = [
                utt for utt, own in zip(corpus.utts, corpus.folds, strict=True) if own == fold or not system.posteriors
            ]
            if missing := [utt for utt in utts if utt not in table]:
                raise SerError(
                    f"{path}: no vector of {len(missing)} of {len(utts)} utterances: {', '.join(missing[:5])}"
                )
            rows = stack_vectors(table, utts, rspecifier)
            if system.posteriors:
                whole = np.zeros((len(corpus.utts), rows.shape[1]), np.float32)
                whole[corpus.folds == fold] = np.log(np.maximum(rows, 1e-6))
                rows = whole
            self._vectors[key] = SpeakerNormalisation.parse(speakers).apply(rows, corpus.speakers)
        return self._vectors[key]

    def figures(self, way: Way, folds: Iterable[str] | None = None) -> SeedFigures:
        """Measure a way on folds (all): seed -> fold -> figures."""
        wanted = list(self.folds if folds is None else folds)
        return {
            seed: measure_folds({fold: self.scores(way, seed, fold) for fold in wanted}, self.corpus)
            for seed in self.seeds(way)
        }

    def goodness(self, way: Way) -> float:
        """Return the criterion of choices, on the folds of choice."""
        return goodness(self.figures(way, self.config.choice_folds), self.config.choice_folds)

    def backends(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the kinds of back end for the joined vectors of these systems."""
        posteriors = [self.config.systems[name].posteriors for name in names]
        return (ITSELF,) if any(posteriors) else self.config.backends

    def singles(self) -> list[Way]:
        """Return each system with each back end, without and with speaker normalisation."""
        return [
            Way((name,), backend, speakers)
            for name in self.config.systems
            for backend in self.backends([name])
            for speakers in (NONE, ALL)
            if self._may(name, speakers)
        ]

    def _may(self, name: str, speakers: str) -> bool:
        return speakers == ALL or not self.config.systems[name].by_speaker

    def choose(self) -> dict[tuple[str, str], Way]:
        """Choose on the folds of choice: (row, speaker normalisation) -> way.

        There is a row for each group, with its best system and back end; a row ``joined``, for which systems are added
        one by one to the joined vectors; and a row ``averaged``, for which ways are added one by one to an average of
        scores. After a row with nets of several seeds comes ``<row>, seeds averaged``.
        """
        found: dict[tuple[str, str], Way] = {}
        for speakers in (NONE, ALL):
            singles = [way for way in self.singles() if way.speakers == speakers]
            for group in dict.fromkeys(system.group for system in self.config.systems.values()):
                mine = [way for way in singles if self.config.systems[way.systems[0]].group == group]
                if mine:
                    found[group, speakers] = max(mine, key=self.goodness)
                    logger.info("chosen on folds %s: %s", ", ".join(self.config.choice_folds), found[group, speakers])
            if self.config.most_joined > 1:
                found["joined", speakers] = self._best_join(speakers)
                found["averaged", speakers] = self._best_average(singles, found["joined", speakers])
        return dict(self._with_averages_over_seeds(found))

    def _with_averages_over_seeds(self, found: Mapping[tuple[str, str], Way]) -> Iterator[tuple[tuple[str, str], Way]]:
        for (row, speakers), way in found.items():
            yield (row, speakers), way
            if len(self.seeds(way)) > 1:
                yield (f"{row}, seeds averaged", speakers), replace(way, over_seeds=True)

    def _best_join(self, speakers: str) -> Way:
        names = [
            name for name, system in self.config.systems.items() if not system.posteriors and self._may(name, speakers)
        ]
        best: list[Way] = []
        for backend in self.config.join_backends:
            chosen = choose_forward(
                names,
                lambda names, kind=backend: self.goodness(Way(names, kind, speakers)),  # type: ignore[misc]
                self.config.most_joined,
            )
            best.append(Way(chosen, backend, speakers))
            logger.info("joined for %s: %s, %.1f", backend, best[-1].name, self.goodness(best[-1]))
        return max(best, key=self.goodness)

    def _best_average(self, singles: Sequence[Way], joined: Way) -> Way:
        numbered = {str(place): way for place, way in enumerate([joined, *singles])}

        def evaluate(places: tuple[str, ...]) -> float:
            return self.goodness(self._together([numbered[place] for place in places]))

        return self._together(
            [numbered[place] for place in choose_forward(list(numbered), evaluate, self.config.most_joined)]
        )

    def _together(self, ways: Sequence[Way]) -> Way:
        return ways[0] if len(ways) == 1 else self.average_of(ways)

    def recalls(self, way: Way) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (speaker, class) -> number of right predictions and of all, over all seeds."""
        corpus = self.corpus
        counts: dict[tuple[str, str], tuple[int, int]] = {}
        for seed, fold in itertools.product(self.seeds(way), self.folds):
            mine = corpus.folds == fold
            guesses = self.scores(way, seed, fold).classes.argmax(axis=1)
            for speaker, truth, guess in zip(corpus.speakers[mine], corpus.labels[mine], guesses, strict=True):
                right, of = counts.get((speaker, corpus.classes[truth]), (0, 0))
                counts[speaker, corpus.classes[truth]] = (right + int(truth == guess), of + 1)
        return counts

    def offsets(self, name: str) -> dict[str, float]:
        """Return the distance of each speaker's mean from that of the others: root mean square, in standard deviations.

        The vectors are those of the first seed, from the net that was not trained on the speaker.
        """
        seed = self.seeds(Way((name,), "", NONE))[0]
        found = {}
        for speaker in np.unique(self.corpus.speakers):
            mine = self.corpus.speakers == speaker
            vectors = self._read(name, seed, str(self.corpus.folds[mine][0]), NONE)
            deviation = vectors.std(axis=0)
            apart = vectors[mine].mean(axis=0) - vectors[~mine].mean(axis=0)
            found[str(speaker)] = float(np.sqrt(np.mean((apart / np.where(deviation > 1e-9, deviation, 1.0)) ** 2)))
        return found

    def predictions(self, way: Way) -> Mapping[str, str]:
        """Return the class that the nets of the first seed predict for each utterance."""
        found: dict[str, str] = {}
        for fold in self.folds:
            mine = np.flatnonzero(self.corpus.folds == fold)
            guesses = self.scores(way, self.seeds(way)[0], fold).classes.argmax(axis=1)
            found.update(
                {self.corpus.utts[row]: self.corpus.classes[k] for row, k in zip(mine.tolist(), guesses, strict=True)}
            )
        return found
