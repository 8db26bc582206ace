"""Benchmarks that misbehave: each fails alone, with its own output, and the others are decided."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from stages import PATIENT, at_work, make_setting, verdicts, wait_for

from machmeter.cli.gate import exit_code
from machmeter.gate import guards
from machmeter.pairs import Comparison, Verdict

pytestmark = pytest.mark.system

SUITE = """\
    import atexit, ctypes, os, random, signal, subprocess, sys, threading
    import numpy as np


    def forever():
        threading.Event().wait()


    def track_a_fine():
        return 1


    def time_a_fine():
        sum(range(1000))


    # What fails.


    def track_raises():
        print("said before it raised")
        raise ValueError("no such file")


    def time_raises():
        raise ValueError("not this time")


    def track_raises_in_setup():
        return 1


    def _setup():
        raise OSError("no data")


    track_raises_in_setup.setup = _setup


    def track_raises_in_teardown():
        return 1


    def _teardown():
        raise RuntimeError("cannot clean up")


    track_raises_in_teardown.teardown = _teardown


    def track_crashes():
        print("said before it crashed", flush=True)
        ctypes.string_at(0)


    def track_is_killed():
        os.kill(os.getpid(), signal.SIGKILL)


    def track_hangs():
        print("said before it hung", flush=True)
        forever()


    track_hangs.timeout = 1


    def track_ignores_signals_and_hangs():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        forever()


    track_ignores_signals_and_hangs.timeout = 1


    def track_leaves():
        print("said before it left", flush=True)
        os._exit(7)


    def track_leaves_with_success():
        os._exit(0)


    def track_exits():
        sys.exit("told to go")


    def track_interrupts():
        raise KeyboardInterrupt


    def track_hangs_up():
        os.closerange(0, 100)
        return 1


    def track_ends_its_side():
        os.kill(os.getppid(), signal.SIGKILL)
        forever()


    def track_returns_nothing():
        return None


    def track_recurses():
        return track_recurses()


    # What misbehaves and can be measured all the same.


    def track_leaks_children():
        subprocess.Popen(["sleep", "600"])
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        subprocess.Popen(["setsid", "sh", "-c", "sleep 600 & sleep 600"])
        return 1


    def track_leaks_threads():
        threading.Thread(target=forever).start()
        return 1


    def track_prints():
        print("x" * (5 << 20), flush=True)
        os.write(2, b"y" * (5 << 20))
        return 1


    def track_changes_random():
        random.seed(3)
        np.random.seed(3)
        return 1


    def track_draws_random():
        return random.random() + np.random.random()


    def track_closes_stdout():
        sys.stdout.close()
        sys.stderr.close()
        os.close(1)
        os.close(2)
        return 1


    def track_forks():
        os.fork()
        return 1


    def time_forks():
        os.fork()


    time_forks.number = time_forks.repeat = 2


    def track_replaces_handlers():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        return 1


    def track_changes_directory():
        os.chdir("/")
        return 1


    def track_changes_environment():
        os.environ.clear()
        return 1


    def track_waits_at_exit():
        atexit.register(forever)
        return 1


    def track_limits_itself():
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
        return 1


    def track_z_fine():
        return 1


    def time_z_fine():
        sum(range(1000))
"""

FAILED = {
    "track_raises": ("ValueError: no such file", "said before it raised"),
    "time_raises": ("ValueError: not this time", "Traceback"),
    "track_raises_in_setup": ("OSError: no data", "Traceback"),
    "track_raises_in_teardown": ("RuntimeError: cannot clean up", "Traceback"),
    "track_crashes": ("ended by itself (killed by SIGSEGV)", "said before it crashed"),
    "track_is_killed": ("ended by itself (killed by SIGKILL)", ""),
    "track_hangs": ("ran longer than its timeout of 1 s", "said before it hung"),
    "track_ignores_signals_and_hangs": ("ran longer than its timeout of 1 s", ""),
    "track_leaves": ("ended by itself (exit status 7)", "said before it left"),
    "track_leaves_with_success": ("ended by itself (exit status 0)", ""),
    "track_exits": ("SystemExit: told to go", "Traceback"),
    "track_interrupts": ("KeyboardInterrupt", "Traceback"),
    "track_hangs_up": ("ended by itself", ""),
    "track_ends_its_side": ("ended by itself", ""),
    "track_returns_nothing": ("TypeError", "Traceback"),
    "track_recurses": ("RecursionError: maximum recursion depth exceeded", "Traceback"),
}
DECIDED = (
    "track_a_fine",
    "time_a_fine",
    "track_leaks_children",
    "track_leaks_threads",
    "track_prints",
    "track_changes_random",
    "track_draws_random",
    "track_closes_stdout",
    "track_forks",
    "time_forks",
    "track_replaces_handlers",
    "track_changes_directory",
    "track_changes_environment",
    "track_waits_at_exit",
    "track_limits_itself",
    "track_z_fine",
    "time_z_fine",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Verdict]:
    """The verdicts of one comparison of the whole suite."""
    setting = make_setting(folder, {"bench.py": SUITE})
    rule = replace(PATIENT, budget_s=90.0)  # what forks in each call may never be decided
    return {name.removeprefix("bench."): each for name, each in verdicts(setting, rule).items()}


def test_every_benchmark_has_a_verdict(found: dict[str, Verdict]) -> None:
    """None is lost, whatever the others did."""
    assert sorted(found) == sorted([*FAILED, *DECIDED])


@pytest.mark.parametrize("name", FAILED)
def test_a_fault_is_said_with_what_was_printed(found: dict[str, Verdict], name: str) -> None:
    """The verdict is "failed", at the head, with the reason and the benchmark's own output alone."""
    reason, output = FAILED[name]
    assert (found[name].word, found[name].reason[:6]) == ("failed", "head: ")
    assert reason in found[name].reason
    assert output in found[name].output
    assert "said" not in found[name].output.replace(output, "")


@pytest.mark.parametrize("name", DECIDED)
def test_what_only_misbehaves_is_decided_like_the_others(found: dict[str, Verdict], name: str) -> None:
    """Nobody else notices leaked children, changed generators, closed files, or what ran before.

    What forks in each call may vary by more than any threshold on a busy node, but it is measured.
    """
    assert found[name].word in ({"unchanged", "inconclusive"} if name == "time_forks" else {"unchanged"})


def test_nothing_is_left(found: dict[str, Verdict], folder: Path) -> None:
    """What was leaked, in sessions of its own too, is gone."""
    wait_for(lambda: not at_work(folder))
    assert at_work(folder) == []


def test_the_exit_code_says_so(found: dict[str, Verdict]) -> None:
    """A failed benchmark is neither slower nor all fine."""
    done = Comparison(
        "c", "a", "b", "tag", "node", "", 0.01, 0.01, 60, "env", {}, verdicts=tuple(found.values())
    )
    assert exit_code(done) == 6


HUNGRY = """\
    import threading


    def track_a_fine():
        return 1


    def track_hungry():
        kept = []
        while len(kept) < 30:
            kept.append(bytearray(b"x") * (10 << 20))
        print("ate", flush=True)
        threading.Event().wait()


    def track_z_fine():
        return 1
"""


def test_a_benchmark_that_uses_up_the_memory_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node of 250 MiB, as it were: what eats them fails, and the others are decided."""

    def memory() -> tuple[int, int]:
        used = 0
        for process in psutil.Process().children(recursive=True):
            try:
                used += process.memory_info().rss
            except psutil.Error:
                continue
        return max(0, (250 << 20) - used), 250 << 20

    monkeypatch.setattr(guards, "_memory", memory)
    found = verdicts(make_setting(tmp_path, {"bench.py": HUNGRY}))
    assert {name: each.word for name, each in found.items()} == {
        "bench.track_a_fine": "unchanged",
        "bench.track_hungry": "failed",
        "bench.track_z_fine": "unchanged",
    }
    assert "was ended: 0 MiB of 250 MiB memory were left on this node" in found["bench.track_hungry"].reason


def test_a_benchmark_that_prints_without_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is not filled, and the end of the output is kept."""
    source = "import os\n\ndef track_x():\n    while True:\n        os.write(1, b'more ' * 1000)\n"
    monkeypatch.setattr(guards, "MOST_OUTPUT_BYTES", 1 << 20)
    found = verdicts(make_setting(tmp_path, {"bench.py": source}))["bench.track_x"]
    assert "it had printed" in found.reason
    assert found.output.endswith("more")


@pytest.fixture
def stopper() -> Iterator[threading.Event]:
    stop = threading.Event()
    yield stop
    stop.set()


def test_a_side_that_is_killed_meanwhile_costs_one_benchmark_at_most(
    tmp_path: Path, stopper: threading.Event
) -> None:
    """Somebody outside ends a side while it measures: the others go on with new sides."""
    marker = tmp_path / "holding"
    source = f"""\
        import os, threading

        def track_a_holds():
            if not os.path.exists({os.fspath(marker)!r}):
                with open({os.fspath(marker)!r}, "w") as stream:
                    stream.write(str(os.getppid()))
                threading.Event().wait()
            return 1

        def track_fine():
            return 1
    """

    def kill() -> None:
        while not stopper.is_set():
            if marker.exists() and (pid := marker.read_text()):
                os.kill(int(pid), signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    found = verdicts(make_setting(tmp_path / "work", {"bench.py": source}), PATIENT)
    killer.join()
    assert found["bench.track_fine"].word == "unchanged"
    assert found["bench.track_a_holds"].word in {"failed", "added"}


def test_a_benchmark_that_stops_itself_is_a_timeout(tmp_path: Path) -> None:
    """A process that sleeps under SIGSTOP is ended all the same."""
    source = """\
        import os, signal

        def track_stops():
            os.kill(os.getpid(), signal.SIGSTOP)
            return 1
        track_stops.timeout = 1
    """
    found = verdicts(make_setting(tmp_path, {"bench.py": source}))["bench.track_stops"]
    assert found.reason == "head: ran longer than its timeout of 1 s"


def test_the_numbers_of_faults_do_not_grow_open_files(tmp_path: Path) -> None:
    """A suite of hundreds of failing benchmarks does not run out of descriptors."""
    source = """\
        class Failing:
            params = list(range(40))

            def track_x(self, n):
                raise ValueError(n)
    """
    setting = make_setting(tmp_path, {"bench.py": source})
    before = psutil.Process().num_fds()
    assert {each.word for each in verdicts(setting).values()} == {"failed"}
    assert psutil.Process().num_fds() <= before
