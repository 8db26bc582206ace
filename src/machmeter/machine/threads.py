"""The environment variables that say how many threads the numerical libraries use, and where those run."""

from collections.abc import Mapping
from typing import Final

from machmeter.machine.parsing import word

#: Each changes the speed of unchanged code, so that runs with different ones are not comparable.
VARIABLES: Final = (
    "BLIS_NUM_THREADS",
    "BLOSC_NTHREADS",
    "GOMP_CPU_AFFINITY",
    "GOTO_NUM_THREADS",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "KMP_HW_SUBSET",
    "MKL_DYNAMIC",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_THREAD_LIMIT",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TBB_NUM_THREADS",
    "TORCH_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def thread_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of `VARIABLES` that are set.

    Parameters
    ----------
    environ : mapping of str to str
        Such as ``os.environ``.

    Returns
    -------
    dict of str to str
        In alphabetical order. Set to nothing is like not set; a garbled value is "unknown".
    """
    return {name: word(environ[name]) for name in VARIABLES if environ.get(name, "").strip()}
