"""Which work each commit's benchmarks did, as far as our own sidecars tell: digests of what was computed."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from machmeter.results import store
from machmeter.results.history import SeriesName
from machmeter.results.layout import samples_dir
from machmeter.results.machine_files import TOO_FRESH_NS, Stamp, kept_path, stamp_of

_SCHEMA: Final = 1


class Work(NamedTuple):
    """What a benchmark computed at a commit."""

    environment: str
    benchmark: str
    params: tuple[str, ...]
    commit: str
    digest: str


class _Line(msgspec.Struct, gc=False):
    benchmark: str
    params: list[str]
    commit: str
    environment: str
    work: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Line)


def read(results_dir: Path, machine: str) -> Mapping[SeriesName, Mapping[str, str]]:
    """Read the work of a machine's samples; sidecars that have not changed are not read again.

    Returns
    -------
    mapping of SeriesName to mapping of str to str
        For each series the digests of its commits; several of one commit are joined.
    """
    path = kept_path(results_dir, machine, "work")
    kept = _load(path)
    scanned_ns = time.time_ns()
    found: dict[tuple[str, Stamp], list[Work]] = {}
    for sidecar in sorted(samples_dir(results_dir, machine).rglob("*.jsonl")):
        try:
            key = (sidecar.name, stamp_of(sidecar))
            found[key] = kept[key] if key in kept else _works(sidecar.read_bytes())
        except OSError:
            continue  # "machmeter samples" names what cannot be read
    settled = {key: works for key, works in found.items() if key[1].changed_ns < scanned_ns - TOO_FRESH_NS}
    if settled.keys() != kept.keys():
        _save(path, settled)
    return _by_series(machine, (work for works in found.values() for work in works))


def _works(content: bytes) -> list[Work]:
    """Find the distinct works of a sidecar; lines that are no samples are passed over."""
    found: dict[Work, None] = {}
    for line in content.split(b"\n") if b'"work"' in content else ():
        try:
            row = _DECODER.decode(line)
        except ValueError:
            continue
        if row.work is not None:
            found[Work(row.environment, row.benchmark, tuple(row.params), row.commit, row.work)] = None
    return list(found)


def _by_series(machine: str, works: Iterable[Work]) -> Mapping[SeriesName, Mapping[str, str]]:
    digests: dict[SeriesName, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for work in works:
        digests[SeriesName(machine, work.environment, work.benchmark, work.params)][work.commit].add(
            work.digest
        )
    return {
        name: {commit: "+".join(sorted(members)) for commit, members in commits.items()}
        for name, commits in digests.items()
    }


def _save(path: Path, found: Mapping[tuple[str, Stamp], Sequence[Work]]) -> None:
    rows = [[name, stamp, works] for (name, stamp), works in found.items()]
    store.save(path, {"schema": _SCHEMA, "files": rows}, {})


def _load(path: Path) -> Mapping[tuple[str, Stamp], list[Work]]:
    loaded = store.load(path)
    if loaded is None or loaded[0].get("schema") != _SCHEMA:
        return {}
    return {(name, Stamp(*stamp)): list(map(_work, works)) for name, stamp, works in loaded[0]["files"]}


def _work(fields: Sequence[Any]) -> Work:
    environment, benchmark, params, commit, digest = fields
    return Work(environment, benchmark, tuple(params), commit, digest)
