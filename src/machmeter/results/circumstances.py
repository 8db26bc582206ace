"""What else changed around two commits of one machine: candidate causes beside the commit itself."""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from machmeter.model import Event, RunRecord
from machmeter.results import runs
from machmeter.results.history import Timeline
from machmeter.results.layout import samples_dir

#: Letters of a commit's hash in the names of the sidecars.
_LETTERS = 12

#: What asv knows of a machine that says nothing about its speed, or is the series' own environment.
_NO_CAUSES = frozenset({"machine"})


class Circumstances:
    """The runs of one machine and the events between them.

    Parameters
    ----------
    timeline : Timeline
        Of the machine.
    records : sequence of RunRecord
        In the order of their start.
    measured : mapping of str to sequence of str
        Identifiers of runs by the first letters of the commit that they measured.
    """

    def __init__(
        self, timeline: Timeline, records: Sequence[RunRecord], measured: Mapping[str, Sequence[str]]
    ) -> None:
        self._timeline = timeline
        self._starts = {record.run: record.started_at for record in records}
        self._measured = measured
        self.events = runs.events(records)
        self._times = [event.at for event in self.events]
        self._moved = _environments_with_other_facts(timeline)

    def causes(self, environment: str, good: int, bad: int) -> tuple[str, ...]:
        """Name what changed between the measurements of two commits.

        Parameters
        ----------
        environment : str
            Of the series.
        good, bad : int
            Positions in the timeline of the last commit surely before a change and the first surely after.

        Returns
        -------
        tuple of str
            One phrase a changed fact, for instance "kernel from 6.1 to 6.2 (2026-03-03, node01)".
        """
        found = self._events_between(good, bad) if self.events else []
        found += self._other_facts(environment, good, bad) if environment in self._moved else []
        return tuple(found)

    def positions(self) -> Mapping[int, Sequence[Event]]:
        """Place each event at the first commit along the timeline that its run measured."""
        places: dict[str, int] = {}
        for position in range(len(self._timeline.commits)):
            for run in self._runs(position):
                places.setdefault(run, position)
        found: dict[int, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.run in places:
                found[places[event.run]].append(event)
        return found

    def _runs(self, position: int) -> Sequence[str]:
        return self._measured.get(self._timeline.commits[position][:_LETTERS], ())

    def _started(self, position: int) -> str | None:
        """When the run started whose result of a commit asv has kept: the last one."""
        return max((self._starts[run] for run in self._runs(position) if run in self._starts), default=None)

    def _events_between(self, good: int, bad: int) -> list[str]:
        before, after = self._started(good), self._started(bad)
        if before is None or after is None:
            return []
        # An old commit may have been measured after a newer one.
        early, late = sorted((before, after))
        chosen = self.events[bisect_right(self._times, early) : bisect_right(self._times, late)]
        return [phrase for event in chosen for phrase in phrases(event)]

    def _other_facts(self, environment: str, good: int, bad: int) -> list[str]:
        """Compare what asv itself recorded of the machine."""
        texts = [self._timeline.facts.get((position, environment), "{}") for position in (good, bad)]
        if texts[0] == texts[1]:
            return []
        one, other = (_facts(text) for text in texts)
        names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        return [
            f"{name} from {one.get(name)} to {other.get(name)}" for name in names if name not in _NO_CAUSES
        ]


def phrases(event: Event) -> list[str]:
    """Spell each fact that an event changed."""
    where = f"({event.at[:10]}, {event.node})"
    changes = event.changes.items()
    return [f"{name.replace('_', ' ')} from {before} to {after} {where}" for name, (before, after) in changes]


def read(results_dir: Path, machine: str, timeline: Timeline) -> tuple[Circumstances, tuple[str, ...]]:
    """Read the run records of a machine, and which commits its sidecars say that they measured.

    Returns
    -------
    circumstances : Circumstances
        Empty for results of others, who have no such records.
    problems : tuple of str
        One sentence for every broken record.
    """
    records, problems = runs.read(results_dir, machine)
    measured: dict[str, list[str]] = defaultdict(list)
    for path in sorted(samples_dir(results_dir, machine).glob("*.jsonl")):
        commit, _, rest = path.stem.partition("-")
        run = rest.partition("-")[2]
        if run:
            measured[commit].append(run)
    return Circumstances(timeline, records, measured), problems


def _environments_with_other_facts(timeline: Timeline) -> set[str]:
    """Name the environments in which asv did not always know the same of the machine."""
    facts: dict[str, set[str]] = defaultdict(set)
    for (_, environment), text in timeline.facts.items():
        facts[environment].add(text)
    return {environment for environment, texts in facts.items() if len(texts) > 1}


def _facts(text: str) -> Mapping[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, Mapping) else {}
