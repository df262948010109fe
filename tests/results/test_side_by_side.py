import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ser.backend.fold_scores import Figures
from ser.errors import SerError
from ser.kaldi import ark, tables
from ser.results.side_by_side import SideBySideConfig, System, Way, choose_forward, goodness, summarise
from ser.results.side_by_side_run import SideBySide, read_corpus
from ser.results.side_by_side_tables import write_tables

CLASSES = ("anger", "neutral", "sadness")


def figures(uar: float, eer: float = 20.0) -> Figures:
    return Figures(uar, uar, eer, eer, 0.5, 5.0)


def test_a_choice_sees_its_own_folds_alone():
    found = {"0": {"1": figures(60.0, 30.0), "2": figures(70.0, 20.0), "3": figures(0.0, 100.0)}}
    assert goodness(found, ["1", "2"]) == pytest.approx(40.0)


def test_mean_and_interval_of_folds_and_seeds():
    """Each fold adds what it is above the mean; two seeds that differ widen the interval."""
    folds = {str(n): 60.0 + n for n in range(6)}
    alike = {seed: {fold: figures(uar) for fold, uar in folds.items()} for seed in ("0", "1", "2")}
    found = summarise(alike, list(folds), 500, 0.95, 0)
    assert found.mean["uar"] == pytest.approx(62.5)
    # Student's interval of six values 0 to 5: 2.571 standard errors of sqrt(3.5 / 6).
    assert found.high["uar"] - found.low["uar"] == pytest.approx(2 * 2.571 * np.sqrt(3.5 / 6), rel=0.1)
    differ = {
        seed: {fold: figures(uar + shift) for fold, uar in folds.items()}
        for seed, shift in (("0", -4.0), ("1", 0.0), ("2", 4.0))
    }
    wide = summarise(differ, list(folds), 500, 0.95, 0)
    assert wide.mean["uar"] == pytest.approx(62.5)
    assert wide.high["uar"] - wide.low["uar"] > 2.0 * (found.high["uar"] - found.low["uar"])


def test_systems_are_added_as_long_as_one_helps():
    worth = {("a",): 1.0, ("b",): 2.0, ("c",): 0.0, ("b", "a"): 1.5, ("b", "c"): 3.0, ("b", "c", "a"): 2.9}
    assert choose_forward("abc", worth.__getitem__, 3) == ("b", "c")
    assert choose_forward("abc", worth.__getitem__, 1) == ("b",)


@pytest.fixture(scope="module")
def corpus_dir(tmp_path_factory) -> Path:
    """Six speakers in three folds. `left` and `right` each tell one class from the two others; `noise` none.

    Each speaker shifts all vectors. Seed 1 of `seeded` is worthless; the net of each fold has vectors of its own.
    """
    folder = tmp_path_factory.mktemp("side")
    rng = np.random.default_rng(0)
    utts = [f"s{speaker}-{number:02}" for speaker in range(6) for number in range(30)]
    labels = np.tile(np.arange(3), 60)
    shifts = np.repeat(3.0 * rng.normal(size=(6, 4)), 30, axis=0)
    tables.write_map(folder / "utt2emo", {utt: CLASSES[label] for utt, label in zip(utts, labels, strict=True)})
    tables.write_map(folder / "utt2spk", {utt: utt[:2] for utt in utts})
    tables.write_map(folder / "utt2fold", {utt: str(int(utt[1]) // 2 + 1) for utt in utts})

    def write(name: str, vectors: np.ndarray) -> None:
        with ark.Writer(f"ark,scp:{folder}/{name}.ark,{folder}/{name}.scp") as writer:
            for utt, vector in zip(utts, vectors.astype(np.float32), strict=True):
                writer.write(utt, vector)

    def signal(label: int) -> np.ndarray:
        return shifts + rng.normal(size=(180, 4)) + 6.0 * (labels == label)[:, None] * np.eye(4)[0]

    write("left", signal(0))
    write("right", signal(1))
    write("noise", rng.normal(size=(180, 4)))
    for fold in "123":
        write(f"seeded_0_{fold}", signal(0))
        write(f"seeded_1_{fold}", rng.normal(size=(180, 4)))
        write(f"shares_{fold}", 0.1 + 0.7 * np.eye(3)[labels])
    return folder


@pytest.fixture(scope="module")
def config(corpus_dir) -> SideBySideConfig:
    return SideBySideConfig(
        choice_folds=("1", "2"),
        seeds=("0", "1"),
        backends=("gaussian",),
        join_backends=("gaussian",),
        backend_config="conf/ravdess/backend.yaml",
        protocol="conf/protocol.yaml",
        most_joined=2,
        systems={
            "left": System("one", f"{corpus_dir}/left.scp"),
            "right": System("two", f"{corpus_dir}/right.scp"),
            "noise": System("one", f"{corpus_dir}/noise.scp"),
            "seeded": System("three", f"{corpus_dir}/seeded_{{seed}}_{{fold}}.scp"),
            "shares": System("four", f"{corpus_dir}/shares_{{fold}}.scp", posteriors=True),
        },
    )


@pytest.fixture(scope="module")
def run(config, corpus_dir) -> SideBySide:
    return SideBySide(config, read_corpus(corpus_dir))


def test_what_tells_classes_apart_is_chosen_and_joined_with_what_it_lacks(run):
    chosen = run.choose()
    assert chosen["one", "all"].systems == ("left",) and chosen["two", "all"].systems == ("right",)
    assert set(chosen["joined", "all"].systems) == {"left", "right"}
    alone, joined = (run.figures(way)["-"]["3"].uar for way in (chosen["one", "all"], chosen["joined", "all"]))
    assert alone < 75.0 and joined > 95.0
    files = write_tables(run, chosen)
    rows = {tuple(line.split("\t")[:2]): line.split("\t") for line in files["table.tsv"].splitlines()}
    assert rows["row", "speakers"][2:5] == ["systems", "backend", "seeds"]
    assert rows["joined", "all"][4] == "1" and rows["three", "none"][4] == "2"
    assert rows["four", "none"][3] == "itself" and rows["four", "none"][5].startswith("100.0")
    by_speaker = [line.split("\t") for line in files["speakers.tsv"].splitlines()]
    assert ["four", "none", "s3", "10.0/10", "10.0/10", "10.0/10", "30.0/30"] in by_speaker
    assert [line.split("\t")[0] for line in files["offsets.tsv"].splitlines()] == [
        "speaker",
        *(f"s{n}" for n in range(6)),
    ]
    assert len(files["predictions.tsv"].splitlines()) == 181


def test_speakers_means_are_taken_off_where_that_is_said(run):
    one, other = (run.figures(Way(("left", "right"), "gaussian", speakers))["-"]["3"] for speakers in ("none", "all"))
    assert one.uar < 90.0 < other.uar


def test_features_by_speaker_are_compared_where_speakers_means_are_taken_off_alone(config, corpus_dir):
    left = dataclasses.replace(config.systems["left"], by_speaker=True)
    changed = dataclasses.replace(config, systems={**config.systems, "left": left})
    run = SideBySide(changed, read_corpus(corpus_dir))
    assert {way.speakers for way in run.singles() if way.systems == ("left",)} == {"all"}
    chosen = run.choose()
    assert {speakers for (_, speakers), way in chosen.items() if "left" in way.name} == {"all"}
    assert chosen["one", "none"].systems == ("noise",)


def test_seeds_have_their_own_vectors_and_averages_take_both_seeds(run):
    seeded = Way(("seeded",), "gaussian", "all")
    found = run.figures(seeded)
    assert set(found) == {"0", "1"}
    assert found["0"]["1"].uar > found["1"]["1"].uar + 15.0
    both = run.average_of([seeded, Way(("right",), "gaussian", "all")])
    assert run.seeds(both) == ("0", "1") and run.figures(both)["0"]["1"].uar > 85.0


def test_scores_are_averaged_over_seeds_before_they_are_judged(run):
    """Seed 0 sees the class, seed 1 nothing: the average is that of their scores, and ranks as the better one does."""
    seeded = Way(("seeded",), "gaussian", "all")
    averaged = dataclasses.replace(seeded, over_seeds=True)
    assert run.seeds(averaged) == ("-",)
    each = [run.scores(seeded, seed, "3").pairs for seed in ("0", "1")]
    np.testing.assert_allclose(run.scores(averaged, "-", "3").pairs, (each[0] + each[1]) / 2.0)
    found, single = run.figures(averaged)["-"]["3"], run.figures(seeded)
    assert found.eer < np.mean([single[seed]["3"].eer for seed in ("0", "1")]) - 5.0
    chosen = run.choose()
    assert chosen["three, seeds averaged", "all"].over_seeds and ("one, seeds averaged", "all") not in chosen


def test_a_speaker_moved_by_three_deviations_lies_three_apart(config, corpus_dir, tmp_path):
    """A mean of 3 in all numbers against 0; the deviation over all is sqrt(1 + 9 5/36)."""
    rng = np.random.default_rng(5)
    corpus = read_corpus(corpus_dir)
    with ark.Writer(f"ark:{tmp_path}/moved.ark") as writer:
        for utt, speaker in zip(corpus.utts, corpus.speakers, strict=True):
            writer.write(utt, (rng.normal(size=200) + 3.0 * (speaker == "s4")).astype(np.float32))
    config = dataclasses.replace(config, systems={"moved": System("one", f"{tmp_path}/moved.ark")})
    found = SideBySide(config, corpus).offsets("moved")
    assert found["s4"] == pytest.approx(3 / np.sqrt(1 + 9 * 5 / 36), rel=0.03)
    assert max(value for name, value in found.items() if name != "s4") < 0.6


def test_fewer_speakers_train_where_that_is_asked(config, corpus_dir):
    whole, some = (SideBySide(config, read_corpus(corpus_dir), number) for number in (0, 2))
    way = Way(("right",), "gaussian", "none")
    assert whole.figures(way)["-"]["1"] != some.figures(way)["-"]["1"]


def test_an_unknown_fold_and_missing_vectors_are_named(config, corpus_dir, tmp_path):
    with pytest.raises(SerError, match="no fold 9; there are 1, 2, 3"):
        SideBySide(dataclasses.replace(config, choice_folds=("9",)), read_corpus(corpus_dir))
    with ark.Writer(f"ark:{tmp_path}/some.ark") as writer:
        writer.write("s0-00", np.ones(3, np.float32))
    system = {"some": System("one", f"{tmp_path}/some.ark")}
    with pytest.raises(SerError, match="no vector of 179 of 180 utterances: s0-01"):
        SideBySide(dataclasses.replace(config, systems=system), read_corpus(corpus_dir)).figures(
            Way(("some",), "gaussian", "none")
        )
    with pytest.raises(SerError, match="no system right2; there are left, right, noise"):
        config.only(["right2"])
    assert list(config.only(["noise", "left"]).systems) == ["noise", "left"]
