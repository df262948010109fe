"""Costs of system C: what the nets of audio and their patches take, against figures by hand."""

import dataclasses
import re
from pathlib import Path

import pytest

from ser.config import load_config
from ser.estimate import coattention, nets
from ser.estimate.rates import Rates
from ser.plan import coattention as planned
from ser.plan.corpora import read_corpora
from ser.plan.facts import Facts
from ser.plan.options import read_options
from ser.plan.sizes import Size

RATES = dataclasses.replace(
    load_config(Rates, Path(__file__).parents[2] / "conf" / "rates.yaml"),
    **{"command": 0.0, "start": 0.0, "logmel": 0.0, "dialogue": 0.01, "picture_gflops": 10.0},
    **{"fingerprint": 7.0, "nearest": 0.01, "near_pair": 2.0},
)


@pytest.fixture
def stages(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    return costs()


def costs(**changes: str):
    """Estimate the stages of a run on speech of RAVDESS alone, apart from `changes`."""
    found = {}
    for path in (Path("local/run_coattention.sh"), Path("utils/recipe.sh")):
        text = path.read_text(encoding="utf-8")
        found = dict(re.findall(r"^([a-z_]+)=\"?([^\"\n]*?)\"?(?: +#.*)?$", text, flags=re.M)) | found
    for name in ("corpus_names", "command_line", "processes", "system", "common_options", "running_stage"):
        found.pop(name, None)
    found |= {
        "nj": "1", "toy": "false", "name": "run", "conf": "conf/coattention", "corpora": "/c", "fold_groups": "0",
        "tests": "", "speech_only": "ravdess", "together": "", "text_only": "", "text_train": "", "unseen": "",
        "random": "",
        "encoders": "yamnet", "fusion_encoder": "yamnet", "yamnet": "exp/yamnet",
    } | changes  # fmt: skip
    words = [f"--{name.replace('_', '-')}={value}" for name, value in found.items()]
    options = read_options(planned.Options, words, read_corpora())
    size = Size(1000, 1.0, 6, "planted", False)
    facts = Facts(dict.fromkeys(("ravdess", "savee"), size), tuple("123456") if options.speech_only else ())
    return {cost.stage: cost for cost in coattention.estimate(options, planned.plan(options, facts), facts, RATES)}


def test_the_audit_reads_the_recordings_once_and_compares_each_with_five(stages):
    assert stages[1].cpu == pytest.approx(7.0 + 1000 * (0.01 * 1000 + 5 * 2.0))


def test_states_of_an_hour_are_7500_patches_through_the_net(stages):
    assert stages[3].cpu == pytest.approx(7500 * 2 * 69.2e6 / 10e9)
    assert stages[3].disk == pytest.approx(7500 * 512 * 4)


def test_attentions_see_each_utterance_in_each_epoch_of_each_fold(stages):
    epochs = nets.setting(Path("conf/coattention/fusion.yaml"), "fit", "epochs")
    assert stages[6].cpu == pytest.approx(6 * epochs * 1000 * 0.01)


def test_what_is_not_asked_for_costs_nothing(stages):
    assert stages.keys() == {0, 1, 3, 6, 7}


def test_tuning_the_net_of_speech_costs_the_same_in_the_fusion(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    # With RATES a job of a fixed model takes no time but that of its epochs.
    asked = {"tests": "savee", "speech_only": "", "losses": "bce", "text_model": "t5-base", "published": "w=a/b:1"}
    alone = costs(**asked, fusion_encoder="w", variants="tuned")
    both = costs(**asked, fusion_encoder="yamnet", variants="tuned")
    epochs = nets.setting(Path("conf/coattention/tune_yamnet.yaml"), "fit", "epochs")
    # Four folds; an hour has 7500 patches; a training pass is three times a forward pass.
    assert both[6].cpu - alone[6].cpu == pytest.approx(4 * 3 * epochs * 7500 * 2 * 69.2e6 / 10e9)


def test_the_models_of_both_halves_of_the_sentences_read_as_much_as_one_of_all(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    asked = {"tests": "savee", "speech_only": "", "losses": "bce", "text_model": "t5-base", "variants": "fixed"}
    without, more = (costs(**asked, unseen=unseen)[6] for unseen in ("", "savee"))
    # Speech, text and their fusion; unseen: text and the fusion again, in two halves. A job takes no time to start.
    assert more.cpu == pytest.approx(without.cpu * 5 / 3)
