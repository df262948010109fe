"""The jobs of system D: two protocols, models of each fold, yardsticks."""

import dataclasses

import pytest

from ser.errors import SerError
from ser.plan.vgg_bert import check, plan


def names(found, kind):
    return [one.name for one in found.of(kind)]


def arguments(found, kind, name):
    (one,) = [one for one in found.of(kind) if one.name == name]
    return " ".join(one.arguments)


def test_both_protocols_are_models_of_each_fold_and_of_the_random_split(vgg_options, facts):
    check(vgg_options())
    found = plan(vgg_options(), facts)
    for kind in ("vgg", "bert", "fusion", "vgg_posteriors"):
        assert names(found, kind) == ["1", "2", "3", "4", "5", "random"]
    assert names(found, "random_parts") == ["random"]
    assert len(names(found, "bc_lstm")) == 3 * 6
    assert len(names(found, "cells")) == 6 * (3 + 3 * 2)


def test_the_fold_after_the_one_that_is_tested_validates(vgg_options, facts):
    ten = dataclasses.replace(facts, folds=tuple(str(number) for number in range(10, 0, -1)))
    found = plan(vgg_options(protocols="folds"), ten)
    assert [one.arguments[:2] for one in found.of("fold_parts")] == [
        *((str(number), str(number + 1)) for number in range(1, 10)), ("10", "1")
    ]  # fmt: skip


def test_trainings_are_sized_by_their_part_and_its_copies(vgg_options, facts):
    found = plan(vgg_options(), facts)
    assert [one.size for one in found.of("vgg")] == [pytest.approx(size) for size in [3 * 60.0] * 5 + [3 * 70.0]]
    assert [one.size for one in found.of("bert")] == [pytest.approx(size) for size in [60.0] * 5 + [70.0]]


def test_the_random_split_is_audited_and_stops_nothing(vgg_options, facts):
    found = plan(vgg_options(), facts)
    assert "--report-only true" in arguments(found, "audit", "random")
    assert "--report-only false" in arguments(found, "audit", "3")


def test_a_cell_falls_back_on_speech_where_a_net_of_it_is_trained(vgg_options, facts):
    found = plan(vgg_options(soft_targets="true"), facts)
    assert arguments(found, "cells", "fusion_speech+text_random") == (
        "--system vgg_bert --train iemocap --test iemocap --fold all --variant random+soft --seed 0 --layer fusion"
        " --modality speech+text --text gold --speakers data/run/iemocap_classes/spk2utt"
        " --fallback=scp:exp/run/posteriors_random/speech.scp exp/run/fusion_random/classes.txt data/run/test_random"
        " scp:exp/run/fusion_random/posteriors.scp exp/run/cells/fusion_speech+text_random"
    )
    alone = plan(vgg_options(modalities="text", yardsticks=""), facts)
    assert names(alone, "vgg") == names(alone, "fusion") == []
    assert all("--fallback" not in " ".join(one.arguments) for one in alone.of("cells"))


def test_without_copies_the_training_part_is_what_is_heard(vgg_options, facts):
    found = plan(vgg_options(copies=""), facts)
    assert names(found, "copies") == []
    assert arguments(found, "clips", "1") == "data/run/train_1 data/run/clips_1"


def test_a_toy_run_lets_the_yardsticks_hear_the_fusion_alone(vgg_options, facts):
    found = plan(vgg_options(toy="true"), facts)
    assert names(found, "icon")[0] == "speech+text_1" and len(names(found, "icon")) == 6
    assert names(found, "text_init") == ["bert"]


def test_an_out_of_fold_fusion_trains_on_probabilities_of_models_that_have_not_seen_the_speaker(vgg_options, facts):
    found = plan(vgg_options(inner_folds="2", protocols="folds"), facts)
    assert arguments(found, "inner_parts", "1") == "--parts 2 data/run/train_1 data/run/clips_1 data/run 1"
    assert names(found, "vgg")[:3] == ["1", "1.1", "1.2"] and len(names(found, "bert")) == 3 * 5
    assert arguments(found, "vgg", "1.2") == "--valid-data data/run/valid_1 data/run/clips_1.2 exp/run/vgg_1.2"
    assert " data/run/held_1.2 " in arguments(found, "bert_vectors", "1.2")
    assert " data/run/iemocap_classes " in arguments(found, "bert_vectors", "1")
    assert arguments(found, "out_of_fold", "1_speech") == (
        "data/run/train_1/utt2spk exp/run/posteriors_1/speech.scp exp/run/posteriors_out_of_fold_1/speech.scp"
        " exp/run/posteriors_1.1/speech.scp exp/run/posteriors_1.2/speech.scp"
    )
    assert "text=scp:exp/run/posteriors_out_of_fold_1/text.scp" in arguments(found, "fusion_out_of_fold", "1")
    assert "fusion_out_of_fold_speech+text_1" in names(found, "cells")
    # Half of the training part trains an inner model.
    assert [one.size for one in found.of("bert")][:3] == pytest.approx([60.0, 30.0, 30.0])


def test_yardsticks_hear_the_whole_dialogue(vgg_options, facts):
    found = plan(vgg_options(), facts)
    for kind in ("icon", "icon_posteriors", "bc_lstm"):
        assert "--context-dir data/run/iemocap_classes" in arguments(found, kind, "speech+text_random")
    assert "--context-dir" not in arguments(found, "fusion", "random")


def test_a_published_encoder_takes_the_place_of_the_cnn(vgg_options, facts):
    options = vgg_options(encoder="yamnet=exp:10", row_mark="encoder", protocols="folds", inner_folds="2")
    check(options)
    found = plan(options, facts)
    assert names(found, "vgg") == names(found, "vgg_vectors") == []
    assert arguments(found, "encoded", "yamnet") == (
        "--encoder exp --layers 10 data/run/iemocap_classes exp/run/encoded_yamnet"
    )
    heard = "--input speech=scp:exp/run/encoded_yamnet/10.scp"
    assert (
        arguments(found, "encoder", "3") == f"{heard} --valid-data data/run/valid_3 data/run/train_3 exp/run/encoder_3"
    )
    # Its probabilities of every utterance serve the fusion; an inner model speaks of the part that it has not seen.
    assert arguments(found, "encoder_posteriors", "3").startswith(
        f"{heard} exp/run/encoder_3 data/run/iemocap_classes "
    )
    assert " data/run/held_3.1 " in arguments(found, "encoder_posteriors", "3.1")
    assert "speech=scp:exp/run/posteriors_3/speech.scp" in arguments(found, "fusion", "3")
    assert heard in arguments(found, "icon", "speech+text_3")
    cell = arguments(found, "cells", "encoder_speech_3")
    assert "--variant folds+encoder" in cell and "--layer yamnet_10 --modality speech" in cell


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "y=exp:9,10"}, "--encoder: 'y=exp:9,10': expected one layer"),
        ({"encoder": "exp/yamnet"}, "expected <name>=<folder>:<layer>"),
        ({"row_mark": "a b"}, "--row-mark: 'a b': expected letters"),
        ({"inner_folds": "1"}, "--inner-folds 1: expected 2 or more, with a fusion"),
        ({"inner_folds": "3", "modalities": "speech", "yardsticks": ""}, "--inner-folds 3: expected 2 or more"),
        ({"test": "voxceleb1"}, "--test: voxceleb1 has no"),
        ({"test": "ravdess"}, "--yardsticks: ravdess has no dialogues, which 'bc_lstm icon' need"),
        ({"protocols": "halves"}, "--protocols: unknown 'halves'; known: folds random"),
        ({"protocols": ""}, "--protocols and --modalities: name one or more"),
        ({"copies": "echo"}, "--copies: unknown 'echo'"),
        ({"yardsticks": "lstm"}, "--yardsticks: unknown 'lstm'"),
        ({"modalities": "speech", "yardstick_modalities": "text"}, "--yardstick-modalities: unknown 'text'"),
        ({"conf": "/nowhere"}, "no /nowhere/logmel.yaml"),
        ({"stage": "8", "stop_stage": "9"}, "expected --stage 0 to 7"),
    ],
)
def test_settings_that_would_fail_later_are_refused(vgg_options, changes, message):
    with pytest.raises(SerError, match=message):
        check(vgg_options(**changes))


def test_folds_that_are_too_few_to_train_validate_and_test_are_refused(vgg_options, facts):
    with pytest.raises(SerError, match="iemocap has 2 folds here, but at least three are needed"):
        plan(vgg_options(), dataclasses.replace(facts, folds=("1", "2")))
