"""The difference of profiles on record: nothing is measured."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from machmeter.errors import MachmeterError, ProfileRefusedError
from machmeter.gate.sources import Sources
from machmeter.machine.fingerprint import fingerprint
from machmeter.profiles import Difference, Profile
from machmeter.profiling import validity
from machmeter.profiling.difference import Evidence, Ratio, subtract
from machmeter.results import profiles as files

_Key = tuple[str, tuple[str, ...], str]


def profiles_of(results_dir: Path, commit: str, pattern: str) -> tuple[dict[_Key, list[Profile]], list[str]]:
    """Read this machine's valid profiles of a commit.

    Parameters
    ----------
    results_dir : Path
        asv's.
    commit : str
        Full hash.
    pattern : str
        Regular expression for the benchmarks.

    Returns
    -------
    profiles : dict of (benchmark, parameters, clock) to list of Profile
        Oldest first.
    problems : list of str
        Files that cannot be read, profiles that are not valid.
    """
    found: defaultdict[_Key, list[Profile]] = defaultdict(list)
    problems: list[str] = []
    for each in files.stored(results_dir, fingerprint().tag, commit):
        if isinstance(each, MachmeterError):
            problems.append(str(each))
            continue
        facts = each.facts
        name = f"{facts.benchmark}({', '.join(facts.params)})" if facts.params else facts.benchmark
        if facts.commit != commit or not re.search(pattern, name):
            continue
        reason = validity.problem(each)
        if reason:
            problems.append(f"{name}: a profile was refused: {reason}")
        else:
            found[facts.benchmark, facts.params, facts.clock].append(each)
    return dict(found), problems


def differences(
    results_dir: Path, repository: Path, base: str, head: str, pattern: str
) -> Iterator[Difference]:
    """Subtract what is on record of two commits.

    Parameters
    ----------
    results_dir : Path
        asv's.
    repository : Path
        Of the project.
    base, head : str
        Full hashes.
    pattern : str
        Regular expression for the benchmarks.

    Raises
    ------
    ProfileRefusedError
        If no benchmark has profiles of both.
    """
    before, problems = profiles_of(results_dir, base, pattern)
    after, more = profiles_of(results_dir, head, pattern)
    shared = [key for key in before if key in after]
    if not shared:
        told = f" ({problems[0] if problems else more[0]})" if problems or more else ""
        raise ProfileRefusedError(
            f"no benchmark that matches {pattern!r} has profiles of both commits on this machine{told}",
            f'Take them: "machmeter flame {base[:8]}..{head[:8]} -b BENCH", or "asv run" with '
            "MACHMETER_PROFILE=1.",
        )
    edits = Sources(repository).edits(base, head)
    for key in shared:
        yield subtract(
            before[key],
            after[key],
            _ratio(before[key], after[key]),
            Evidence(edits, notes=("the ratio is that of the profiles, which are no measurements",)),
        )


def _ratio(base: Sequence[Profile], head: Sequence[Profile]) -> Ratio:
    """Ratio of the profiles' own seconds an iteration, with Welch's interval of their logarithms."""
    one, other = (np.log(list(_seconds(side))) for side in (base, head))
    change = float(other.mean() - one.mean())
    if min(one.size, other.size) > 1:
        interval = stats.ttest_ind(other, one, equal_var=False).confidence_interval(0.95)
        low, high = float(np.exp(interval.low)), float(np.exp(interval.high))
    else:  # one process tells nothing about how much processes differ
        low, high = 0.0, np.inf
    return Ratio(float(np.exp(change)), low, high, float(np.exp(one.mean())))


def _seconds(side: Iterable[Profile]) -> Iterator[float]:
    return (max(each.facts.seconds, 1e-9) / max(each.facts.iterations, 1) for each in side)
