"""Compilation of functions by numba, with the machine code cached on disk for each kind of processor."""

import zlib
from collections.abc import Callable

import llvmlite.binding as llvm
import numba

from ser.files import cache_folder

# What the compiler may assume in order to use vector registers. FREE_ORDER: sums may be reordered. EXACT, for functions
# where each rounding counts: there is no NaN, and the sign of zero does not matter.
FREE_ORDER = {"reassoc", "contract", "arcp", "nsz"}
EXACT = {"nnan", "nsz"}


def compiled(signature: str, fastmath: set[str]) -> Callable[[Callable], Callable]:
    """Compile the decorated function for one signature, when its module is imported.

    With one signature the cache is safe when many jobs start together: numba writes a file under a temporary name and
    renames it, and all jobs write the same content. If no folder is writable, each process compiles for itself.
    """

    def compile_(function: Callable) -> Callable:
        try:
            return numba.njit(signature, cache=True, nogil=True, fastmath=fastmath)(function)
        except (RuntimeError, OSError):  # numba found no folder for its cache, or no room in it
            return numba.njit(signature, nogil=True, fastmath=fastmath)(function)

    return compile_


def compiled_when_called(function: Callable | None = None, **options: object) -> Callable:
    """Compile the decorated function at its first call, for the types of its arguments; the code is cached, too."""
    if function is None:
        return lambda it: compiled_when_called(it, **options)
    try:
        return numba.njit(cache=True, nogil=True, **options)(function)  # type: ignore[call-overload]
    except (RuntimeError, OSError):
        return numba.njit(nogil=True, **options)(function)  # type: ignore[call-overload]


def _cache_folder() -> str:
    """Return a folder for this kind of processor: machines that share a home may have different instruction sets."""
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return str(cache_folder() / f"numba-{zlib.crc32(processor.encode()):08x}")


if not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
