"""The jobs of results across corpora: who trains, who is scored, what is audited and adapted."""

import dataclasses

import pytest

from ser.errors import SerError
from ser.plan.corpora import read_corpora
from ser.plan.cross_corpus import Options, check, plan
from ser.plan.options import read_options
from tests.conftest import COMMON, FACTS, SIZES

OPTIONS = {
    "stop_stage": "5", "among": "cremad iemocap ravdess", "within": "true", "encoder": "", "layers": "tdnn6",
    "label_map": "conf/emotions/collapsed5.map", "finetune_config": "xvector_finetune", "hold_out_speakers": "0.2",
    "backend_config": "conf/backend.yaml",
}  # fmt: skip
FACTS_HERE = dataclasses.replace(FACTS, sizes={**SIZES, "ravdess": SIZES["iemocap"]})


def options(**changes):
    values = {**COMMON, **OPTIONS, **changes}
    return read_options(Options, [f"--{n.replace('_', '-')}={v}" for n, v in values.items()], read_corpora())


def names(found, kind):
    return [one.name for one in found.of(kind)]


def test_each_corpus_and_all_others_train_and_each_is_scored_plain_and_adapted():
    check(options())
    found = plan(options(within="false"), FACTS_HERE)
    trained = {"cremad", "iemocap", "ravdess", "not_cremad", "not_iemocap", "not_ravdess"}
    assert set(names(found, "nets")) == trained
    # Three corpora, each by two single ones and by both together, plain and adapted.
    assert len(names(found, "cells")) == 3 * 3 * 2
    cell = next(one for one in found.of("cells") if one.name == "not_ravdess_ravdess_adapted_tdnn6")
    words = " ".join(cell.arguments)
    assert "--train cremad+iemocap --test ravdess --fold all --variant adapted" in words
    assert "--adapt true" in words
    assert words.endswith(
        "data/run/train_not_ravdess scp:exp/run/embeddings_not_ravdess/tdnn6.scp data/run/ravdess_shared"
        " scp:exp/run/embeddings_not_ravdess/tdnn6.scp exp/run/cells/not_ravdess_ravdess_adapted_tdnn6"
    )


def test_nothing_that_is_scored_is_in_what_trains_and_each_pair_is_audited():
    found = plan(options(within="false"), FACTS_HERE)
    assert len(names(found, "audit")) == 9
    for one in found.of("cells"):
        train, test = (one.arguments[one.arguments.index(f"--{name}") + 1] for name in ("train", "test"))
        assert test not in train.split("+")
        assert any(f"{test}_by_" in audited for audited in names(found, "audit"))


def test_the_diagonal_is_by_folds_each_with_its_own_net_and_audit():
    found = plan(options(), FACTS_HERE)
    assert {"ravdess_1", "ravdess_6", "cremad_5"} <= set(names(found, "nets"))
    cell = next(one for one in found.of("cells") if one.name == "iemocap_2_iemocap_plain_tdnn6")
    words = " ".join(cell.arguments)
    assert "--train iemocap --test iemocap --fold 2" in words and "--adapt false" in words
    assert "data/run/iemocap_train_2 scp:exp/run/embeddings_iemocap_2/tdnn6.scp data/run/iemocap_test_2" in words
    assert "iemocap_2" in names(found, "audit")
    (role,) = (one for one in found.of("roles") if one.name == "iemocap_2")
    shared = "data/run/iemocap_shared"
    assert " ".join(role.arguments) == f"--fold 2 --scored {shared} --hold-out=0.2 data/run/iemocap_train_2 {shared}"


def test_no_net_is_trained_on_the_speakers_that_calibrate_and_an_encoder_holds_out_none():
    found = plan(options(within="false"), FACTS_HERE)
    (role,) = (one for one in found.of("roles") if one.name == "not_ravdess")
    parts = "data/run/cremad_shared data/run/iemocap_shared"
    assert " ".join(role.arguments) == f"--hold-out=0.2 data/run/train_not_ravdess {parts}"
    for net, made in zip(found.of("nets"), found.of("roles"), strict=True):
        assert (net.name, net.inputs[0]) == (made.name, made.outputs[0])
    encoded = plan(options(encoder="exp/yamnet"), FACTS_HERE)
    assert not any("hold-out" in word for one in encoded.of("roles") for word in one.arguments)


def test_the_page_of_errors_is_of_any_corpus_and_embeds_no_clip_if_one_may_not_be_passed_on():
    page = "--test-dir data/run/embedded"
    for toy, words in (
        ("false", f"{page} --corpus cremad iemocap ravdess exp/run"),
        ("true", f"{page} --corpus toy exp/run"),
    ):
        (one,) = plan(options(toy=toy), FACTS_HERE).of("report")
        assert " ".join(one.arguments) == words


def test_two_corpora_have_no_others_together():
    found = plan(options(among="cremad iemocap", within="false"), FACTS_HERE)
    assert names(found, "nets") == ["iemocap", "cremad"]
    assert names(found, "roles") == ["iemocap", "cremad"]


def test_an_encoder_is_run_once_and_trains_no_net():
    found = plan(options(encoder="exp/yamnet", layers="10,final"), FACTS_HERE)
    assert names(found, "nets") == names(found, "embeddings") == []
    assert names(found, "encoded") == ["encoder"]
    cells = found.of("cells")
    assert len(cells) == 2 * (18 + 16)
    assert all("--system encoder yamnet" in " ".join(one.arguments) for one in cells)
    assert all("scp:exp/run/embeddings/" in " ".join(one.arguments) for one in cells)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"among": "cremad"}, "--among 'cremad': name two corpora or more, each once"),
        ({"among": "cremad iemocap cremad"}, "name two corpora or more, each once"),
        ({"among": "cremad voxceleb1"}, "--among: voxceleb1 has no emotion"),
        ({"among": "cremad dailydialog"}, "--among: dailydialog has no speech"),
        ({"finetune_config": "none"}, "none.yaml"),
        ({"hold_out_speakers": "0.95"}, "expected a share from 0 to 0.9"),
    ],
)
def test_settings_that_cannot_run_are_refused(changes, message):
    with pytest.raises(SerError, match=message):
        check(options(**changes))
