"""Everything that the pages show, read from the results directory."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from machmeter.errors import FingerprintDocumentError
from machmeter.machine import document
from machmeter.model import Event, Fingerprint, LimitsRecord, Sample
from machmeter.results import asv_files, health_records, layout, machines, runs, sidecars


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """One machine's folder.

    Parameters
    ----------
    name : str
        Name of the folder: the tag, unless a person chose another.
    fingerprint : Fingerprint or None
        None if there is no valid document.
    why_unknown : str
        Why there is no fingerprint; empty if there is one.
    samples : tuple of Sample
        All that are filed under the name.
    events : tuple of Event
        What changed between its runs, oldest first.
    limits : tuple of LimitsRecord
        What its nodes can do at most, oldest first.
    """

    name: str
    fingerprint: Fingerprint | None
    why_unknown: str
    samples: tuple[Sample, ...]
    events: tuple[Event, ...] = ()
    limits: tuple[LimitsRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """All machines, and one sentence for everything that could not be read or does not fit."""

    machines: tuple[MachineRecord, ...]
    problems: tuple[str, ...]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The samples of all machines."""
        return tuple(sample for machine in self.machines for sample in machine.samples)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all machines."""
        return tuple(event for machine in self.machines for event in machine.events)


def read(results_dir: Path) -> Records:
    """Read samples and fingerprints of every machine that a results directory knows.

    Parameters
    ----------
    results_dir : Path
        asv's; machmeter's own files lie beside it.
    """
    found: list[MachineRecord] = []
    problems: list[str] = []
    for name in machines.names(results_dir):
        record, troubles = _read_machine(results_dir, name)
        found.append(record)
        problems += troubles
    problems += _half_written_results(results_dir)
    return Records(tuple(found), tuple(without_parents(problem, results_dir) for problem in problems))


def _read_machine(results_dir: Path, name: str) -> tuple[MachineRecord, list[str]]:
    folder = layout.samples_dir(results_dir, name)
    found = sidecars.read(folder)
    fingerprint, why_unknown = _fingerprint(layout.fingerprint_path(results_dir, name))
    why_unknown = without_parents(why_unknown, results_dir)
    tag = fingerprint.tag if fingerprint else name
    strangers = _strangers(folder, found.samples, {name, tag})
    records, troubles = runs.read(results_dir, name)
    limits, faults = health_records.read_limits(results_dir, tag)
    machine = MachineRecord(name, fingerprint, why_unknown, found.samples, runs.events(records), limits)
    return machine, [*found.problems, *strangers, *troubles, *faults]


def _fingerprint(path: Path) -> tuple[Fingerprint | None, str]:
    if not path.exists():
        return None, f"{path.name} is missing: nobody knows which hardware these results come from."
    try:
        return document.read(path), ""
    except FingerprintDocumentError as error:
        return None, f"{error.fact} {error.reason}"


def _strangers(folder: Path, samples: Iterable[Sample], tags: set[str]) -> list[str]:
    others = Counter(sample.tag for sample in samples if sample.tag not in tags)
    return [
        f"{folder} holds {count} samples of {tag}: other hardware, shown under its own tag"
        for tag, count in sorted(others.items())
    ]


def _half_written_results(results_dir: Path) -> list[str]:
    return [f"{path} is not complete JSON: asv leaves it out" for path in asv_files.half_written(results_dir)]


def without_parents(text: str, results_dir: Path) -> str:
    """Name files relative to the results' folder: the pages are published, a person's folders are not."""
    return text.replace(f"{results_dir.parent}/", "") if results_dir.parent.name else text
