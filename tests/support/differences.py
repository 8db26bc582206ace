"""Builders of profiles and of their difference, so that a test names only what it is about."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from machmeter.profiles import (
    Change,
    Culprit,
    Difference,
    FunctionChange,
    Node,
    Profile,
    ProfileFacts,
    Stack,
)

#: What may stand in the names of other people's functions.
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    "</script><!--<img src=x onerror=\"document.title='owned'\">",
    "\udcff\ud800\x00\x1b[31m\r\n\u2028",
    "\u202eright to left\u200f מודול:פונקציה",
    "long:" + "x" * 10_000,
    "std::vector<int>::push_back",
    "`tick` | **bold** &amp; %s",
)

BASE, HEAD = "a1b2c3d4" + "0" * 32, "e5f60718" + "0" * 32
TAG = "epyc-2c-24g-3fa91c2e"

RINGS = "machmeter_workloads.loaders.rings"
LOADER = ("main", "benchmarks.loaders:Epoch.time_epoch", f"{RINGS}:Ring.__iter__")


def facts(commit: str = BASE, **changes: Any) -> ProfileFacts:
    known = ProfileFacts(
        benchmark="loaders.Epoch.time_epoch",
        params=("blosc2", "64"),
        commit=commit,
        tag=TAG,
        node="node-7",
        environment="virtualenv-py3.12",
        started_at="2026-11-20T15:37:34+00:00",
        clock="cpu",
        iterations=20,
        wall_s=2.6,
        cpu_s=2.4,
        run_delay_s=0.013,
        plain_wall_s=2.55,
        samples=480,
        errors=2,
        late_s=0.004,
        rate_hz=100,
        versions={"numpy": "2.1.0", "blosc2": "3.0.0"},
        project=("machmeter_workloads", "benchmarks"),
        work="5f0c",
        others_cpu_s=0.026,
    )
    return replace(known, **changes)


def profile(stacks: Mapping[Stack, int], commit: str = BASE, **changes: Any) -> Profile:
    return Profile(facts(commit, **changes), stacks)


def change(base_s: float, head_s: float, *, significant: bool = False, spread: float = 0.1) -> Change:
    """Half the interval is `spread` of the difference, and a tenth of a percent of the base."""
    delta, half = head_s - base_s, abs(head_s - base_s) * spread + 1e-3 * base_s
    return Change(base_s, head_s, delta - half, delta + half, 0.001 if significant else 0.4, significant)


def nodes(own: Mapping[Any, tuple[float, float]], significant: Collection[Stack] = ()) -> tuple[Node, ...]:
    """Add up the call paths of which the own seconds an iteration at base and head are given."""
    totals: dict[Stack, list[float]] = {}
    for stack, costs in own.items():
        for length in range(1, len(stack) + 1):
            total = totals.setdefault(stack[:length], [0.0, 0.0])
            total[0] += costs[0]
            total[1] += costs[1]
    return tuple(
        Node(
            stack,
            not stack[-1].startswith(("numpy", "blosc2", "torch")),
            change(base, head, significant=stack in significant),
        )
        for stack, (base, head) in sorted(totals.items())
    )


def function(name: str, base_s: float, head_s: float, **changes: Any) -> FunctionChange:
    own = change(base_s, head_s, significant=changes.pop("significant", False))
    return FunctionChange(name, own, own, **changes)


def slower() -> Difference:
    """A loader whose decoding became slower; a cache is gone, a check is new, one helper is faster."""
    decode, blosc = f"{RINGS}:Ring._decode", "blosc2.core:unpack_tensor"
    copy, cached = f"{RINGS}:Ring._copy", f"{RINGS}:Ring._cached"
    check = f"{RINGS}:Ring._check"
    worker = ("worker", "torch.utils.data._utils.fetch:fetch", f"{RINGS}:Ring.__getitem__")
    own = {
        LOADER: (0.004, 0.004),
        (*LOADER, decode): (0.010, 0.0166),
        (*LOADER, decode, blosc): (0.030, 0.0302),
        (*LOADER, decode, blosc, "numpy:frombuffer"): (0.006, 0.006),
        (*LOADER, copy): (0.012, 0.0093),
        (*LOADER, cached): (0.002, 0.0),
        (*LOADER, check): (0.0, 0.0021),
        (*worker, "numpy:stack"): (0.040, 0.0402),
        (*worker, SCRIPT): (0.008, 0.0081),
    }
    red = [
        LOADER[:1],
        LOADER[:2],
        LOADER,
        (*LOADER, decode),
        (*LOADER, copy),
        (*LOADER, cached),
        (*LOADER, check),
    ]
    changed = (
        function(decode, 0.046, 0.0528, significant=True, edited=True, callers=(LOADER[2],)),
        function(check, 0.0, 0.0021, significant=True, edited=True, status="added", callers=(LOADER[2],)),
        function(SCRIPT, 0.008, 0.0081, edited=False, callers=(worker[2],)),
        function(cached, 0.002, 0.0, significant=True, edited=True, status="vanished"),
        function(copy, 0.012, 0.0093, significant=True),
    )
    base = tuple(facts() for _ in range(8))
    head = tuple(facts(HEAD, cpu_s=2.55, versions={"numpy": "2.2.0", "blosc2": "3.0.0"}) for _ in range(8))
    return Difference(
        benchmark="loaders.Epoch.time_epoch",
        params=("blosc2", "64"),
        base=base,
        head=head,
        ratio=1.062,
        low=1.055,
        high=1.068,
        clock="cpu",
        nodes=nodes(own, red),
        functions=changed,
        culprit=Culprit(decode, 0.059, 0.051, 0.066, via=blosc, commit="4f2e1c3d" + "0" * 32),
        notes=("numpy is 2.2.0 at the head and 2.1.0 at the base.",),
    )
