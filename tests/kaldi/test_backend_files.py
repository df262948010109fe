from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, labelled, score_matrix, tables
from ser.kaldi.plda_file import read_plda, write_plda

REFERENCE = Path(__file__).parents[1] / "kaldi_reference" / "backend"


def test_binary_and_text_plda_of_kaldi_are_the_same_model():
    for binary, text in zip(read_plda(REFERENCE / "plda"), read_plda(REFERENCE / "plda.txt"), strict=True):
        assert binary.dtype == np.float64
        np.testing.assert_allclose(binary, text, rtol=1e-6)


def test_plda_is_written_byte_for_byte_as_kaldi_writes_it(tmp_path):
    model = read_plda(REFERENCE / "plda")
    write_plda(tmp_path / "plda", *model)
    assert (tmp_path / "plda").read_bytes() == (REFERENCE / "plda").read_bytes()
    write_plda(tmp_path / "plda.txt", *model, binary=False)
    assert (tmp_path / "plda.txt").read_text() == (REFERENCE / "plda.txt").read_text()


@pytest.mark.parametrize("cut", [0, 1, 4, 11, 30, 500, -3])
@pytest.mark.parametrize("name", ["plda", "plda.txt"])
def test_a_cut_plda_is_refused_by_name(tmp_path, name, cut):
    (tmp_path / "cut").write_bytes((REFERENCE / name).read_bytes()[:cut])
    with pytest.raises(SerError, match="cut: "):
        read_plda(tmp_path / "cut")


def test_a_missing_plda_is_refused(tmp_path):
    with pytest.raises(SerError, match="train_backend writes it"):
        read_plda(tmp_path / "plda")


@pytest.fixture
def table(tmp_path):
    with ark.Writer(f"ark:{tmp_path}/x.ark") as writer:
        for index, key in enumerate(("u1", "u2", "u3")):
            writer.write(key, np.full(2, index, np.float32))
    return f"ark:{tmp_path}/x.ark"


def test_labelled_vectors_follow_the_class_list(tmp_path, table):
    tables.write_map(tmp_path / "utt2class", {"u3": "sadness", "u1": "anger"})
    found = labelled.read_labelled(tmp_path / "utt2class", table)
    assert (found.utts, found.classes, found.labels.tolist()) == (["u1", "u3"], ["anger", "sadness"], [0, 1])
    assert found.vectors.tolist() == [[0, 0], [2, 2]] and found.vectors.dtype == np.float32
    assert found.num_utts() == {"anger": 1, "sadness": 1}
    again = labelled.read_labelled(tmp_path / "utt2class", table, classes=["neutral", "sadness"])
    assert (again.classes, again.labels.tolist()) == (["neutral", "sadness", "anger"], [2, 1])


@pytest.mark.parametrize("size", [1, 2, 5])
def test_labelled_blocks_are_the_labelled_vectors_at_every_reading(tmp_path, table, size):
    tables.write_map(tmp_path / "utt2class", {"u3": "sadness", "u1": "anger", "u2": "anger"})
    blocks = labelled.LabelledBlocks(tmp_path / "utt2class", table, size)
    assert (blocks.classes, blocks.num_utts()) == (["anger", "sadness"], {"anger": 2, "sadness": 1})
    for _ in range(2):
        parts = list(blocks)
        assert max(len(vectors) for vectors, _ in parts) == min(size, 3)
        assert np.concatenate([vectors for vectors, _ in parts]).tolist() == [[0, 0], [1, 1], [2, 2]]
        assert np.concatenate([labels for _, labels in parts]).tolist() == [0, 0, 1]


def test_labelled_blocks_refuse_what_can_be_read_once(tmp_path):
    with pytest.raises(SerError, match="ark:-: the vectors are read twice"):
        labelled.LabelledBlocks(tmp_path / "utt2class", "ark:-", 1)


def test_utterances_without_a_vector_are_named_and_counted(tmp_path, table):
    tables.write_map(tmp_path / "utt2class", {"u1": "a", "u8": "a", "u9": "b"})
    with pytest.raises(SerError, match=r"no vector of 2 of the 3 utterances of .*: u8, u9"):
        labelled.read_labelled(tmp_path / "utt2class", table)


def test_vectors_that_hold_nan_are_named(tmp_path):
    with ark.Writer(f"ark:{tmp_path}/x.ark") as writer:
        writer.write("u1", np.array([1.0, np.nan], np.float32))
    with pytest.raises(SerError, match="1 of 1 vectors hold NaN or infinity: u1"):
        labelled.read_vectors(f"ark:{tmp_path}/x.ark")


@pytest.mark.parametrize("count", ["0", "x", "-1"])
def test_bad_counts_are_refused(tmp_path, count):
    (tmp_path / "num_utts").write_text(f"e1 {count}\n")
    with pytest.raises(SerError, match=f"found 'e1 {count}'"):
        labelled.read_counts(tmp_path / "num_utts", ["e1"])


def test_score_matrix_is_read_back_by_either_specifier(tmp_path):
    scores = np.arange(6, dtype=np.float32).reshape(2, 3)
    target = f"{tmp_path}/s.ark"
    score_matrix.write_score_matrix(f"ark,scp:{target},{tmp_path}/s.scp", ["e1", "e2"], ["t1", "t2", "t3"], scores)
    for specifier in (f"ark:{target}", f"scp:{tmp_path}/s.scp"):
        rows, columns, found = score_matrix.read_score_matrix(specifier)
        assert (rows, columns) == (["e1", "e2"], ["t1", "t2", "t3"])
        np.testing.assert_array_equal(found, scores)


def test_column_file_that_does_not_fit_is_refused(tmp_path):
    score_matrix.write_score_matrix(f"ark:{tmp_path}/s.ark", ["e1"], ["t1"], np.ones((1, 1), np.float32))
    (tmp_path / "s.ark.columns").write_text("t1\nt2\n")
    with pytest.raises(SerError, match=r"2 test utterances, but .* has 1 scores per row"):
        score_matrix.read_score_matrix(f"ark:{tmp_path}/s.ark")
    (tmp_path / "s.ark.columns").unlink()
    with pytest.raises(SerError, match="score_backend writes it"):
        score_matrix.read_score_matrix(f"ark:{tmp_path}/s.ark")
