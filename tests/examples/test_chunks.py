from pathlib import Path

import numpy as np
import pytest
import torch

from ser.errors import SerError
from ser.examples.chunks import ChunkSource, DataConfig, draw_evenly, mask_chunk
from ser.examples.utterances import load_utterances, split_off_validation
from ser.kaldi import ark
from ser.kaldi.unseen import write_unseen

SETTINGS = {
    "min_frames": 10,
    "min_utts_per_class": 1,
    "valid_fraction": 0.25,
    "min_chunk": 20,
    "max_chunk": 30,
    "chunks_per_utterance": 2.0,
    "batch_size": 4,
    "balance": False,
}


def make_data(folder: Path, lengths: dict[str, int], compression: int = 0) -> Path:
    """Write a data dir of the class `a` or `b` that an utterance begins with; feature 0 is the frame's number."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    with ark.Writer(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compression) as writer:
        for number, (key, length) in enumerate(sorted(lengths.items())):
            features = rng.standard_normal((length, 3)).astype(np.float32)
            features[:, 0], features[:, 1] = np.arange(length), number
            writer.write(key, features)
    lines = [f"{key} {length}\n" for key, length in sorted(lengths.items())]
    (folder / "utt2num_frames").write_text("".join(lines))
    (folder / "utt2class").write_text("".join(f"{key} {key[0]}\n" for key in sorted(lengths)))
    return folder


@pytest.fixture
def data(tmp_path) -> Path:
    lengths = {f"{name}-{number}": 25 + 5 * number for name in "ab" for number in range(8)}
    return make_data(tmp_path / "data", lengths)


def load(data: Path, **changes):
    settings = {"min_frames": 10, "min_utts_per_class": 1} | changes
    return load_utterances(data, data / "utt2class", **settings)


def collect(source: ChunkSource, *place: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(source.batches(*place))


def test_chunks_are_the_rows_of_their_utterances(data):
    utterances = load(data)
    table = ark.load(f"scp:{data}/feats.scp")
    keys = sorted(table)
    source = ChunkSource(utterances, DataConfig(**SETTINGS), seed=3, training=True)
    batches = collect(source, 0)
    assert len(batches) == source.num_batches(0) == 8
    for inputs, targets in batches:
        assert inputs.dtype == torch.float32 and targets.dtype == torch.int64
        assert 20 <= inputs.shape[1] <= 30
        for chunk, target in zip(inputs.numpy(), targets, strict=True):
            key = keys[int(chunk[0, 1])]
            assert utterances.classes[target] == key[0]
            rows = table[key]
            places = (chunk[0, 0] + np.arange(len(chunk))).astype(int) % len(rows)
            np.testing.assert_array_equal(chunk, rows[places])
            assert len(chunk) > len(rows) or (np.diff(places) == 1).all()


def test_compressed_archives_are_read_as_well(tmp_path):
    data = make_data(tmp_path / "data", {f"{name}-{number}": 60 for name in "ab" for number in range(4)}, compression=2)
    table = ark.load(f"scp:{data}/feats.scp")
    keys = sorted(table)
    source = ChunkSource(load(data), DataConfig(**SETTINGS), seed=0, training=True)
    for inputs, _ in collect(source, 0):
        for chunk in inputs.numpy():
            first, key = round(float(chunk[0, 0])), keys[round(float(chunk[0, 1]))]
            distances = [
                np.abs(table[key][at : at + len(chunk)] - chunk).max()
                for at in (first - 1, first, first + 1)
                if 0 <= at <= 60 - len(chunk)
            ]
            assert min(distances) == 0


def test_utterance_shorter_than_the_chunk_is_repeated(tmp_path):
    data = make_data(tmp_path / "data", {"a-1": 12, "b-1": 12})
    config = DataConfig(**SETTINGS | {"min_chunk": 30, "max_chunk": 30})
    ((inputs, _),) = collect(ChunkSource(load(data), config, 0, training=False), 0)
    assert inputs[0, :, 0].tolist() == [*range(12), *range(12), *range(6)]


def test_plan_is_a_function_of_seed_and_epoch_and_resumes_at_any_batch(data):
    source = ChunkSource(load(data), DataConfig(**SETTINGS), seed=3, training=True)
    again = ChunkSource(load(data), DataConfig(**SETTINGS), seed=3, training=True)
    for (one, _), (other, _) in zip(collect(source, 1), collect(again, 1), strict=True):
        assert torch.equal(one, other)
    for (one, _), (other, _) in zip(collect(source, 1)[5:], collect(source, 1, 5), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(collect(source, 0)[0][0][:, :20], collect(source, 1)[0][0][:, :20])


def test_parts_of_two_processes_make_up_the_batch(data):
    source = ChunkSource(load(data), DataConfig(**SETTINGS), seed=3, training=True)
    for whole, first, second in zip(
        collect(source, 0), collect(source, 0, 0, 0, 2), collect(source, 0, 0, 1, 2), strict=True
    ):
        assert torch.equal(whole[0][0::2], first[0]) and torch.equal(whole[0][1::2], second[0])


def test_balance_draws_each_class_and_each_of_its_utterances_evenly():
    labels = np.repeat([0, 1, 3], [90, 9, 1])
    drawn = draw_evenly(labels, 60, np.random.default_rng(0))
    assert np.bincount(labels[drawn]).tolist() == [20, 20, 0, 20]
    times = np.bincount(drawn, minlength=100)
    assert set(times[:90]) <= {0, 1} and set(times[90:99]) == {2, 3} and times[99] == 20


def test_without_balance_an_epoch_takes_all_utterances_equally_often():
    times = np.bincount(draw_evenly(np.zeros(7, int), 21, np.random.default_rng(0)))
    assert times.tolist() == [3] * 7


def test_short_utterances_and_small_classes_are_left_out(tmp_path):
    lengths = {"a-1": 40, "a-2": 40, "b-1": 40, "b-2": 9, "c-1": 40, "c-2": 50}
    utterances = load(make_data(tmp_path / "data", lengths), min_utts_per_class=2)
    assert utterances.classes.tolist() == ["a", "c"]
    assert utterances.keys.tolist() == [b"a-1", b"a-2", b"c-1", b"c-2"]
    assert utterances.labels.tolist() == [0, 0, 1, 1]


def test_utterances_without_a_class_or_without_features_are_left_out(data):
    (data / "utt2class").write_text("a-1 x\nb-1 y\nz-9 z\n")
    utterances = load(data)
    assert utterances.keys.tolist() == [b"a-1", b"b-1"]
    assert utterances.classes.tolist() == ["x", "y"]


def test_lengths_come_from_the_archive_where_utt2num_frames_is_absent(data):
    with_file = load(data).frames
    (data / "utt2num_frames").unlink()
    np.testing.assert_array_equal(load(data).frames, with_file)


def test_copies_go_with_their_original_and_only_originals_validate(tmp_path):
    originals = [f"{name}-{number}" for name in "ab" for number in range(8)]
    copies = {f"{key}-noise": key for key in originals}
    data = make_data(tmp_path / "data", dict.fromkeys([*originals, *copies], 40))
    (data / "utt2uniq").write_text("".join(f"{key} {copies.get(key, key)}\n" for key in sorted([*originals, *copies])))
    train, valid = split_off_validation(load(data), data, 0.25, seed=0)
    assert len(valid.keys) == 4 and len(train.keys) == 24
    assert valid.class_counts().tolist() == [2, 2]
    assert not any(key.endswith(b"noise") for key in valid.keys.tolist())
    assert not {key.split(b"-noise")[0] for key in train.keys.tolist()} & set(valid.keys.tolist())


def test_listed_utterances_validate(data):
    (data / "held_out").write_text("a-3\nb-0\nq-1\n")
    train, valid = split_off_validation(load(data), data, 0.5, 0, data / "held_out")
    assert valid.keys.tolist() == [b"a-3", b"b-0"] and len(train.keys) == 14


def test_speakers_that_are_kept_from_nets_validate(data):
    (data / "utt2spk").write_text("".join(f"{name}-{n} {name}{n % 4}\n" for name in "ab" for n in range(8)))
    write_unseen(data, ["a1", "b1"])
    train, valid = split_off_validation(load(data), data, 0.5, 0)
    assert valid.keys.tolist() == [b"a-1", b"a-5", b"b-1", b"b-5"] and len(train.keys) == 12


def test_a_class_keeps_something_to_train_on(tmp_path):
    data = make_data(tmp_path / "data", {"a-1": 40, "b-1": 40, "b-2": 40})
    train, valid = split_off_validation(load(data), data, 0.99, 0)
    assert train.class_counts().tolist() == [1, 1] and len(valid.keys) == 1


def test_no_fraction_means_no_validation(data):
    train, valid = split_off_validation(load(data), data, 0.0, 0)
    assert valid is None and len(train.keys) == 16


def test_class_that_is_all_held_out_is_named(data):
    (data / "held_out").write_text("".join(f"a-{number}\n" for number in range(8)))
    with pytest.raises(SerError, match="every utterance of the class 'a' is held out"):
        split_off_validation(load(data), data, 0.5, 0, data / "held_out")


def test_fewer_than_two_classes_is_refused_with_the_remedy(data):
    with pytest.raises(SerError, match=r"0 of the 2 classes .* are left, .* lower data.min_frames \(500\)"):
        load(data, min_frames=500)


def test_line_of_utt2class_without_a_class_is_named(data):
    (data / "utt2class").write_text("a-1 a\na-2\n")
    with pytest.raises(SerError, match=r"utt2class:2: expected an utterance and its class"):
        load(data)


def test_missing_and_stale_lengths_are_named(data):
    lines = (data / "utt2num_frames").read_text().splitlines()
    (data / "utt2num_frames").write_text("\n".join(lines[1:]) + "\n")
    with pytest.raises(SerError, match="no line for 'a-0'"):
        load(data)
    (data / "utt2num_frames").write_text("\n".join(line.split()[0] + " 900" for line in lines) + "\n")
    with pytest.raises(SerError, match="if utt2num_frames says otherwise, make it again"):
        collect(ChunkSource(load(data), DataConfig(**SETTINGS), 0, training=True), 0)


def test_chunk_limits_in_the_wrong_order_are_refused(data):
    with pytest.raises(SerError, match="min_chunk 40 must be from 1 to max_chunk, 30"):
        ChunkSource(load(data), DataConfig(**SETTINGS | {"min_chunk": 40}), 0, training=True)


def test_masks_are_as_wide_and_as_often_as_they_should_be():
    """A mask of up to 4 of 10 frames covers 2 on average; two masks of one feature, or none, cover 0.9 of 3 or so."""
    config = DataConfig(**SETTINGS, time_masks=1, max_time_mask=4, feature_masks=0)
    rng = np.random.default_rng(0)
    chunks = np.ones((4000, 10, 3), np.float32)
    for chunk in chunks:
        mask_chunk(chunk, config, rng)
    gone = (chunks == 0).all(axis=2)  # (4000, 10)
    assert (gone == (chunks == 0).any(axis=2)).all()
    widths = gone.sum(axis=1)
    assert abs(widths.mean() - 2.0) < 0.1 and np.bincount(widths, minlength=5).min() > 700 and widths.max() == 4
    # One stretch: it is entered at most once.
    assert ((gone[:, 1:] & ~gone[:, :-1]).sum(axis=1) + gone[:, 0] <= 1).all()
    assert gone.mean(axis=0).min() > 0.05
    other = DataConfig(**SETTINGS, feature_masks=2, max_feature_mask=1)
    chunks = np.ones((4000, 10, 3), np.float32)
    for chunk in chunks:
        mask_chunk(chunk, other, rng)
    gone = (chunks == 0).all(axis=1)
    # Of two masks of width 0 or 1 each covers a feature with probability 1/6: 1 - (5/6)^2 = 11/36.
    assert abs(gone.mean() - 11 / 36) < 0.02


def test_masks_hide_training_alone_and_are_the_same_after_an_interruption(data):
    utterances, config = load(data), DataConfig(**SETTINGS | {"min_chunk": 20}, time_masks=2, max_time_mask=9)
    plain = ChunkSource(utterances, DataConfig(**SETTINGS), seed=3, training=True)
    masked = ChunkSource(utterances, config, seed=3, training=True)
    hidden = 0
    for (x, y), (z, labels) in zip(collect(plain, 0), collect(masked, 0), strict=True):
        assert (y == labels).all() and ((z == x) | (z == 0)).all()
        hidden += int((z != x).any(dim=2).sum())
    assert hidden > 50
    whole, rest = collect(masked, 0), collect(masked, 0, 5)
    assert all((x == z).all() for (x, _), (z, _) in zip(whole[5:], rest, strict=True))
    for (x, _), (z, _) in zip(
        collect(ChunkSource(utterances, DataConfig(**SETTINGS), 3, training=False), 0),
        collect(ChunkSource(utterances, config, 3, training=False), 0),
        strict=True,
    ):
        assert (x == z).all()
