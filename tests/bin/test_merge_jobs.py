import importlib
import sys

import pytest


@pytest.fixture
def merge(monkeypatch, tmp_path):
    """Merge the lengths of five utterances that two jobs wrote; `merge(lengths, *options)` runs the command."""

    def run(lengths: list[int], *options: str) -> None:
        names = [f"s-{index}" for index in range(len(lengths))]
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "utt2spk").write_text("".join(f"{name} s\n" for name in names))
        for job, part in ((1, slice(0, 3)), (2, slice(3, None))):
            lines = [f"{name} {length}\n" for name, length in zip(names[part], lengths[part], strict=True)]
            (tmp_path / f"frames.{job}").write_text("".join(lines))
        arguments = [*options, str(tmp_path / "data"), "2", f"{tmp_path}/frames.JOB:utt2num_frames"]
        monkeypatch.setattr(sys, "argv", ["merge_jobs", *arguments])
        importlib.import_module("ser.bin.merge_jobs").main()

    return run


@pytest.mark.parametrize(
    ("lengths", "named"),
    [([100, 90, 110, 1000, 6000], ["s-4"]), ([100] * 5, []), ([100, 999, 1000, 100, 100], ["s-2"])],
)
def test_clips_ten_times_the_median_length_are_named(merge, caplog, lengths, named):
    merge(lengths, "--name-long-clips", "true")
    assert len(caplog.messages) == bool(named)
    if named:
        assert caplog.messages[0].endswith("hold other emotions too: " + " ".join(named))


def test_long_clips_are_named_on_request_only(merge, caplog):
    merge([100, 90, 110, 1000, 6000])
    assert not caplog.messages


def test_tables_of_another_folder_leave_the_data_dir_whole(merge, tmp_path):
    for job, line in ((1, ""), (2, "s-4 too short\n")):
        (tmp_path / f"left.{job}").write_text(line)
    out = tmp_path / "out"
    out.mkdir()
    merge([100] * 4 + [1], "--out", str(out), "--left-out", f"{tmp_path}/left.JOB", "--max-left-out", "0.2")
    assert (out / "utt2num_frames").read_text().splitlines()[::4] == ["s-0 100", "s-4 1"]
    assert (out / "left_out").read_text() == "s-4 too short\n"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["utt2spk"]
    assert len((tmp_path / "data/utt2spk").read_text().splitlines()) == 5
