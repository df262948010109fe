"""Disks, locales, paths and other runs that a run may meet."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from outcome import Outcome, judge
from sandbox import Done, Run, Sandbox, mirror, size_of

# Stage 2 sorts, joins and splits texts; the others read and write names, numbers and pictures.
LOCALES: tuple[tuple[dict[str, str | None], tuple[int, ...]], ...] = (
    ({"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, (0, 2, 9)),
    ({"LC_ALL": "de_DE.ISO-8859-1", "PYTHONIOENCODING": "ascii"}, (2,)),
    ({"LC_ALL": "C.UTF-8", "LC_COLLATE": "en_US.UTF-8", "PYTHONIOENCODING": "utf-16"}, (2,)),
    ({"LC_ALL": None, "LANG": None, "LC_CTYPE": None, "PYTHONUTF8": "0"}, (0, 2)),
)
# What somebody's shell may set for other programs' sake.
VARIABLES = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2"} | {
    "TZ": "Asia/Kolkata",
    "POSIXLY_CORRECT": "1",
    "CDPATH": "/:/tmp",
    "GREP_OPTIONS": "-i",
    "PYTHONSAFEPATH": "1",
}


def faults(sandbox: Sandbox) -> Generator[Outcome, None, None]:
    """Run stages in surroundings that are not as usual."""
    yield from _runs_at_once(sandbox)
    yield from _other_options(sandbox)
    yield from _paths(sandbox)
    yield from _locales(sandbox)
    yield from _variables(sandbox)
    if os.geteuid() != 0 or not _can_mount(sandbox.folder):
        yield Outcome("full disk", "", "skipped", "needs root, to mount a small tmpfs")
        yield Outcome("read-only disk", "", "skipped", "needs root, to mount a read-only tmpfs")
        return
    for stage, name in ((1, "data"), (4, "exp"), (6, "exp"), (8, "exp")):
        yield from _full_disk(sandbox, stage, name)
    yield from _read_only(sandbox)


def _runs_at_once(sandbox: Sandbox) -> Iterator[Outcome]:
    sandbox.restore(4)
    lock = sandbox.root / "exp" / "toy" / ".lock"
    lock.unlink(missing_ok=True)
    first = sandbox.start("--stage", 5, "--stop-stage", 5)
    _await_lock(lock)
    second = sandbox.run_stage(5)
    yield judge(sandbox, "two runs at once", "the second", second, 5, str(first.process.pid), must_stop=True)
    yield judge(sandbox, "two runs at once", "the first", first.wait(), 5, "")

    # The jobs of a run outlive it if only run.sh is killed; they hold the lock as long as they write.
    sandbox.restore(4)
    first = sandbox.start("--stage", 5, "--stop-stage", 5)
    while not any("extract_embeddings" in line for line in _commands(first)):
        time.sleep(0.05)
    first.process.kill()
    first.process.wait()
    second = sandbox.run_stage(5)
    left = list(first.pids())
    first.kill()
    detail = "its jobs had ended" if not left else ""
    fault, refusal = "run.sh killed alone", "exp/toy: another run is at work"
    yield judge(sandbox, fault, "while its jobs go on", second, 5, refusal, detail, bool(left))
    yield judge(sandbox, fault, "after its jobs", sandbox.run_stage(5), 5, "")


def _other_options(sandbox: Sandbox) -> Iterator[Outcome]:
    """Run one stage again with other options, then one that stands on what lies between."""
    sandbox.restore(4)
    done = sandbox.run_stage(2, "--augment", "noise")
    if done.status:
        raise SystemExit(f"stage 2 failed with other options:\n{done.said}")
    fault = "other options for one stage"
    yield judge(sandbox, fault, "stage 2, then 5", sandbox.run_stage(5), 5, "stages/2.tsv", must_stop=True)
    yield judge(sandbox, fault, "stages 2 to 4", sandbox.run("--stage", 2, "--stop-stage", 4), 4, "")


def _locales(sandbox: Sandbox) -> Iterator[Outcome]:
    for variables, stages in LOCALES:
        names = [variables["LC_ALL"], variables.get("LC_COLLATE")]
        made = [name for name in names if _has_locale(sandbox, name)]
        for stage in stages:
            sandbox.restore(stage - 1)
            done = sandbox.run_stage(stage, environment={**variables, "LOCPATH": str(sandbox.folder / "locales")})
            detail = " ".join(f"{name}={value}" for name, value in variables.items())
            yield judge(
                sandbox, "wrong locale", f"./run.sh {stage}", done, stage, "", f"{detail}; is there: {made or 'none'}"
            )


def _variables(sandbox: Sandbox) -> Iterator[Outcome]:
    nj = min(len(os.sched_getaffinity(0)), 32)  # run.sh's own, which nproc takes from OMP_NUM_THREADS
    for stage in (2, 4, 8):
        sandbox.restore(stage - 1)
        done = sandbox.run_stage(stage, "--nj", nj, environment=dict(VARIABLES))
        yield judge(sandbox, "variables for other programs", f"./run.sh {stage}", done, stage, "", " ".join(VARIABLES))


def _has_locale(sandbox: Sandbox, name: str | None) -> bool:
    """Whether this machine can have the locale; one that it has not would be as C is, and no fault."""
    if name is None or shutil.which("localedef") is None:
        return False
    folder = sandbox.folder / "locales" / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        language, charset = name.split(".")
        command = ["localedef", "-i", {"C": "POSIX"}.get(language, language), "-f", charset, str(folder)]
        subprocess.run(command, capture_output=True, check=False)
    return folder.exists()


def _paths(sandbox: Sandbox) -> Iterator[Outcome]:
    sandbox.root = sandbox.usual_root.with_name("my röpo, 語 dir")
    sandbox.usual_root.rename(sandbox.root)
    fault = "space and non-ASCII in the checkout's path"
    sandbox.restore(-1)
    yield judge(sandbox, fault, "stages 0 to 2", sandbox.run("--stop-stage", 2), 2, "")
    for stage in (4, 8):
        sandbox.restore(stage - 1)
        yield judge(sandbox, fault, f"./run.sh {stage}", sandbox.run_stage(stage), stage, "")
    sandbox.root.rename(sandbox.usual_root)
    sandbox.root = sandbox.usual_root

    corpora = sandbox.folder / "my Körpora"
    shutil.copytree(sandbox.snapshots / "0" / "data" / "toy" / "corpora", corpora)
    options = ("--corpora", corpora, "--name", "elsewhere", "--pretrain", "voxceleb1")
    done = sandbox.run(*options, "--stop-stage", 1)
    yield _with_other_name(sandbox, "space and non-ASCII in the corpora's path", done)
    for what in ("shrinks", "vanishes"):
        victim = sorted(corpora.glob("CREMA-D/AudioWAV/*.wav"))[3]
        data = victim.read_bytes()
        victim.unlink()
        if what == "shrinks":
            victim.write_bytes(data[:-100])
        done = sandbox.run(*options, "--stage", 1, "--stop-stage", 1)
        yield judge(sandbox, f"recording {what}", "outside the checkout", done, 1, victim.name, must_stop=True)
        victim.write_bytes(data)
    done = sandbox.run("--name", "two words", "--stop-stage", 0)
    yield judge(sandbox, "space in --name", "", done, 0, "two words", must_stop=True)
    for name in ("data", "exp"):
        shutil.rmtree(sandbox.root / name / "elsewhere", ignore_errors=True)


def _with_other_name(sandbox: Sandbox, fault: str, done: Done) -> Outcome:
    """Compare the archives of stage 1, which do not name their folder, with the undisturbed ones."""
    kept = sandbox.snapshots / "1" / "data" / "toy"
    archives = [path.relative_to(kept) for path in kept.rglob("*.ark")]
    other = sandbox.root / "data" / "elsewhere"
    differ = [
        str(path)
        for path in archives
        if not (other / path).exists() or (other / path).read_bytes() != (kept / path).read_bytes()
    ]
    if done.status or differ or not archives:
        return Outcome(fault, "stages 0 and 1", "lost", f"{differ[:5]} {done.said[-800:]}")
    return Outcome(fault, "stages 0 and 1", "recovered", f"{len(archives)} archives are equal")


def _full_disk(sandbox: Sandbox, stage: int, name: str) -> Iterator[Outcome]:
    """Give the stage half the space that it needs, then enough."""
    before, after = (size_of(sandbox.snapshots / str(number) / name / "toy") for number in (stage - 1, stage))
    with _disk(sandbox, stage, name, before + (after - before) // 2) as disk:
        done = sandbox.run("--stage", stage, "--stop-stage", stage, "--check-disk", "false")
        yield judge(sandbox, "full disk", f"./run.sh {stage}", done, stage, ": cannot be written: ", must_stop=True)
        _mount("-o", "remount,size=4g", str(disk))
        yield judge(sandbox, "full disk", f"./run.sh {stage}, once there is space", sandbox.run_stage(stage), stage, "")


def _read_only(sandbox: Sandbox) -> Iterator[Outcome]:
    with _disk(sandbox, 8, "exp", 4 << 30) as disk:
        _mount("-o", "remount,ro", str(disk))
        done = sandbox.run_stage(8, "--check-disk", "false")
        yield judge(sandbox, "read-only disk", "stage 8", done, 8, "exp/toy/.lock: cannot be written", must_stop=True)
        _mount("-o", "remount,rw", str(disk))
        yield judge(sandbox, "read-only disk", "stage 8, writable again", sandbox.run_stage(8), 8, "")


@contextlib.contextmanager
def _disk(sandbox: Sandbox, stage: int, name: str, size: int) -> Iterator[Path]:
    """Put data/toy or exp/toy on a small disk of its own, as it was before the stage."""
    sandbox.restore(stage - 1)
    disk = sandbox.root / name / "toy"
    _mount("-t", "tmpfs", "-o", "size=4g", "tmpfs", str(disk))
    try:
        mirror(sandbox.snapshots / str(stage - 1) / name / "toy", disk)
        _mount("-o", f"remount,size={-(-size // 4096) * 4096}", str(disk))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _can_mount(folder: Path) -> bool:
    place = folder / "try"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", place], check=True)
    return True


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def _await_lock(lock: Path) -> None:
    while not (lock.exists() and lock.read_text()):
        time.sleep(0.02)


def _commands(run: Run) -> Iterator[str]:
    for pid in run.pids():
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
