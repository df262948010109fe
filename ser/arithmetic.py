"""Environment variables that make every bit of a result independent of instruction set and threads, at a cost in speed.

Libraries choose their code by the processor's vector instructions and by the number of threads. Each choice adds up
sums in another order, and in training such rounding errors grow to whole points of an error rate. With the variables
here, every library uses code that all x86-64 processors can run, in one thread.

Some functions no variable can pin: those of MKL by which PyTorch computes square roots, log10, log2, asin, atan and
logarithms of doubles on a CPU. MKL begins a root with the processor's approximation of 1 / sqrt(x), which has other
bits on Intel's processors than on AMD's. So no training takes a root by MKL (`ser.models.pooling.standard_deviation`
and the fused steps of the optimizers), or updates a weight by one of the others.
"""

import importlib
import importlib.util

_PINS = {
    "ATEN_CPU_CAPABILITY": "default",  # PyTorch's own kernels
    "MKL_CBWR": "COMPATIBLE",  # PyTorch's matrix products; the one branch that is equal on Intel and AMD
    "ONEDNN_MAX_CPU_ISA": "SSE41",  # PyTorch's convolutions
    "OPENBLAS_CORETYPE": "Nehalem",  # matrix products and eigenvectors of NumPy and SciPy
    "NUMBA_CPU_NAME": "generic",  # compiled loops
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",  # exponentials and logarithms of the C library
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def pins() -> dict[str, str]:
    """Return the environment variables, name -> value. They have an effect only if set before a program starts."""
    return _PINS | {"NPY_DISABLE_CPU_FEATURES": " ".join(_numpy_dispatch())}


def _numpy_dispatch() -> list[str]:
    """List the instruction sets, of this machine too, for which the installed NumPy has code of its own."""
    name = (
        "numpy._core._multiarray_umath" if importlib.util.find_spec("numpy._core") else "numpy.core._multiarray_umath"
    )
    umath = importlib.import_module(name)
    return [feature for feature in umath.__cpu_dispatch__ if umath.__cpu_features__.get(feature)]
