"""Subtracts the profiles of two commits."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from machmeter.errors import ForeignProfileError
from machmeter.profiles import Change, Culprit, Difference, FunctionChange, Node, Profile, Stack
from machmeter.profiling import culprit as culprits
from machmeter.profiling.blame import Blame, is_own, own_frames
from machmeter.profiling.culprit import Candidate
from machmeter.profiling.edits import Edits
from machmeter.profiling.shares import Scale, Table, table

_HALF = 1.96
_MOST_CALLERS = 3


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much the head costs over the base, as the gate found it.

    Parameters
    ----------
    value, low, high : float
        With its interval of 95%.
    base_s : float, seconds
        An iteration at the base.
    """

    value: float
    low: float
    high: float
    base_s: float

    @property
    def scale(self) -> Scale:
        """The same with a standard error."""
        return Scale(self.base_s, self.value, max(0.0, self.high - self.low) / (2 * _HALF))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known besides the stacks.

    Parameters
    ----------
    edits : Edits
        What differs in the source.
    base_calls, head_calls : tuple of (str, str, float)
        Caller, function, calls an iteration; empty where they were not counted.
    notes : tuple of str
        For the reader.
    """

    edits: Edits = field(default_factory=Edits)
    base_calls: tuple[tuple[str, str, float], ...] = ()
    head_calls: tuple[tuple[str, str, float], ...] = ()
    notes: tuple[str, ...] = ()


def subtract(
    base: Sequence[Profile], head: Sequence[Profile], ratio: Ratio, evidence: Evidence | None = None
) -> Difference:
    """Subtract the base's profiles from the head's.

    Parameters
    ----------
    base, head : sequence of Profile
        At least one a side, of one benchmark on one kind of machine, valid ones.
    ratio : Ratio
        What is to be explained.
    evidence : Evidence, optional
        What is known besides.

    Raises
    ------
    ForeignProfileError
        If they are of several benchmarks, machines or clocks.
    """
    _check(base, head)
    known = evidence or Evidence()
    facts = base[0].facts
    project = frozenset(facts.project) | frozenset(head[0].facts.project)
    blame = Blame(project, known.edits, known.base_calls, known.head_calls)
    by_blame = table(base, head, ratio.scale, lambda stack: (blame.of(stack),))
    change = ratio.value - 1.0
    ordered = culprits.candidates(by_blame, change, edits_known=known.edits.known)
    found, reason = culprits.name(ordered, change, ratio.scale.error, edits_known=known.edits.known)
    functions = _functions(base, head, ratio.scale, project, blame, known.edits)
    return Difference(
        benchmark=facts.benchmark,
        params=facts.params,
        base=tuple(each.facts for each in base),
        head=tuple(each.facts for each in head),
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        clock=facts.clock,
        nodes=_nodes(base, head, ratio.scale, project),
        functions=_ordered(functions, ordered),
        culprit=None if found is None else _via(found, base, head, ratio.scale, blame, project),
        reason=reason,
        notes=(*_version_notes(base, head), *_work_notes(base, head), *known.notes),
    )


def _check(base: Sequence[Profile], head: Sequence[Profile]) -> None:
    first = base[0].facts
    for each in (*base, *head):
        for name in ("benchmark", "params", "tag", "clock"):
            mine, theirs = getattr(first, name), getattr(each.facts, name)
            if mine != theirs:
                raise ForeignProfileError(name, str(mine), str(theirs))


def _nodes(
    base: Sequence[Profile], head: Sequence[Profile], scale: Scale, project: Collection[str]
) -> tuple[Node, ...]:
    """Every call path with all that it calls, parents first."""

    def paths(stack: Stack) -> Iterator[Stack]:
        return (stack[:depth] for depth in range(1, len(stack) + 1))

    found = table(base, head, scale, paths)
    return tuple(Node(path, is_own(path[-1], project), found.changes[path]) for path in sorted(found.changes))


def _functions(
    base: Sequence[Profile],
    head: Sequence[Profile],
    scale: Scale,
    project: Collection[str],
    blame: Blame,
    edits: Edits,
) -> list[FunctionChange]:
    own = table(base, head, scale, lambda stack: own_frames(stack, project)[-1:])
    total = table(base, head, scale, lambda stack: dict.fromkeys(own_frames(stack, project)))
    callers = _callers((*base, *head), project)
    return [
        FunctionChange(
            name=name,
            own=own.changes.get(name, _nothing()),
            total=change,
            edited=blame.is_edited(name) if edits.known else None,
            status=_status(change, edits.of(name)),
            callers=callers.get(name, ()),
        )
        for name, change in total.changes.items()
    ]


def _status(change: Change, edit: str) -> str:
    if edit == "added" or (change.significant and not change.base_s):
        return "added"
    if edit == "removed" or (change.significant and not change.head_s):
        return "vanished"
    return ""


def _nothing() -> Change:
    return Change(0.0, 0.0, 0.0, 0.0, 1.0, significant=False)


def _callers(profiles: Iterable[Profile], project: Collection[str]) -> dict[str, tuple[str, ...]]:
    seen: dict[str, Counter[str]] = {}
    for profile in profiles:
        for stack, number in profile.stacks.items():
            for caller, name in itertools.pairwise(own_frames(stack, project)):
                seen.setdefault(name, Counter())[caller] += number
    return {
        name: tuple(caller for caller, _ in each.most_common(_MOST_CALLERS)) for name, each in seen.items()
    }


def _ordered(functions: Sequence[FunctionChange], ordered: Sequence[Candidate]) -> tuple[FunctionChange, ...]:
    """Most blamed first; those that nothing is blamed on by the size of their own change."""
    places = {each.blamed.name: place for place, each in enumerate(ordered)}
    last = len(places)
    return tuple(
        sorted(functions, key=lambda each: (places.get(each.name, last), -abs(each.own.delta_s), each.name))
    )


def _via(
    found: Culprit,
    base: Sequence[Profile],
    head: Sequence[Profile],
    scale: Scale,
    blame: Blame,
    project: Collection[str],
) -> Culprit:
    """Say which function below the culprit spends most of the time that is blamed on it."""

    def leaf(stack: Stack) -> list[str]:
        return own_frames(stack, project)[-1:] if blame.of(stack).name == found.name else []

    within: Table[str] = table(base, head, scale, leaf)
    changes = within.changes
    most = max(changes, key=lambda name: changes[name].delta_s * (1 if found.share > 0 else -1), default="")
    return found if most in {"", found.name} else replace(found, via=most)


def _version_notes(base: Sequence[Profile], head: Sequence[Profile]) -> Iterator[str]:
    before, after = base[0].facts.versions, head[0].facts.versions
    for name in sorted(before.keys() | after.keys()):
        mine, theirs = before.get(name, "absent"), after.get(name, "absent")
        if mine != theirs:
            yield f"{name} differs: {mine} at the base, {theirs} at the head"


def _work_notes(base: Sequence[Profile], head: Sequence[Profile]) -> Iterator[str]:
    before, after = ({each.facts.work for each in side} for side in (base, head))
    if len(before) == len(after) == 1 and before != after and None not in before | after:
        yield "the work changed: base and head computed different results"
