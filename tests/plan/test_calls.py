"""The arguments that a run and a grid share: what is scored is named apart from what trains."""

from pathlib import Path

from ser.plan import calls
from ser.plan.layout import Layout
from ser.plan.roles import Roles

AT = Layout(Path("data/x"), Path("exp/x"))


def test_only_the_scored_corpus_is_cut_by_the_fold():
    noisy = AT.emotion(AT.noisy("iemocap"))
    sources = [(name, AT.emotion(name)) for name in ("cremad", "iemocap")] + [("iemocap", noisy)]
    words = calls.role_dir(AT.role("finetune", "3"), sources, "iemocap", "3")
    scored = "data/x/iemocap_emotion data/x/iemocap_aug_emotion"
    everything = ["data/x/cremad_emotion", *scored.split()]
    assert words == ["--fold", "3", "--scored", scored, "data/x/finetune_3", *everything]
    assert calls.role_dir(AT.role("finetune", "none"), sources[:1], "iemocap", "none") == [
        "data/x/finetune_none",
        "data/x/cremad_emotion",
    ]


def test_only_corpora_that_are_read_are_drawn():
    sources = {name: AT.emotion(name) for name in ("cremad", "iemocap")}
    words = calls.text_vectors("exp/x/text_1", "data/x/text_1", Path("out"), sources, ("cremad", "tess"))
    assert words[:2] == ["--drawn", "data/x/cremad_emotion"]
    assert words[2:] == ["exp/x/text_1", "data/x/text_1", "out", "data/x/cremad_emotion", "data/x/iemocap_emotion"]


def test_a_cell_reads_the_training_vectors_before_those_of_the_test():
    words = calls.cell(
        {"lda_dim": "K-1"}, AT.test("none"), (Path("a"), "a.scp"), (Path("b"), "b.scp"), Path("c"), "f.scp", Path("t")
    )
    options = ["--lda-dim", "K-1", "--speakers", "data/x/test_none/spk2utt"]
    assert words[:4] == options
    assert words[4:] == [
        "--fallback-train=scp:f.scp",
        "--fallback-test=scp:f.scp",
        "--words=t",
        "a",
        "scp:a.scp",
        "b",
        "scp:b.scp",
        "c",
    ]


def test_a_row_says_what_trained_it_and_which_trials_it_has():
    roles = Roles((), ("cremad", "iemocap"), ("cremad", "iemocap"), ("dailydialog",), "iemocap", ("1", "2"))

    def row(condition: str, scored: str, modality: str = "speech") -> list[object]:
        names = calls.row(roles, condition, scored, modality, "tdnn7", "all", 0, "gold")
        return [names[column] for column in ("train", "test", "fold", "text")]

    assert row("none", "none") == ["cremad", "iemocap", "all", "-"]
    assert row("none", "2") == ["cremad", "iemocap_by_fold", "2", "-"]
    assert row("2", "2", "speech+text") == ["cremad+iemocap+dailydialog", "iemocap", "2", "gold"]


def test_the_folds_of_finished_models_are_found(tmp_path):
    at = Layout(tmp_path, tmp_path)
    for fold in ("10", "2", "none", "3"):
        at.model("finetune", fold).mkdir()
        if fold != "3":
            (at.model("finetune", fold) / "weights").touch()
    assert at.trained("finetune", "weights") == ["none", "2", "10"]
