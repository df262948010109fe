"""The declared axes become cells: each combination once, those that cannot be dropped and counted."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from ser.config import from_mapping, load_config, read_yaml
from ser.errors import SerError
from ser.experiments.grid import GridConfig, GridPoint, expand
from ser.plan.roles import Roles

LAYERS = {"all": ("tdnn6", "tdnn7"), "tdnn8": ("tdnn6", "tdnn7", "tdnn8")}
ROLES = Roles(("voxceleb1",), (), (), ("dailydialog",), "iemocap", ("1", "2"))


def grid(**axes) -> GridConfig:
    """A grid of one block: the axes of conf/toy/experiments.yaml of one value each, but for `axes`."""
    settings = yaml.safe_load(Path("conf/toy/experiments.yaml").read_text())
    block = {
        "variant": ["all"], "train": [["cremad"]], "fold": [], "layer": ["tdnn7"], "modality": ["speech"],
        "lda_dim": [0], "backend": ["plda"], "seed": [0], "held_out": ["none"],
    }  # fmt: skip
    variants = {name: {"config": "x.yaml", "noise": False} for name in LAYERS}
    return from_mapping(GridConfig, settings | {"variants": variants, "blocks": [block | axes]}, "grid")


def cells(**axes) -> tuple[GridPoint, ...]:
    return expand(grid(**axes), LAYERS, ROLES).cells


def test_a_block_is_the_product_of_its_axes():
    found = cells(layer=["tdnn6", "tdnn7"], backend=["plda", "cosine"], seed=[0, 1, 2])
    assert len(found) == len(set(found)) == 12
    assert {(cell.layer, cell.backend, cell.seed) for cell in found} == {
        (layer, backend, seed) for layer in ("tdnn6", "tdnn7") for backend in ("plda", "cosine") for seed in (0, 1, 2)
    }


def test_folds_belong_to_trainings_that_have_the_test_corpus():
    found = cells(train=[["cremad"], ["cremad", "iemocap"]])
    assert [(cell.train, cell.fold) for cell in found] == [
        (("cremad",), "none"), (("cremad", "iemocap"), "1"), (("cremad", "iemocap"), "2"),
    ]  # fmt: skip
    assert [cell.fold for cell in cells(train=[["iemocap"]], fold=["2"])] == ["2"]


def test_a_back_end_may_be_trained_with_the_test_corpus_where_the_net_is_not():
    found = cells(train=[["cremad"]], backend_train=[[], ["cremad"], ["cremad", "iemocap"]])
    assert [(cell.train, cell.backend_corpora, cell.fold) for cell in found] == [
        (("cremad",), ("cremad",), "none"),
        (("cremad",), ("cremad", "iemocap"), "1"),
        (("cremad",), ("cremad", "iemocap"), "2"),
    ]
    # Text has no net: its back end alone counts.
    found = cells(train=[["cremad", "iemocap"]], backend_train=[["cremad"]], modality=["text"])
    assert [(cell.train, cell.backend_train, cell.fold) for cell in found] == [(("cremad",), (), "none")]


def test_what_is_trained_without_the_test_corpus_is_scored_as_a_whole_or_fold_by_fold():
    found = cells(train=[["cremad"], ["cremad", "iemocap"]], scored=["whole", "folds"])
    assert [(cell.train[-1], cell.fold, cell.part) for cell in found] == [
        ("cremad", "none", "-"), ("cremad", "none", "1"), ("cremad", "none", "2"),
        ("iemocap", "1", "-"), ("iemocap", "2", "-"),
    ]  # fmt: skip


def test_text_has_no_variant_or_layer_but_a_seed_and_logistic_no_lda():
    found = cells(modality=["text"], variant=["all", "tdnn8"], seed=[0, 1], layer=["tdnn6", "tdnn7"])
    assert [(cell.variant, cell.seed, cell.layer) for cell in found] == [("-", 0, "bert"), ("-", 1, "bert")]
    (cell,) = cells(backend=["logistic"], lda_dim=[0, 4, 200])
    assert cell.lda_dim == "-"


def test_the_average_of_the_scores_of_all_seeds_is_one_more_cell():
    found = cells(seed=[2, 0, 1], average_seeds=True, layer=["tdnn6", "tdnn7"])
    assert [cell.seed for cell in found if cell.layer == "tdnn7"] == [2, 0, 1, "average"]
    average = found[-1]
    assert (average.averaged, average.layer) == ((0, 1, 2), "tdnn7")
    assert average.of_each_seed() == [next(c for c in found if (c.seed, c.layer) == (s, "tdnn7")) for s in (0, 1, 2)]
    with pytest.raises(SerError, match="average_seeds: there is one seed; give two or more"):
        cells(seed=[1, 1], average_seeds=True)


def test_speaker_normalisation_is_an_axis_of_known_words():
    found = cells(speaker_normalisation=["none", "all", "first 10"])
    assert [cell.speaker_normalisation for cell in found] == ["none", "all", "first 10"]
    with pytest.raises(SerError, match="speaker_normalisation: found 'some'; expected none, all or first"):
        cells(speaker_normalisation=["some"])


def test_layers_of_an_encoder_stand_beside_the_nets_and_have_no_variant_or_seed():
    axes = {"layer": ["tdnn7", "w_6"], "seed": [0, 1]}
    config = dataclasses.replace(grid(**axes), encoders=("w=microsoft/wavlm-base:6",))
    found = expand(config, LAYERS, ROLES)
    assert [(cell.layer, cell.variant, cell.seed) for cell in found.cells] == [
        ("tdnn7", "all", 0), ("w_6", "-", "-"), ("tdnn7", "all", 1),
    ]  # fmt: skip
    assert found.absent == 0
    # Its joined text has a seed.
    joined = expand(dataclasses.replace(config, blocks=grid(modality=["speech+text"], **axes).blocks), LAYERS, ROLES)
    assert [cell.seed for cell in joined.cells if cell.layer == "w_6"] == [0, 1]
    with pytest.raises(SerError, match="layer: unknown 'w_7'; known: tdnn6, tdnn7, tdnn8, w_6"):
        expand(dataclasses.replace(config, blocks=grid(layer=["w_7"]).blocks), LAYERS, ROLES)


def test_a_layer_that_the_variant_does_not_have_is_dropped_and_counted():
    expansion = expand(grid(variant=["all", "tdnn8"], layer=["tdnn7", "tdnn8"]), LAYERS, ROLES)
    assert [(cell.variant, cell.layer) for cell in expansion.cells] == [
        ("all", "tdnn7"), ("tdnn8", "tdnn7"), ("tdnn8", "tdnn8"),
    ]  # fmt: skip
    # Two folds of one cell each: of 8 points 2 have no such layer and 3 are others' cells.
    assert (expansion.points, expansion.absent, expansion.shared) == (8, 2, 3)


def test_a_cell_of_two_blocks_is_there_once():
    config = grid()
    twice = dataclasses.replace(config, blocks=(*config.blocks, *config.blocks))
    assert len(expand(twice, LAYERS, ROLES).cells) == 1


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"variant": ["al"]}, r"block 1 of the grid toy: variant: unknown 'al'; known: all, tdnn8"),
        ({"fold": ["3"]}, r"fold: unknown '3'; known: 1, 2"),
        ({"layer": ["tdnn9"]}, r"layer: unknown 'tdnn9'; known: tdnn6, tdnn7, tdnn8"),
        ({"scored": ["half"]}, r"scored\[0\]: expected one of whole, folds; found 'half'"),
        ({"seed": []}, r"block 1 of the grid toy: an axis is empty"),
        ({"modality": ["video"]}, r"expected one of speech, text, speech\+text; found 'video'"),
        ({"layers": ["tdnn6"]}, r"unknown key 'layers'; valid keys: variant, train,"),
        ({"lda_dim": ["K-1"]}, r"lda_dim\[0\]: expected int; found 'K-1'"),
    ],
)
def test_what_is_not_there_is_refused_by_name(axes, message):
    with pytest.raises(SerError, match=message):
        cells(**axes)


@pytest.mark.parametrize("path", ["conf/experiments.yaml", "conf/toy/experiments.yaml", "conf/toy/seeds.yaml"])
def test_the_grids_that_come_along_are_whole(path):
    config = load_config(GridConfig, path)
    for variant in config.variants.values():
        assert Path(variant.config).is_file()


def test_the_paper_s_grid_has_its_table():
    config = load_config(GridConfig, "conf/experiments.yaml")
    sizes = {name: len(read_yaml(one.config)["model"]["segment_dims"]) for name, one in config.variants.items()}
    layers = {name: tuple(f"tdnn{6 + place}" for place in range(size)) for name, size in sizes.items()}
    expansion = expand(config, layers, dataclasses.replace(ROLES, folds=("1", "2", "3", "4", "5")))
    nets = 2 * (2 * 2 + 2 * 3 + 2 * 4)  # layers of the 12 variants
    assert sum(map(len, layers.values())) == nets
    # Without IEMOCAP, its 5 folds for net and back end, and for the back end alone, which text does not tell apart.
    assert sum(cell.lda_dim == 200 for cell in expansion.cells) == 11 * 2 * nets + 6
    same_trials = [cell for cell in expansion.cells if cell.part != "-"]
    assert len(same_trials) == 5 * (2 * nets + 1) and {cell.fold for cell in same_trials} == {"none"}
    assert len(expansion.cells) == 2046
    assert {cell.held_out for cell in expansion.cells} - {"none"} == {
        "anger",
        "fear",
        "happiness",
        "neutral",
        "sadness",
    }
