"""What is known of corpora before and after their data dirs are made."""

from pathlib import Path

import pytest

from ser.kaldi import tables
from ser.plan.facts import find_out


@pytest.fixture
def options(xvector_options, tmp_path, monkeypatch):
    """Options of a run in an empty folder, on corpora of which none is there."""
    monkeypatch.chdir(tmp_path)
    return xvector_options(corpora="corpora")


def test_a_corpus_that_is_nowhere_counts_as_published_and_is_named(options):
    facts = find_out(options, ["cremad", "iemocap"], "iemocap")
    assert facts.missing == {"cremad": "corpora/CREMA-D", "iemocap": "corpora/IEMOCAP_full_release"}
    assert facts.utts(["cremad", "iemocap"]) == 7442 + 10039
    assert facts.sizes["cremad"].source == "published totals: no corpora/CREMA-D"
    assert facts.folds == ("1", "2", "3", "4", "5")


def test_the_data_dir_says_which_folds_words_and_votes_there_are(options):
    folder = Path("data/run/iemocap")
    folder.mkdir(parents=True)
    tables.write_map(folder / "utt2spk", {"a-1": "a", "b-1": "b", "b-2": "b"})
    facts = find_out(options, ["iemocap"], "iemocap")
    assert (facts.folds, facts.wordless, facts.annotated, facts.missing) == ((), False, False, {})
    tables.write_map(folder / "utt2fold", {"a-1": "1", "b-1": "10", "b-2": "10"})
    tables.write_map(folder / "text", {"a-1": "hello", "b-1": "", "b-2": "there"})
    tables.write_map(folder / "utt2votes", {"a-1": "anger 2"})
    facts = find_out(options, ["iemocap"], "iemocap")
    assert (set(facts.folds), facts.wordless, facts.annotated) == ({"1", "10"}, True, True)
    assert facts.utts(["iemocap", "cremad"]) == 3


def test_the_toy_corpora_need_not_be_there(xvector_options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    facts = find_out(xvector_options(toy="true", corpora="data/run/corpora"), ["iemocap"], "iemocap")
    assert facts.missing == {} and facts.utts(["iemocap"]) == 360
