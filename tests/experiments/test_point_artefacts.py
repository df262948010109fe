"""What cells are made of: shared where they have it in common, and never of what they must not have seen."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ser import cli
from ser.bin import plan_experiments
from ser.config import load_config
from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop, all_needed
from ser.experiments.finished_run import FinishedRun
from ser.experiments.grid import GridConfig, GridPoint, Variant, expand
from ser.experiments.point_artefacts import PointArtefacts
from ser.plan.layout import Layout
from ser.plan.roles import Roles
from ser.record.code import Sources
from ser.record.digests import Digests

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")
SOURCES = Sources(Path())
PAPER = load_config(GridConfig, "conf/experiments.yaml")


def data_dir(folder: Path) -> None:
    """Ten speakers in two folds, each with an utterance of every emotion."""
    folder.mkdir(parents=True)
    utts = [
        (f"s{speaker}-{emotion}", f"s{speaker}", emotion, speaker % 2 + 1)
        for speaker in range(10)
        for emotion in EMOTIONS
    ]
    (folder / "utt2spk").write_text("".join(f"{utt} {speaker}\n" for utt, speaker, _, _ in utts))
    (folder / "utt2emo").write_text("".join(f"{utt} {emotion}\n" for utt, _, emotion, _ in utts))
    (folder / "utt2fold").write_text("".join(f"{utt} {fold}\n" for utt, _, _, fold in utts))


@pytest.fixture
def run(tmp_path) -> Path:
    """The data dirs and models that ./run.sh leaves."""
    for name in (
        *("cremad", "iemocap", "dailydialog", "voxceleb1", "voxceleb2", "musan", "rirs_noises"),
        *(
            "cremad_emotion",
            "iemocap_emotion",
            "dailydialog_emotion",
            "test_none",
            "test_1",
            "test_2",
            "pretrain_none",
            "text_none",
        ),
    ):
        data_dir(tmp_path / "data" / name)
    for name in ("pretrain_none", "text_none"):
        folder = tmp_path / "exp" / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_text(name)
        (folder / "config.yaml").write_text("text_model: nowhere\nmodel: {}\nfit: {seed: 0}\n")
    return tmp_path


@pytest.fixture
def recipe(run, xvector_options) -> Callable[..., PointArtefacts]:
    """What makes the artefacts of conf/experiments.yaml; a grid or options of the run may be others."""

    def make(config: GridConfig = PAPER, sources: Sources = SOURCES, **options: str) -> PointArtefacts:
        at = Layout(run / "data", run / "exp")
        found = FinishedRun(xvector_options(name="xvector_bert", **options), at, Digests(run / "digests"))
        return PointArtefacts(config, Workshop(sources), found)

    return make


def cell(**changes) -> GridPoint:
    values = {
        "variant": "all", "seed": 0, "train": ("cremad",), "fold": "none", "layer": "tdnn7", "modality": "speech",
        "backend": "plda", "lda_dim": 0, "held_out": "none",
    }  # fmt: skip
    return GridPoint(**(values | changes))


def steps(*artefacts: Artefact) -> Counter[str]:
    return Counter(artefact.step for artefact in all_needed(artefacts))


def named(artefact: Artefact, step: str) -> list[Artefact]:
    return [one for one in all_needed([artefact]) if one.step == step]


def test_cells_that_differ_in_the_back_end_share_the_rest(recipe):
    made = recipe()
    cells = [made.cell(cell(backend=backend, lda_dim=dim)) for backend in ("plda", "cosine") for dim in (0, 200)]
    expected = {"cell": 4, "role": 1, "audit": 1, "net": 1, "embedded": 1, "embeddings": 1}
    assert steps(*cells) == expected


def test_a_cell_asks_for_its_lda_as_evaluate_backend_takes_it(recipe):
    for dim, written in ((0, "K-1"), (200, "200")):
        assert f" --lda-dim {written} " in recipe().cell(cell(lda_dim=dim)).commands[0]
        assert cli.lda_rows(written) == dim


def test_a_speaker_normalisation_is_a_setting_of_the_cell_alone(recipe):
    made = recipe()
    cells = [made.cell(cell(speaker_normalisation=words)) for words in ("none", "first 10")]
    assert steps(*cells)["cell"] == 2 and steps(*cells)["net"] == 1
    assert ' --speaker-normalisation "first 10" ' in cells[1].commands[0]
    assert made.row(cell(speaker_normalisation="all")).speaker_normalisation == "all"


def test_a_back_end_with_the_test_corpus_behind_a_net_without_it_trains_no_net_anew(run, recipe):
    made = recipe()
    both = ("cremad", "iemocap")
    without, mixed, with_it = (
        made.cell(cell(**changes))
        for changes in ({}, {"backend_train": both, "fold": "1"}, {"train": both, "fold": "1"})
    )
    assert named(mixed, "net") == named(without, "net") != named(with_it, "net")
    assert mixed.inputs[0] == with_it.inputs[0] != without.inputs[0]
    (audit,) = mixed.after
    assert f"{run}/data/test_1" in audit.note.made_of()
    rows = [made.row(one) for one in (cell(), cell(backend_train=both, fold="1"), cell(train=both, fold="1"))]
    assert [row.train for row in rows] == [
        "voxceleb1+voxceleb2+cremad",
        "voxceleb1+voxceleb2+cremad,backend:cremad+iemocap",
        "voxceleb1+voxceleb2+cremad+iemocap",
    ]


def test_a_fold_scored_by_what_was_trained_without_its_corpus_is_another_cell_of_the_same_models(run, recipe):
    made = recipe()
    whole, part = made.cell(cell()), made.cell(cell(part="2"))
    assert part.inputs == whole.inputs and part.after == whole.after
    assert f" {run}/data/test_2 " in part.commands[0] and " --fold 2 " in part.commands[0]
    assert made.row(cell(part="2")).name() != made.row(cell(part="1")).name()
    assert (made.row(cell(part="2")).test, made.row(cell(part="2")).fold) == ("iemocap_by_fold", "2")


def test_a_class_that_nothing_has_seen_is_kept_from_every_training_and_named_to_the_cell(recipe):
    found = recipe(unseen="sadness fear").cell(cell())
    assert '--unseen "sadness fear"' in found.commands[0]
    assert all("local/make_role_dir.sh --unseen 'sadness fear' " in role.commands[0] for role in named(found, "role"))


def test_the_card_of_a_grid_tells_the_words_of_its_cells_if_a_cell_has_any(recipe):
    made = recipe()
    assert made.text_used().splitlines() == [
        "cremad: of a random utterance of the same label in dailydialog (training only)", "iemocap: its own words",
    ]  # fmt: skip
    assert made.card_options()[-4:-2] == ["--text-condition", "gold"]
    speech = dataclasses.replace(
        PAPER, blocks=tuple(dataclasses.replace(one, modality=("speech",)) for one in PAPER.blocks)
    )
    made = recipe(config=speech)
    assert made.text_used() == "" and "--text-condition" not in made.card_options()


def test_layers_and_speech_with_text_share_one_net_and_one_text_model(recipe):
    made = recipe()
    cells = [
        made.cell(cell(layer=layer, modality=modality))
        for layer in ("tdnn6", "tdnn7")
        for modality in ("speech", "speech+text")
    ]
    found = steps(*cells)
    assert (found["net"], found["embeddings"], found["text_vectors"], found["joined"]) == (1, 1, 1, 2)


def test_another_seed_variant_fold_or_class_is_another_net(recipe):
    made = recipe()
    nets = {
        named(made.cell(cell(**changes)), "net")[0].name
        for changes in (
            {},
            {"seed": 1},
            {"variant": "frozen"},
            {"variant": "all+noise"},
            {"train": ("cremad", "iemocap"), "fold": "1"},
            {"train": ("cremad", "iemocap"), "fold": "2"},
            {"held_out": "anger"},
        )
    }
    assert len(nets) == 7


def test_a_seed_reaches_pretraining_fine_tuning_text_model_and_draws(run, recipe):
    made = recipe()
    own, other = (made.cell(cell(seed=seed, modality="speech+text")) for seed in (0, 1))
    # Seed 0 is that of the run, whose models serve.
    assert not named(own, "pretrained") and not named(own, "text_model")
    (pretrained,), (net,) = named(other, "pretrained"), named(other, "net")
    (text_model,), (vectors,) = named(other, "text_model"), named(other, "text_vectors")
    for trained in (pretrained, net, text_model):
        assert yaml.safe_load(trained.files["config.yaml"])["fit"]["seed"] == 1 and trained.trains
    assert f"--init-model {pretrained.path}/model " in net.commands[0] and pretrained in net.inputs
    assert f" {run}/data/pretrain_none {run}/data/pretrain_none/utt2spk " in pretrained.commands[0]
    assert str(run / "data/pretrain_none") in pretrained.given
    assert f" {run}/data/text_none {run}/data/text_none/utt2emo " in text_model.commands[0]
    assert " --seed 1 " in vectors.commands[-1] and f" {text_model.path}/model " in vectors.commands[-1]
    assert " --seed 0 " in named(own, "text_vectors")[0].commands[-1]
    assert "--seed 1 " in other.commands[0]
    # The net without a class needs no other pretraining; the text model does.
    held_out = made.cell(cell(seed=1, modality="speech+text", held_out="anger"))
    assert named(held_out, "pretrained") == [pretrained] and named(held_out, "text_model") != [text_model]


def test_an_average_over_seeds_scores_what_each_seed_made(recipe):
    made = recipe()
    average = made.cell(cell(seed="average", averaged=(0, 1, 2), modality="speech+text"))
    alone = [made.cell(cell(seed=seed, modality="speech+text")) for seed in (0, 1, 2)]
    tables = [f"scp:{one.inputs[1].path}/vectors.scp" for one in alone]
    assert [one.inputs[1] for one in alone] == list(average.inputs[1:])
    assert "".join(f" --also {table} {table}" for table in tables[1:]) in average.commands[0]
    assert average.commands[0].count(tables[0]) == 2 and "--seed average " in average.commands[0]
    assert made.row(cell(seed="average", averaged=(0, 1))).seed == "average"


def test_copies_at_other_speeds_train_the_net_and_not_the_back_end(run, recipe):
    data_dir(run / "data" / "cremad_speed0.9_emotion")
    variants = {**PAPER.variants, "slow": Variant("conf/xvector_finetune.yaml", False, ("0.9",))}
    made = recipe(dataclasses.replace(PAPER, variants=variants)).cell(cell(variant="slow"))
    (net,) = named(made, "net")
    assert "cremad_speed0.9_emotion" in net.inputs[0].commands[0]
    assert sum("cremad_speed0.9_emotion" in role.commands[0] for role in named(made, "role")) == 1


def test_a_class_that_is_held_out_is_left_out_of_every_training(recipe):
    made = recipe().cell(cell(held_out="anger", modality="speech+text"))
    roles = named(made, "role")
    assert len(roles) == 2 and all("--without-class anger " in role.note.made_of() for role in roles)
    for trained in (*named(made, "net"), *named(made, "text_model"), made):
        assert any(role in trained.inputs for role in roles)
    assert "--held-out anger" in made.note.made_of()
    assert "--without-class anger" in named(made, "text_vectors")[0].note.made_of()


def test_each_net_waits_for_the_audit_of_its_own_data(run, recipe):
    made = recipe().cell(cell(variant="all+noise", train=("cremad", "iemocap"), fold="2"))
    (net,) = named(made, "net")
    (audit,) = net.after
    assert audit.inputs == net.inputs
    assert f"{run}/data/test_2" in audit.note.made_of()


def test_names_change_with_inputs_and_with_nothing_else(run, recipe):
    before = recipe().cell(cell(modality="speech+text")).name
    assert recipe().cell(cell(modality="speech+text")).name == before
    (run / "exp/pretrain_none/curve.png").write_text("a picture")
    assert recipe().cell(cell(modality="speech+text")).name == before

    (run / "exp/pretrain_none/model.safetensors").write_text("other weights")
    other_weights = recipe().cell(cell(modality="speech+text"))
    assert other_weights.name != before
    (run / "data/test_none/utt2emo").write_text((run / "data/test_none/utt2emo").read_text().replace("fear", "anger"))
    other_labels = recipe().cell(cell(modality="speech+text"))
    assert other_labels.name != other_weights.name
    # What is scored is no input of the training.
    assert named(other_labels, "net")[0].name == named(other_weights, "net")[0].name


def test_a_change_of_code_makes_anew_the_steps_that_use_it_and_what_follows(recipe):
    class Edited(Sources):
        """The files here, one of them edited."""

        def used_by(self, commands: str) -> dict[str, str]:
            used = super().used_by(commands)
            return used | {path: "edited" for path in used if path == "ser/models/xvector.py"}

    before = {made.step: made.name for made in all_needed([recipe().cell(cell(modality="speech+text"))])}
    after = recipe(sources=Edited(Path())).cell(cell(modality="speech+text"))
    changed = {made.step for made in all_needed([after]) if made.name != before[made.step]}
    assert changed == {"net", "embeddings", "joined", "cell"}


def test_the_row_names_what_trained_the_cell(recipe):
    made = recipe()
    assert made.row(cell()).train == "voxceleb1+voxceleb2+cremad"
    joined = made.row(cell(modality="speech+text", train=("cremad", "iemocap"), fold="1"))
    assert (joined.train, joined.fold, joined.text) == ("voxceleb1+voxceleb2+cremad+iemocap+dailydialog", "1", "gold")
    text = made.row(cell(modality="text", variant="-", layer="bert", held_out="fear"))
    assert (text.train, text.fold, text.held_out, text.lda_dim) == ("dailydialog+cremad", "all", "fear", 0)


def test_the_paper_s_grid_plans(recipe):
    made = recipe()
    expansion = expand(PAPER, made.layers, Roles((), (), (), (), "iemocap", ("1", "2")))
    artefacts = {made.cell(one) for one in expansion.cells}
    assert len(artefacts) == len(expansion.cells)
    found = steps(*artefacts)
    # Of each of 12 variants one net without IEMOCAP and one for each of the 2 folds here, and 5 with a class held out.
    assert found["net"] == 12 * 3 + 5
    assert found["copies"] == 2
    assert found["text_model"] == 5


def test_what_the_run_did_not_make_is_named_with_the_command(run, recipe):
    (run / "exp/pretrain_none/model.safetensors").unlink()
    with pytest.raises(
        SerError, match=r"exp/pretrain_none: no finished model; make it by ./run.sh --name xvector_bert"
    ):
        recipe().cell(cell())
    (run / "data/test_1/utt2spk").unlink()
    with pytest.raises(SerError, match=r"data/test_1: no data dir"):
        recipe().cell(cell(train=("cremad", "iemocap"), fold="1"))


def test_an_encoders_embeddings_are_made_of_its_folder_and_of_no_net(run, recipe):
    folder = run / "net"
    folder.mkdir()
    (folder / "config.yaml").write_text("kind: yamnet\n")
    config = dataclasses.replace(PAPER, encoders=(f"y={folder}:9,10",))

    def made(**changes) -> tuple[list[Artefact], PointArtefacts]:
        found = recipe(config)
        return list(all_needed([found.cell(cell(variant="-", seed="-", layer="y_10", **changes))])), found

    artefacts, found = made()
    assert "net" not in {one.step for one in artefacts}
    (encoded,) = [one for one in artefacts if one.step == "encoded"]
    assert any(f"--encoder {folder} --layers 9,10 " in command for command in encoded.commands)
    row = found.row(cell(variant="-", seed="-", layer="y_10"))
    assert (row.train, row.layer, row.seed) == ("cremad", "y_10", "-")
    (folder / "config.yaml").write_text("kind: yamnet\nmodel: {}\n")
    assert next(one for one in made()[0] if one.step == "encoded").path != encoded.path


def test_noisy_copies_and_text_vectors_are_made_as_the_run_made_its_own(recipe):
    """A grid once made them by the steps' defaults, whatever the run's options were."""
    made = recipe(compress="false", speaker_cmvn="true", pooling="mean")
    (copies,) = named(made.cell(cell(variant="all+noise")), "copies")
    assert " --compress false " in copies.commands[1] and " --compress false --speaker-cmvn true " in copies.commands[2]
    (vectors,) = named(made.cell(cell(modality="text", variant="-", layer="bert")), "text_vectors")
    assert " --pooling mean " in vectors.commands[-1]


@pytest.mark.parametrize(("text_train", "kept"), [("iemocap", True), ("dailydialog", False)])
def test_a_text_model_learns_from_no_speaker_that_the_back_end_keeps_from_nets(run, recipe, text_train, kept):
    (run / "exp/text_1").symlink_to("text_none")
    (run / "data/text_1").symlink_to("text_none")
    point = cell(modality="speech+text", held_out="anger", train=("cremad", "iemocap"), fold="1")
    made = recipe(hold_out_speakers="0.2", text_train=text_train).cell(point)
    backend = made.inputs[0]
    assert " --hold-out=0.2 " in backend.commands[0]
    (text_model,) = named(made, "text_model")
    (role,) = text_model.inputs
    assert (f" --without-speakers={backend.path}/data/unseen_speakers " in role.commands[0]) == kept
    assert " --hold-out=" not in role.commands[0] and (backend in role.inputs) == kept


def test_the_first_line_is_the_folder_whatever_form_the_yaml_has(run, monkeypatch, capsys, xvector_words):
    """The driver once looked for the keys in the text of the YAML, and took another folder for those of a `like`."""
    root = run / "root"
    for kind in ("data", "exp"):
        (root / kind).mkdir(parents=True)
        (root / kind / "xvector_bert").symlink_to(run / kind)
    for name in ("conf", "local", "ser", "steps", "utils"):
        (root / name).symlink_to(Path(name).resolve())
    (run / "exp/plan").mkdir()
    (run / "exp/plan/options.args").write_text("".join(f"{word}\n" for word in xvector_words(name="xvector_bert")))
    block = {
        "variant": ["all"], "train": [["cremad"]], "fold": [], "layer": ["tdnn7"], "modality": ["speech"],
        "lda_dim": [0], "backend": ["plda"], "seed": [0], "held_out": ["none"],
    }  # fmt: skip
    (root / "mine.yaml").write_text(f"like: conf/experiments.yaml\nname: 'mine'\nblocks: [{block}]\n")
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["plan_experiments", "--dry-run", "true", "mine.yaml"])
    plan_experiments.main()
    folder, *counts = capsys.readouterr().out.splitlines()
    assert folder == "exp/xvector_bert/experiments/mine"
    assert "cell              1      0" in counts
