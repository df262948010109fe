"""Issue "Exactly Kaldi": every number of the back end against the original binaries."""

import numpy as np
import pytest

from ser.backend import chain, scoring
from ser.backend.lda import train_lda
from ser.backend.moments import moments_of
from ser.backend.plda import adapt_plda, train_plda
from ser.metrics.detection import ScoredTrials


def assert_rows_equal_up_to_sign(rows, expected, tolerance):
    signs = np.sign(np.sum(rows * expected, axis=-1, keepdims=True))
    np.testing.assert_allclose(rows * signs, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def assert_plda_equal(plda, expected):
    np.testing.assert_allclose(plda.mean, expected.mean, rtol=0, atol=1e-4 * np.abs(expected.mean).max())
    np.testing.assert_allclose(plda.psi, expected.psi, rtol=1e-4)
    for row, other in zip(plda.transform, expected.transform, strict=True):
        assert_rows_equal_up_to_sign(row, other, 1e-4)


def read_scores(kaldi, name):
    lines = [line.split() for line in (kaldi.folder / name).read_text().splitlines()]
    return [line[:2] for line in lines], np.array([float(line[2]) for line in lines])


def assert_scores_equal(kaldi, name, plda, lda, enrol=None, num_utts=1):
    test = plda.project(chain.apply_lda(kaldi.test - kaldi.mean, lda, True), normalize_length=True)
    utts, enrol = (kaldi.test_utts, test) if enrol is None else enrol
    matrix = scoring.score_matrix(*scoring.factor_ratios(plda, enrol, test, num_utts))
    pairs, expected = read_scores(kaldi, name)
    found = np.array([matrix[utts.index(left), kaldi.test_utts.index(right)] for left, right in pairs])
    np.testing.assert_array_less(np.abs(found - expected), np.maximum(1e-3 * np.abs(expected), 1e-2))


@pytest.fixture(scope="module")
def reduced(kaldi):
    return chain.apply_lda(kaldi.train.vectors - kaldi.mean, kaldi.lda["lda10.mat"], True)


@pytest.fixture(scope="module")
def own_plda(kaldi, reduced):
    return train_plda(moments_of(reduced, kaldi.train.labels), 10)


@pytest.mark.parametrize(("name", "factor"), [("lda4.mat", 0.0), ("lda10_tcf0.1.mat", 0.1)])
def test_lda_is_that_of_ivector_compute_lda(kaldi, name, factor):
    centred = kaldi.train.vectors - kaldi.mean
    settings = {"total_covariance_factor": factor, "covariance_floor": 1e-6, "shrinkage": 0.0}
    rows = train_lda(moments_of(centred, kaldi.train.labels), 4, **settings)
    signs = np.sign(np.sum(rows * kaldi.lda[name][:4], axis=1, keepdims=True))
    np.testing.assert_allclose(rows * signs, kaldi.lda[name][:4], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("lda", "plda", "iterations"), [("4", "4", 10), ("10", "", 10), ("10", "_3iters", 3)])
def test_plda_is_that_of_ivector_compute_plda(kaldi, lda, plda, iterations):
    vectors = chain.apply_lda(kaldi.train.vectors - kaldi.mean, kaldi.lda[f"lda{lda}.mat"], True)
    assert_plda_equal(train_plda(moments_of(vectors, kaldi.train.labels), iterations), kaldi.plda[f"plda{plda}"])


def test_scores_are_those_of_ivector_plda_scoring(kaldi, own_plda):
    assert_scores_equal(kaldi, "scores", own_plda, kaldi.lda["lda10.mat"])
    assert_scores_equal(kaldi, "scores", kaldi.plda["plda.txt"], kaldi.lda["lda10.mat"])


def test_smoothed_scores_are_kaldis(kaldi, own_plda):
    assert_scores_equal(kaldi, "scores_smoothing0.1", own_plda.smoothed(0.1), kaldi.lda["lda10.mat"])


def test_scores_of_several_enrolment_utterances_are_kaldis(kaldi, own_plda):
    counts = dict(line.split() for line in (kaldi.folder / "num_utts").read_text().splitlines())
    num_utts = np.array([int(counts[speaker]) for speaker in kaldi.speakers])
    enrol = own_plda.project(kaldi.speaker_means, num_utts, normalize_length=True)
    assert_scores_equal(kaldi, "scores_multi", own_plda, kaldi.lda["lda10.mat"], (kaldi.speakers, enrol), num_utts)


def test_adapted_model_and_scores_are_those_of_ivector_adapt_plda(kaldi, own_plda):
    vectors = chain.apply_lda(kaldi.adapt - kaldi.mean, kaldi.lda["lda10.mat"], True)
    adapted = adapt_plda(own_plda, vectors, within_scale=0.75, between_scale=0.25, mean_diff_scale=1.0)
    assert_plda_equal(adapted, kaldi.plda["plda_adapted"])
    assert_scores_equal(kaldi, "scores_adapted", adapted, kaldi.lda["lda10.mat"])


def test_whole_chain_from_vectors_gives_kaldis_scores_and_eer(kaldi):
    settings = chain.BackendConfig(4, 0.0, 1e-6, 0.0, 10, 0.0, True, True, "average")
    backend = chain.train(kaldi.train.vectors, kaldi.train.labels, settings)
    assert_scores_equal(kaldi, "scores4", backend.plda, backend.lda)


@pytest.mark.parametrize(("scores", "eer"), [("scores", "eer"), ("scores4", "eer4")])
def test_eer_is_that_of_compute_eer(kaldi, scores, eer):
    pairs, values = read_scores(kaldi, scores)
    labels = dict((tuple(line.split()[:2]), line.split()[2]) for line in (kaldi.folder / "trials").open())
    is_target = np.array([labels[tuple(pair)] == "target" for pair in pairs])
    found = 100 * ScoredTrials.of(values.astype(np.float32), is_target).eer()
    assert abs(found - float((kaldi.folder / eer).read_text())) < 0.001
