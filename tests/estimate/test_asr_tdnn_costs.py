"""System B's estimate: the size of the net, and costs that grow with what they are of."""

import dataclasses
from pathlib import Path

import pytest

from ser.config import load_config
from ser.estimate.asr_tdnn import estimate, tdnnf_net
from ser.estimate.rates import Rates
from ser.plan.asr_tdnn import plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rates() -> Rates:
    return load_config(Rates, ROOT / "conf" / "rates.yaml")


def test_the_full_net_has_kaldis_parameters_but_for_biases(rates):
    net = tdnnf_net(ROOT / "conf/asr_tdnn/tdnnf.yaml", 8.2, 3600, rates)
    # 9,431,072 with biases: 1024 of each of 13 layers, 1024 of each of two branches before the outputs, 3600 of each.
    assert net.weights == 9_431_072 - 13 * 1024 - 2 * 1024 - 2 * 3600


def test_training_costs_most_and_grows_with_the_copies(asr_options, facts, rates):
    def costs(**changes):
        options = asr_options(corpora="/corpora", **changes)
        return {cost.stage: cost for cost in estimate(options, plan(options, facts), facts, rates)}

    found, without = costs(), costs(speeds="")
    assert sorted(found) == list(range(9))
    assert found[4].cpu == pytest.approx(3 * without[4].cpu, rel=0.01)
    assert found[4].gpu < found[4].cpu
    assert 5 not in costs(decode="false")


def test_the_audit_reads_the_recordings_of_the_tested_corpus_alone(asr_options, facts, rates):
    options = asr_options(corpora="/corpora")
    size = facts.sizes[options.test]

    def stage(**changes: float) -> float:
        return estimate(options, plan(options, facts), facts, dataclasses.replace(rates, **changes))[1].cpu

    more = stage(fingerprint=7.0, near_pair=2.0) - stage(fingerprint=0.0, near_pair=0.0)
    assert more == pytest.approx(7.0 * size.hours + size.utts * 5 * 2.0)
