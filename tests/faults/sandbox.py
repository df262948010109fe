"""A scratch copy of the checkout, in which a driver's toy run is disturbed, restored, run again and compared."""

import contextlib
import ctypes
import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
MARKER = "SER_FAULT_RUN"
PR_SET_CHILD_SUBREAPER = 36

# What two undisturbed runs do not have in common: times, command lines, hosts. Nothing of it is read by another stage.
NOT_COMPARED = re.compile(
    r".*/(log|q|split\d+|experiments/\w+/plan)/.*"
    r"|.*/(commands?\.txt|version\.txt|cost\.(tsv|png)|make\.log|digests|\.?lock|.*\.done|note\.tsv)"
)
# And what of these files: their lines or columns of the same kind, and the checksums of all such files.
LEFT_OUT = {
    re.compile(r".*/train\.tsv"): re.compile(rb"\t[^\t\n]*$", re.MULTILINE),
    re.compile(r".*/protocol_card\.(md|tsv)"): re.compile(rb"^.*\bcommand \d+\b.*\n", re.MULTILINE),
    re.compile(r".*/report\.html"): re.compile(
        rb'(?s:<section aria-labelledby="cost">.*?</section>)|.*command \d+</th>.*\n'
    ),
    # Sizes and times of change, the digests of such files, and of the note that has them.
    re.compile(r".*/(stages/\d\.tsv|artefacts/[^/]*/done)"): re.compile(
        rb"\t\d+\t\d+(?=\t[^\t\n]*$)|^input\t.*\n"
        rb"|^output\t.*/(train\.tsv|version\.txt|cost\.png|report\.html|protocol_card\.(md|tsv))\n",
        re.MULTILINE,
    ),
}


class Done(NamedTuple):
    """A run that ended: its exit status, what it said, how long it took."""

    status: int
    said: str
    seconds: float


class Driver(NamedTuple):
    """A driver: its script, the name of its toy run, its stages, the options and arguments of every call.

    The options leave a few models of each kind, so that an undisturbed run takes a minute or two. A driver with a
    `base` has no stages: it stands on a finished run of the base, and is run as a whole.
    """

    script: str
    name: str
    stages: range
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    base: "Driver | None" = None


SYSTEM_A = Driver("./run.sh", "toy", range(10))
SYSTEM_B = Driver(
    "local/run_asr_tdnn.sh", "toy_asr_tdnn", range(9), ("--variants", "pretrained", "--layers", "layer12")
)
SYSTEM_C = Driver(
    "local/run_coattention.sh",
    "toy_coattention",
    range(8),
    (
        *("--tests", "savee", "--together", "", "--speech-only", "", "--text-only", "", "--unseen", ""),
        *("--encoders", "triplet", "--variants", "fixed", "--losses", "bce"),
    ),
)
SYSTEM_D = Driver(
    "local/run_vgg_bert.sh",
    "toy_vgg_bert",
    range(8),
    ("--protocols", "random", "--copies", "shift", "--yardsticks", "icon"),
)
CROSS_CORPUS = Driver(
    "local/run_cross_corpus.sh", "toy_cross_corpus", range(6), ("--among", "ravdess cremad", "--within", "false")
)
GRID = Driver("local/run_experiments.sh", "toy", range(1), arguments=("tests/faults/grid.yaml",), base=SYSTEM_A)


class Sandbox:
    """The copy at `root`, and snapshots of data/<name> and exp/<name> as they are after each stage."""

    def __init__(self, folder: Path, driver: Driver) -> None:
        subprocess.run([CHECKOUT / "utils" / "make_venv.sh"], cwd=CHECKOUT, check=True)
        self.driver = driver
        self.data, self.exp = (f"{kind}/{driver.name}" for kind in ("data", "exp"))
        self.folder, self.snapshots = folder, folder / "snapshots"
        self.root = self.usual_root = folder / "ser"
        self.seconds: dict[int, float] = {}
        self._times = folder / "seconds.json"
        # The orphans of what is killed become children of this process, which then can wait for them.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.is_kept = self._is_kept()
        if not self.is_kept:
            self._copy_checkout()

    def _is_kept(self) -> bool:
        """Whether an earlier call left its undisturbed run in the folder, made by the code that is here."""
        if not self._times.exists():
            return False
        for name in _listed():
            if not name.startswith("tests/") and not _equal(CHECKOUT / name, self.root / name):
                raise SystemExit(f"{self.folder}: its run was made with another {name}; remove the folder")
        self.seconds = {int(stage): seconds for stage, seconds in json.loads(self._times.read_text()).items()}
        return True

    def _copy_checkout(self) -> None:
        for name in _listed():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, self.root / name)
        # The stamps that say what is installed are copied, so that the copy never installs itself into the checkout's.
        (self.root / ".venv").mkdir()
        for path in (CHECKOUT / ".venv").iterdir():
            copy = self.root / ".venv" / path.name
            shutil.copy2(path, copy) if path.name.startswith(".installed") else copy.symlink_to(path)

    def start(self, *options: object, environment: dict[str, str | None] | None = None) -> "Run":
        """Start the driver with these options; None takes a variable out of the environment."""
        command = [self.driver.script, *self.driver.options, *map(str, options), *self.driver.arguments]
        return Run(self.root, command, environment or {})

    def run(self, *options: object, environment: dict[str, str | None] | None = None) -> Done:
        """Run the driver to its end."""
        return self.start(*options, environment=environment).wait()

    def run_stage(self, stage: int, *options: object, environment: dict[str, str | None] | None = None) -> Done:
        """Run one stage to its end."""
        return self.run(*self.only(stage), *options, environment=environment)

    def only(self, stage: int) -> tuple[object, ...]:
        """The options for one stage; none for a driver that has no stages."""
        return () if self.driver.base else ("--stage", stage, "--stop-stage", stage)

    def run_undisturbed(self) -> None:
        """Run all stages, with a snapshot after each; those that an earlier call has finished are not run again."""
        if not self.is_kept:
            if base := self.driver.base:
                done = Run(self.root, [base.script, *base.arguments], {}).wait()
                if done.status:
                    raise SystemExit(f"{base.script}, which {self.driver.script} stands on, failed:\n{done.said}")
            self.keep(-1)
            self._note_times()
        self.restore(max(self.seconds, default=-1))
        for stage in self.driver.stages[len(self.seconds) :]:
            done = self.run_stage(stage)
            if done.status:
                raise SystemExit(f"the undisturbed run failed at stage {stage}:\n{done.said}")
            self.seconds[stage] = done.seconds
            self.keep(stage)
            self._note_times()

    def _note_times(self) -> None:
        self._times.write_text(json.dumps(self.seconds))

    def keep(self, stage: int) -> None:
        for name in (self.data, self.exp):
            (self.root / name).mkdir(parents=True, exist_ok=True)
            snapshot = self.snapshots / str(stage) / name
            shutil.rmtree(snapshot, ignore_errors=True)  # half a copy of an earlier call
            shutil.copytree(self.root / name, snapshot, symlinks=True)

    def restore(self, stage: int, touched: Path | None = None) -> None:
        """Bring the folders of the run back to what they were after a stage; `touched` is copied in any case."""
        if touched is not None:
            touched.unlink(missing_ok=True)
        for name in (self.data, self.exp):
            mirror(self.snapshots / str(stage) / name, self.root / name)

    def differences(self, stage: int) -> list[str]:
        """List the files that are not as they were after the stage of the undisturbed run."""
        kept = self.snapshots / str(stage)
        tops = [(top, top / name) for top in (kept, self.root) for name in (self.data, self.exp)]
        names = {str(path.relative_to(top)) for top, folder in tops for path in _files(folder)}
        return sorted(name for name in names if not NOT_COMPARED.fullmatch(name) and not self._is_same(kept, name))

    def _is_same(self, kept: Path, name: str) -> bool:
        one, other = kept / name, self.root / name
        if not (one.exists() and other.exists()):
            return False
        if filecmp.cmp(one, other, shallow=False):
            return True
        contents = [one.read_bytes(), other.read_bytes()]
        if self.root != self.usual_root:
            # Lists name recordings by their absolute paths, in quotes where one has a space, and the copy has moved; so
            # their checksums are others.
            place = bytes(self.root)
            moved = re.sub(b"'(" + re.escape(place) + b"[^']*)'", rb"\1", contents[1])
            contents[1] = moved.replace(place, bytes(self.usual_root))
            contents = [re.sub(rb"(?m)^(output\t)?[0-9a-f]{64}\b", b"", content) for content in contents]
        for names, part in LEFT_OUT.items():
            if names.fullmatch(name):
                contents = [part.sub(b"", content) for content in contents]
        return contents[0] == contents[1]


class Run:
    """A running driver, whose processes are known by a variable of their environment."""

    def __init__(self, root: Path, command: list[str], environment: dict[str, str | None]) -> None:
        self.token = uuid.uuid4().hex
        variables = {**os.environ, **environment, MARKER: self.token}
        self.begin = time.monotonic()
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the run
        self.process = subprocess.Popen(
            command,
            cwd=root,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.said,  # a file: a pipe would have to be read until the last job has closed it
            start_new_session=True,
        )

    def wait(self) -> Done:
        status = self.process.wait()
        self.said.seek(0)
        return Done(status, self.said.read().decode(errors="replace"), time.monotonic() - self.begin)

    def kill(self) -> bool:
        """Kill every process of the run, wherever it went; tell whether the driver died of it."""
        quiet = 0
        while quiet < 2:
            pids = list(self.pids())
            quiet = 0 if pids else quiet + 1
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        status = self.process.wait()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        return status == -signal.SIGKILL

    def pids(self) -> Iterator[int]:
        """Find the processes of the run that are alive."""
        wanted = f"{MARKER}={self.token}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def _listed() -> list[str]:
    """The files of the checkout, those included that are not yet added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (CHECKOUT / name).is_file()]


def _equal(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def mirror(source: Path, target: Path) -> None:
    """Make `target` what `source` is; files of the same size and time are taken to be the same."""
    wanted = {path.relative_to(source): path for path in _files(source)}
    for path in list(_files(target)):
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name, path in wanted.items():
        copy = target / name
        if not copy.exists() or _stamp(copy) != _stamp(path):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    folders = {path.relative_to(source) for path in source.rglob("*") if path.is_dir()}
    for path in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if path.relative_to(target) not in folders:
            path.rmdir()


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, in whole blocks as a file system has them."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if not path.is_dir())


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
