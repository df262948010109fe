from pathlib import Path

import numpy as np
import pytest

from ser.asr import graph
from ser.errors import SerError


def test_initial_probabilities_are_kaldis(chain: Path):
    expected = [float(word) for word in (chain / "initial_probs.txt").read_text().split()[1:-1]]
    found = graph.initial_probabilities(graph.read_fst_text(chain / "den.txt"))
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_each_copy_of_a_state_is_entered_by_one_pdf(small: graph.Graph):
    split = graph.split_states(small, np.log([0.5, 0.25, 0.25]))
    # State 0 is entered by pdf 3, state 1 by pdfs 0 and 2, state 2 by pdf 1.
    assert split.entry.tolist() == [3, 0, 2, 1]
    assert split.loop[1:].tolist() == [2, 2, 3]
    assert np.isneginf(split.loop_weights[0])
    np.testing.assert_allclose(np.exp(split.initial), [0.5, 0.25, 0.0, 0.25])


@pytest.mark.parametrize("line", ["0 1 1 2 0.5", "0 1 0 0 0.5", "0 1 1 1 x", "0 1 1 1 0.5 0.5"])
def test_a_line_that_is_no_arc_of_an_acceptor_is_named(tmp_path: Path, line: str):
    (tmp_path / "den.txt").write_text(f"0 1 1 1 0.7\n{line}\n1\n")
    with pytest.raises(SerError, match=r"den.txt:2: .*" + line):
        graph.read_fst_text(tmp_path / "den.txt")


def test_a_graph_without_final_states_is_refused(tmp_path: Path):
    (tmp_path / "den.txt").write_text("0 1 1 1 0.7\n")
    with pytest.raises(SerError, match="1 arcs and 0 final states"):
        graph.read_fst_text(tmp_path / "den.txt")


def test_a_state_without_a_way_out_is_named():
    arcs = [(0, 0, 0, 0.0), (0, 1, 0, 0.0)]
    with pytest.raises(SerError, match="state 1 has no arc out"):
        graph.initial_probabilities(graph.make_graph(0, arcs, {0: 0.0}))
