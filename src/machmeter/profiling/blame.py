"""Which function answers for a stack: the edited one that spends the time, or that asked for more of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from machmeter.profiles import Stack
from machmeter.profiling.edits import Edits

#: Caller, function and how often an iteration calls it.
Calls = Iterable[tuple[str, str, float]]
#: Counts of repeated runs of the same code may differ a little, where it draws or waits.
_SAME = 0.01


def is_own(frame: str, project: Collection[str]) -> bool:
    """Whether a frame belongs to one of the project's top-level modules."""
    return frame.partition(":")[0].partition(".")[0] in project


def own_frames(stack: Stack, project: Collection[str]) -> list[str]:
    """Return the frames of a stack that belong to the project, from the outermost inwards."""
    return [frame for frame in stack[1:] if is_own(frame, project)]


@dataclass(frozen=True, slots=True)
class Blamed:
    """What a stack is blamed on.

    Parameters
    ----------
    name : str
        ``module:qualname``; empty for what happens outside the project.
    edited : bool
        Whether its code differs between the commits.
    """

    name: str
    edited: bool = False


class Blame:
    """Blames stacks on functions.

    Parameters
    ----------
    project : collection of str
        Top-level modules of the project and the suite.
    edits : Edits
        What differs in the source.
    base, head : iterable of (str, str, float)
        Calls of an iteration on each side; empty where they were not counted.

    Notes
    -----
    Library frames count for the project's function that called them. If that function was not edited, but is
    called more often or less often than before, or nobody counted, its caller answers, and so on outwards.
    A function that was neither edited nor called differently answers for itself: what it works on changed.
    """

    def __init__(self, project: Collection[str], edits: Edits, base: Calls = (), head: Calls = ()) -> None:
        self._project = frozenset(project)
        self._edits = edits
        before, after = _totals(base), _totals(head)
        self._counted = bool(before and after)
        self._same = {
            name
            for name in before.keys() & after.keys()
            if abs(after[name] - before[name]) <= _SAME * before[name]
        }
        self._known = before.keys() | after.keys()
        self._edited: dict[str, bool] = {}

    def of(self, stack: Stack) -> Blamed:
        """Blame a stack on a function."""
        own = own_frames(stack, self._project)
        if not own:
            return Blamed("")
        for name in reversed(own):
            if self.is_edited(name):
                return Blamed(name, edited=True)
            if self.is_called_as_before(name):
                return Blamed(name)
        return Blamed(own[-1])

    def is_edited(self, name: str) -> bool:
        """Whether a function's code differs."""
        if name not in self._edited:
            self._edited[name] = bool(self._edits.of(name))
        return self._edited[name]

    def is_called_as_before(self, name: str) -> bool:
        """Whether a function is known to be called as often at both commits."""
        return name in self._same


def _totals(calls: Calls) -> Mapping[str, float]:
    totals: defaultdict[str, float] = defaultdict(float)
    for _, name, number in calls:
        totals[name] += number
    return totals
