"""The table of corpora: what it says agrees with the modules, and what is wrong with a line is told."""

import importlib
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.plan import corpora

ROOT = Path(__file__).parents[2]
KNOWN = corpora.read_corpora()


@pytest.mark.parametrize("name", KNOWN)
def test_a_line_has_a_module_with_the_same_published_count_and_a_script(name):
    published = importlib.import_module(f"ser.corpora.{name}").PUBLISHED
    counts = published.values() if isinstance(published, dict) else [published]
    assert KNOWN[name].utterances in counts
    assert (ROOT / "local" / f"prepare_{name}.sh").is_file()


def test_iemocap_is_speech_and_text_in_five_folds():
    iemocap = KNOWN["iemocap"]
    assert iemocap.folder == "IEMOCAP_full_release"
    assert {"speech", "text", "emotion", "dialogues"} == iemocap.holds
    assert iemocap.fold_names == ("1", "2", "3", "4", "5")
    assert KNOWN["voxceleb1"].fold_names == ()
    assert corpora.holding("noise", KNOWN) == ["musan", "rirs_noises"]


def test_a_corpus_that_lacks_what_a_role_needs_is_refused_with_those_that_have_it():
    corpora.check_holds("finetune", ["cremad", "iemocap"], ["speech", "emotion"], KNOWN)
    with pytest.raises(SerError, match=r"--finetune: dailydialog has no speech; corpora that do: cremad, iemocap"):
        corpora.check_holds("finetune", ["cremad", "dailydialog"], ["speech", "emotion"], KNOWN)
    with pytest.raises(SerError, match=r"unknown corpus 'timit'; known: voxceleb1,"):
        corpora.check_holds("pretrain", ["timit"], ["speech"], KNOWN)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("esd\tESD\tspeech", r"tsv:2: expected 9 fields separated by tabs, found 3"),
        ("e-sd\tESD\tspeech\t1\t1\t-\t.wav\t-\t-", r"tsv:2: expected a name of small letters.* found 'e-sd'"),
        ("esd\tESD\tsong\t1\t1\t-\t.wav\t-\t-", r"tsv:2: holds: unknown 'song'; known: speech"),
        ("esd\tESD\tspeech\tmany\t1\t-\t.wav\t-\t-", r"tsv:2: expected numbers"),
        (
            "esd\tESD\tspeech\t1\t1\t-\t.wav\t-\t-\nesd\tE\tspeech\t1\t1\t-\t.wav\t-\t-",
            r"tsv:3: 'esd' has an earlier line",
        ),
    ],
)
def test_what_is_wrong_with_a_line_is_told(tmp_path, line, message):
    table = tmp_path / "corpora.tsv"
    table.write_text("\t".join(corpora.COLUMNS) + f"\n{line}\n")
    with pytest.raises(SerError, match=message):
        corpora.read_corpora(table)


def test_another_header_or_no_table_is_refused(tmp_path):
    with pytest.raises(SerError, match=r"none\.tsv: missing; it is part of the repository"):
        corpora.read_corpora(tmp_path / "none.tsv")
    (tmp_path / "corpora.tsv").write_text("name folder\n")
    with pytest.raises(SerError, match=r"expected the header name folder holds"):
        corpora.read_corpora(tmp_path / "corpora.tsv")
