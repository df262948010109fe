"""Trials of speakers: their lists, and figures that are known."""

import numpy as np
import pytest

from ser.backend.chain import BackendConfig
from ser.backend.recognizer import train_cosine, train_plda
from ser.config import load_config
from ser.errors import SerError
from ser.protocol.verification import all_pairs, figures, read_voxceleb_trials

UTTS = ["id10270-5r0dWxy17C8-00001", "id10270-GWXujl-xAVM-00017", "id10309-0b1inHMAr6o-00008"]


def test_a_list_of_voxceleb_is_read_and_others_trials_are_counted(tmp_path):
    path = tmp_path / "veri_test.txt"
    path.write_text(
        "1 id10270/5r0dWxy17C8/00001.wav id10270/GWXujl-xAVM/00017.wav\n"
        "0 id10270/5r0dWxy17C8/00001.wav id10309/0b1inHMAr6o/00008.wav\n"
        "0 id10270/5r0dWxy17C8/00001.wav id10999/absent/00001.wav\n"
    )
    trials, missing = read_voxceleb_trials(path, UTTS)
    assert (trials.enrol.tolist(), trials.test.tolist(), trials.is_target.tolist()) == ([0, 0], [1, 2], [True, False])
    assert missing == 1


@pytest.mark.parametrize("line", ["2 a b", "1 a", "target a b"])
def test_a_line_that_is_no_trial_is_named(tmp_path, line):
    (tmp_path / "list").write_text(f"{line}\n")
    with pytest.raises(SerError, match=r"list:1: expected '<1 or 0> <clip> <clip>'"):
        read_voxceleb_trials(tmp_path / "list", UTTS)


def test_a_list_of_another_test_set_is_refused(tmp_path):
    (tmp_path / "list").write_text("1 a/b/1.wav a/b/2.wav\n")
    with pytest.raises(SerError, match="none of its 1 trials"):
        read_voxceleb_trials(tmp_path / "list", UTTS)


@pytest.mark.parametrize("train", [train_plda, train_cosine])
def test_speakers_far_apart_are_told_apart_and_random_vectors_are_not(train):
    rng = np.random.default_rng(0)
    config: BackendConfig = load_config(BackendConfig, "conf/speaker_backend.yaml", ("lda_dim=10",))

    def utterances(speakers: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(speakers), 8)
        means = spread * rng.standard_normal((speakers, 20))
        return (means[labels] + rng.standard_normal((len(labels), 20))).astype(np.float32), labels

    for spread, low, high in ((5.0, 0.0, 0.02), (0.0, 0.4, 0.6)):
        recognizer = train(*utterances(30, spread), config)
        vectors, labels = utterances(10, spread)
        eer, min_dcf = figures(recognizer, vectors, all_pairs([str(label) for label in labels]))
        assert low <= eer <= high
        assert 0.0 <= min_dcf <= 1.0
