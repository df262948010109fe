"""The jobs of system B: with a recogniser of its own, or an imported one."""

import pytest

from ser.errors import SerError
from ser.plan.asr_tdnn import check, corpora, plan


def names(found, kind):
    return [one.name for one in found.of(kind)]


def arguments(found, kind, name):
    (one,) = [one for one in found.of(kind) if one.name == name]
    return " ".join(one.arguments)


def test_a_recogniser_is_trained_recognised_and_its_layers_classify(asr_options, facts):
    found = plan(asr_options(corpora="/corpora"), facts)
    assert names(found, "prepare_speech") == ["tedlium_train", "tedlium_test"]
    assert arguments(found, "prepare_speech", "tedlium_train").startswith("tedlium train /corpora/TEDLIUM_release2 ")
    assert names(found, "ivectors") == ["iemocap", "train", "test"]
    assert arguments(found, "ivectors", "iemocap").startswith("utterance exp/run/extractor data/")
    assert arguments(found, "ivectors", "test").startswith("speaker ")
    assert names(found, "decode") == ["asr", "asr_random"]
    assert "--max-wer 40" in arguments(found, "decode", "asr")
    assert "--max-wer" not in arguments(found, "decode", "asr_random")
    assert arguments(found, "decode", "asr_random").startswith("--max-active 500 ")
    assert names(found, "bottlenecks") == ["pretrained", "random", "no_ivector"]
    assert names(found, "frames") == [
        *(f"{name}_{layer}" for name in names(found, "bottlenecks") for layer in ("layer12", "layer13", "prefinal")),
        "ivector_only_ivector",
        "mfcc_mfcc",
        "mfcc_mfcc+stddev",
    ]
    assert "--layers=layer12,layer13,prefinal" in arguments(found, "bottlenecks", "random")
    assert "exp/run/asr_random" in arguments(found, "bottlenecks", "random")
    assert "--ivectors=zero" in arguments(found, "bottlenecks", "no_ivector")
    page = "--test-dir data/run/iemocap_classes --corpus iemocap --row variant=pretrained layer="
    assert arguments(found, "report", "report") == f"{page}nested exp/run"
    one_layer = plan(asr_options(corpora="/corpora", layers="prefinal"), facts)
    assert arguments(one_layer, "report", "report") == f"{page}prefinal exp/run"
    assert "--trained=no_ivector:prefinal:exp/run/frames/no_ivector_prefinal" in arguments(found, "cells", "cells")


def test_each_variant_goes_through_the_back_end_fold_by_fold(asr_options, facts):
    found = plan(asr_options(corpora="/corpora"), facts)
    variants = ["pretrained", "random", "no_ivector", "ivector_only", "mfcc"]
    assert names(found, "pooled") == names(found, "backends") == variants
    words = arguments(found, "pooled", "random")
    assert words.startswith("--statistics=mean,mean_stddev ")
    assert words.endswith("exp/run/pooled/random layer12=exp/run/bottlenecks/random/frames/layer12.scp "
                          "layer13=exp/run/bottlenecks/random/frames/layer13.scp "
                          "prefinal=exp/run/bottlenecks/random/frames/prefinal.scp")  # fmt: skip
    assert arguments(found, "backends", "mfcc") == "--list=exp/run/cells/mfcc.list exp/run/plan/backends.mfcc.tsv"
    cells = [line.split("\t") for line in found.texts["backends.pretrained.tsv"].splitlines()]
    assert len(cells) == 3 * 2 * 5
    folder = "scp:exp/run/pooled/pretrained"
    assert cells[0][-5:] == ["data/run/rest_1", f"{folder}/mean/layer12.scp", "data/run/test_1",
                             f"{folder}/mean/layer12.scp", "exp/run/cells/pretrained_layer12_plda_1"]  # fmt: skip
    assert [line[line.index("--layer") + 1] for line in cells[::5]] == [
        f"{layer}{end}" for layer in ("layer12", "layer13", "prefinal") for end in ("", "+stddev")
    ]


def test_a_detector_is_made_of_the_first_fold_where_it_hears_what_the_run_heard(asr_options, facts):
    words = arguments(plan(asr_options(corpora="/corpora"), facts), "detector", "detector")
    assert words == (
        "--net exp/run/asr --extractor exp/run/extractor --layers layer12,layer13,prefinal --statistics mean_stddev "
        "--fold 1 data/run/rest_1 exp/run/pooled/pretrained exp/run/detector"
    )
    for changes in ({"ivector_history": "speaker"}, {"statistics": ""}):
        assert names(plan(asr_options(corpora="/corpora", **changes), facts), "detector") == []


def test_other_histories_of_the_ivectors_are_rows_of_the_same_net(asr_options, facts):
    found = plan(asr_options(corpora="/corpora", ivector_history="utterance dialogue speaker"), facts)
    assert names(found, "ivectors") == ["iemocap", "iemocap_dialogue", "iemocap_speaker", "train", "test"]
    assert arguments(found, "ivectors", "iemocap_speaker").startswith("speaker exp/run/extractor ")
    assert arguments(found, "bottlenecks", "pretrained_by_speaker") == (
        "--layers=layer12,layer13,prefinal --ivectors=exp/run/ivectors_iemocap_speaker/ivector_online.scp "
        "exp/run/asr data/run/iemocap_classes exp/run/bottlenecks/pretrained_by_speaker"
    )
    assert "--ivectors=exp/run/ivectors_iemocap/" in arguments(found, "bottlenecks", "pretrained")
    assert "pretrained_by_dialogue_layer12" in names(found, "frames")
    assert "pretrained_by_dialogue" in names(found, "backends")
    assert names(found, "detector") == ["detector"]


def test_rows_with_and_without_speaker_normalisation(asr_options, facts):
    given = {"statistics": "mean", "layers": "prefinal", "speaker_normalisation": "none,first 10"}
    found = plan(asr_options(corpora="/corpora", **given), facts)
    cells = [line.split("\t") for line in found.texts["backends.pretrained.tsv"].splitlines()]
    assert len(cells) == 2 * 5
    assert cells[5][-1] == "exp/run/cells/pretrained_prefinal_plda_first-10_1"
    assert cells[5][cells[5].index("--speaker-normalisation") + 1] == "first 10"


def test_a_word_loop_is_one_more_decoding_of_the_trained_net_without_a_gate(asr_options, facts):
    found = plan(asr_options(corpora="/corpora", word_loop="true"), facts)
    assert names(found, "decode") == ["asr", "asr_loop", "asr_random"]
    words = arguments(found, "decode", "asr_loop")
    assert words.startswith("--loop true --lang data/run/lang exp/run/asr ") and words.endswith(
        " exp/run/asr/decode_loop"
    )
    assert "--max-wer" not in words


def test_without_statistics_only_the_control_by_mfcc_has_vectors(asr_options, facts):
    found = plan(asr_options(corpora="/corpora", statistics=""), facts)
    assert names(found, "pooled") == ["mfcc"] and names(found, "backends") == []
    assert "mfcc_mfcc+stddev" in names(found, "frames")


def test_an_imported_model_needs_no_speech_corpus(asr_options, facts, tmp_path):
    for name in ("config.yaml", "online.conf"):
        (tmp_path / name).write_text("")
    given = {
        "iemocap": "/iemocap", "asr_model": str(tmp_path), "extractor": str(tmp_path),
        "variants": "pretrained no_ivector ivector_only", "layers": "tdnn5.batchnorm",
    }  # fmt: skip
    options = asr_options(**given)
    assert check(options) == []
    (warning,) = check(asr_options(**given, mfcc_config="conf/mfcc.conf"))
    assert "30 MFCC of 30 bins, use-energy=" in warning and "give --mfcc-config the model's own" in warning
    found = plan(options, facts)
    for kind in ("prepare_speech", "copies", "extractor", "lang", "asr", "random_net", "outputs", "decode"):
        assert names(found, kind) == []
    assert names(found, "bottlenecks") == ["pretrained", "no_ivector"]
    assert "--layers=tdnn5.batchnorm" in arguments(found, "bottlenecks", "pretrained")
    with pytest.raises(SerError, match="--variants random: not possible with an imported net"):
        check(asr_options(**given | {"variants": "pretrained random"}))
    with pytest.raises(SerError, match="ivector_only need i-vectors; give --extractor"):
        check(asr_options(**given | {"extractor": ""}))


def test_test_speakers_are_cut_out_of_the_training_part(asr_options, facts):
    options = asr_options(corpora="/corpora", speech="speechocean762", test_speakers="list")
    found = plan(options, facts)
    assert names(found, "prepare_speech") == ["speechocean762_train"]
    assert arguments(found, "prepare_speech", "speechocean762_train") == (
        "speechocean762 train /corpora/speechocean762 data/run/speechocean762_train data/run/speechocean762_test"
    )


def test_a_recogniser_learns_from_any_data_dirs_with_a_lexicon(asr_options, facts, tmp_path):
    for folder in ("mine", "others"):
        (tmp_path / folder).mkdir()
        for table in ("wav.scp", "utt2spk", "text"):
            (tmp_path / folder / table).write_text("a-1 a\na-2 a\na-3 a\n")
    (tmp_path / "lexicon.txt").write_text("a AA\n")
    given = {
        "corpora": "/corpora", "speech": "data_dir", "lexicon": f"{tmp_path}/lexicon.txt",
        "train_part": f"{tmp_path}/mine", "test_part": f"{tmp_path}/others",
    }  # fmt: skip
    options = asr_options(**given)
    assert check(options) == [] and corpora(options) == ("iemocap",)
    found = plan(options, facts)
    mine, others = f"{tmp_path}/mine", f"{tmp_path}/others"
    assert arguments(found, "prepare_speech", "data_dir_train") == f"data_dir {mine} {mine} data/run/data_dir_train"
    assert arguments(found, "prepare_speech", "data_dir_test") == f"data_dir {others} {others} data/run/data_dir_test"
    assert [one.size for one in found.of("prepare_speech")] == [3, 3]
    (tmp_path / "list").write_text("a\n")
    cut = asr_options(**given | {"test_part": "", "test_speakers": f"{tmp_path}/list"})
    assert check(cut) == [] and names(plan(cut, facts), "prepare_speech") == ["data_dir_train"]
    for option in ("train_part", "test_part", "lexicon"):
        with pytest.raises(SerError, match=f"--speech data_dir: no --{option.replace('_', '-')}; give the data dir of"):
            check(asr_options(**given | {option: ""}))
    (tmp_path / "others" / "text").unlink()
    with pytest.raises(SerError, match=r"no .*/others/text; --help"):
        check(asr_options(**given))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_offset": "3"}, "--frame-offset 3: expected 0, 1 or 2"),
        ({"processes": "0"}, "--processes: expected a number from 1, found '0'"),
        ({"statistics": "median"}, "--statistics: unknown 'median'; known: mean mean_stddev"),
        ({"layers": ""}, "--layers: name one or more"),
        ({"variants": "random"}, "--variants: include pretrained"),
        ({"ivector_history": ""}, "--ivector-history: name one or more"),
        ({"ivector_history": "ever"}, "--ivector-history: unknown 'ever'"),
        ({"test": "ravdess", "ivector_history": "dialogue"}, "--ivector-history dialogue: ravdess has no dialogues"),
        ({"speech": "cremad"}, "--speech: unknown 'cremad'; known: tedlium librispeech speechocean762 data_dir"),
        ({"extractor": "exp/e"}, "--extractor needs --asr-model too"),
    ],
)
def test_settings_that_would_fail_later_are_refused(asr_options, changes, message):
    with pytest.raises(SerError, match=message):
        check(asr_options(corpora="/corpora", **changes))


def test_without_decoding_the_gate_is_said_to_be_open(asr_options, facts):
    options = asr_options(corpora="/corpora", decode="false")
    (warning,) = check(options)
    assert "--max-wer cannot stop a net" in warning
    assert names(plan(options, facts), "decode") == []
