"""The commands of system D, on clips whose loud band and words whose kind tell the class."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.errors import SerError
from ser.kaldi import ark, datadir, tables
from ser.results import result_table

CONF = "conf/toy/vgg_bert"
MAP = {"ang": "anger", "hap": "happiness", "exc": "happiness", "sad": "sadness"}
BANDS = {"anger": 4, "happiness": 14, "sadness": 26}
WORDS = {"anger": "furious", "happiness": "glad", "sadness": "sorry"}
SPEAKERS = ("ann", "bob", "cat", "dan")
VGG = ["channels=[8,8,8]", "hidden=16", "cells=1", "batch_norm=true", "dropout=0.1"]
THREADS = ("--num-threads", 1, "--device", "cpu")


@pytest.fixture
def call(monkeypatch):
    """Run a command of ser.bin in this process; `call("train_vgg", ...)`."""

    def run(command: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
        importlib.import_module(f"ser.bin.{command}").main()

    return run


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Write the data dirs train, valid and test of 3 speakers and 1; each dialogue has two speakers who take turns.

    One test utterance lasts longer than a clip, one has no words and one a single word.
    """
    folder = tmp_path_factory.mktemp("vgg_bert")
    rng = np.random.default_rng(0)
    tables.write_map(folder / "map", MAP)
    for part, size in (("train", 72), ("valid", 24), ("test", 24)):
        found: dict[str, dict[str, str]] = {name: {} for name in ("text", "utt2emo", "utt2votes", "utt2dialogue")}
        found |= {"utt2spk": {}, "utt2start": {}}
        (folder / part).mkdir()
        feats = {}
        for number in range(size):
            emotion = list(BANDS)[number % 3]
            speaker = SPEAKERS[number % 2] if part == "train" else SPEAKERS[2 + number % 2]
            utt = f"{speaker}-{part}{number:03}"
            picture = rng.uniform(0, 40, (200 if number == 5 else int(rng.integers(40, 60)), 32)).astype(np.float32)
            picture[:, BANDS[emotion] : BANDS[emotion] + 4] += 40
            feats[utt] = picture
            words = [*rng.choice(["the", "house", "today", "we", "saw"], 4), WORDS[emotion]]
            found["text"][utt] = {7: "", 8: WORDS[emotion]}.get(number, " ".join(words))
            found["utt2emo"][utt] = emotion
            found["utt2votes"][utt] = f"{next(k for k, v in MAP.items() if v == emotion)}:2 exc:1"
            found["utt2spk"][utt] = speaker
            found["utt2dialogue"][utt] = f"{part}{number // 8}"
            found["utt2start"][utt] = f"{number % 8}.5"
        with ark.Writer(f"ark,scp:{folder / part}/feats.ark,{folder / part}/feats.scp") as writer:
            for utt in sorted(feats):
                writer.write(utt, feats[utt])
        feats_scp = tables.read_map(folder / part / "feats.scp")
        datadir.write_data_dir(folder / part, found | {"feats.scp": feats_scp})
    return folder


def train_vgg(call, data: Path, model: Path, *options: object, train: str = "train") -> Path:
    settings = [word for setting in VGG for word in ("--set", f"model.{setting}")]
    settings += ["--set", "data.frames=64", "--set", "fit.epochs=10", "--set", "data.batch_size=8"]
    arguments = ("--config", f"{CONF}/vgg.yaml", *settings, *THREADS, "--label-map", data / "map", *options)
    call("train_vgg", *arguments, "--valid-data", data / "valid", data / train, model)
    return model


def best_accuracy(model: Path) -> float:
    header, *rows = [line.split("\t") for line in (model / "train.tsv").read_text().splitlines()]
    return max(float(row[header.index("valid_accuracy")]) for row in rows)


@pytest.fixture(scope="module")
def speech(data) -> Path:
    """A trained VGG with the embeddings and probabilities of all parts."""
    with pytest.MonkeyPatch.context() as monkeypatch:

        def call(command: str, *arguments: object) -> None:
            monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
            importlib.import_module(f"ser.bin.{command}").main()

        model = train_vgg(call, data, data / "vgg")
        for part in ("train", "valid", "test"):
            specifier = f"ark,scp:{data}/{part}.ark,{data}/{part}.scp"
            call("extract_vgg_embeddings", *THREADS, model, data / part, specifier)
    lines = [line for part in ("train", "valid", "test") for line in (data / f"{part}.scp").read_text().splitlines()]
    (data / "speech.scp").write_text("\n".join(lines) + "\n")
    return model


def posteriors(call, data: Path, model: Path, vectors: Path, name: str) -> dict[str, np.ndarray]:
    call("compute_posteriors", model, f"scp:{vectors}", f"ark,scp:{data}/{name}.ark,{data}/{name}.scp")
    return ark.load(f"scp:{data}/{name}.scp")


def planted_text(data: Path, name: str, sure: float = 0.9) -> None:
    """Write probabilities of a text model that is right but for anger, which it takes for sadness."""
    with ark.Writer(f"ark,scp:{data}/{name}.ark,{data}/{name}.scp") as writer:
        for part in ("train", "valid", "test"):
            texts = tables.read_map(data / part / "text", allow_empty=True)
            for utt, emotion in tables.read_map(data / part / "utt2emo").items():
                if texts[utt]:
                    row = np.full(3, (1 - sure) / 2, np.float32)
                    row[1 if emotion == "happiness" else 2] = sure
                    writer.write(utt, row)


def test_a_planted_band_is_learnt_and_the_model_knows_its_normalisation(call, data, speech):
    assert best_accuracy(speech) > 0.9
    assert (speech / "classes.txt").read_text().split() == ["anger", "happiness", "sadness"]
    found = posteriors(call, data, speech, data / "test.scp", "test_posteriors")
    truth = tables.read_map(data / "test" / "utt2emo")
    assert len(found) == 24
    right = [list(BANDS)[row.argmax()] == truth[utt] for utt, row in found.items()]
    assert np.mean(right) > 0.9
    np.testing.assert_allclose([row.sum() for row in found.values()], 1, rtol=1e-5)


def test_a_clip_longer_than_the_models_is_scored_by_its_middle(call, data, speech, tmp_path, caplog):
    caplog.set_level("INFO")
    call("extract_vgg_embeddings", *THREADS, speech, data / "test", f"ark:{tmp_path}/all.ark")
    assert "1 are longer than a clip, and their middle counts" in caplog.text
    [long] = [utt for utt, frames in ark.read(f"scp:{data}/test/feats.scp") if len(frames) > 64]
    frames = ark.load(f"scp:{data}/test/feats.scp")[long]
    first = int(0.5 * (len(frames) - 64 + 1))
    (tmp_path / "cut").mkdir()
    with ark.Writer(f"ark,scp:{tmp_path}/cut/feats.ark,{tmp_path}/cut/feats.scp") as writer:
        writer.write(long, frames[first : first + 64])
    call("extract_vgg_embeddings", *THREADS, speech, tmp_path / "cut", f"ark:{tmp_path}/cut.ark")
    whole, cut = ark.load(f"ark:{tmp_path}/all.ark")[long], ark.load(f"ark:{tmp_path}/cut.ark")[long]
    np.testing.assert_allclose(whole, cut, rtol=1e-4, atol=1e-5)


def test_training_is_reproducible_and_a_finished_one_is_left_alone(call, data, tmp_path, caplog):
    caplog.set_level("INFO")
    options = ("--set", "fit.epochs=1")
    weights = [(train_vgg(call, data, tmp_path / name, *options) / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]
    train_vgg(call, data, tmp_path / "a", *options)
    assert "already trained" in caplog.text


def test_soft_targets_train_on_the_votes_and_learn_their_shares(call, data, tmp_path):
    model = train_vgg(call, data, tmp_path / "soft", "--soft-targets", "true")
    assert best_accuracy(model) > 0.9
    call("extract_vgg_embeddings", *THREADS, model, data / "train", f"ark,scp:{tmp_path}/v.ark,{tmp_path}/v.scp")
    found = posteriors(call, tmp_path, model, tmp_path / "v.scp", "p")
    emotions = tables.read_map(data / "train" / "utt2emo")
    # Two votes for anger and one for excitement: some of the probability goes to happiness, and none to sadness.
    angry = np.mean([row for utt, row in found.items() if emotions[utt] == "anger"], axis=0)
    assert angry[0] > angry[1] > 3 * angry[2]


def test_a_class_that_no_training_utterance_has_is_never_said_and_keeps_its_column(call, data, tmp_path):
    utt2emo = tables.read_map(data / "train" / "utt2emo")
    train = tmp_path / "train"
    kept = [utt for utt in utt2emo if utt2emo[utt] != "anger"]
    names = [name for name in datadir.table_names(data / "train") if name != "spk2utt"]
    read = {name: datadir.read_table(data / "train", name) for name in names}
    datadir.write_data_dir(train, {name: {utt: read[name][utt] for utt in kept} for name in names})
    model = train_vgg(call, data, tmp_path / "model", train=str(train))
    assert (model / "classes.txt").read_text().split() == ["anger", "happiness", "sadness"]
    call("extract_vgg_embeddings", *THREADS, model, data / "test", f"ark,scp:{tmp_path}/v.ark,{tmp_path}/v.scp")
    found = posteriors(call, tmp_path, model, tmp_path / "v.scp", "p")
    assert all(len(row) == 3 and row.argmax() > 0 for row in found.values())
    names = ("--system", "vgg_bert", "--train", "x", "--test", "x", "--layer", "vgg", "--modality", "speech")
    call(
        "evaluate_posteriors", *names, model / "classes.txt", data / "test", f"scp:{tmp_path}/p.scp", tmp_path / "cell"
    )
    [row] = result_table.from_tsv((tmp_path / "cell" / "result.tsv").read_text(), "result.tsv")
    assert row.uar == pytest.approx(200 / 3, abs=10)


def test_a_copy_of_a_validation_utterance_must_not_train(call, data, tmp_path):
    train = tmp_path / "train"
    train.mkdir()
    for name in ("utt2spk", "utt2emo", "feats.scp"):
        tables.write_map(train / name, tables.read_map(data / "train" / name))
    first = min(tables.read_map(data / "train" / "utt2emo"))
    validated = min(tables.read_map(data / "valid" / "utt2emo"))
    tables.write_map(train / "utt2uniq", {first: validated})
    with pytest.raises(SerError, match=f"validation set .*, the first '{validated}'"):
        train_vgg(call, data, tmp_path / "model", train=str(train))
    assert not (tmp_path / "model").exists()


def test_neither_fusion_nor_text_model_validates_on_what_trains(call, data, tmp_path):
    planted_text(data, "text_posteriors")
    shared = (*THREADS, "--label-map", data / "map", "--valid-data", data / "train")
    vectors = f"text=scp:{data}/text_posteriors.scp"
    with pytest.raises(SerError, match=r"72 utterances of .*train or copies of them are in the validation set .*train"):
        call(
            "train_fusion", "--config", f"{CONF}/fusion.yaml", *shared, "--input", vectors,
            data / "train", tmp_path / "model",
        )  # fmt: skip
    call("build_toy_bert", "--config", f"{CONF}/bert.yaml", data / "train", tmp_path / "init")
    with pytest.raises(SerError, match=r"71 utterances of .*train or copies of them are in the validation set .*train"):
        call(
            "train_text", "--config", f"{CONF}/bert.yaml", *shared, "--text-model", tmp_path / "init",
            data / "train", data / "train" / "utt2emo", tmp_path / "model",
        )  # fmt: skip
    assert not (tmp_path / "model").exists()


def train_fusion(call, data: Path, model: Path, config: str, inputs: dict[str, str], *options: object) -> Path:
    pairs = [word for name, table in inputs.items() for word in ("--input", f"{name}=scp:{data}/{table}.scp")]
    arguments = ("--config", f"{CONF}/{config}.yaml", "--label-map", data / "map", *THREADS, *options, *pairs)
    call("train_fusion", *arguments, "--valid-data", data / "valid", data / "train", model)
    call("apply_fusion", *THREADS, *pairs, model, data / "test", f"ark,scp:{model}/p.ark,{model}/p.scp")
    return model


@pytest.mark.parametrize("soft", ["false", "true"])
def test_late_fusion_is_right_where_either_model_is(call, data, speech, tmp_path, soft):
    posteriors(call, data, speech, data / "speech.scp", "speech_posteriors")
    planted_text(data, "text_posteriors")
    inputs = {"speech": "speech_posteriors", "text": "text_posteriors"}
    model = train_fusion(call, data, tmp_path / "fusion", "fusion", inputs, "--soft-targets", soft)
    found = ark.load(f"scp:{model}/p.scp")
    truth = tables.read_map(data / "test" / "utt2emo")
    right = [list(BANDS)[row.argmax()] == truth[utt] for utt, row in found.items()]
    assert len(found) == 24 and np.mean(right) > 0.9


def test_an_utterance_without_words_is_scored_by_speech_alone_and_counted(call, data, speech, tmp_path, caplog):
    caplog.set_level("INFO")
    alone = posteriors(call, data, speech, data / "speech.scp", "speech_posteriors")
    planted_text(data, "text_posteriors")
    names = ("--system", "vgg_bert", "--train", "x", "--test", "x", "--layer", "bert", "--modality", "text")
    cell = tmp_path / "cell"
    with pytest.raises(
        SerError, match=r"no probabilities of 1 of 24 utterances .* give --fallback, probabilities from speech alone"
    ):
        call(
            "evaluate_posteriors",
            *names,
            speech / "classes.txt",
            data / "test",
            f"scp:{data}/text_posteriors.scp",
            cell,
        )
    fallback = ("--fallback", f"scp:{data}/speech_posteriors.scp")
    call(
        "evaluate_posteriors",
        *names,
        *fallback,
        speech / "classes.txt",
        data / "test",
        f"scp:{data}/text_posteriors.scp",
        cell,
    )
    [silent] = [utt for utt, words in tables.read_map(data / "test" / "text", allow_empty=True).items() if not words]
    assert (cell / "text_missing").read_text().split() == [silent]
    assert "1 of 24 test utterances have no text and are scored by speech" in caplog.text
    written = np.array(tables.read_map(cell / "posteriors.txt")[silent].split(), float)
    np.testing.assert_allclose(written, alone[silent], atol=1e-6)
    [row] = result_table.from_tsv((cell / "result.tsv").read_text(), "result.tsv")
    assert (row.system, row.utts, row.eer, row.backend) == ("vgg_bert", 24, None, "-")

    # An utterance that has words must have probabilities of its own.
    spoken = next(utt for utt in tables.read_map(data / "test" / "utt2emo") if utt != silent)
    with ark.Writer(f"ark:{tmp_path}/rest.ark") as writer:
        for utt, vector in ark.load(f"scp:{data}/text_posteriors.scp").items():
            if utt != spoken:
                writer.write(utt, vector)
    with pytest.raises(SerError, match=rf"rest\.ark: nothing of 1 utterances that have words .*, the first {spoken}"):
        words = (speech / "classes.txt", data / "test", f"ark:{tmp_path}/rest.ark", tmp_path / "other")
        call("evaluate_posteriors", *names, *fallback, *words)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_a_text_of_one_word_is_scored_by_its_word(call, data, tmp_path, kind):
    for part in ("train", "valid"):
        assert (data / part / "text").exists()
    call("build_toy_bert", "--kind", kind, "--config", f"{CONF}/bert.yaml", data / "train", tmp_path / "init")
    everything = {k: v for part in ("train", "valid") for k, v in tables.read_map(data / part / "utt2emo").items()}
    tables.write_map(tmp_path / "utt2emo", everything)
    options = ("--label-map", data / "map", "--soft-targets", "true", "--valid-data", data / "valid")
    arguments = ("--config", f"{CONF}/bert.yaml", "--text-model", tmp_path / "init", *THREADS, *options)
    call("train_text", *arguments, data / "train", tmp_path / "utt2emo", tmp_path / "bert")
    call(
        "extract_text_embeddings",
        *THREADS,
        tmp_path / "bert",
        data / "test",
        f"ark,scp:{tmp_path}/v.ark,{tmp_path}/v.scp",
    )
    found = posteriors(call, tmp_path, tmp_path / "bert", tmp_path / "v.scp", "p")
    texts = tables.read_map(data / "test" / "text", allow_empty=True)
    [short] = [utt for utt, words in texts.items() if len(words.split()) == 1]
    assert found[short].argmax() == 2 and len(found) == 23
    truth = tables.read_map(data / "test" / "utt2emo")
    assert np.mean([list(BANDS)[row.argmax()] == truth[utt] for utt, row in found.items()]) > 0.9


def test_a_linear_layer_on_embeddings_takes_the_place_of_a_net(call, data, speech, tmp_path):
    model = train_fusion(call, data, tmp_path / "encoder", "encoder", {"speech": "speech"})
    assert best_accuracy(model) > 0.9
    assert sum(len(row) == 3 for row in ark.load(f"scp:{model}/p.scp").values()) == 24


@pytest.mark.parametrize("network", ["bc_lstm", "icon"])
def test_yardsticks_learn_from_embeddings_in_their_dialogues(call, data, speech, tmp_path, network):
    planted_text(data, "text_vectors")
    inputs = {"speech": "speech", "text": "text_vectors"}
    model = train_fusion(call, data, tmp_path / network, network, inputs)
    assert best_accuracy(model) > 0.9
    found = ark.load(f"scp:{model}/p.scp")
    truth = tables.read_map(data / "test" / "utt2emo")
    assert np.mean([list(BANDS)[row.argmax()] == truth[utt] for utt, row in found.items()]) > 0.9
    with pytest.raises(SerError, match="trained on other inputs than"):
        call("apply_fusion", "--input", f"speech=scp:{data}/speech.scp", model, data / "test", f"ark:{tmp_path}/x.ark")


def test_late_fusion_refuses_embeddings(call, data, speech, tmp_path):
    with pytest.raises(SerError, match="late fusion takes probabilities of 3 classes; found vectors of"):
        train_fusion(call, data, tmp_path / "fusion", "fusion", {"speech": "speech"})


def test_posteriors_want_embeddings_of_their_own_model(call, data, speech, tmp_path):
    planted_text(data, "text_posteriors")
    with pytest.raises(SerError, match=r"vectors of dimension 3, but .* has embeddings of 16; extract them with this"):
        call("compute_posteriors", speech, f"scp:{data}/text_posteriors.scp", f"ark:{tmp_path}/p.ark")
