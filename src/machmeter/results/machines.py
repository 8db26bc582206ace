"""The machines that a results directory knows, found without reading their samples."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from machmeter.errors import FingerprintDocumentError, UnknownTagError
from machmeter.machine import document
from machmeter.model import Fingerprint, RunRecord
from machmeter.results import layout, runs

#: As `machmeter.environment.context.context_for` names sidecars: commit, environment, start, node, pid.
_SIDECAR: Final = re.compile(
    r"(?P<commit>[0-9a-f]{0,12})-[0-9a-f]{8}-(?P<run>(?P<start>\d{8}T\d{6}Z)-(?P<node>[0-9a-f]{4})-\d+)\.jsonl",
    re.ASCII,
)
_START: Final = "%Y%m%dT%H%M%SZ"

#: A sidecar's line is a few hundred bytes; the first one is not longer than this.
_FIRST_LINE: Final = 65_536


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """One machine's records.

    Parameters
    ----------
    name : str
        Name of its folder: the tag, unless a person chose another.
    fingerprint : Fingerprint or None
        None if there is no valid document.
    why_unknown : str
        Why there is no fingerprint; empty if there is one.
    nodes, runs, commits : tuple of str
        Host names, identifiers of runs, abbreviated commits that have samples; sorted.
    first, last : str or None
        When the first and the last run with samples started: UTC, ISO 8601.
    problems : tuple of str
        One sentence for every file that could not be used.
    """

    name: str
    fingerprint: Fingerprint | None
    why_unknown: str
    nodes: tuple[str, ...]
    runs: tuple[str, ...]
    commits: tuple[str, ...]
    first: str | None
    last: str | None
    problems: tuple[str, ...]


def names(results_dir: Path) -> tuple[str, ...]:
    """Name every machine that has results, samples, run records or a fingerprint there; sorted."""
    samples = layout.samples_dir(results_dir, "any").parent
    records = runs.runs_dir(results_dir, "any").parent
    found = {path.name for folder in (samples, records) for path in folder.glob("*") if path.is_dir()}
    found |= {path.stem for path in layout.fingerprint_path(results_dir, "any").parent.glob("*.json")}
    found |= {path.parent.name for path in results_dir.glob("*/machine.json")}
    return tuple(sorted(found))


def known(results_dir: Path) -> tuple[KnownMachine, ...]:
    """Describe every machine of a results directory; a broken document is told, never an error.

    Parameters
    ----------
    results_dir : Path
        asv's; machmeter's own files lie beside it.
    """
    return tuple(_known(results_dir, name) for name in names(results_dir))


def find(results_dir: Path, tag: str, here: Fingerprint | None = None) -> Fingerprint:
    """Give the fingerprint behind a tag, or behind the name that a person chose for a machine.

    Parameters
    ----------
    results_dir : Path
        asv's.
    tag : str
        What is looked for.
    here : Fingerprint, optional
        This machine, which is known by its tag before it has results.

    Raises
    ------
    UnknownTagError
        If there is none; the message names those that are known.
    FingerprintDocumentError
        If its document is broken.
    """
    if here is not None and tag == here.tag:
        return here
    documents = {name: layout.fingerprint_path(results_dir, name) for name in names(results_dir)}
    if tag in documents and documents[tag].exists():
        return document.read(documents[tag])
    for path in documents.values():
        found, _ = _fingerprint(path)
        if found is not None and found.tag == tag:
            return found
    raise UnknownTagError(tag, (*documents, *([here.tag] if here else ())))


def _known(results_dir: Path, name: str) -> KnownMachine:
    fingerprint, why_unknown = _fingerprint(layout.fingerprint_path(results_dir, name))
    records, problems = runs.read(results_dir, name)
    sidecars, strangers = _sidecars(layout.samples_dir(results_dir, name))
    starts = sorted(filter(None, (_moment(match["start"]) for _, match in sidecars)))
    return KnownMachine(
        name=name,
        fingerprint=fingerprint,
        why_unknown=why_unknown,
        nodes=_nodes(records, sidecars),
        runs=tuple(sorted({record.run for record in records} | {match["run"] for _, match in sidecars})),
        commits=tuple(sorted({match["commit"] for _, match in sidecars} - {""})),
        first=starts[0] if starts else None,
        last=starts[-1] if starts else None,
        problems=(*problems, *strangers),
    )


def _fingerprint(path: Path) -> tuple[Fingerprint | None, str]:
    if not path.exists():
        return None, f"{path} is missing: nobody knows which hardware these results come from."
    try:
        return document.read(path), ""
    except FingerprintDocumentError as error:
        return None, f"{error.fact} {error.next_command}"


def _sidecars(folder: Path) -> tuple[list[tuple[Path, re.Match[str]]], list[str]]:
    """Match the names of a machine's sidecars; the others are named, since nothing is known of them."""
    matched, strangers = [], []
    for path in sorted(folder.rglob("*.jsonl")):
        match = _SIDECAR.fullmatch(path.name)
        if match:
            matched.append((path, match))
        else:
            strangers.append(f"{path} has another name than a sidecar: its samples are not counted here")
    return matched, strangers


def _moment(start: str) -> str | None:
    """Spell the start in a run's identifier as ISO 8601; None for an impossible date."""
    try:
        return datetime.strptime(start, _START).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _nodes(records: Iterable[RunRecord], sidecars: Sequence[tuple[Path, re.Match[str]]]) -> tuple[str, ...]:
    """Name the nodes of the run records; one sample is read for each node that has none."""
    found = {record.node for record in records}
    digests = {hashlib.sha256(node.encode(errors="replace")).hexdigest()[:4] for node in found}
    for path, match in sidecars:
        if match["node"] not in digests:
            digests.add(match["node"])
            found.add(_node_in(path) or f"node {match['node']}")
    return tuple(sorted(found))


def _node_in(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            node = json.loads(stream.readline(_FIRST_LINE))["node"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    return node if isinstance(node, str) else None
