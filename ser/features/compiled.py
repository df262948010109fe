"""Functions compiled by numba, once for each kind of processor, with the machine code kept on disk."""

import zlib
from collections.abc import Callable

import llvmlite.binding as llvm
import numba

from ser.files import cache_folder

# Freedoms that the compiler may take to fill vector registers. In sums the order is free; where each rounding counts
# there is still no NaN, and zero has no sign.
FREE_ORDER = {"reassoc", "contract", "arcp", "nsz"}
EXACT = {"nnan", "nsz"}


def compiled(signature: str, fastmath: set[str]) -> Callable[[Callable], Callable]:
    """Compile the decorated function for one signature, when its module is imported.

    One signature makes the cache safe when many jobs start together: numba writes a file under a temporary name, then
    renames it, and all jobs write the same. Where no folder can be written, each process compiles for itself.
    """

    def compile_(function: Callable) -> Callable:
        try:
            return numba.njit(signature, cache=True, nogil=True, fastmath=fastmath)(function)
        except (RuntimeError, OSError):  # numba found no folder for its cache, or no room in it
            return numba.njit(signature, nogil=True, fastmath=fastmath)(function)

    return compile_


def compiled_when_called(function: Callable | None = None, **options: object) -> Callable:
    """Compile the decorated function at its first call, for the types that it is called with; the code is kept too."""
    if function is None:
        return lambda it: compiled_when_called(it, **options)
    try:
        return numba.njit(cache=True, nogil=True, **options)(function)  # type: ignore[call-overload]
    except (RuntimeError, OSError):
        return numba.njit(nogil=True, **options)(function)  # type: ignore[call-overload]


def _cache_folder() -> str:
    """A folder for this kind of processor: the machines of a cluster may share a home and differ in instructions."""
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return str(cache_folder() / f"numba-{zlib.crc32(processor.encode()):08x}")


if not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
