import numpy as np
import pytest

from ser.errors import SerError
from ser.ivector import extractor_training as training
from ser.ivector.extractor import Extractor
from ser.ivector.ubm import Ubm
from ser.kaldi import ark
from ser.kaldi.ivector_files import ExtractorArrays, UbmArrays, read_extractor, read_ubm

Stats = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def utterances(reference, normalised, load_splice):
    """Give counts, sums and squares of each utterance, with the posteriors scaled by 0.1."""

    def gather(folder) -> dict[str, Stats]:
        splice, ubm, found = load_splice(folder), Ubm(read_ubm(folder / "final.dubm")), {}
        features = ark.load(f"ark:{folder}/feats.ark")
        for utt, matrix in normalised(folder).items():
            counts, gaussians, posts, _ = ubm.posteriors(matrix, 5, 0.025)
            scaled = posts * np.float32(0.1)
            found[utt] = training.utterance_stats(splice(features[utt]), counts, gaussians, scaled, ubm.num_gaussians)
        return found

    return gather


@pytest.mark.parametrize(
    ("name", "min_count", "gains"),
    [
        ("ivector", 100.0, [11.8545, 0.148168, 0.038372]),
        ("ivector_large", 5.0, [48.7456, 0.759051, 0.171079, 0.049055, 0.0257349]),
    ],
)
def test_passes_gain_what_kaldis_gain_and_end_where_they_end(reference, utterances, name, min_count, gains):
    folder = reference(name)
    stats = utterances(folder)
    arrays = read_extractor(folder / "0.ie")
    for expected in gains:
        sums = training.ExtractorStats.zeros(extractor := Extractor(arrays))
        for utterance in stats.values():
            training.accumulate(sums, extractor, *utterance)
        arrays, gain = training.update(sums, extractor, min_count)
        assert gain == pytest.approx(expected, rel=1e-4)
    final = read_extractor(folder / "final.ie")
    assert arrays.offset == pytest.approx(final.offset, rel=1e-5)
    np.testing.assert_allclose(arrays.precisions, final.precisions, rtol=0, atol=1e-3 * final.precisions.max())
    # The axes of the i-vectors may point the other way.
    np.testing.assert_allclose(np.abs(arrays.projections), np.abs(final.projections), rtol=0, atol=1e-3)


def test_ivectors_of_whole_utterances_are_kaldis(reference, utterances):
    folder = reference("ivector")
    extractor, stats = Extractor(read_extractor(folder / "final.ie")), utterances(folder)
    for utt, expected in ark.load(f"ark:{folder}/utt_ivectors.txt").items():
        found = extractor.distribution(*stats[utt][:2]).mean
        found[0] -= extractor.offset
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def planted(utts: int = 300) -> tuple[ExtractorArrays, np.ndarray, list[Stats]]:
    """An extractor, i-vectors drawn from its prior, and statistics of frames drawn by them."""
    rng = np.random.default_rng(0)
    projections = rng.normal(size=(3, 4, 2))
    projections[:, :, 0] /= 10
    arrays = ExtractorArrays(projections, np.tile(np.eye(4), (3, 1, 1)), np.full(3, 1 / 3), 10.0)
    ivectors = rng.normal([10, 0], 1, (utts, 2))
    stats = []
    for ivector in ivectors:
        frames = [projections[g] @ ivector + rng.normal(size=(40, 4)) for g in range(3)]
        sums, squares = np.array([x.sum(0) for x in frames]), np.array([x.T @ x for x in frames])
        stats.append((np.full(3, 40.0), sums, squares))
    return arrays, ivectors, stats


def test_ivectors_that_were_planted_are_found():
    arrays, ivectors, stats = planted()
    extractor = Extractor(arrays)
    found = np.array([extractor.distribution(*utterance[:2]).mean for utterance in stats])
    assert np.corrcoef(found[:, 1], ivectors[:, 1])[0, 1] > 0.98


def test_training_raises_the_objective_and_finds_the_planted_means():
    arrays, ivectors, stats = planted()
    ubm = UbmArrays(arrays.weights, arrays.projections @ [10.0, 0.0], np.ones((3, 4)))
    now = training.initialise(ubm, 2, seed=1)
    gains = []
    for _ in range(15):
        sums = training.ExtractorStats.zeros(extractor := Extractor(now))
        for utterance in stats:
            training.accumulate(sums, extractor, *utterance)
        now, gain = training.update(sums, extractor, 10.0)
        gains.append(gain)
    assert min(gains) > -1e-6
    assert gains[-1] < 1e-3
    extractor = Extractor(now)
    found = np.array([extractor.distribution(*utterance[:2]).mean for utterance in stats])
    means, expected = found @ now.projections[1].T, ivectors @ arrays.projections[1].T
    assert np.abs(means - expected).mean() < 0.15
    # The prior is standard again: covariance one, mean along the first axis.
    scatter = np.mean([extractor.distribution(*u[:2]).covariance for u in stats], axis=0) + np.cov(found.T, bias=True)
    np.testing.assert_allclose(scatter, np.eye(2), atol=0.05)
    np.testing.assert_allclose(found.mean(0), [now.offset, 0], atol=0.05)


def test_gaussian_of_few_frames_stays_as_it_is():
    arrays, _, stats = planted(20)
    sums = training.ExtractorStats.zeros(extractor := Extractor(arrays))
    for gammas, frames, squares in stats:
        scale = np.array([1, 1, 1e-3])
        training.accumulate(sums, extractor, gammas * scale, frames * scale[:, None], squares * scale[:, None, None])
    now, _ = training.update(sums, extractor, 100.0)
    np.testing.assert_array_equal(now.precisions[2], arrays.precisions[2])
    assert not np.allclose(now.precisions[1], arrays.precisions[1])
    with pytest.raises(SerError, match=r"each of 3 Gaussians has less than 1e\+06 scaled frames"):
        training.update(sums, extractor, 1e6)
    with pytest.raises(SerError, match="no utterance to train on"):
        training.update(training.ExtractorStats.zeros(extractor), extractor, 1.0)


def test_random_start_is_that_of_its_seed():
    ubm = UbmArrays(np.full(3, 1 / 3), np.ones((3, 4)), np.ones((3, 4)))
    first, again, other = (training.initialise(ubm, 2, seed).projections for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
