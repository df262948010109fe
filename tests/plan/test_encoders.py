"""Published encoders as front ends of system A: which jobs and rows they make."""

import pytest

from ser.errors import SerError
from ser.plan.encoders import check_encoders, read_encoders
from ser.plan.xvector_bert import check, plan


def arguments(found, kind, name):
    (one,) = [one for one in found.of(kind) if one.name == name]
    return " ".join(one.arguments)


def test_their_layers_are_rows_beside_the_nets_and_are_trained_by_no_role(xvector_options, facts, tmp_path):
    (tmp_path / "yamnet").mkdir()
    options = xvector_options(encoders=f"yamnet={tmp_path}/yamnet:9,final wavlm=microsoft/wavlm-base:6")
    check(options)
    found = plan(options, facts)
    assert [one.name for one in found.of("encoded")] == ["yamnet", "wavlm"]
    assert arguments(found, "encoded", "yamnet") == (
        f"--encoder {tmp_path}/yamnet --layers 9 final data/run/embedded exp/run/encoded_yamnet"
    )
    assert len(found.of("cells")) == 6 * ((2 + 3) * 2 + 1)  # conditions; layers alone and with text; text alone
    assert arguments(found, "cells", "speech_yamnet_9_2") == (
        "--system xvector_bert --train cremad+iemocap --test iemocap --fold 2 --variant - --seed - --text - --layer"
        " yamnet_9 --modality speech --speakers data/run/test_none/spk2utt data/run/backend_2"
        " scp:exp/run/encoded_yamnet/9.scp data/run/test_2 scp:exp/run/encoded_yamnet/9.scp"
        " exp/run/cells/speech_yamnet_9_2"
    )
    # The text model is not trained on the scored corpus: one joined table serves all folds.
    assert [one.name for one in found.of("joined") if "yamnet_9" in one.name] == ["none_yamnet_9"]
    cell = arguments(found, "cells", "speech+text_yamnet_9_2")
    assert "--train dailydialog+cremad+iemocap " in cell and "scp:exp/run/speech+text_none/yamnet_9.scp" in cell


def test_without_layers_of_a_net_none_is_trained_and_no_features_are_made(xvector_options, facts, tmp_path):
    (tmp_path / "net").mkdir()
    options = xvector_options(
        layers="", encoders=f"net={tmp_path}/net:10", modalities="speech", pretrain="", finetune=""
    )
    check(options)
    found = plan(options, facts)
    for kind in ("features", "augmented", "pretrain", "finetune", "embeddings", "text", "joined"):
        assert not found.of(kind)
    words = f"--encoders net={tmp_path}/net:10 data/run exp/run exp/run/detector"
    assert arguments(found, "detector", "detector") == words
    assert arguments(found, "classes", "iemocap") == "data/run/iemocap data/run/iemocap_emotion"
    assert {one.name for one in found.of("cells")} == {f"speech_net_10_{fold}" for fold in ("none", *"12345")}
    with pytest.raises(SerError, match="--layers and --encoders are both empty"):
        check(xvector_options(layers=""))


def test_where_only_the_net_is_trained_by_folds_the_joined_table_of_an_encoder_serves_all(xvector_options, facts):
    options = xvector_options(encoders="w=o/w:6", finetune="iemocap")
    found = plan(options, facts)
    made = {one.outputs[0] for one in found.of("joined")}
    for one in found.of("cells"):
        for word in one.arguments:
            if word.startswith("scp:exp/run/speech+text"):
                assert word.removeprefix("scp:") in made


def test_other_words_have_a_joined_table_of_the_encoder_too_and_fall_back_on_it(xvector_options, facts, tmp_path):
    found = plan(xvector_options(layers="", encoders="w=o/w:6", text_condition="shuffled"), facts)
    assert [one.name for one in found.of("joined")] == ["none_w_6", "none_shuffled_w_6"]
    assert "--fallback-test=scp:exp/run/encoded_w/6.scp" in arguments(found, "cells", "speech+text_w_6_1")
    assert "--fallback-test=scp:exp/run/encoded_w/6.scp" in arguments(found, "cells", "text_bert_1")


def test_a_recogniser_is_scored_but_no_detector_holds_it(xvector_options, facts, tmp_path):
    (tmp_path / "asr" / "net").mkdir(parents=True)
    asr = f"asr={tmp_path}:layer4"
    assert plan(xvector_options(layers="", encoders=asr), facts).of("detector") == []
    (both,) = plan(xvector_options(layers="", encoders=f"{asr} w=o/w:6"), facts).of("detector")
    assert both.arguments[:2] == ("--encoders", "w=o/w:6")
    (own,) = plan(xvector_options(encoders=asr), facts).of("detector")
    assert "--encoders" not in own.arguments


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("exp/yamnet:10", "expected <name>=<folder>:<layer>"),
        ("y=exp/yamnet", "expected <name>=<folder>:<layer>"),
        ("y=exp/yamnet:", "expected <name>=<folder>:<layer>"),
        ("a_b=exp/yamnet:1", "expected <name>=<folder>:<layer>"),
        ("y=net:1,1", "comes twice"),
        ("y=net:1 y=net:2", "comes twice"),
    ],
)
def test_words_of_another_form_are_refused(word, message):
    with pytest.raises(SerError, match=message):
        read_encoders(word.split())


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(tmp_path):
    for source in (tmp_path / "gone", "./gone", "conf/gone"):
        with pytest.raises(SerError, match=r"no folder .*gone; import one"):
            check_encoders([f"y={source}:10"])
    check_encoders(["y=facebook/hubert-base-ls960:final"])
