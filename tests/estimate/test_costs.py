"""Costs of a planted recipe, against figures computed by hand."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ser.config import load_config
from ser.errors import SerError
from ser.estimate import costs, disk, nets, xvector_bert
from ser.estimate.rates import Rates
from ser.plan.facts import Facts
from ser.plan.sizes import Size
from ser.plan.xvector_bert import plan as plan_run
from ser.protocol import fingerprints, spectra

ROOT = Path(__file__).parents[2]
RATES = dataclasses.replace(
    load_config(Rates, ROOT / "conf/rates.yaml"),
    **{"command": 0.0, "start": 0.0, "features": 4.0, "decode": 0.1, "augment": 3.0, "split_table": 0, "table": 0},
    **{"summary": 0.0, "fingerprint": 0.0, "nearest": 0.0, "near_pair": 0.0},
)
SIZES = {
    "voxceleb1": Size(1000, 10.0, 1, "planted", True),
    "cremad": Size(200, 1.0, 1, "planted", False),
    "iemocap": Size(100, 1.0, 5, "planted", False),
}
# 1 million multiplications a frame, 2 million weights, 300 frames an utterance.
NET = nets.Net(1_000_000, 2_000_000, 512, 300.0, "bf16", 0.0, RATES.gflops)


FACTS = Facts(SIZES, ("1", "2", "3", "4", "5"))
OPTIONS = {"pretrain": "voxceleb1", "modalities": "speech", "nj": "1", "compress": "false"}


@pytest.fixture
def stages(xvector_options, monkeypatch) -> Callable[..., dict[int, costs.Cost]]:
    """Estimate the stages of a planted run, its options changed by keyword."""
    monkeypatch.chdir(ROOT)

    def estimate(rates: Rates = RATES, **changes: str) -> dict[int, costs.Cost]:
        options = xvector_options(**{**OPTIONS, **changes})
        plan = plan_run(options, FACTS)
        text = NET if plan.of("text") else None
        speech = NET if plan.of("finetune") else None
        found = xvector_bert.costs(options, plan, FACTS, rates, speech if plan.of("pretrain") else None, speech, text)
        return {cost.stage: cost for cost in found}

    return estimate


def test_features_are_four_bytes_a_number_twice_and_the_voice_activity_four_a_frame(stages):
    found = stages()[1]
    assert found.disk == 12 * 360_000 * (2 * 33 * 4 + 4)
    assert found.cpu == pytest.approx(12 * 4.0 + 1000 * 0.1)  # hours, and what ffmpeg decodes


def test_compressed_features_are_a_byte_a_number_and_a_header_for_each_matrix(stages):
    assert stages(compress="true")[1].disk == 12 * 360_000 * (2 * 33 + 4) + 2 * 1300 * (20 + 8 * 33)


def test_copies_cost_their_features_for_each_kind(stages):
    found = stages()[2]
    assert found.disk == 4 * 10 * 360_000 * 2 * 33 * 4
    assert found.cpu == pytest.approx(4 * (10 * 7.0 + 1000 * 0.1))


def test_the_audit_reads_each_recording_once_and_compares_the_tested_with_those_that_train(stages):
    rates = dataclasses.replace(RATES, summary=1.0, nearest=0.01, near_pair=2.0)
    found = stages(rates=rates, augment="")[2].cpu
    # Pretraining is audited where nothing is trained on the test corpus, on all of it; each fold of 20 by itself.
    whole = 100 * (0.01 * (1000 + 200 + 200) + 3 * 5 * 2.0)
    folds = 5 * 20 * (0.01 * (280 + 280) + 2 * 5 * 2.0)
    assert found == pytest.approx(1300 * 1.0 + whole + folds)


def test_sizes_of_fingerprints_are_those_of_the_audit():
    found = spectra.spectrum_of(np.random.default_rng(0).standard_normal(32000) / 10)
    assert (found.shape[1], len(spectra.summarise(found))) == (costs._SPECTRUM, costs._SUMMARY)
    assert costs._NUM_NEAREST == fingerprints.NUM_NEAREST


def test_without_features_the_audit_reads_the_recordings_and_keeps_their_spectra(stages):
    rates = dataclasses.replace(RATES, fingerprint=7.0)
    text = {"modalities": "text", "text_train": "iemocap"}
    # CREMA-D and IEMOCAP, of an hour each: 300 utterances.
    assert stages(rates=rates, **text)[2].cpu - stages(**text)[2].cpu == pytest.approx(2 * 7.0)
    spectra = 2 * 360_000 * 21 + 300 * (20 + 8 * 21 + 170)
    assert stages(**text)[2].disk == pytest.approx(spectra + 300 * costs.vector_bytes(40))


def test_pretraining_without_the_test_corpus_is_one_training_of_speech_and_copies(stages):
    found = stages()[3]
    operations = 6 * 1e6 * 300 * 5000
    assert found.cpu == pytest.approx(operations / (RATES.gflops * 1e9))
    assert found.gpu == pytest.approx(operations / (312e12 * RATES.gpu.share))
    assert found.disk == 4 * 4 * 2_000_000


def test_fine_tuning_is_one_training_without_the_test_corpus_and_one_for_each_fold(stages):
    utts = 200 + 5 * (200 + 80)
    assert stages()[4].cpu == pytest.approx(6 * 1e6 * 300 * utts / (RATES.gflops * 1e9))
    assert stages()[4].disk == 6 * 4 * 4 * 2_000_000


def test_cells_have_all_pairs_of_the_whole_corpus_and_of_each_fold(stages):
    assert stages()[8].cpu == pytest.approx(2 * RATES.pair * (100**2 + 5 * 20**2))


def test_text_alone_costs_no_features_and_no_nets(stages):
    found = stages(modalities="text", text_train="iemocap")
    assert sorted(found) == [0, 2, 6, 8, 9]
    assert found[6].disk == 5 * 4 * 4 * 2_000_000 + 5 * (300 + 100) * costs.vector_bytes(512)


def test_without_pretraining_stage_3_costs_nothing(stages):
    assert 3 not in stages(pretrain="")
    assert stages(pretrain="")[4] == stages()[4]


def test_the_full_net_has_the_multiplications_of_its_layers():
    net = nets.xvector_net(ROOT / "conf/xvector_pretrain.yaml", RATES)
    assert net.multiplications == 33 * 5 * 512 + 2 * 512 * 3 * 512 + 512 * 512 + 512 * 1500
    assert net.weights - net.multiplications == 3000 * 512 + 512 * 512
    assert net.units_per_utterance == 6 * 300


def test_a_text_model_is_sized_by_its_folder_or_else_as_bert_base(tmp_path):
    base = nets.text_net(ROOT / "conf/bert.yaml", "", RATES)
    assert base.multiplications == 12 * (4 * 768**2 + 2 * 768 * 3072)
    (tmp_path / "config.json").write_text(
        '{"num_hidden_layers": 2, "hidden_size": 10, "intermediate_size": 30, "vocab_size": 7}'
    )
    small = nets.text_net(ROOT / "conf/bert.yaml", str(tmp_path), RATES)
    assert (small.multiplications, small.weights, small.dim) == (2 * (400 + 600), 2000 + 70, 10)


def test_settings_without_a_key_are_refused(tmp_path):
    (tmp_path / "net.yaml").write_text("model: {frame_dims: [1, 1, 1, 1, 1]}\n")
    with pytest.raises(SerError, match=r"missing key 'model\.segment_dims'"):
        nets.xvector_net(tmp_path / "net.yaml", RATES)


@pytest.fixture
def free(monkeypatch):
    """Let all disks have a free size."""

    def have(size: float) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**12, 10**12, size))

    return have


def test_a_disk_with_less_free_than_the_stages_need_is_refused_with_both_and_the_remedy(free, tmp_path):
    plan = [costs.Cost(1, "features", 3e9, 0.0), costs.Cost(5, "embeddings", 1e9, 0.0)]
    free(4e9)
    disk.check_free(plan, tmp_path / "data", tmp_path / "exp", xvector_bert.LAST_OF_DATA)
    free(4e9 - 1)
    with pytest.raises(SerError, match=r"stages 1 to 5 need 4\.000 GB .* 4\.000 GB are free.*--check-disk false"):
        disk.check_free(plan, tmp_path / "data", tmp_path / "exp", xvector_bert.LAST_OF_DATA)


def test_what_a_stage_wrote_before_needs_no_room_again(free, tmp_path):
    (tmp_path / "cost.tsv").write_text(f"stage\tdisk_mb\n1\t{3e9 / 2**20}\n")
    free(1e6)
    disk.check_free([costs.Cost(1, "features", 3e9, 0.0)], tmp_path / "data", tmp_path, xvector_bert.LAST_OF_DATA)


@pytest.mark.parametrize("table", [b"stage\tdisk_mb\n1\t9x0\n", b"stage\tmegabytes\n1\t2\n", b"\xff\xfestage\n"])
def test_damaged_costs_of_an_earlier_run_are_refused_by_name(tmp_path, table):
    (tmp_path / "cost.tsv").write_bytes(table)
    with pytest.raises(SerError, match=r"cost\.tsv: damaged: .*; remove it"):
        disk.check_free([], tmp_path / "data", tmp_path, xvector_bert.LAST_OF_DATA)
