import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import trials
from ser.kaldi.trials import Pairs


def make_pairs(values):
    index = np.zeros(len(values), np.int32)
    return Pairs(["a"], ["b"], index, index, np.asarray(values))


def test_kaldis_trials_are_read_and_written_byte_for_byte(reference, tmp_path):
    path = reference / "backend/trials"
    pairs = trials.read_trials(path)
    expected = [line.split() for line in path.read_text().splitlines()]
    assert [pairs.enrol_keys[index] for index in pairs.enrol] == [enrol for enrol, _, _ in expected]
    assert [pairs.test_keys[index] for index in pairs.test] == [test for _, test, _ in expected]
    assert pairs.values.tolist() == [label == "target" for _, _, label in expected]
    assert pairs.values.dtype == np.bool_ and pairs.enrol.dtype == pairs.test.dtype == np.int32
    trials.write_trials(tmp_path / "trials", pairs)
    assert (tmp_path / "trials").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["scores", "scores_multi"])
def test_kaldis_scores_are_read_and_written_byte_for_byte(reference, tmp_path, name):
    path = reference / "backend" / name
    scores = trials.read_scores(path)
    assert scores.values.tolist() == [float(line.split()[2]) for line in path.read_text().splitlines()]
    trials.write_scores(tmp_path / "scores", scores)
    assert (tmp_path / "scores").read_bytes() == path.read_bytes()


def test_trials_without_labels_have_no_values(reference, tmp_path):
    path = reference / "backend/trials_multi"
    pairs = trials.read_trials(path)
    assert pairs.values is None and pairs.enrol_keys == ["e1", "e2", "e3", "e4", "e5", "e6"]
    trials.write_trials(tmp_path / "trials", pairs)
    assert (tmp_path / "trials").read_bytes() == path.read_bytes()


def test_numbers_are_printed_as_c_prints_them(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-300, 300, 2000)
    values = np.concatenate([values, rng.normal(size=2000) * 50, [0, 1, -1, 1e7, 9999999.6, 1e-4, 1e-5, 100, 5e-324]])
    trials.write_scores(tmp_path / "scores", make_pairs(values))
    assert (tmp_path / "scores").read_text() == "".join(f"a b {value:.7g}\n" for value in values)


def test_numbers_are_read_as_python_reads_them(tmp_path):
    texts = ["1", "-1.5", "+2", ".5", "5.", "1e3", "-2.5E-3", "0.000123", "123456789012345", "1e-320"]
    (tmp_path / "scores").write_text("".join(f"a b {text}\n" for text in texts))
    assert trials.read_scores(tmp_path / "scores").values.tolist() == pytest.approx(
        [float(text) for text in texts], rel=1e-15
    )


def test_more_names_than_the_first_hash_table_holds(tmp_path):
    count = 150_000
    (tmp_path / "trials").write_text("".join(f"e{index} t{index % 7} target\n" for index in range(count)))
    pairs = trials.read_trials(tmp_path / "trials")
    assert pairs.enrol_keys == [f"e{index}" for index in range(count)] and len(pairs.test_keys) == 7
    np.testing.assert_array_equal(pairs.enrol, np.arange(count))
    np.testing.assert_array_equal(pairs.test, np.arange(count) % 7)


def test_tabs_carriage_returns_and_a_last_line_without_end(tmp_path):
    (tmp_path / "trials").write_bytes("ü\tb target\r\nü  c   nontarget ".encode())
    pairs = trials.read_trials(tmp_path / "trials")
    assert pairs.enrol_keys == ["ü"] and pairs.test_keys == ["b", "c"] and pairs.values.tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"t:1: expected 3 fields"),
        (b"a\n", r"t:1: expected 3 fields, .*; found 1 fields: 'a'"),
        (b"a b target\na b\n", r"t:2: expected enrolment, test and target or nontarget; found 2 fields: 'a b'"),
        (b"a b target\na b maybe\n", r"t:2: expected .*; found 3 fields: 'a b maybe'"),
        (b"a b target x\n", r"t:1: expected 3 fields, .*; found 4 fields"),
        (b"a b target\na b target x\n", r"t:2: expected .*; found 4 fields"),
        (b"a b\na b target\n", r"t:2: expected enrolment, test; found 3 fields"),
        (b"a b target\n\n", r"t:2: expected .*; found 0 fields"),
        (b"a \xff target\n", r"t: a name is not UTF-8"),
    ],
)
def test_broken_trials_are_named_by_line(tmp_path, content, message):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(SerError, match=message):
        trials.read_trials(tmp_path / "t")


@pytest.mark.parametrize("text", ["x", "1x", "-", "1e", "nan", "inf", "1.2.3", "1e999"])
def test_score_that_is_no_number_is_named(tmp_path, text):
    (tmp_path / "t").write_text(f"a b {text}\n")
    with pytest.raises(SerError, match=f"t:1: expected enrolment, test and a number; found 3 fields: 'a b {text}'"):
        trials.read_scores(tmp_path / "t")


def test_score_that_is_not_finite_is_not_written(tmp_path):
    with pytest.raises(SerError, match="the score of 'a b' is nan"):
        trials.write_scores(tmp_path / "t", make_pairs([1.0, np.nan]))
    assert not (tmp_path / "t").exists()
