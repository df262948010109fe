import os
import shlex
import subprocess
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.record import note, stages
from ser.record.note import Note, observe


@pytest.fixture
def run(tmp_path, monkeypatch):
    """What stages 0 and 1 wrote: data/wav.scp, which names a recording elsewhere, and data/feats.ark."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "exp/log", "corpus"):
        Path(name).mkdir(parents=True)
    Path("corpus/a b.wav").write_bytes(b"RIFF")
    end(begin(0), {"data/wav.scp": "a corpus/a b.wav\nb touch never |\n", "data/utt2spk": "a s\nb s\n"})
    end(begin(1), {"data/feats.ark": "features", "exp/log/1.log": "log", "data/split2/1/utt2spk": "a s\n"})
    return Path("exp/stages")


def begin(stage: int) -> int:
    Path(f"exp/log/stage_{stage}.began").touch()
    return stage


def end(stage: int, files: dict[str, str]) -> None:
    """Write what a stage writes, and have it end well."""
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    stages.record(Path("exp/stages"), stage, [Path("data"), Path("exp")])
    Path(f"exp/log/stage_{stage}.began").unlink()


def damage(name: str) -> None:
    """Change a byte of a file as a bad disk does, which leaves its time."""
    path = Path(name)
    status = path.stat()
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def recorded(run: Path) -> dict[str, list[str]]:
    return {path.name: sorted([*(note := Note.read(path)).outputs, *note.inputs]) for path in run.glob("*.tsv")}


def test_each_stage_has_a_list_of_what_it_wrote_and_of_the_list_before(run):
    assert recorded(run) == {
        "0.tsv": ["data/utt2spk", "data/wav.scp"],
        "1.tsv": ["data/feats.ark", "exp/stages/0.tsv"],
    }


def test_file_of_several_stages_is_what_the_last_of_them_made_of_it(run):
    end(begin(2), {"data/utt2spk": "a s\n"})
    assert recorded(run)["2.tsv"] == ["data/utt2spk", "exp/stages/1.tsv"]
    for stage in range(4):
        stages.check(run, stage)
    end(begin(2), {})  # finds it done
    stages.check(run, 3)
    damage("data/utt2spk")
    with pytest.raises(SerError, match=r"^data/utt2spk: changed since stage 2 wrote it"):
        stages.check(run, 3)
    with pytest.raises(SerError, match=r"^data/utt2spk: changed since stage 2 wrote it, which took it as done now"):
        end(begin(2), {})


def test_file_of_an_earlier_stage_that_an_attempt_rewrote_is_no_damage(run):
    began = Path("exp/log/stage_2.began")
    begin(2)
    Path("data/utt2spk").write_text("a s\n")
    stages.check(run, 2)
    damage("data/wav.scp")
    with pytest.raises(SerError, match=r"^data/wav.scp: changed since stage 0 wrote it"):
        stages.check(run, 2)
    damage("data/wav.scp")  # the same byte once more
    began.unlink()
    with pytest.raises(SerError, match=r"^data/utt2spk: changed since stage 0 wrote it"):
        stages.check(run, 2)
    end(begin(2), {})  # an attempt that finds it done
    assert recorded(run)["2.tsv"] == ["data/utt2spk", "exp/stages/1.tsv"]
    stages.check(run, 3)


def test_stage_that_is_run_again_with_another_outcome_breaks_what_stands_on_it(run):
    end(begin(2), {"exp/net": "net of features"})
    end(begin(0), {"data/wav.scp": "a corpus/a b.wav\nb touch never |\n", "data/utt2spk": "a s\nb s\n"})
    stages.check(run, 3)  # the same outcome
    end(begin(0), {"data/utt2spk": "a s\nb t\n"})
    stages.check(run, 1)
    with pytest.raises(
        SerError, match=r"^exp/stages/0\.tsv: stage 0 was run again, .* since stage 1 ran; run again from --stage 1"
    ):
        stages.check(run, 3)
    end(begin(1), {"data/feats.ark": "features"})  # the same, but of another stage 0
    with pytest.raises(SerError, match=r"stage 1 was run again, .* since stage 2 ran; run again from --stage 2"):
        stages.check(run, 3)
    kept = [line for line in (run / "2.tsv").read_text().splitlines(True) if "1.tsv" not in line]
    (run / "2.tsv").write_text("".join(kept))  # as the message says
    stages.check(run, 3)


def test_sha256sum_checks_the_notes(run):
    lines = """awk -F'\\t' '$1 == "output" { print $2 "  " $5 }' exp/stages/*.tsv | sha256sum -c"""
    done = subprocess.run(lines, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 3


def test_what_a_job_noted_of_its_outputs_is_not_digested_again(run, monkeypatch):
    begin(2)
    Path("data/new.ark").write_text("new")
    Note(outputs=observe(["data/new.ark"])).write("data/new.done")
    read = []
    monkeypatch.setattr(note, "sha256", lambda path: read.append(str(path)) or "0" * 64)
    end(2, {"data/other.ark": "other"})
    assert read == ["data/other.ark"]
    assert Note.read(run / "2.tsv").outputs["data/new.ark"] == Note.read("data/new.done").outputs["data/new.ark"]


def test_without_contents_a_file_of_the_same_size_and_time_is_trusted_and_others_are_read(run):
    damage("data/feats.ark")
    stages.check(run, 2, contents=False)
    os.utime("data/feats.ark")
    with pytest.raises(SerError, match=r"^data/feats.ark: changed since stage 1 wrote it"):
        stages.check(run, 2, contents=False)


def test_files_as_they_were_written_are_accepted(run):
    for stage in range(4):
        stages.check(run, stage)
    stages.check(Path("exp/none"), 4)


@pytest.mark.parametrize(("name", "stage"), [("data/feats.ark", 1), ("data/utt2spk", 0)])
def test_damaged_file_is_named_with_the_stage_to_run_again(run, name, stage):
    damage(name)
    stages.check(run, stage)  # the stage that writes it may run
    with pytest.raises(
        SerError, match=rf"^{name}: changed since stage {stage} wrote it; run again from --stage {stage}"
    ):
        stages.check(run, stage + 1)


def test_missing_file_is_named_unless_its_whole_folder_is_gone(run):
    end(begin(1), {"data/raw/a.ark": "a", "data/raw/b.ark": "b"})
    Path("data/raw/a.ark").unlink()
    with pytest.raises(SerError, match=r"^data/raw/a\.ark: gone since stage 1 wrote it"):
        stages.check(run, 2)
    Path("data/raw/b.ark").unlink()
    stages.check(run, 2)


def test_stage_that_was_cut_off_has_to_be_run_again(run):
    begin(1)
    stages.check(run, 1)
    with pytest.raises(SerError, match=r"stage_1\.began: stage 1 was cut off; run it again"):
        stages.check(run, 2)


def test_what_an_attempt_that_was_cut_off_had_finished_is_recorded_by_the_next(run):
    begin(1)
    Path("data/feats.ark").write_text("other features")
    Path("data/new.ark").write_text("new")
    os.utime("data/new.ark", ns=(0, 0))  # long before the next attempt begins
    end(begin(1), {})
    assert recorded(run)["1.tsv"] == ["data/feats.ark", "data/new.ark", "exp/stages/0.tsv"]
    stages.check(run, 2)


def test_what_a_stage_finds_done_and_leaves_has_to_be_what_it_wrote(run):
    end(begin(3), {"exp/net/encoder/weights": "1 2 3", "exp/net/classes.txt": "a b"})
    damage("exp/net/encoder/weights")
    with pytest.raises(SerError, match=r"^exp/net/encoder/weights: changed since .* remove exp/net and run again"):
        end(begin(3), {"exp/net/classes.txt": "a b"})
    with pytest.raises(SerError, match="stage 3 was cut off"):
        stages.check(run, 4)
    end(begin(3), {"exp/net/encoder/weights": "1 2 3"})
    stages.check(run, 4)


def test_files_behind_a_link_to_another_disk_are_recorded_once(run):
    Path("disk").mkdir()
    Path("data/arks").symlink_to(Path("disk").absolute())
    Path("disk/loop").symlink_to(Path("disk").absolute())
    end(begin(1), {"data/arks/a.ark": "a"})
    assert "data/arks/a.ark" in recorded(run)["1.tsv"]
    assert sum(name.endswith("a.ark") for name in recorded(run)["1.tsv"]) == 1
    damage("data/arks/a.ark")
    with pytest.raises(SerError, match=r"data/arks/a\.ark: changed since stage 1"):
        stages.check(run, 2)


@pytest.mark.parametrize("name", ["corpus/c.m4a", "corpus/c d's.m4a"])
def test_recording_inside_a_command_is_watched_too(run, name):
    Path(name).write_bytes(b"ftyp")
    end(begin(0), {"data/wav.scp": f"c ffmpeg -v error -i {shlex.quote(name)} -f wav - |\n"})
    stages.check(run, 1)
    Path(name).write_bytes(b"f")
    with pytest.raises(SerError, match=rf"^{name}: has 1 bytes, had 4"):
        stages.check(run, 1)


def test_recording_that_was_not_there_from_the_beginning_is_left_to_the_readers(run):
    end(begin(0), {"data/wav.scp": "a corpus/absent.wav\n"})
    stages.check(run, 1)


def test_recording_that_changed_size_or_is_gone_is_named_to_the_stages_that_read_it(run):
    Path("corpus/a b.wav").write_bytes(b"RI")
    for stage in (1, 2):
        with pytest.raises(SerError, match=r"^corpus/a b\.wav: has 2 bytes, had 4 when stage 0 prepared its corpus"):
            stages.check(run, stage)
    stages.check(run, 3)
    Path("corpus/a b.wav").unlink()
    with pytest.raises(SerError, match=r"^corpus/a b\.wav: cannot be read, but was there when stage 0 prepared"):
        stages.check(run, 1)


def test_broken_list_is_named(run):
    (run / "0.tsv").write_text("nonsense\n")
    with pytest.raises(SerError, match=r"0\.tsv:1: not a line of a note: 'nonsense'; .*--stage 0"):
        stages.check(run, 1)
