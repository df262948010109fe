from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.examples.dialogues import DialogueSource, number_speakers, read_dialogues, read_inputs
from ser.kaldi import ark, tables

# Utterance -> speaker, dialogue, seconds, in the order of the names.
UTTS = {
    "a-1": ("ann", "x", "0.5"),
    "a-2": ("ann", "x", "10.5"),
    "a-3": ("ann", "y", "2"),
    "b-1": ("bob", "x", "9.5"),
    "b-2": ("bob", "y", "1"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for column, name in enumerate(("utt2spk", "utt2dialogue", "utt2start")):
        tables.write_map(tmp_path / name, {utt: values[column] for utt, values in UTTS.items()})
    for name, width, missing in (("speech", 3, ()), ("text", 2, ("a-2",))):
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as writer:
            for number, utt in enumerate([*UTTS, "of another part"[:2]]):
                if utt not in missing:
                    writer.write(utt, np.full(width, number + 1, np.float32))
    return tmp_path


def inputs(data: Path) -> dict[str, str]:
    return {name: f"scp:{data}/{name}.scp" for name in ("text", "speech")}


def test_dialogues_are_in_the_order_of_speaking(data):
    dialogues = read_dialogues(data, inputs(data), in_context=True)
    assert [[dialogues.utts[index] for index in members] for members in dialogues.members] == [
        ["a-1", "b-1", "a-2"],
        ["b-2", "a-3"],
    ]
    assert dialogues.speakers.tolist() == [0, 0, 0, 1, 1]
    assert list(dialogues.vectors) == ["speech", "text"]


def test_an_utterance_without_a_vector_has_zeros_and_is_counted(data):
    dialogues = read_dialogues(data, inputs(data), in_context=True)
    assert dialogues.num_missing == {"speech": 0, "text": 1}
    assert dialogues.vectors["text"].tolist() == [[1, 1], [0, 0], [3, 3], [4, 4], [5, 5]]


def test_a_batch_pads_and_targets_follow_the_mask(data):
    source = DialogueSource(read_dialogues(data, inputs(data), in_context=True), np.arange(5), 2, seed=None)
    [(batch, targets)] = source.batches(0)
    assert batch["mask"].tolist() == [[True, True, True], [True, True, False]]
    assert targets.tolist() == [0, 3, 1, 4, 2]
    assert batch["speech"][..., 0].tolist() == [[1, 4, 2], [5, 3, 0]]
    assert batch["speaker"].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert (batch["speech"][batch["mask"]][:, 0].long() - 1).tolist() == targets.tolist()


def test_a_part_hears_the_whole_dialogues_and_is_asked_for_its_own_utterances_alone(data):
    part = data / "part"
    part.mkdir()
    tables.write_map(part / "utt2spk", {"a-2": "ann", "b-1": "bob"})  # no utt2dialogue: the whole corpus tells it
    dialogues = read_dialogues(part, inputs(data), in_context=True, context_dir=data)
    assert dialogues.part() == ["a-2", "b-1"] and dialogues.utts == ["a-1", "a-2", "b-1"]
    assert [[dialogues.utts[index] for index in members] for members in dialogues.members] == [["a-1", "b-1", "a-2"]]
    assert dialogues.num_missing == {"speech": 0, "text": 1}
    [(batch, targets)] = DialogueSource(dialogues, np.array([7, 8]), 2, seed=None).batches(0)
    assert batch["mask"].tolist() == [[True, True, True]] and batch["scored"].tolist() == [[False, True, True]]
    assert targets.tolist() == [8, 7]
    assert batch["speech"][..., 0].tolist() == [[1, 4, 2]]
    alone = read_dialogues(part, inputs(data), in_context=False, context_dir=data)
    assert alone.utts == alone.part() == ["a-2", "b-1"]
    tables.write_map(part / "utt2spk", {"a-9": "ann"})
    with pytest.raises(SerError, match="utt2spk: no line for 'a-9' of 1; give the whole corpus"):
        read_dialogues(part, inputs(data), in_context=True, context_dir=data)


def test_a_process_without_a_dialogue_of_a_batch_has_an_empty_one(data):
    source = DialogueSource(read_dialogues(data, inputs(data), in_context=True), np.arange(5), 2, seed=None)
    [(batch, targets)] = source.batches(0, rank=2, world=3)
    assert batch["mask"].shape == (0, 0)
    assert batch["speech"].shape == (0, 0, 3)
    assert targets.shape == (0,)


def test_without_context_an_utterance_is_a_dialogue_of_its_own(data):
    (data / "utt2dialogue").unlink()
    dialogues = read_dialogues(data, inputs(data), in_context=False)
    assert [members.tolist() for members in dialogues.members] == [[0], [1], [2], [3], [4]]
    source = DialogueSource(dialogues, np.arange(5), 2, seed=0)
    seen = [torch.cat([targets for _, targets in source.batches(epoch)]).tolist() for epoch in range(3)]
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in seen)
    assert len({tuple(order) for order in seen}) > 1
    assert torch.equal(list(source.batches(1))[2][1], next(source.batches(1, start=2))[1])


def test_context_wants_dialogues_and_their_order(data):
    (data / "utt2start").unlink()
    with pytest.raises(SerError, match="no utt2start; prepare the corpus again"):
        read_dialogues(data, inputs(data), in_context=True)


def test_three_speakers_are_refused():
    with pytest.raises(SerError, match="the dialogue of 'u1' has the speakers a, b, c; expected two"):
        number_speakers(["u1", "u2", "u3"], [np.arange(3)], {"u1": "a", "u2": "b", "u3": "c"})


def test_vectors_of_other_utterances_are_refused(data, tmp_path):
    with ark.Writer(f"ark:{tmp_path}/other.ark") as writer:
        writer.write("z-1", np.ones(2, np.float32))
    with pytest.raises(SerError, match="no vector for any utterance"):
        read_dialogues(data, {"text": f"ark:{tmp_path}/other.ark"}, in_context=False)


@pytest.mark.parametrize("pairs", [["text"], ["=scp:x"], ["text=scp:x", "text=scp:y"], ["mask=scp:x"]])
def test_bad_inputs_are_refused(pairs):
    with pytest.raises(SerError, match="expected <modality>=<rspecifier>, each once"):
        read_inputs(pairs)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("utt2dialogue", ("b-1 x\n", ""), r"utt2dialogue: no line for 1 of 5 utterances, the first 'b-1'; prepare"),
        ("utt2start", ("a-1 0.5\na-2 10.5\n", ""), r"utt2start: no line for 2 of 5 utterances, the first 'a-1'"),
        ("utt2start", ("a-3 2", "a-3 soon"), r"utt2start: expected seconds, found 'a-3 soon'; prepare the corpus"),
        ("utt2start", ("a-3 2", "a-3 nan"), r"utt2start: expected seconds, found 'a-3 nan'"),
    ],
)
def test_a_table_that_does_not_order_the_dialogues_is_named(data, name, change, message):
    text = (data / name).read_text()
    (data / name).write_text(text.replace(*change))
    assert (data / name).read_text() != text
    with pytest.raises(SerError, match=message):
        read_dialogues(data, inputs(data), in_context=True)


def test_a_vector_that_is_not_finite_is_named(data):
    with ark.Writer(f"ark,scp:{data}/text.ark,{data}/text.scp") as writer:
        for utt in UTTS:
            writer.write(utt, np.array([1.0, np.inf if utt == "b-1" else 0.0], np.float32))
    with pytest.raises(SerError, match=r"text.scp: 1 of 5 vectors hold NaN or infinity: b-1"):
        read_dialogues(data, inputs(data), in_context=True)
