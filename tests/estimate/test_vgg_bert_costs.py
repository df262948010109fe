"""Costs of system D on a planted corpus, against figures computed by hand."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ser.config import load_config
from ser.estimate import costs, nets, vgg_bert
from ser.estimate.rates import Rates
from ser.plan.facts import Facts
from ser.plan.sizes import Size
from ser.plan.vgg_bert import plan as plan_run

ROOT = Path(__file__).parents[2]
RATES = dataclasses.replace(
    load_config(Rates, ROOT / "conf/rates.yaml"),
    **{"command": 0.0, "start": 0.0, "logmel": 4.0, "distort": 10.0, "dialogue": 0.001, "split_table": 0, "table": 0},
    **{"fingerprint": 0.0, "nearest": 0.0, "near_pair": 0.0},
)
# 1 million multiplications a frame or token, 2 million weights, vectors of 100, 300 frames or tokens an utterance.
NET = nets.Net(1_000_000, 2_000_000, 100, 300.0, "fp32", 0.0, 50.0)
SETTINGS = vgg_bert.Settings(64, 40.0, {"speech": NET, "text": NET}, {"bc_lstm": 50})
SIZES = {"iemocap": Size(1000, 1.0, 5, "planted", False)}
# Five folds of which three train, and 70 %.
SHARES = 5 * 0.6 + 0.7


FOLDS = ("1", "2", "3", "4", "5")
OPTIONS = {
    "copies": "white pitch stretch shift",
    "yardsticks": "bc_lstm",
    "yardstick_modalities": "speech+text",
    "nj": "1",
}


@pytest.fixture
def stages(vgg_options, monkeypatch) -> Callable[..., dict[int, costs.Cost]]:
    """Estimate the stages of a planted run, its options changed by keyword."""
    monkeypatch.chdir(ROOT)

    def estimate(
        settings: vgg_bert.Settings = SETTINGS,
        sizes: Mapping[str, Size] = SIZES,
        rates: Rates = RATES,
        **changes: str,
    ) -> dict[int, costs.Cost]:
        options, facts = vgg_options(**{**OPTIONS, **changes}), Facts(sizes, FOLDS)
        found = vgg_bert.costs(options, plan_run(options, facts), facts, rates, settings)
        return {cost.stage: cost for cost in found}

    return estimate


def test_features_are_those_of_the_corpus_and_of_the_copies_of_each_training_part(stages):
    times = 1 + 4 * SHARES
    spectra = 360_000 * 21 + 1000 * (20 + 8 * 21 + 170 + costs.vector_bytes(40))  # those that the audit keeps
    assert stages()[1].disk == pytest.approx(times * (3600 * 40 * 64 + 1000 * (20 + 8 * 64)) + spectra)
    assert stages()[1].cpu == pytest.approx(times * 4.0 + (times - 1) * 10.0)
    assert stages(copies="")[1].cpu == pytest.approx(4.0)


def test_the_audit_reads_the_recordings_once_and_tests_each_by_folds_and_in_the_random_split(stages):
    rates = dataclasses.replace(RATES, fingerprint=7.0, nearest=0.01, near_pair=2.0)
    once = 1000 * (0.01 * 1000 + 5 * 2.0)
    for protocols, splits in (("random folds", 2), ("random", 1)):
        more = stages(rates=rates, protocols=protocols)[1].cpu - stages(protocols=protocols)[1].cpu
        assert more == pytest.approx(7.0 + splits * once)


def test_nets_are_trained_on_the_parts_and_their_copies_and_run_once_over_the_corpus(stages):
    passes = 6 * 300 * 1000 * SHARES * 5 + 6 * 2 * 3600 * 40
    assert stages()[2].cpu == pytest.approx(passes * 1e6 / 50e9)
    passes = 6 * 300 * 1000 * SHARES + 6 * 2 * RATES.tokens * 1000
    assert stages()[3].cpu == pytest.approx(passes * 1e6 / 50e9)


def test_yardsticks_cost_their_epochs_and_are_columns_of_the_table(stages):
    assert stages()[5].cpu == pytest.approx(50 * 1000 * SHARES * 0.001)
    assert stages()[6].disk == 4 * 6 * 1000 * RATES.cell


def test_what_is_not_asked_for_costs_nothing(stages):
    found = stages(dataclasses.replace(SETTINGS, nets={"speech": NET}), modalities="speech", yardsticks="")
    assert sorted(found) == [0, 1, 2, 6, 7]
    assert stages(protocols="random")[2].disk == pytest.approx(stages()[2].disk / 6)


def test_the_published_net_has_the_multiplications_of_its_convolutions():
    net = nets.vgg_net(ROOT / "conf/vgg_bert/vgg.yaml", 64, RATES)
    assert net.multiplications == 9 * (1 * 32 * 64 + 32 * 64 * 16 + 64 * 128 * 4 + 128 * 128 + 128 * 256 / 4)
    assert net.dim == 256 and net.gflops == RATES.picture_gflops


def test_a_corpus_that_is_not_there_costs_a_start_at_most(stages):
    assert sum(cost.cpu for cost in stages(sizes={}).values()) == RATES.report
