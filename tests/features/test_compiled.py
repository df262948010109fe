import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from ser.features.compiled import EXACT, FREE_ORDER, compiled


def double(x):
    return 2 * x


def test_compiled_function_is_cached_and_right():
    function = compiled("float64(float64)", FREE_ORDER)(double)
    assert function(1.5) == 3.0
    assert function.signatures == [(numba.float64,)]


def test_without_a_folder_for_the_cache_the_function_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch):
    njit = numba.njit

    def no_folder(*args, cache=False, **kwargs):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return njit(*args, **kwargs)

    monkeypatch.setattr(numba, "njit", no_folder)
    assert compiled("float64(float64)", EXACT)(double)(1.5) == 3.0


def test_jobs_that_start_together_fill_one_cache(tmp_path: Path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    module = tmp_path / "kernel.py"
    module.write_text(
        "from ser.features.compiled import EXACT, compiled\n\n\n"
        '@compiled("int64(int64)", EXACT)\ndef square(x):\n    return x * x\n\n\nprint(square(7))\n'
    )
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    jobs = [
        subprocess.Popen([sys.executable, "-c", "import kernel"], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [job.communicate()[0] for job in jobs] == ["49\n"] * 3
    assert len(list((tmp_path / "cache").rglob("*.nbc"))) == 1


def test_kernels_of_trials_are_kept_in_the_cache_and_not_beside_the_sources(tmp_path: Path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    program = "import numpy as np\nfrom ser.backend import trial_kernels as k\n"
    program += "print(k.same_keys(*[np.frombuffer(b'a b 1\\n', np.uint8)] * 2), k.same_keys.stats.cache_path)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    same, path = done.stdout.split()
    assert same == "True" and Path(path).is_relative_to(tmp_path)
    assert list(tmp_path.rglob("trial_kernels.same_keys*.nbc"))
