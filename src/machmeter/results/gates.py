"""Files of comparisons: a header, a line a pair as it is taken, and the verdicts at the end."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from machmeter.errors import ForeignPairsError, UnwritableError
from machmeter.pairs import Comparison, Pair
from machmeter.results.layout import companion_dir
from machmeter.results.typed import build

#: What two runs must share so that one can go on where the other stopped.
_SAME = ("base", "head", "tag", "environment", "threads", "mode")


def gates_dir(results_dir: Path) -> Path:
    """Folder of the files of comparisons."""
    return companion_dir(results_dir) / "gates"


class Journal:
    """Writes one comparison as it goes on, so that an interruption loses nothing.

    Parameters
    ----------
    results_dir : Path
        asv's results directory.
    comparison : Comparison
        Without verdicts yet.
    """

    def __init__(self, results_dir: Path, comparison: Comparison) -> None:
        self.path = gates_dir(results_dir) / f"{comparison.identifier}.jsonl"
        self._append({"comparison": asdict(comparison)})

    def pair(self, pair: Pair) -> None:
        """Write a pair.

        Raises
        ------
        UnwritableError
            If the disk is full or the file cannot be written.
        """
        self._append({"pair": asdict(pair)})

    def finish(self, comparison: Comparison) -> None:
        """Write the verdicts; see `pair`."""
        self._append({"finished": asdict(comparison)})

    def _append(self, row: dict[str, Any]) -> None:
        _append(self.path, row)


def finish(results_dir: Path, comparison: Comparison) -> None:
    """Write verdicts to which something was added; the last ones of a file count.

    Raises
    ------
    UnwritableError
        If the disk is full or the file cannot be written.
    """
    _append(gates_dir(results_dir) / f"{comparison.identifier}.jsonl", {"finished": asdict(comparison)})


def _append(path: Path, row: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(json.dumps(row).encode() + b"\n")
    except OSError as error:
        raise UnwritableError(path, error) from error


def read(path: Path) -> tuple[dict[str, Any], list[Pair], Comparison | None]:
    """Read a comparison.

    Returns
    -------
    header : dict
        Of the `Comparison` as it began; empty if the file has none.
    pairs : list of Pair
        Complete ones; a line that was cut off, or is of another kind, is passed over.
    finished : Comparison or None
        With its verdicts, if it came to its end.
    """
    header: dict[str, Any] = {}
    pairs: list[Pair] = []
    finished = None
    for row in _rows(path):
        with contextlib.suppress(TypeError, ValueError):
            if "comparison" in row:
                header = dict(row["comparison"])
            elif "pair" in row:
                pairs.append(build(Pair, row["pair"]))
            elif "finished" in row:
                finished = build(Comparison, row["finished"])
    return header, pairs, finished


def earlier(results_dir: Path, comparison: Comparison) -> tuple[Path | None, list[Pair]]:
    """Find the pairs of the newest comparison of the same commits on this machine.

    Returns
    -------
    path : Path or None
        The newest file of them, None if there is none.
    pairs : list of Pair
        Of each benchmark's newest file, without those of benchmarks that were edited since then.

    Raises
    ------
    ForeignPairsError
        If these commits have been compared on other hardware only.
    """
    wanted = _plain({name: getattr(comparison, name) for name in _SAME})
    mine = _versions(comparison.facts)
    kept: dict[tuple[str, tuple[str, ...]], list[Pair]] = {}
    newest, elsewhere = None, ""
    # A run that was resumed holds the pairs of those before it: each benchmark's newest file has them all.
    for path in sorted(gates_dir(results_dir).glob("*.jsonl"), key=_modified, reverse=True):
        stated = _header(path)
        if {name: stated.get(name) for name in _SAME} != wanted:
            if all(stated.get(name) == wanted[name] for name in ("base", "head")):
                elsewhere = elsewhere or str(stated.get("tag") or "")
            continue
        header, pairs, _ = read(path)
        theirs = _versions(header.get("facts"))
        found: dict[tuple[str, tuple[str, ...]], list[Pair]] = {}
        for pair in pairs:
            if mine.get(pair.benchmark) == theirs.get(pair.benchmark):
                found.setdefault((pair.benchmark, pair.params), []).append(pair)
        newest = newest or (path if found else None)
        kept = found | kept
    if newest is None and elsewhere not in {"", comparison.tag}:
        raise ForeignPairsError(comparison.base, comparison.head, elsewhere, comparison.tag)
    return newest, [pair for each in kept.values() for pair in each]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it was removed a moment ago
        return 0.0


def _header(path: Path) -> Mapping[str, Any]:
    """Read the first line alone: files of other commits may be long."""
    for row in _rows(path):
        return dict(row.get("comparison") or {})
    return {}


def _versions(facts: object) -> dict[str, str]:
    """Digests of the benchmarks' code: an edited benchmark is another one, whatever its name."""
    versions = facts.get("versions") if isinstance(facts, Mapping) else None
    return dict(versions) if isinstance(versions, Mapping) else {}


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
        for line in stream:
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict):
                    yield row


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(facts)))
