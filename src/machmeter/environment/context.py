"""What the driver tells its benchmark processes: which run, node and machine they belong to."""

import functools
import hashlib
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from machmeter.model import RunRecord
from machmeter.probe.sidecar import Context
from machmeter.results.layout import samples_dir


@functools.cache
def run_identifier() -> str:
    """Name of this driver process among all nodes: start time, a digest of the node's name, pid."""
    node = hashlib.sha256(platform.node().encode()).hexdigest()[:4]
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{node}-{os.getpid()}"


def context_for(
    results_dir: Path, environment: str, commit: str, health: str | None, record: RunRecord
) -> Context:
    """Describe a benchmark process; its sidecar is shared by one run, commit and environment."""
    digest = hashlib.sha256(environment.encode()).hexdigest()[:8]
    name = f"{commit[:12]}-{digest}-{run_identifier()}.jsonl"
    return Context(
        sidecar=os.fspath(samples_dir(results_dir, record.tag) / name),
        commit=commit,
        environment=environment,
        tag=record.tag,
        node=platform.node(),
        run=run_identifier(),
        health=health,
        conditions=_conditions(record),
    )


def _conditions(record: RunRecord) -> str:
    """Spell what may differ between the samples of one commit; `--quick` takes one cold call each."""
    storage = " ".join(str(record.storage.get(name, "unknown")) for name in ("kind", "filesystem"))
    quick = ["quick"] if {"--quick", "-q"} & set(sys.argv) else []
    threads = [f"{name}={value}" for name, value in sorted(record.threads.items())]
    return "; ".join([*threads, f"storage {storage}", *quick])
