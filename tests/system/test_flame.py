"""Culprits and flame graphs with real py-spy, real git and real environments."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stages import wait_for
from toy import Suite, make_suite

from machmeter.machine.fingerprint import fingerprint
from machmeter.results import profiles

pytestmark = pytest.mark.system

_COMMAND = os.fspath(Path(sys.executable).with_name("machmeter"))

PROJECT = """\
import time
from multiprocessing import get_context


def table(size):
    return {str(number): number for number in range(size)}


def total(rows):
    return sum(rows[name] for name in rows)


def scaled(size):
    return [number * 3 % 7 for number in range(size)]


def work():
    rows = table(1500)
    scaled(3000)
    return total(rows)


def waits():
    time.sleep(0.01)
    return work()


# py-spy looks for new processes ten times a second: these live much longer.
def spread():
    with get_context("fork").Pool(2) as pool:
        return pool.map(scaled, [400_000] * 40)
"""

BENCHMARKS = """\
import toy


def time_work():
    toy.work()


def time_waits():
    toy.waits()


def time_spread():
    toy.spread()


def timeraw_work():
    return "for _ in range(60): toy.work()", "import toy"
"""

#: Half as much again in one function, and harmless edits in two others.
SLOWER = PROJECT.replace("scaled(3000)", "scaled(6000)")
OTHERWISE = SLOWER.replace("rows[name] for name in rows", "rows[key] for key in rows").replace(
    "    rows = table(1500)\n", "    rows = dict(table(1500))\n"
)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Three commits: fast, slow in `work`, and slower by a lost cache of nobody."""
    made = make_suite(tmp_path_factory.mktemp("flame"))
    for message, source in {"fast": PROJECT, "slow": OTHERWISE}.items():
        made.commit(message, {"toy.py": source, "benchmarks/bench.py": BENCHMARKS})
    return made


def machmeter(
    suite: Suite, *arguments: str, expect: int, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [_COMMAND, *arguments],
        cwd=suite.folder,
        env=suite.environ(**variables),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    steady = "stacks are too few" in done.stderr  # that is no fault of the node
    if expect in {0, 1} and "refused" in done.stdout + done.stderr and not steady:
        pytest.skip(f"this node is too unsteady now for valid profiles: {done.stderr.splitlines()[-1:]}")
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def verdict(done: subprocess.CompletedProcess[str]) -> Mapping[str, Any]:
    (found,) = json.loads(done.stdout)["verdicts"]
    return dict(found)


def stacks(suite: Suite, commit: str, benchmark: str) -> dict[tuple[str, ...], int]:
    """What was seen of a benchmark at a commit, all profiles together."""
    seen: dict[tuple[str, ...], int] = {}
    for each in profiles.stored(suite.folder / "results", fingerprint().tag, suite.git("rev-parse", commit)):
        assert not isinstance(each, Exception)
        if each.facts.benchmark == benchmark:
            for stack, count in each.stacks.items():
                seen[stack] = seen.get(stack, 0) + count
    return seen


def test_the_gate_names_the_function_that_did_it(suite: Suite) -> None:
    """The edited caller: what it calls was not edited, and takes longer for what it is given."""
    done = verdict(machmeter(suite, "gate", "main~1", "main", "-b", "time_work$", "--json", expect=1))
    assert done["word"] == "slower"
    assert "toy:scaled" in done["cause"] or "toy:work" in done["cause"]
    page = Path(done["page"])
    assert page.stat().st_size < 500_000
    assert "toy:scaled" in page.read_text()
    assert page.with_suffix(".speedscope.json").exists()
    told = json.loads(page.with_suffix(".json").read_text())
    assert told["functions"][0]["name"] in {"toy:scaled", "toy:work"}


def test_one_commit_is_drawn(suite: Suite) -> None:
    """Stacks begin at the benchmark, and name functions by module."""
    done = machmeter(suite, "flame", "main~1", "-b", "time_work$", "--seconds", "4", expect=0)
    assert "flames" in done.stdout
    seen = stacks(suite, "main~1", "bench.time_work")
    assert ("main", "benchmarks.bench:time_work", "toy:work", "toy:scaled") in seen
    assert {stack[0] for stack in seen} == {"main"}
    assert all(stack[1] == "benchmarks.bench:time_work" for stack in seen)


def test_workers_are_seen_in_their_role(suite: Suite) -> None:
    """Forked workers, from their loop on."""
    machmeter(suite, "flame", "main~1", "-b", "time_spread", "--seconds", "4", expect=0)
    seen = stacks(suite, "main~1", "bench.time_spread")
    workers = sum(count for stack, count in seen.items() if stack[0] == "worker")
    assert workers > 0.5 * sum(seen.values())
    assert all("benchmarks.bench:time_spread" not in stack for stack in seen if stack[0] == "worker")


def test_interpreters_of_their_own_are_seen(suite: Suite) -> None:
    """`timeraw_*` runs its statement once, in an interpreter that waits until it is watched."""
    machmeter(suite, "flame", "main~1", "-b", "timeraw_work", "--seconds", "4", expect=0)
    seen = stacks(suite, "main~1", "bench.timeraw_work")
    assert ("main", "toy:work", "toy:scaled") in seen
    inside = sum(count for stack, count in seen.items() if stack[1:2] == ("toy:work",))
    assert inside > 0.9 * sum(seen.values())  # and nothing of the setup, which imports


def test_waiting_is_seen_by_wall_time(suite: Suite) -> None:
    """A sleep is where the time goes."""
    arguments = ("flame", "main~1", "-b", "time_waits", "--seconds", "4", "--clock", "wall")
    machmeter(suite, *arguments, expect=0)
    seen = stacks(suite, "main~1", "bench.time_waits")
    asleep = sum(count for stack, count in seen.items() if stack[-1] == "toy:waits")
    assert asleep > 0.5 * sum(seen.values())


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_asv_run_keeps_profiles(tmp_path: Path, method: str) -> None:
    """After the samples, in asv's own processes; the stored ones of two commits can be subtracted."""
    made = make_suite(tmp_path)
    for message, source in {"fast": PROJECT, "slow": SLOWER}.items():
        made.commit(message, {"toy.py": source, "benchmarks/bench.py": BENCHMARKS})
    run = ("run", "main~1..main", "--bench", "time_work$", "--launch-method", method)
    made.asv("run", "main~1^!", *run[2:], MACHMETER_PROFILE="1")
    made.asv("run", "main^!", *run[2:], MACHMETER_PROFILE="1")
    seen = stacks(made, "main", "bench.time_work")
    assert any(stack[:3] == ("main", "benchmarks.bench:time_work", "toy:work") for stack in seen)
    done = machmeter(made, "flame", "main~1..main", "-b", "time_work", "--stored", "--json", expect=0)
    (found,) = json.loads(done.stdout)["differences"]
    assert Path(found["page"]).exists()


def test_profiles_are_off_unless_asked_for(suite: Suite) -> None:
    """No variable, no profile; another word is refused."""
    suite.asv("run", "main^!", "--bench", "time_waits", "--quick")
    assert stacks(suite, "main", "bench.time_waits") == {}
    refused = suite.asv(
        "run", "main~1^!", "--bench", "time_waits", "--quick", expect=None, MACHMETER_PROFILE="yes"
    )
    assert "MACHMETER_PROFILE" in refused


@contextmanager
def spinners(count: int) -> Iterator[None]:
    """Keep every core busy with somebody else's work."""
    command = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def test_contended_profiles_are_refused(suite: Suite) -> None:
    """With the reason, and the next command."""
    with spinners(2 * (os.cpu_count() or 1)):
        done = machmeter(suite, "flame", "main~1", "-b", "time_work$", "--seconds", "4", expect=2)
    assert "contended" in done.stderr
    assert "Try again" in done.stderr


def test_without_permission_it_says_why(suite: Suite, tmp_path: Path) -> None:
    """Here py-spy is replaced by what it does where ptrace is not allowed: the edge is its message."""
    denied = tmp_path / "bin" / "py-spy"
    denied.parent.mkdir()
    denied.write_text('#!/bin/sh\necho "Error: Permission Denied: try elevated permissions" >&2\nexit 1\n')
    denied.chmod(0o755)
    done = machmeter(
        suite, "flame", "main~1", "-b", "time_work$", expect=2, MACHMETER_PYSPY=os.fspath(denied)
    )
    assert "Permission Denied" in done.stderr
    assert "ptrace" in done.stderr


def test_nothing_that_matches(suite: Suite) -> None:
    """Exit code 4, never an empty page."""
    machmeter(suite, "flame", "main~1..main", "-b", "no_such", expect=4)
    machmeter(suite, "flame", "main", "-b", "no_such", expect=4)


@pytest.mark.parametrize("commits", ["nobody", "main...main", "..main"])
def test_what_is_no_commit_is_said_so(suite: Suite, commits: str) -> None:
    """Usage, not a traceback."""
    done = machmeter(suite, "flame", commits, "-b", "time_work", expect=2)
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_profiling_keeps_the_verdict(suite: Suite) -> None:
    """What was measured is told; no process is left."""
    log = suite.folder.parent / "log"
    with log.open("w") as stream:
        running = subprocess.Popen(
            [_COMMAND, "gate", "main~1", "main", "-b", "time_work$", "--json"],
            cwd=suite.folder,
            env=suite.environ(),
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    wait_for(lambda: "Profiling" in log.read_text() or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 1, log.read_text()
    (found,) = json.loads(output)["verdicts"]
    assert (found["word"], found["cause"]) == ("slower", "")
