"""Profiles in the file format of speedscope (https://www.speedscope.app), one sampled profile a commit."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from machmeter.profiles import Profile, Stack
from machmeter.report import labels
from machmeter.report.frame_names import shown

SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"


def text(profiles: Sequence[Profile]) -> str:
    """Spell `export` as a file's text."""
    return json.dumps(export(profiles), allow_nan=False) + "\n"


def export(profiles: Sequence[Profile]) -> dict[str, Any]:
    """Describe profiles as speedscope's ``file-format-spec.ts`` asks.

    Parameters
    ----------
    profiles : sequence of Profile
        Of one benchmark; commits appear in the order of their first profile, so the base's come first.

    Returns
    -------
    dict
        JSON's types; the weights of a commit are seconds an iteration.
    """
    commits = list(dict.fromkeys(profile.facts.commit for profile in profiles))
    frames: dict[str, int] = {}
    described = [
        _described(
            commit, seconds_by_stack([each for each in profiles if each.facts.commit == commit]), frames
        )
        for commit in commits
    ]
    return {
        "$schema": SCHEMA,
        "shared": {"frames": [{"name": shown(name)} for name in frames]},
        "profiles": described,
        "name": _title(profiles),
        "activeProfileIndex": 0,
        "exporter": f"machmeter@{version('machmeter')}",
    }


def seconds_by_stack(profiles: Sequence[Profile]) -> dict[Stack, float]:
    """Weigh the stacks of one commit's profiles.

    Parameters
    ----------
    profiles : sequence of Profile
        Each counts alike, however long it was; those without a stack or an iteration say nothing.

    Returns
    -------
    dict of Stack to float
        Seconds an iteration that ended in exactly this stack.
    """
    telling = [profile for profile in profiles if profile.count and profile.facts.iterations]
    found: dict[Stack, float] = defaultdict(float)
    for profile in telling:
        weight = profile.facts.seconds / profile.facts.iterations / profile.count / len(telling)
        for stack, count in profile.stacks.items():
            found[stack] += count * weight
    return dict(found)


def _described(commit: str, seconds: Mapping[Stack, float], frames: dict[str, int]) -> dict[str, Any]:
    """Describe one commit; `frames` gives every name its number and learns new ones."""
    stacks = sorted(seconds)
    weights = [seconds[stack] for stack in stacks]
    return {
        "type": "sampled",
        "name": f"{labels.printable(labels.short_commit(commit))}, seconds an iteration",
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [[frames.setdefault(name, len(frames)) for name in stack] for stack in stacks],
        "weights": weights,
    }


def _title(profiles: Sequence[Profile]) -> str:
    if not profiles:
        return "machmeter"
    facts = profiles[0].facts
    params = f"({', '.join(facts.params)})" if facts.params else ""
    return shown(f"{facts.benchmark}{params}")
