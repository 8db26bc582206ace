"""All strategies of our own that are made of threads, by name: what the planner chooses from."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from machmeter_workloads.loaders.mapped import MAPPED, RAW16
from machmeter_workloads.loaders.threads_htc import THREADS_BLOSC, THREADS_FP16, THREADS_ORIGINAL
from machmeter_workloads.loaders.threads_lz4 import THREADS_LZ4
from machmeter_workloads.loaders.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machmeter_workloads.loaders.thread_loader import ThreadStrategy

# From the quickest on most nodes to the slowest: a planner that runs out of time has seen the best ones.
THREAD_STRATEGIES: Mapping[str, ThreadStrategy] = MappingProxyType(
    {
        "mapped": MAPPED,
        "raw16": RAW16,
        "windows": WINDOWS,
        "threads_lz4": THREADS_LZ4,
        "threads_fp16": THREADS_FP16,
        "threads_blosc": THREADS_BLOSC,
        "threads_original": THREADS_ORIGINAL,
    }
)
