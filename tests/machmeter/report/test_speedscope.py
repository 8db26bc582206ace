import json
from typing import Any

import pytest
from differences import BASE, HEAD, HOSTILE, LOADER, profile

from machmeter.report import speedscope

STACKS = {LOADER: 30, LOADER[:2]: 10, (*LOADER, "numpy:stack"): 60}


def weights(described: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Seconds by the names of a stack."""
    exported = described["shared"]["frames"]
    one = described["profiles"][0]
    stacks = [tuple(exported[index]["name"] for index in sample) for sample in one["samples"]]
    return dict(zip(stacks, one["weights"], strict=True))


def test_a_commit_is_a_sampled_profile() -> None:
    """In the order of the profiles, with what the format asks for."""
    told = speedscope.export([profile(STACKS, BASE), profile(STACKS, HEAD), profile(STACKS, BASE)])
    assert told["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert [one["name"][:8] for one in told["profiles"]] == [BASE[:8], HEAD[:8]]
    assert {(one["type"], one["unit"], one["startValue"]) for one in told["profiles"]} == {
        ("sampled", "seconds", 0)
    }
    assert told["name"] == "loaders.Epoch.time_epoch(blosc2, 64)"


def test_weights_are_seconds_an_iteration() -> None:
    """They add up to the clock that counts, and to the end of the profile."""
    told = speedscope.export([profile(STACKS)])
    one = told["profiles"][0]
    assert sum(one["weights"]) == pytest.approx(2.4 / 20)
    assert one["endValue"] == pytest.approx(sum(one["weights"]))
    assert weights(told)[LOADER] == pytest.approx(0.3 * 2.4 / 20)


def test_profiles_of_a_commit_are_averaged() -> None:
    """Each counts alike, however many stacks it has."""
    told = speedscope.export([profile({("main", "a"): 1}), profile({("main", "b"): 999})])
    assert weights(told) == pytest.approx({("main", "a"): 0.06, ("main", "b"): 0.06})


def test_the_wall_clock_counts_where_it_is_named() -> None:
    """A profile of waiting adds up to the wall time."""
    told = speedscope.export([profile(STACKS, clock="wall")])
    assert told["profiles"][0]["endValue"] == pytest.approx(2.6 / 20)


def test_frames_are_shared() -> None:
    """Every name stands there once, and every index leads to one."""
    told = speedscope.export([profile(STACKS, BASE), profile(STACKS, HEAD)])
    names = [frame["name"] for frame in told["shared"]["frames"]]
    assert sorted(names) == sorted({*LOADER, "numpy:stack"})
    used = {index for one in told["profiles"] for sample in one["samples"] for index in sample}
    assert used == set(range(len(names)))


def test_empty_profiles_weigh_nothing() -> None:
    """No stack, no iteration, no profile at all."""
    told = speedscope.export([profile({}), profile(STACKS, HEAD, iterations=0)])
    assert [one["endValue"] for one in told["profiles"]] == [0, 0]
    assert speedscope.export([])["profiles"] == []


def test_hostile_names_are_spelled_as_json() -> None:
    """The text is UTF-8 and reads back."""
    text = speedscope.text([profile({("main", *HOSTILE): 3})])
    text.encode()
    assert len(json.loads(text)["shared"]["frames"]) == len(HOSTILE) + 1
