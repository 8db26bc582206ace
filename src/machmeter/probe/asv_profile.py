"""The profile that `asv run` takes with MACHMETER_PROFILE=1, after a benchmark's samples in its process."""

import gzip
import json
import math
import os
import re
import secrets
import time
from datetime import UTC, datetime
from importlib.metadata import distributions
from typing import Any

from machmeter.probe import spy, stacks
from machmeter.probe.forks import kinds, passes
from machmeter.probe.sidecar import Context

_SAMPLE_S = 0.02
_PROFILE_S = 1.0
#: Calls by which it is found out whether they can share a setup.
_TRIED = 8
_PLAIN_S = 0.125
#: Of a profile with everything that is not watched: setups, starts of interpreters.
_MOST_S = 3.0


def take(benchmark: Any, params: list[str], context: Context) -> None:  # noqa: ANN401 - asv_runner's
    """Profile a benchmark that has just been sampled, and write the profile.

    Parameters
    ----------
    benchmark : asv_runner's Benchmark
        Set up.
    params : list of str
        asv's representation of its parameters.
    context : Context
        Where it is, with ``profile``: ``program`` (path of py-spy), ``folder`` (for the files), ``rate_hz``,
        ``options`` and ``project`` (its top-level modules).
    """
    asked = context.profile
    if asked is None:
        return
    started_at = datetime.now(UTC).isoformat()
    function = benchmark.func
    watch = spy.Watch(asked["program"], asked["rate_hz"], "cpu", tuple(asked["options"]))
    try:
        kind = kinds.of(benchmark)
        passes.share_setup(kind, _TRIED)
        number = kind.calls_for(_SAMPLE_S)
        began = time.monotonic()
        sample_s = kind.sample(number).get("wall_s", 0.0)
        whole_s = time.monotonic() - began
        turns = max(1, math.ceil(min(_PROFILE_S / max(sample_s, 1e-6), _MOST_S / max(whole_s, 1e-6))))
        taken = passes.profile(
            kind, benchmark, number, turns, max(1, round(_PLAIN_S * turns * number)), watch
        )
    finally:
        benchmark.func = function
    if "refused" in taken:
        print(f"machmeter: no profile of {benchmark.name}: {taken['refused']}")  # noqa: T201 - asv shows it
        return
    facts = _facts(benchmark.name, params, context, started_at, taken)
    _write(asked["folder"], facts, {tuple(stack): count for stack, count in taken["stacks"]})


def _facts(
    name: str, params: list[str], context: Context, started_at: str, taken: dict[str, Any]
) -> dict[str, Any]:
    asked = context.profile or {}
    measured = (
        "wall_s",
        "cpu_s",
        "run_delay_s",
        "others_cpu_s",
        "plain_wall_s",
        "late_s",
        "samples",
        "errors",
    )
    return {
        "benchmark": name,
        "params": params,
        "commit": context.commit,
        "tag": context.tag,
        "node": context.node,
        "environment": context.environment,
        "started_at": started_at,
        "clock": "cpu",
        "iterations": int(taken["items"]),
        **{key: taken[key] for key in measured},
        "rate_hz": taken.get("rate_hz", asked["rate_hz"]),
        "options": asked["options"],
        "versions": {each.metadata["Name"]: each.version for each in distributions()},
        "project": asked["project"],
    }


def _write(folder: str, facts: dict[str, Any], counts: dict[tuple[str, ...], int]) -> None:
    """Write the file whole; `machmeter.results.profiles` reads it."""
    plain = re.sub("[^A-Za-z0-9_.]+", "_", facts["benchmark"])[:60]
    name = (
        f"{facts['commit'][:12]}-{plain}-{re.sub('[^0-9]', '', facts['started_at'])}-{secrets.token_hex(3)}"
    )
    path = os.path.join(folder, f"{name}.folded.gz")
    os.makedirs(folder, exist_ok=True)
    text = f"# {json.dumps(facts)}\n{stacks.to_text(counts)}"
    with open(f"{path}.part", "wb") as stream:
        stream.write(gzip.compress(text.encode("utf-8", errors="replace"), mtime=0))
    os.replace(f"{path}.part", path)
