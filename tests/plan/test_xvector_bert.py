"""The jobs of system A, by the examples of its paper and of single corpora."""

from dataclasses import replace

import pytest

from ser.errors import SerError
from ser.plan import xvector_bert
from ser.plan.xvector_bert import check, plan


def names(found, kind):
    return [one.name for one in found.of(kind)]


def arguments(found, kind, name):
    (one,) = [one for one in found.of(kind) if one.name == name]
    return " ".join(one.arguments)


def test_the_paper_pretrains_once_and_fine_tunes_without_iemocap_and_for_each_fold(xvector_options, facts):
    found = plan(xvector_options(), facts)
    assert names(found, "pretrain") == ["none"]
    assert names(found, "finetune") == ["none", "1", "2", "3", "4", "5"]
    assert names(found, "text") == ["none"]
    assert arguments(found, "finetune", "2") == (
        "--config conf/xvector_finetune.yaml"
        " --init-model exp/run/pretrain_none data/run/finetune_2 data/run/finetune_2/utt2emo exp/run/finetune_2"
    )
    assert len(names(found, "cells")) == 6 * (2 + 1 + 2)


def test_the_sanity_gate_is_tried_where_the_trials_of_voxceleb1_lie_there(xvector_options, facts):
    assert names(plan(xvector_options(), facts), "gate") == []
    found = plan(xvector_options(), replace(facts, has_trials=True))
    assert arguments(found, "gate", "voxceleb1").endswith(
        "exp/run/pretrain_none data/run/voxceleb1_no_sil data/run/voxceleb1_test data/run/voxceleb1_test_no_sil"
        " exp/run/verification"
    )
    by_speaker = plan(xvector_options(speaker_cmvn="true"), replace(facts, has_trials=True))
    assert arguments(by_speaker, "gate", "voxceleb1").startswith("--speaker-cmvn true ")
    without = plan(xvector_options(pretrain="voxceleb2"), replace(facts, has_trials=True))
    assert names(without, "gate") == []


def test_trainings_are_sized_by_the_utterances_and_copies_that_they_see(xvector_options, facts):
    found = plan(xvector_options(finetune_noise="true", finetune_speeds="0.9"), facts)
    assert [one.size for one in found.of("pretrain")] == [5 * 4000]
    assert [one.size for one in found.of("finetune")] == [6 * 200, *[6 * 280] * 5]
    assert [one.size for one in found.of("text")] == [500]
    assert names(found, "speeds") == ["cremad_speed0.9", "iemocap_speed0.9"]
    assert names(found, "augmented") == ["voxceleb1", "voxceleb2", "cremad", "iemocap"]


def test_a_cell_names_what_it_was_trained_and_scored_on(xvector_options, facts):
    found = plan(xvector_options(), facts)
    assert arguments(found, "cells", "speech_tdnn6_none") == (
        "--system xvector_bert --train voxceleb1+voxceleb2+cremad --test iemocap --fold all --variant all --seed 0"
        " --text - --layer tdnn6 --modality speech --speakers data/run/test_none/spk2utt data/run/backend_none"
        " scp:exp/run/embeddings_none/tdnn6.scp data/run/test_none scp:exp/run/embeddings_none/tdnn6.scp"
        " exp/run/cells/speech_tdnn6_none"
    )
    assert "--train dailydialog+cremad+iemocap --test iemocap --fold 3 --variant - " in arguments(
        found, "cells", "text_bert_3"
    )


def test_the_run_without_the_scored_corpus_is_scored_on_the_trials_of_the_run_with_it(xvector_options, facts):
    found = plan(xvector_options(same_trials=""), facts)
    assert len(names(found, "cells")) == (6 + 5) * (2 + 1 + 2)
    words = arguments(found, "cells", "speech_tdnn7_none_fold2")
    assert "--test iemocap_by_fold --fold 2 " in words and " data/run/test_2 " in words
    assert "data/run/backend_none scp:exp/run/embeddings_none/tdnn7.scp" in words
    assert len(names(plan(xvector_options(same_trials="", toy="true"), facts), "cells")) == 6 * 5


def test_classes_that_nothing_has_seen_are_left_out_of_training_and_scored(xvector_options, facts):
    options = xvector_options(label_map="conf/emotions/collapsed5_frustration.map", unseen="frustration")
    check(options)
    found = plan(options, facts)
    for role in ("finetune_1", "backend_1", "text_none"):
        assert arguments(found, "roles", role).startswith("--unseen frustration ")
    assert "--unseen" not in arguments(found, "roles", "pretrain_none")
    assert all("--unseen frustration " in " ".join(one.arguments) for one in found.of("cells"))


def test_ties_of_cremad_are_decided_as_the_run_is_asked(xvector_options, facts):
    assert "--ties" not in arguments(plan(xvector_options(), facts), "prepare", "cremad")
    found = plan(xvector_options(ties="level"), facts)
    assert arguments(found, "prepare", "cremad").startswith("local/prepare_cremad.sh --ties level /corpora/CREMA-D ")
    assert "--ties" not in arguments(found, "prepare", "iemocap")


def test_net_and_back_end_of_other_corpora_are_named_apart(xvector_options, facts):
    found = plan(xvector_options(finetune="cremad", modalities="speech"), facts)
    assert " --train voxceleb1+voxceleb2+cremad,backend:cremad+iemocap " in arguments(found, "cells", "speech_tdnn6_2")
    assert " --train voxceleb1+voxceleb2+cremad " in arguments(found, "cells", "speech_tdnn6_none")


def test_each_speaker_normalisation_is_a_cell_and_the_first_has_the_plain_name(xvector_options, facts):
    found = plan(
        xvector_options(modalities="speech", layers="tdnn6", speaker_normalisation="none, all,first 10"), facts
    )
    cells = {one.name: " ".join(one.arguments) for one in found.of("cells") if one.name.startswith("speech_tdnn6_none")}
    assert list(cells) == ["speech_tdnn6_none", "speech_tdnn6_none_all", "speech_tdnn6_none_first-10"]
    for (name, words), setting in zip(cells.items(), ("none", "all", "first 10"), strict=True):
        assert f" --speaker-normalisation {setting} " in words and words.endswith(f"exp/run/cells/{name}")


def test_speakers_that_are_held_out_train_no_net(xvector_options, facts):
    found = plan(xvector_options(hold_out_speakers="0.2"), facts)
    jobs = {one.name: one for one in found.of("roles")}
    assert next(iter(jobs)) == "backend_none"
    for name in ("backend_1", "finetune_1", "finetune_none"):
        assert "--hold-out=0.2" in jobs[name].arguments
    assert not any("hold-out" in word or "without" in word for word in jobs["pretrain_none"].arguments)
    own = plan(xvector_options(hold_out_speakers="0.2", pretrain="iemocap", text_train="iemocap"), facts)
    jobs = {one.name: one for one in own.of("roles")}
    for role in ("pretrain", "text"):
        assert "--without-speakers=data/run/backend_1/unseen_speakers" in jobs[f"{role}_1"].arguments
    with pytest.raises(SerError, match=r"--hold-out-speakers: expected a share from 0 to 0\.9, found 1\.0"):
        check(xvector_options(hold_out_speakers="1"))


def test_text_alone_trains_no_net_and_makes_no_features_of_speech(xvector_options, facts):
    options = xvector_options(modalities="text")
    check(options)
    found = plan(options, facts)
    for kind in ("features", "augmented", "pretrain", "finetune", "embedded", "embeddings", "joined", "detector"):
        assert names(found, kind) == []
    assert names(found, "prepare") == ["cremad", "iemocap", "dailydialog"]
    assert names(found, "text") == ["none"]
    assert arguments(found, "classes", "iemocap") == "data/run/iemocap data/run/iemocap_emotion"
    assert all("embeddings_none/tdnn" not in " ".join(one.arguments) for one in found.of("cells"))
    assert "pretrain=" not in arguments(found, "audit", "none")


def test_text_alone_of_utterances_without_words_is_refused(xvector_options, facts):
    wordless = type(facts)(facts.sizes, facts.folds, wordless=True)
    with pytest.raises(SerError, match="utterances of iemocap have no words, and with --modalities text alone"):
        plan(xvector_options(modalities="text"), wordless)
    cell = arguments(plan(xvector_options(), wordless), "cells", "text_bert_1")
    assert "--fallback-train=scp:exp/run/embeddings_1/tdnn7.scp" in cell


def test_speech_alone_trains_no_text_model(xvector_options, facts):
    found = plan(xvector_options(modalities="speech"), facts)
    for kind in ("text_init", "text", "text_vectors", "joined", "test_text"):
        assert names(found, kind) == []
    assert names(found, "detector") == ["detector"]
    assert found.texts == {}


def test_without_pretraining_fine_tuning_is_from_scratch(xvector_options, facts):
    options = xvector_options(pretrain="")
    check(options)
    found = plan(options, facts)
    assert names(found, "pretrain") == names(found, "augmented") == []
    assert "musan" not in names(found, "prepare")
    assert arguments(found, "finetune", "none") == (
        "--config conf/xvector_finetune.yaml data/run/finetune_none data/run/finetune_none/utt2emo"
        " exp/run/finetune_none"
    )
    assert "--train cremad --test iemocap --fold all --variant scratch " in arguments(
        found, "cells", "speech_tdnn7_none"
    )
    assert "pretrain" not in arguments(found, "audit", "none")
    with pytest.raises(SerError, match=r"fit.frozen keeps tdnn1, .* as they begin"):
        check(xvector_options(pretrain="", finetune_config="xvector_finetune_frozen"))


def test_iemocap_alone_leaves_one_session_out(xvector_options, facts):
    only = {role: "iemocap" for role in ("finetune", "backend", "text_train", "test", "only")}
    options = xvector_options(pretrain="", drawn_text="", label_map="conf/emotions/four.map", **only)
    check(options)
    found = plan(options, facts)
    assert names(found, "prepare") == ["iemocap"]
    assert names(found, "finetune") == names(found, "text") == ["1", "2", "3", "4", "5"]
    assert [one.size for one in found.of("finetune")] == [80] * 5
    assert names(found, "test_folds") == ["1", "2", "3", "4", "5"]
    assert len(names(found, "cells")) == 5 * 5
    assert arguments(found, "roles", "finetune_4") == (
        "--fold 4 --scored data/run/iemocap_emotion data/run/finetune_4 data/run/iemocap_emotion"
    )


def test_the_toy_corpora_are_without_voxceleb2_and_with_a_bert_of_their_own(xvector_options, facts):
    found = plan(xvector_options(toy="true"), facts)
    assert "voxceleb2" not in names(found, "prepare")
    assert arguments(found, "text_init", "bert") == "data/run/text_none exp/run/bert_init"
    assert "--text-model exp/run/bert_init" in arguments(found, "text", "none")
    assert plan(xvector_options(toy="true", text_model="mine"), facts).of("text_init") == []


def test_other_words_where_it_is_scored_have_vectors_of_their_own(xvector_options, facts, tmp_path):
    found = plan(xvector_options(text_condition="shuffled"), facts)
    assert names(found, "text_vectors") == ["none", "none_shuffled"]
    assert names(found, "joined")[:4] == ["none_tdnn6", "none_shuffled_tdnn6", "none_tdnn7", "none_shuffled_tdnn7"]
    cell = arguments(found, "cells", "speech+text_tdnn7_1")
    assert "scp:exp/run/speech+text_1/tdnn7.scp data/run/test_1 scp:exp/run/speech+text_1_shuffled/tdnn7.scp" in cell
    assert "--text shuffled" in cell
    assert found.texts["text_used.txt"].endswith(
        "iemocap: where it is scored, the words of another utterance of its fold\n"
    )
    none = xvector_options(text_condition="none")
    assert check(none) == ["No rows of text alone: --text-condition none leaves nothing to score"]
    assert not [name for name in names(plan(none, facts), "cells") if name.startswith("text_")]
    words = tmp_path / "asr"
    words.write_text("utt words\n")
    check(xvector_options(text_condition=str(words)))
    assert names(plan(xvector_options(text_condition=str(words)), facts), "text_vectors") == ["none", "none_asr"]


def test_a_seed_reaches_all_that_is_trained_or_drawn_and_the_table(xvector_options, facts):
    found = plan(xvector_options(seed="3"), facts)
    for kind in ("pretrain", "finetune", "text"):
        assert all(one.arguments[:2] == ("--set", "fit.seed=3") for one in found.of(kind))
    assert "--seed 3" in arguments(found, "text_vectors", "none")
    assert arguments(found, "test_text", "test").startswith("--seed 3 gold")
    assert all("--seed 3" in " ".join(one.arguments) for one in found.of("cells"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": "video"}, "--modalities: unknown 'video'; known: speech text speech\\+text"),
        ({"layers": "tdnn6,tdnn1"}, "--layers: unknown 'tdnn1'"),
        ({"augment": "echo"}, "--augment: unknown 'echo'"),
        ({"speaker_normalisation": "none,first"}, "speaker_normalisation: found 'first'; expected none, all or first"),
        ({"pooling": "max"}, "--pooling: unknown 'max'"),
        ({"finetune_speeds": "0.9 fast"}, "--finetune-speeds: expected factors such as '0.9 1.1', found 'fast'"),
        ({"finetune_speeds": "0"}, "--finetune-speeds: expected factors"),
        ({"pretrain": "dailydialog"}, "--pretrain: dailydialog has no speech; corpora that do: voxceleb1"),
        ({"test": "voxceleb1"}, "--test: voxceleb1 has no"),
        ({"backend": "timit"}, "unknown corpus 'timit'; known: voxceleb1"),
        ({"finetune": ""}, "--finetune: name one or more corpora"),
        ({"text_train": ""}, "--text-train: name one or more corpora"),
        ({"processes": "0"}, "--processes: expected a number from 1, found '0'"),
        ({"drawn_text": "iemocap"}, "iemocap is scored and in --drawn-text: the draw uses the labels"),
        ({"text_condition": "none", "modalities": "text"}, "--text-condition none leaves nothing to score"),
        ({"text_condition": "/nowhere"}, "expected gold, none, shuffled or a file of transcripts, found '/nowhere'"),
        ({"label_map": "none.map"}, "no none.map; --help lists the options that name it"),
    ],
)
def test_settings_that_would_fail_later_are_refused(xvector_options, changes, message):
    with pytest.raises(SerError, match=message):
        check(xvector_options(**changes))


def test_every_kind_has_a_stage_of_the_driver():
    assert set(xvector_bert.KINDS.values()) == set(range(xvector_bert.LAST_STAGE + 1))


def test_the_page_of_errors_knows_a_real_corpus_by_name_and_what_trained_the_back_end(xvector_options, facts):
    page = "--test-dir data/run/iemocap_emotion --train-dirs data/run/cremad_emotion data/run/iemocap_emotion"
    assert arguments(plan(xvector_options(), facts), "report", "report") == f"{page} --corpus iemocap exp/run"
    assert arguments(plan(xvector_options(toy="true"), facts), "report", "report") == f"{page} --corpus toy exp/run"


def test_other_settings_of_pretraining_are_read_and_named_in_the_variant(xvector_options, facts):
    kaldi = xvector_options(pretrain_config="xvector_pretrain_kaldi")
    check(kaldi)
    assert arguments(plan(kaldi, facts), "pretrain", "none").startswith("--config conf/xvector_pretrain_kaldi.yaml ")
    assert (xvector_options().variant(), kaldi.variant()) == ("all", "all+pretrain_kaldi")
    assert xvector_options(pretrain="", pretrain_config="xvector_pretrain_kaldi").variant() == "scratch"
    with pytest.raises(SerError, match=r"conf/toy/xvector_pretrain_kaldi.yaml"):
        check(xvector_options(pretrain_config="xvector_pretrain_kaldi", conf="conf/toy"))


def test_features_normalised_by_speaker_are_named_in_the_variant_and_make_no_detector(xvector_options, facts):
    found, plain = (plan(xvector_options(speaker_cmvn=word), facts) for word in ("true", "false"))
    of_speech = [" ".join(one.arguments) for one in found.of("cells") if "speech" in one.name]
    assert of_speech and all("+speaker_cmvn " in words for words in of_speech)
    assert names(found, "detector") == [] and names(plain, "detector") == ["detector"]
    assert not any("speaker_cmvn" in " ".join(one.arguments) for one in plain.of("cells"))
