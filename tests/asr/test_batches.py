import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.asr import numerator
from ser.asr.batches import SpeechBatches, Supervision, check_left_out, output_frames, pad, usable, whitening
from ser.asr.context import ContextConfig, make_context
from ser.asr.den_graph import make_denominator
from ser.asr.flat_start import FlatStart, loud
from ser.asr.lexicon import make_lexicon
from ser.asr.phone_lm import PhoneLmConfig, estimate
from ser.asr.transcripts import SilenceConfig, one_way
from ser.errors import SerError
from ser.kaldi import ark

LEXICON = make_lexicon([("ba", "BA"), ("ab", "AB")], unknown=False)
FRAMES = {"u1": 40, "u2": 31, "u3": 55, "u4": 62, "u5": 33}
TEXTS = dict.fromkeys(FRAMES, "ba ab")


@pytest.fixture
def supervision() -> Supervision:
    rng = np.random.default_rng(0)
    sequences = [one_way(["ba", "ab"], LEXICON, SilenceConfig(0.5, 0.5), rng) for _ in range(20)]
    context = make_context(LEXICON.phones, sequences, ContextConfig("mono"))
    _, phones = make_denominator(estimate(sequences, PhoneLmConfig(3, 2, 10)), context, 0.1)
    return Supervision(TEXTS, LEXICON, phones)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for name, width, period in (("feats", 4, 1), ("ivectors", 2, 10)):
        with ark.Writer(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as writer:
            for utt, count in FRAMES.items():
                writer.write(utt, rng.standard_normal((-(-count // period), width)).astype(np.float32))
    return tmp_path


def make(tables: Path, supervision: Supervision, seed: int | None = 0, utts: list[str] | None = None) -> SpeechBatches:
    readers = ark.Reader(tables / "feats.scp"), ark.Reader(tables / "ivectors.scp")
    return SpeechBatches(utts or list(FRAMES), *readers, supervision, (2, 3), batch_size=2, seed=seed)


def test_a_batch_holds_padded_features_middle_ivectors_and_numerators(tables, supervision):
    source = make(tables, supervision, seed=None, utts=["u1", "u2"])
    ((inputs, targets),) = source.batches(0)
    assert inputs["features"].shape == (2, 2 + 40 + 3, 4)
    first = ark.Reader(tables / "feats.scp")["u2"]  # the shortest comes first
    np.testing.assert_array_equal(inputs["features"][0, 2 : 2 + 31], first)
    assert (inputs["features"][0, :2] == torch.from_numpy(first[0])).all()
    assert (inputs["features"][0, 33:] == torch.from_numpy(first[-1])).all()
    np.testing.assert_array_equal(inputs["ivectors"][0], ark.Reader(tables / "ivectors.scp")["u2"][1])
    found, lengths = numerator.unpack(targets)
    assert lengths.tolist() == [11, 14]
    assert found[0].shortest() == 4


def test_phones_stay_near_an_equal_division_in_the_first_epochs(tables, supervision):
    context = make_context(LEXICON.phones, [[0, 1, 2]], ContextConfig("mono"))
    restricted = dataclasses.replace(supervision, flat_start=FlatStart(LEXICON, context, 0.1))
    readers = ark.Reader(tables / "feats.scp"), ark.Reader(tables / "ivectors.scp")
    source = SpeechBatches(["u3"], *readers, restricted, (2, 3), batch_size=1, seed=0, flat_start_epochs=1)
    outputs = torch.zeros(1, output_frames(55), context.num_pdfs)
    silence = context.pdfs_of_phones()[0]
    at_first, later = (
        numerator.forward_backward(outputs, *numerator.unpack(next(source.batches(epoch))[1]))[1][0, :, silence]
        .sum(1).numpy()
        for epoch in (0, 1)
    )  # fmt: skip
    frames = loud(readers[0]["u3"][::3, 0])
    assert 5 < frames.sum() < 15
    assert at_first[frames].max() < 0.01 < 0.1 < later[: len(frames)][frames].min()


def test_epochs_are_drawn_by_their_number_and_begin_at_other_frames(tables, supervision):
    source = make(tables, supervision)
    first = [inputs["features"] for inputs, _ in source.batches(1)]
    again = [inputs["features"] for inputs, _ in source.batches(1, start=1)]
    assert len(first) == source.num_batches(0) == 3
    assert all(torch.equal(a, b) for a, b in zip(first[1:], again, strict=True))
    assert sorted(index for batch in source.plan(5) for index in batch) == list(range(5))
    one = make(tables, supervision, utts=["u1"])
    shifted = [next(one.batches(epoch))[0]["features"] for epoch in range(4)]
    assert [len(array[0]) for array in shifted] == [45, 44, 43, 45]
    rows = [next(one.batches(0, rank=rank, world=2))[1] for rank in range(2)]
    assert [len(row) for row in rows] == [1, 0]


def test_utterances_that_cannot_train_are_told_with_reasons(supervision, caplog):
    texts = {"a": "ba ab", "b": "", "c": "ba ab", "d": "ba ab", "e": "ab ba ab ba ab"}
    frames = {"a": 40, "b": 40, "c": 10, "d": 4000, "e": 90}
    broken = Supervision(texts, LEXICON, supervision.den)
    kept, reasons = usable(list(texts), frames, broken, max_seconds=30.0)
    assert kept == ["a"]
    assert reasons == {
        "b": "empty transcript",
        "c": "too short: 3 output frames for 4 phones or more",
        "d": "too long: 40.0 s, over data.max_seconds",
        "e": "no path through the denominator: the phone LM never saw these phones in this order",
    }
    with caplog.at_level(logging.WARNING), pytest.raises(SerError, match="cannot train, over the limit of 5%"):
        check_left_out(len(kept), reasons, 0.05, "data/train")
    assert "data/train: 1 utterances left out: empty transcript, e.g. b" in caplog.text
    check_left_out(100, {"b": "empty transcript"}, 0.05, "data/train")


def test_features_that_are_not_finite_are_named(tables, supervision):
    array = np.zeros((40, 4), np.float32)
    array[3, 1] = np.nan
    with ark.Writer(f"ark,scp:{tables}/feats.ark,{tables}/feats.scp") as writer:
        writer.write("u1", array)
    with pytest.raises(SerError, match="features of 'u1' are not finite"):
        next(make(tables, supervision, utts=["u1"]).batches(0))


def test_a_missing_ivector_is_named(tables, supervision):
    (tables / "ivectors.scp").write_text("")
    with pytest.raises(SerError, match="no i-vectors of 'u1'"):
        next(make(tables, supervision, utts=["u1"]).batches(0))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 2), "'u1': 3 i-vectors for 40 frames; expected 4, one every 10 frames"),
        ((4, 5), "i-vectors of dimension .*, but .* for other utterances"),
    ],
)
def test_ivectors_that_do_not_fit_are_named(tables, supervision, shape, message):
    table = ark.load(f"scp:{tables}/ivectors.scp") | {"u1": np.zeros(shape, np.float32)}
    with ark.Writer(f"ark,scp:{tables}/ivectors.ark,{tables}/ivectors.scp") as writer:
        for utt, array in table.items():
            writer.write(utt, array)
    with pytest.raises(SerError, match=message):
        list(make(tables, supervision).batches(0))


def test_whitening_makes_the_joined_frames_white(tables, supervision):
    source = make(tables, supervision)
    weight, bias = whitening(source, limit=10, floor=1e-9)
    rows = []
    for utt, count in FRAMES.items():
        array = pad([ark.Reader(tables / "feats.scp")[utt]], (1, 1))[0]
        joined = [array[step : step + count] for step in range(3)] + [np.tile(source.ivector(utt, count), (count, 1))]
        rows.append(np.concatenate(joined, axis=1))
    white = np.concatenate(rows) @ weight.T + bias
    np.testing.assert_allclose(white.mean(0), 0.0, atol=1e-4)
    np.testing.assert_allclose(np.cov(white, rowvar=False), np.eye(14), atol=1e-3)


def test_every_third_frame_is_put_out():
    assert [output_frames(count) for count in (1, 3, 4, 6, 7)] == [1, 1, 2, 2, 3]
