"""Artefacts are named by what they are made of, made once, and gone on with after a kill."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ser.errors import SerError
from ser.experiments.artefact import Artefact, Workshop, all_needed, waves
from ser.record.code import Sources
from ser.record.note import Note


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    """A workshop over a repository of one script."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/work.sh").write_text("echo 1\n")
    return Workshop(Sources(tmp_path))


def make(store: Path, artefact: Artefact) -> subprocess.CompletedProcess[str]:
    artefact.write(store)
    (store / "list").write_text(f"{store / artefact.name}\n")
    command = ["utils/make_artefact.sh", str(store / "list"), "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_name_is_the_digest_of_the_key_and_changes_with_all_that_is_made_of(workshop, tmp_path):
    base = {"given": {"data/a": "1"}, "files": {"config.yaml": "seed: 0\n"}}
    first = workshop.artefact("net", "steps/work.sh a", **base)
    other = workshop.artefact("role", "steps/work.sh a")
    (tmp_path / "steps/work.sh").write_text("echo 2\n")
    changed = [
        workshop.artefact("net", "steps/work.sh b", **base),
        workshop.artefact("net", "steps/work.sh a", **(base | {"given": {"data/a": "2"}})),
        workshop.artefact("net", "steps/work.sh a", **(base | {"files": {"config.yaml": "seed: 1\n"}})),
        workshop.artefact("net", f"steps/work.sh a {other.path}", **base, inputs=(other,)),
        Workshop(Sources(tmp_path)).artefact("net", "steps/work.sh a", **base),
    ]
    assert len({artefact.name for artefact in (first, *changed)}) == 6
    assert first.note.settings == {"net, command 1": "steps/work.sh a", "file config.yaml": "seed: 0\n"}
    assert first.note.inputs == {"data/a": "1"} and list(first.note.code) == ["steps/work.sh"]


def test_shortcuts_and_what_merely_comes_before_do_not_change_the_name(workshop):
    audit = workshop.artefact("audit", "steps/work.sh test")
    plain = workshop.artefact("net", "steps/work.sh a")
    eased = workshop.artefact("net", "steps/work.sh a", shortcuts=("steps/work.sh copy",), after=(audit,))
    assert eased is plain


def test_waves_put_each_after_what_it_needs_and_leave_out_what_is_done(workshop, tmp_path):
    a = workshop.artefact("a", "echo a")
    b = workshop.artefact("b", f"cat {a.path}/x", inputs=(a,))
    audit = workshop.artefact("audit", "echo audit", inputs=(b,))
    c = workshop.artefact("c", f"cat {a.path}/x", inputs=(a,), after=(audit,))
    assert [artefact.step for artefact in all_needed([c, b])] == ["a", "b", "audit", "c"]
    assert [[artefact.step for artefact in wave] for wave in waves([c, b], tmp_path)] == [
        ["a"],
        ["b"],
        ["audit"],
        ["c"],
    ]
    (tmp_path / b.name).mkdir()
    (tmp_path / b.name / "done").touch()
    assert [[artefact.step for artefact in wave] for wave in waves([c, b], tmp_path)] == [["a", "audit"], ["c"]]


def test_an_artefact_is_made_once(workshop, tmp_path):
    artefact = workshop.artefact("a", "echo once >> $dir/out")
    for _ in range(2):
        done = make(tmp_path, artefact)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / artefact.name / "out").read_text() == "once\n"
    finished = Note.read(tmp_path / artefact.name / "done")
    assert finished.made_of() == artefact.note.made_of()
    assert [Path(name).name for name in finished.outputs] == ["out"]


def test_logs_and_notes_of_jobs_are_no_outputs(workshop, tmp_path):
    folders = "mkdir -p $dir/log $dir/data/split2/1 && echo kept > $dir/data/text"
    artefact = workshop.artefact(
        "a", f"{folders} && date > $dir/log/x.log && touch $dir/data/split2/1/text $dir/x.1.done"
    )
    assert make(tmp_path, artefact).returncode == 0
    folder = tmp_path / artefact.name
    assert [Path(name).relative_to(folder) for name in Note.read(folder / "done").outputs] == [Path("data/text")]
    (folder / "log" / "x.log").unlink()
    artefact.check(tmp_path, contents=True)


@pytest.mark.parametrize("damage", [lambda path: path.write_text("more\n"), Path.unlink])
def test_what_a_finished_artefact_lost_is_named_with_the_remedy(workshop, tmp_path, damage):
    artefact = workshop.artefact("a", "echo once > $dir/out")
    make(tmp_path, artefact)
    for contents in (True, False):
        artefact.check(tmp_path, contents)
    damage(tmp_path / artefact.name / "out")
    with pytest.raises(SerError, match=rf"{artefact.name}/out: changed or gone since .*; remove .*{artefact.name} and"):
        artefact.check(tmp_path, contents=False)


def test_a_failure_names_its_log_and_what_needs_it_names_the_failed_one(workshop, tmp_path):
    broken = workshop.artefact("broken", "echo the reason", "false", "touch $dir/never")
    after = workshop.artefact("after", f"cat {broken.path}/x", inputs=(broken,))
    failed = make(tmp_path, broken)
    assert failed.returncode == 1
    assert "the reason" in failed.stderr and f"{broken.name}/make.log" in failed.stderr
    assert not (tmp_path / broken.name / "done").exists() and not (tmp_path / broken.name / "never").exists()
    stopped = make(tmp_path, after)
    assert stopped.returncode == 1
    assert f"needs {broken.name}, which failed" in stopped.stderr


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def test_killed_in_the_middle_it_is_gone_on_with_and_what_was_finished_is_left_alone(workshop, tmp_path):
    first = workshop.artefact("first", "date +%s%N > $dir/time")
    # Waits where no file says that it may go on, so that the kill comes in the middle.
    slow = workshop.artefact(
        "slow",
        "[ -f $dir/part ] || echo part > $dir/part",
        "touch $artefacts/reached",
        "while [ ! -f $artefacts/go ]; do sleep 0.05; done",
        f"cat $dir/part {first.path}/time > $dir/out",
        inputs=(first,),
    )
    assert make(tmp_path, first).returncode == 0
    made_at = (tmp_path / first.name / "time").read_text()
    slow.write(tmp_path)
    (tmp_path / "list").write_text(f"{tmp_path / first.name}\n{tmp_path / slow.name}\n")
    command = ["utils/make_artefact.sh", str(tmp_path / "list"), "2"]
    process = subprocess.Popen(command, start_new_session=True)
    wait_for(tmp_path / "reached")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / slow.name / "done").exists()

    (tmp_path / "go").touch()
    for line in ("1", "2"):
        assert subprocess.run([*command[:2], line], check=False).returncode == 0
    assert (tmp_path / first.name / "time").read_text() == made_at
    assert (tmp_path / slow.name / "out").read_text() == f"part\n{made_at}"
    assert (tmp_path / slow.name / "done").exists()


def test_two_makers_of_one_artefact_take_turns(workshop, tmp_path):
    artefact = workshop.artefact("a", "echo once >> $dir/out", "sleep 0.5")
    artefact.write(tmp_path)
    (tmp_path / "list").write_text(f"{tmp_path / artefact.name}\n")
    command = ["utils/make_artefact.sh", str(tmp_path / "list"), "1"]
    makers = [subprocess.Popen(command) for _ in range(2)]
    assert [maker.wait() for maker in makers] == [0, 0]
    assert (tmp_path / artefact.name / "out").read_text() == "once\n"
