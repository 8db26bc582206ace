"""What is asked: the benchmarks and parameters that both sides have, and those that only one has."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from machmeter.pairs import Verdict

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """One benchmark with one set of parameters.

    Parameters
    ----------
    benchmark : str
        asv's name.
    params : tuple of str
        asv's representation of the parameters.
    index : mapping of str to int or None
        Number of this set of parameters at "base" and at "head"; None for a benchmark without parameters.
    timeout_s : float, seconds
        For setting up, and for each sample.
    cache : str or None
        Key of its ``setup_cache``.
    cache_timeout_s : float, seconds
        For ``setup_cache``.
    fresh : bool
        Whether the suite asks for processes that were not forked from one that has imported it.
    unit : str
        Of what it returns.
    version : str
        asv's digest of its code.
    """

    benchmark: str
    params: tuple[str, ...]
    index: Mapping[str, int | None]
    timeout_s: float = 60.0
    cache: str | None = None
    cache_timeout_s: float = 60.0
    fresh: bool = False
    unit: str = "seconds"
    version: str = ""

    @property
    def key(self) -> Key:
        """What identifies it within a comparison."""
        return self.benchmark, self.params


def ask(
    greetings: Mapping[str, Mapping[str, Any]], pattern: str | None, timeout_s: float
) -> tuple[list[Question], list[Verdict], list[str]]:
    """Find the questions.

    Parameters
    ----------
    greetings : mapping of str to mapping
        What "base" and "head" said about the suite.
    pattern : str or None
        Regular expression that is searched in "name" and "name(param, ...)", as ``asv run --bench`` does.
    timeout_s : float, seconds
        For benchmarks that set none.

    Returns
    -------
    questions : list of Question
        What both sides have, in the suite's order.
    verdicts : list of Verdict
        "added", "removed" or "failed" for what only one side has.
    notes : list of str
        Modules of the suite that neither side can import.
    """
    broken = {name: greetings[name]["broken"] for name in ("base", "head")}
    found = {name: _parameter_sets(greetings[name]["benchmarks"]) for name in ("base", "head")}
    keys = [key for key in {**found["head"], **found["base"]} if _matches(pattern, key)]
    questions = [
        _question(key, found, timeout_s) for key in keys if key in found["base"] and key in found["head"]
    ]
    verdicts = [
        _one_sided(key, found, broken) for key in keys if (key in found["base"]) != (key in found["head"])
    ]
    notes = [
        f"{module} cannot be imported: {_last_line(text)}"
        for module, text in broken["head"].items()
        if module in broken["base"]
    ]
    return questions, verdicts, notes


def _parameter_sets(benchmarks: Iterable[dict[str, Any]]) -> dict[Key, tuple[dict[str, Any], int | None]]:
    """Each benchmark with each set of its parameters, and the number of that set."""
    found: dict[Key, tuple[dict[str, Any], int | None]] = {}
    for benchmark in benchmarks:
        sets = list(itertools.product(*benchmark["params"]))
        for number, params in enumerate(sets):
            found[benchmark["name"], tuple(params)] = benchmark, number if benchmark["params"] else None
    return found


def _question(
    key: Key, found: Mapping[str, Mapping[Key, tuple[dict[str, Any], int | None]]], timeout_s: float
) -> Question:
    benchmark = found["head"][key][0]
    return Question(
        benchmark=key[0],
        params=key[1],
        index={name: found[name][key][1] for name in found},
        timeout_s=float(benchmark["timeout"] or timeout_s),
        cache=benchmark["setup_cache"],
        cache_timeout_s=float(benchmark["setup_cache_timeout"] or benchmark["timeout"] or timeout_s),
        fresh=benchmark["fresh_process"],
        unit=str(benchmark["unit"]),
        version=str(benchmark["version"]),
    )


def _one_sided(
    key: Key,
    found: Mapping[str, Mapping[Key, object]],
    broken: Mapping[str, Mapping[str, str]],
) -> Verdict:
    there, missing = ("base", "head") if key in found["base"] else ("head", "base")
    module = _broken_module(key[0], broken[missing])
    if there == "head":
        reason = "the suite's module cannot be imported at the base" if module else "not at the base"
        return Verdict(*key, word="added", reason=reason)
    if module is None:
        return Verdict(*key, word="removed", reason="not at the head")
    text = broken["head"][module]
    return Verdict(
        *key, word="failed", reason=f"head: {module} cannot be imported: {_last_line(text)}", output=text
    )


def _broken_module(benchmark: str, broken: Mapping[str, str]) -> str | None:
    """Find the module of the suite that a benchmark belongs to among those that cannot be imported."""
    parts = benchmark.split(".")
    for module in broken:
        inner = module.split(".")[1:]  # the first part is the suite's folder, which names leave out
        if parts[: len(inner)] == inner:
            return module
    return None


def _matches(pattern: str | None, key: Key) -> bool:
    name, params = key
    texts: Sequence[str] = (name, f"{name}({', '.join(params)})") if params else (name,)
    return pattern is None or any(re.search(pattern, text) for text in texts)


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"
