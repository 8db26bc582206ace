"""Whether results of two commits may be compared, and what a reader must know beside the numbers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from machmeter.errors import DifferentHardwareError
from machmeter.model import RunRecord
from machmeter.results import runs
from machmeter.results.layout import samples_dir

#: Letters of a commit's hash in asv's file names, and in those of the sidecars.
_ASV_LETTERS, _SIDECAR_LETTERS = 8, 12


def machines_with(results_dir: Path, commit: str) -> set[str]:
    """Names of the machines that hold asv's results of a commit."""
    return {path.parent.name for path in results_dir.glob(f"*/{commit[:_ASV_LETTERS]}-*.json")}


def common_machine(results_dir: Path, base: str, head: str, here: str) -> str | None:
    """Choose the machine on which two commits can be compared.

    Parameters
    ----------
    results_dir : Path
        asv's results directory.
    base, head : str
        Full commit hashes.
    here : str
        This machine's tag, preferred if it holds both.

    Returns
    -------
    str or None
        None where a commit has no results at all, or several other machines hold both: asv says so.

    Raises
    ------
    DifferentHardwareError
        If both have results, but on no machine together.
    """
    of_base, of_head = machines_with(results_dir, base), machines_with(results_dir, head)
    both = of_base & of_head
    if here in both:
        return here
    if of_base and of_head and not both:
        raise DifferentHardwareError(base, sorted(of_base), head, sorted(of_head))
    return next(iter(both)) if len(both) == 1 else None


def notes(results_dir: Path, tag: str, base: str, head: str) -> tuple[str, ...]:
    """Say what differed around two commits on the same hardware.

    Parameters
    ----------
    tag : str
        The machine that holds both.

    Returns
    -------
    tuple of str
        One sentence for each: unhealthy node, other storage, other thread settings, other state. Empty if
        the runs of both commits met the same conditions.
    """
    records, _ = runs.read(results_dir, tag)
    by_run = {record.run: record for record in records}
    of_base = _runs_of(results_dir, tag, base, by_run)
    of_head = _runs_of(results_dir, tag, head, by_run)
    unknown = [commit[:8] for commit, records in ((base, of_base), (head, of_head)) if not records]
    found = [f"The conditions of {' and '.join(unknown)} are not on record."] if unknown else []
    found += [_unhealthy(commit, members) for commit, members in ((base, of_base), (head, of_head))]
    found += [
        _different("storage", of_base, of_head, "benchmarks that read from disk are not comparable"),
        _different("threads", of_base, of_head, "the work was spread over other numbers of threads"),
        _different("state", of_base, of_head, "the difference may come from there and not from the commit"),
    ]
    return tuple(note for note in found if note)


def _runs_of(results_dir: Path, tag: str, commit: str, by_run: Mapping[str, RunRecord]) -> list[RunRecord]:
    """Find the runs that measured a commit by the names of its sidecars."""
    paths = samples_dir(results_dir, tag).glob(f"{commit[:_SIDECAR_LETTERS]}-*.jsonl")
    names = {path.stem.split("-", 2)[2] for path in paths if path.stem.count("-") > 1}
    return [by_run[name] for name in sorted(names) if name in by_run]


def _unhealthy(commit: str, records: Iterable[RunRecord]) -> str:
    found = sorted({record.health for record in records if record.health.startswith("slow")})
    return f"{commit[:8]} was measured on an unhealthy node ({'; '.join(found)})." if found else ""


def _different(what: str, base: list[RunRecord], head: list[RunRecord], consequence: str) -> str:
    """Compare one field over all runs of two commits: a partial run replaces only part of a result."""
    if not base or not head:
        return ""
    before, after = ([getattr(record, what) for record in records] for records in (base, head))
    names = sorted({name for facts in (*before, *after) for name in facts})
    values = {name: (_values(before, name), _values(after, name)) for name in names}
    pairs = ", ".join(
        f"{name} {one} and {other}" for name, (one, other) in values.items() if one != other or "/" in one
    )
    return f"Different {what}: {pairs}; {consequence}." if pairs else ""


def _values(facts: list[Mapping[str, Any]], name: str) -> str:
    return "/".join(sorted({_spelled(each.get(name)) for each in facts}))


def _spelled(value: Any, most: int = 40) -> str:  # noqa: ANN401 - JSON
    text = "not set" if value is None else str(value)
    return (text if len(text) <= most else f"{text[:most]}…").replace("/", "|")
