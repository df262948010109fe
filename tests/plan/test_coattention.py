"""The jobs of system C: every row of the paper's tables."""

import re
import subprocess
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.plan import coattention
from ser.plan.corpora import read_corpora
from ser.plan.facts import Facts
from ser.plan.options import read_options

DRIVER = Path("local/run_coattention.sh")


@pytest.fixture
def options():
    """Make the options of a run on real corpora, as the driver's own defaults have them."""
    own, shared = (
        dict(re.findall(r"^([a-z_]+)=\"?([^\"\n]*?)\"?(?: +#.*)?$", path.read_text(encoding="utf-8"), flags=re.M))
        for path in (DRIVER, Path("utils/recipe.sh"))
    )
    # What the recipe does not pass on, or computes.
    for name in ("corpus_names", "command_line", "processes", "system", "common_options", "running_stage"):
        shared.pop(name, None)
    shared |= {
        "stage": "0", "stop_stage": "7", "check_inputs": "true", "estimate": "false", "dry_run": "false",
        "check_disk": "true", "rates": "conf/rates.yaml", "nj": "2", "num_threads": "1", "train_jobs": "", "seed": "",
        "name": "run", "conf": "conf/coattention", "toy": "false", "corpora": "/corpora",
    }  # fmt: skip

    def make(**changes: str):
        settings = shared | own | {"vggish": "exp/vggish", "yamnet": "exp/yamnet", "fold_groups": "0"} | changes
        words = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        return read_options(coattention.Options, words, read_corpora())

    return make


FACTS = Facts({}, ("1", "2", "3", "4", "5"))


def columns(found):
    cells = []
    for one in found.of("cells"):
        words = dict(zip(one.arguments[:-4:2], one.arguments[1:-4:2], strict=True))
        names = ("test", "layer", "variant", "modality", "text", "fold")
        cells.append(tuple(words[f"--{name}"] for name in names))
    return cells


def test_every_row_of_the_papers_tables_is_a_row(options):
    coattention.check(options())
    rows = columns(coattention.plan(options(), FACTS))
    for corpus, folds in (("iemocap", "12345"), ("savee", "1234")):
        for fold in folds:
            for layer in ("vggish_fc1", "yamnet_10", "triplet_final"):
                for variant in ("fixed", "tuned"):
                    assert (corpus, layer, variant, "speech", "-", fold) in rows
            assert (corpus, "t5-base", "fixed", "text", "gold", fold) in rows
            for loss in ("bce", "ce"):
                assert (corpus, "triplet+t5-base", loss, "speech+text", "gold", fold) in rows
            assert (corpus, "triplet+t5-base", "tuned", "speech+text", "gold", fold) in rows
            assert (corpus, "triplet+t5-base", "bce", "speech+text", "none", fold) in rows
    assert ("savee", "t5-base", "fixed", "text", "unseen-sentence", "4") in rows
    for condition in ("gold", "unseen-sentence", "none"):
        for corpus in ("iemocap", "savee"):
            assert (corpus, "triplet+t5-base", "bce", "speech+text", condition, "4") in rows
    # The third table.
    assert ("iemocap+savee", "triplet+t5-base", "bce", "speech+text", "gold", "5") in rows
    assert ("ravdess", "triplet_final", "fixed", "speech", "-", "6") in rows
    assert ("goemotions", "t5-base", "fixed", "text", "gold", "all") in rows
    assert len(set(rows)) == len(rows)


def test_a_tuned_fusion_reads_patches_and_tokens_and_trains_the_fusions_encoder(options):
    asked = options(fusion_encoder="yamnet", losses="ce bce")
    found = coattention.plan(asked, FACTS)
    (one,) = [one for one in found.of("tuned") if one.name == "fusion_tuned_savee_3"]
    assert " ".join(one.arguments[:12]) == (
        "--config conf/coattention/tune_yamnet.yaml --set loss.kind=cross_entropy"
        " --input speech=scp:exp/run/patches/yamnet_savee.scp --input text=scp:exp/run/tokens/savee.scp"
        " --encoder exp/yamnet --encoder-layer 10"
    )
    assert {one.name for one in found.of("patches")} >= {"yamnet_savee"}
    for changes in ({"variants": "fixed"}, {"published": "wavlm=microsoft/wavlm-base:9", "fusion_encoder": "wavlm"}):
        rows = columns(coattention.plan(options(**changes), FACTS))
        assert not any(row[2:4] == ("tuned", "speech+text") for row in rows)


@pytest.mark.parametrize(("loss", "kind"), [("bce", "binary"), ("ce", "cross_entropy")])
def test_every_model_of_both_modalities_is_trained_with_the_loss_that_its_row_names(options, loss, kind):
    found = coattention.plan(options(losses=loss), FACTS)
    both = [one for part in ("fixed", "tuned") for one in found.of(part) if one.name.startswith("fusion")]
    assert {one.name for one in both} >= {f"fusion_{row}_iemocap_1" for row in (loss, "tuned")}
    assert {one.name for one in both} >= {"fusion_unseen_savee_1.2", "fusion_random_iemocap_random"}
    assert "fusion_iemocap+savee_1" in {one.name for one in both}
    assert all(f"--set loss.kind={kind}" in " ".join(one.arguments) for one in both)


def test_the_random_split_is_a_row_of_its_own_whose_audit_only_reports(options):
    found = coattention.plan(options(), FACTS)
    rows = {(one[0], *one[3:]) for one in columns(found) if one[2] == "random"}
    conditions = (("speech", "-"), ("text", "gold"), ("speech+text", "gold"), ("speech+text", "none"))
    assert rows == {("iemocap", modality, text, "all") for modality, text in conditions}
    (one,) = found.of("random_parts")
    assert " ".join(one.arguments) == (
        "--seed 0 data/run/iemocap_classes data/run/train_iemocap_random data/run/valid_iemocap_random"
        " data/run/test_iemocap_random"
    )
    only = {one.name: one.arguments[one.arguments.index("--report-only") + 1] for one in found.of("audit")}
    assert only.pop("iemocap_random") == "true" and set(only.values()) == {"false"}
    assert not coattention.plan(options(random=""), FACTS).of("random_parts")


def test_an_unseen_row_is_trained_half_by_half_and_its_halves_are_joined(options):
    found = coattention.plan(options(), FACTS)
    halves = [one for one in found.of("fixed") if one.name.startswith("text_unseen_savee_3")]
    assert [one.name for one in halves] == ["text_unseen_savee_3.1", "text_unseen_savee_3.2"]
    assert "data/run/train_savee_3.2" in halves[1].arguments and "data/run/test_savee_3.2" in halves[1].arguments
    (joined,) = [one for one in found.of("joined") if one.name == "text_unseen_savee_3"]
    assert joined.arguments == (
        "exp/run/posteriors/text_unseen_savee_3.scp",
        *(f"exp/run/text_unseen_savee_3.{half}/posteriors.scp" for half in "12"),
    )


@pytest.mark.parametrize(
    ("changes", "page"),
    [
        ({}, "--corpus iemocap --row test=iemocap modality=speech+text variant=bce text=gold exp/run"),
        ({"toy": "true"}, "--corpus toy --row test=iemocap modality=speech+text variant=bce text=gold exp/run"),
        ({"tests": "", "together": "", "unseen": "", "random": ""}, "--corpus ravdess --row test=ravdess exp/run"),
    ],
)
def test_the_page_of_errors_is_of_the_first_corpus_and_its_co_attention(options, changes, page):
    (one,) = coattention.plan(options(**changes), FACTS).of("report")
    (name,) = re.findall(r"test=(\w+)", page)
    assert " ".join(one.arguments) == f"--test-dir data/run/{name}_classes {page}"


def test_the_card_names_the_nets_that_the_user_gave(options):
    (one,) = coattention.plan(options(), FACTS).of("card")
    assert one.arguments[-3:] == ("--nets", "exp/vggish exp/yamnet", "exp/run")


def test_the_text_model_is_tuned_on_the_training_part_of_goemotions_alone(options):
    (one,) = coattention.plan(options(), FACTS).of("text_model")
    assert " ".join(one.arguments) == "--part train --text-model t5-base data/run/goemotions exp/run/text_model"


def test_no_row_names_another_text_model_than_the_one_that_is_trained(options, tmp_path):
    def of_text(asked):
        coattention.check(asked)
        found = coattention.plan(asked, FACTS)
        (one,) = found.of("text_model")
        layers = {row[1].removeprefix("triplet+") for row in columns(found) if "text" in row[3]}
        return one.arguments[one.arguments.index("--text-model") + 1], *layers

    assert of_text(options(text_settings="goemotions_bert")) == ("bert-base-cased", "bert-base-cased")
    assert of_text(options(text_model="google/mt5-base")) == ("google/mt5-base", "mt5-base")
    (tmp_path / "t5").mkdir()
    (tmp_path / "t5" / "config.json").write_text('{"model_type": "bert"}')
    assert of_text(options(text_model=f"{tmp_path}/t5")) == (f"{tmp_path}/t5", "bert")
    toy = {"toy": "true", "conf": "conf/toy/coattention", "corpora": "conf"}
    assert of_text(options(**toy)) == ("exp/run/t5_init", "t5")


def test_a_text_model_whose_layers_the_settings_may_not_know_is_warned_of(options):
    (found,) = coattention.check(options(text_model="bert-base-cased"))
    assert found.startswith(
        "--text-model bert-base-cased: conf/coattention/goemotions.yaml unfreezes the layers of t5-b"
    )
    for changes in ({"text_train": ""}, {"text_settings": "goemotions_bert"}, {"text_model": "google-t5/t5-base"}):
        assert coattention.check(options(**{"text_model": "bert-base-cased"} | changes)) == []


def test_without_a_fine_tuning_the_states_are_those_of_the_settings_text_model(options):
    found = coattention.plan(options(text_train=""), FACTS)
    assert {one.arguments[2] for one in found.of("tokens")} == {"t5-base"}


def test_a_quick_run_trains_the_folds_of_a_row_in_one_process(options):
    found = coattention.plan(options(fold_groups="2"), FACTS)
    (one,) = [one for one in found.of("fixed") if one.name == "text_iemocap_1"]
    words = " ".join(one.arguments)
    assert "--folds 1 2 --test-data data/run/test_iemocap_FOLD" in words
    assert [Path(out).name for out in one.outputs] == ["text_iemocap_1", "text_iemocap_2"]


def test_speech_of_ravdess_alone_needs_no_text_and_no_other_net(options):
    asked = options(tests="", speech_only="ravdess", encoders="yamnet", fusion_encoder="yamnet", together="",
                    text_only="")  # fmt: skip
    assert coattention.check(asked) == [
        "--unseen: no such rows of iemocap savee, which --tests lacks",
        "--random: no such rows of iemocap, which --tests lacks",
    ]  # fmt: skip
    found = coattention.plan(asked, Facts({}, ("1", "2", "3")))
    assert coattention.corpora(asked) == ("ravdess",)
    assert (
        not found.of("triplet")
        and not found.of("text_model")
        and not found.of("tokens")
        and len(found.of("cells")) == 3
    )
    assert not found.of("unseen") and not found.of("random_parts")


def test_features_of_a_data_dir_with_segments_are_those_of_its_utterances(options, tmp_path, monkeypatch):
    asked, conf = options(), Path("conf").resolve()
    monkeypatch.chdir(tmp_path)
    Path("conf").symlink_to(conf)
    jobs = ("frames", "patches", "states")
    assert not any("--segments" in one.arguments for kind in jobs for one in coattention.plan(asked, FACTS).of(kind))
    for name in ("voxceleb1", *(f"{name}_classes" for name in ("iemocap", "savee", "ravdess"))):
        (tmp_path / "data" / "run" / name).mkdir(parents=True)
        (tmp_path / "data" / "run" / name / "segments").touch()
    planned = coattention.plan(asked, FACTS)
    for one in (one for kind in jobs for one in planned.of(kind)):
        (data,) = {Path(word.removeprefix("scp:")).parent for word in one.arguments if word.endswith("/wav.scp")}
        assert one.arguments[one.arguments.index("--segments") + 1] == f"{data}/segments"


def test_an_onnx_net_in_the_place_of_trill_has_its_fixed_row_alone(options, tmp_path):
    settings = "kind: onnx\nmodel: {input: INPUT, row: frame, sample_rate: 16000, least_samples: 400, sha256: x}\n"
    (tmp_path / "config.yaml").write_text(settings.replace("INPUT", "patches"))
    asked = options(triplet=str(tmp_path))
    assert coattention.check(asked) == ["--triplet: no row tuned, since ONNX nets cannot be trained"]
    assert coattention.check(options(triplet=str(tmp_path), variants="fixed")) == []
    found = coattention.plan(asked, FACTS)
    of_savee = {row[1:3] for row in columns(found) if row[0] == "savee" and row[3] == "speech"}
    assert of_savee == {("triplet_final", "fixed")} | {
        (layer, variant) for layer in ("vggish_fc1", "yamnet_10") for variant in ("fixed", "tuned")
    }
    assert not found.of("triplet")
    (states,) = [one.arguments for one in found.of("states") if one.name == "triplet_savee"]
    assert " ".join(states).startswith(f"--encoder {tmp_path} --layers final --level patch ")
    (tmp_path / "config.yaml").write_text(settings.replace("INPUT", "waveform"))
    with pytest.raises(SerError, match=r"--triplet .*: takes waveforms, but system C needs a row of states for each"):
        coattention.check(asked)


def test_any_published_encoder_has_fixed_rows_and_may_be_the_fusions(options, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "config.yaml").write_text("kind: yamnet\nmodel: {}\n")
    given = {"published": f"wavlm=microsoft/wavlm-base:9 yam={tmp_path}/net:7", "fusion_encoder": "wavlm"}
    asked = options(**given)
    assert coattention.check(asked) == []
    found = coattention.plan(asked, FACTS)
    rows = columns(found)
    assert {row[1:3] for row in rows if row[1].startswith(("wavlm_", "yam_"))} == {
        ("wavlm_9", "fixed"), ("yam_7", "fixed"), ("wavlm_9", "random")
    }  # fmt: skip
    assert ("savee", "wavlm+t5-base", "bce", "speech+text", "gold", "4") in rows
    assert ("ravdess", "wavlm_9", "fixed", "speech", "-", "6") in rows
    words = {one.name: " ".join(one.arguments) for one in found.of("states")}
    assert words["wavlm_savee"].startswith("--encoder microsoft/wavlm-base --layers 9 --level frame --every 4 ")
    assert words["yam_savee"].startswith(f"--encoder {tmp_path}/net --layers 7 --level patch ")
    assert not any(one.name.startswith(("wavlm", "yam_")) for one in found.of("tuned"))
    alone = options(**given | {"encoders": "", "published": "wavlm=microsoft/wavlm-base:9"})
    assert coattention.check(alone) == []
    assert {row[1] for row in columns(coattention.plan(alone, FACTS)) if row[3] == "speech"} == {"wavlm_9"}
    for word in ("wavlm=microsoft/wavlm-base:8,9", "yamnet=microsoft/wavlm-base:9"):
        with pytest.raises(SerError, match=r"--published (wavlm|yamnet): give one layer, and a name other than vggish"):
            coattention.check(options(published=word))
    with pytest.raises(SerError, match="--published: wavlm: no folder /absent"):
        coattention.check(options(published="wavlm=/absent:9"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tests": "iemocap dailydialog"}, "--tests: dailydialog has no speech"),
        ({"yamnet": ""}, "--yamnet: give the folder that import_audio_net wrote"),
        ({"encoders": "yamnet"}, "--fusion-encoder: unknown 'triplet'"),
        ({"unseen": "nobody"}, "--unseen: unknown 'nobody'"),
        ({"random": "nobody"}, "--random: unknown 'nobody'"),
        ({"together": "savee"}, "--together: name two corpora or more"),
        ({"text_model": "/absent/t5"}, "text model '/absent/t5': no such folder"),
        ({"text_settings": "absent"}, "no conf/coattention/absent.yaml"),
        ({"losses": "mse"}, "--losses: unknown 'mse'"),
        ({"losses": ""}, "--losses: name one or more of bce, ce"),
        ({"text_train": "dailydialog"}, "--text-train: expected goemotions or nothing"),
    ],
)
def test_settings_that_cannot_work_are_refused(options, changes, message):
    with pytest.raises(SerError, match=message):
        coattention.check(options(**changes))


def test_the_driver_prints_its_help_and_refuses_an_unknown_option():
    done = subprocess.run([DRIVER, "--help"], capture_output=True, text=True, check=True)
    assert "--fusion-encoder" in done.stdout
    done = subprocess.run([DRIVER, "--bogus", "1"], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "bogus" in done.stderr
