"""Real zygotes, sides and measuring processes, without asv."""

import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from stages import Files, at_work, make_setting, questions, sampled, verdicts, wait_for

from machmeter.errors import WrongCommitError
from machmeter.gate import pair as pairs
from machmeter.gate.processes import BenchmarkError
from machmeter.gate.scout import scout
from machmeter.gate.single import Single
from machmeter.gate.stage import Stage
from machmeter.pairs import Pair


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a process or a temporary folder of the gate behind."""
    yield
    wait_for(lambda: not at_work(tmp_path))


#: A module that starts a thread when it is imported.
_THREAD = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"

pytestmark = pytest.mark.system


def benched(folder: Path, source: str, **options: Any) -> Any:
    return make_setting(folder, {"bench.py": source}, **options)


def values(folder: Path, source: str, **options: Any) -> dict[str, tuple[float | None, float | None]]:
    """What each benchmark returned at base and head."""
    return {
        name.removeprefix("bench.track_"): each
        for name, each in pair_values(benched(folder, source, **options)).items()
    }


def pair_values(setting: Any) -> dict[str, tuple[float | None, float | None]]:
    return {name: (each.base.value, each.head.value) for name, each in sampled(setting).items()}


def test_each_side_sees_its_own_code(tmp_path: Path) -> None:
    """A module of the project, its data and what it starts come from the side's own commit."""
    source = """\
        import os, subprocess, sys
        import toy

        def track_imported():
            return toy.VALUE

        def track_late():
            import toy_late
            return toy_late.VALUE

        def track_child():
            return int(subprocess.check_output([sys.executable, "-c", "import toy; print(toy.VALUE)"]))

        def track_on_path():
            return int(subprocess.check_output(["python", "-c", "import toy; print(toy.VALUE)"]))
    """
    base = {"toy.py": "VALUE = 1\n", "toy_late.py": "VALUE = 10\n"}
    head = {"toy.py": "VALUE = 2\n", "toy_late.py": "VALUE = 20\n"}
    assert values(tmp_path, source, base=base, head=head) == {
        "imported": (1, 2),
        "late": (10, 20),
        "child": (1, 2),
        "on_path": (1, 2),
    }


def test_spawned_processes_see_their_sides_code(tmp_path: Path) -> None:
    """A pool of spawned workers imports the commit that its parent measures."""
    source = """\
        import multiprocessing
        import toy

        def track_spawned():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.apply(toy.value)

        def track_forked():
            with multiprocessing.get_context("fork").Pool(1) as pool:
                return pool.apply(toy.value)
    """
    base = {"toy.py": "def value():\n    return 1\n"}
    head = {"toy.py": "def value():\n    return 2\n"}
    assert values(tmp_path, source, base=base, head=head) == {"spawned": (1, 2), "forked": (1, 2)}


def test_a_zygote_imports_neither_project_nor_suite(tmp_path: Path) -> None:
    """It has what third parties provide, so that a side imports only what differs."""
    source = "import toy\nimport third\n\ndef track_x():\n    return toy.VALUE\n"
    setting = benched(
        tmp_path, source, base={"toy.py": "import third\nVALUE = 1\n"}, packages={"third.py": "X = 1\n"}
    )
    with Stage(setting) as stage:
        stage.open()
        there = set(stage._zygotes["base"].preload([], [])["modules"])
    assert "third" in there
    assert there.isdisjoint({"toy", "benchmarks", "benchmarks.bench"})


def test_what_a_benchmark_imports_late_comes_from_the_next_zygote(tmp_path: Path) -> None:
    """A lazy import of a third party is paid for once, not in each pair."""
    source = "def track_x():\n    import third\n    return third.X\n"
    with Stage(benched(tmp_path, source, packages={"third.py": "X = 1\n"})) as stage:
        (asked,) = questions(stage)
        scout(stage, asked)
        assert "third" in stage._zygotes["base"].preload([], [])["modules"]


def test_the_other_sides_code_is_an_error(tmp_path: Path) -> None:
    """Both sides measuring one commit would look unchanged."""
    source = "import toy\n\ndef track_x():\n    return toy.VALUE\n"
    setting = benched(tmp_path, source, base={"toy.py": "VALUE = 1\n"})
    (setting.head.packages / "project.pth").write_text(f"{tmp_path / 'a' / 'project'}\n")
    with Stage(setting) as stage, pytest.raises(WrongCommitError, match=r"The head imported toy from .*/a/"):
        stage.open()


@pytest.mark.parametrize(
    ("packages", "reason"),
    [
        (
            {"third.py": _THREAD},
            "importing the suite at base starts 1 threads",
        ),
        (
            {
                "third.py": "import torch.cuda",
                "torch/__init__.py": "def manual_seed(seed): pass",
                "torch/cuda/__init__.py": "def is_initialized(): return True",
            },
            "importing the suite at base initialises CUDA",
        ),
    ],
    ids=["thread", "cuda"],
)
def test_what_cannot_be_forked_gets_fresh_processes(tmp_path: Path, packages: Files, reason: str) -> None:
    """A fork would miss the thread, or break the GPU context: chosen automatically."""
    source = "import os, third\n\ndef track_x():\n    return os.getpid()\n"
    with Stage(benched(tmp_path, source, packages=packages)) as stage:
        (asked,) = questions(stage)
        plan = scout(stage, asked).plan
        assert plan is not None
        stage.renew()
        side = stage.sides()["base"]
        taken = pairs.take(stage.sides(), asked, plan, 0, stage.generation, fork=not stage.fresh)
        assert stage.fresh == reason
        assert taken.base.value == side._peer.pid


def test_a_thread_that_a_benchmark_imports_late_is_noticed(tmp_path: Path) -> None:
    """The zygote that would have imported it is given up, and measuring goes on with fresh processes."""
    packages = {"third.py": _THREAD}
    source = """\
        def track_late():
            import third
            return 1

        def track_other():
            return 2
    """
    with Stage(benched(tmp_path, source, packages=packages)) as stage:
        found = [Single(stage, asked).take(0).head.value for asked in questions(stage)]
        assert stage.fresh == "importing third-party modules starts 1 threads"
    assert found == [1, 2]


def test_a_library_with_a_thread_pool_is_noticed(tmp_path: Path) -> None:
    """numpy's OpenBLAS starts its threads when it is imported; with one thread it can be forked."""
    source = "import numpy\n\ndef track_x():\n    return 1\n"
    for number, threads in enumerate(("1", "2")):
        folder = tmp_path / threads
        with Stage(benched(folder, source, environ={"OPENBLAS_NUM_THREADS": threads})) as stage:
            stage.open()
            assert bool(stage.fresh) == bool(number)


def test_a_suite_can_ask_for_fresh_processes(tmp_path: Path) -> None:
    """``fresh_process = True`` holds for that benchmark alone."""
    source = """\
        import os
        SIDE = os.getpid()

        def track_fresh():
            return int(os.getpid() == SIDE)
        track_fresh.fresh_process = True

        def track_forked():
            return int(os.getpid() == SIDE)
    """
    assert values(tmp_path, source) == {"fresh": (1, 1), "forked": (0, 0)}


def test_different_dependencies_have_a_zygote_each(tmp_path: Path) -> None:
    """Each side imports from its own environment, in processes of its own."""
    from dataclasses import replace

    source = "import third\n\ndef track_x():\n    return third.X\n"
    setting = benched(tmp_path, source, packages={"third.py": "X = 1\n"})
    (setting.head.packages / "third.py").write_text("X = 2\n")
    found = pair_values(replace(setting, different="dependencies differ: third 1 and 2"))
    assert found == {"bench.track_x": (1, 2)}


def test_setup_cache_runs_once_a_side(tmp_path: Path) -> None:
    """Every process of a side gets what it returned and finds the files that it left."""
    source = """\
        import os, pathlib
        import toy

        class Cached:
            params = [1, 2]

            def setup_cache(self):
                with open("made.txt", "a") as stream:
                    stream.write("x")
                return toy.VALUE

            def track_value(self, cached, factor):
                return cached * factor

            def track_made(self, cached, factor):
                return len(pathlib.Path("made.txt").read_text())
    """
    setting = benched(tmp_path, source, base={"toy.py": "VALUE = 5\n"}, head={"toy.py": "VALUE = 7\n"})
    assert pair_values(setting) == {
        "bench.Cached.track_value1": (5, 7),
        "bench.Cached.track_value2": (10, 14),
        "bench.Cached.track_made1": (1, 1),
        "bench.Cached.track_made2": (1, 1),
    }


def test_setup_cache_works_with_fresh_processes(tmp_path: Path) -> None:
    """Several benchmarks that share a cache, none of them forked."""
    from dataclasses import replace

    source = """\
        class Cached:
            def setup_cache(self):
                return 3
            def track_one(self, cached):
                return cached
            def track_two(self, cached):
                return cached + 1

        class Other:
            def setup_cache(self):
                return 5
            def track_three(self, cached):
                return cached
    """
    setting = replace(benched(tmp_path, source), different="it was asked for")
    assert pair_values(setting) == {
        "bench.Cached.track_one": (3, 3),
        "bench.Cached.track_two": (4, 4),
        "bench.Other.track_three": (5, 5),
    }


def test_a_setup_cache_that_fails_is_the_reason_for_all_that_share_it(tmp_path: Path) -> None:
    """Not only the first of them names what went wrong."""
    source = """\
        class Cached:
            def setup_cache(self):
                raise OSError("no such data set")
            def track_one(self, cached):
                return 1
            def track_two(self, cached):
                return 2
    """
    found = verdicts(benched(tmp_path, source))
    assert {each.reason for each in found.values()} == {"head: OSError: no such data set"}
    assert {each.word for each in found.values()} == {"failed"}


ORDER = """\
    import os

    def log(word):
        with open(os.path.join({folder!r}, str(os.getpid())), "a") as stream:
            stream.write(word + " ")

    class Timed:
        params = [["a", "b"], [1, 2]]
        number = 2
        repeat = 2
        warmup_time = {warmup}

        def setup(self, letter, digit):
            log(f"setup-{{letter}}{{digit}}")

        def time_x(self, letter, digit):
            log(f"call-{{letter}}{{digit}}")

        def teardown(self, letter, digit):
            log(f"teardown-{{letter}}{{digit}}")
"""


@pytest.mark.parametrize(("warmup", "calls"), [(0, 2), (-1, 2 + 2 * 2)], ids=["cold", "warmed up"])
def test_setup_calls_and_teardown_have_their_order(tmp_path: Path, warmup: int, calls: int) -> None:
    """A setup for each call, one set of parameters a process, ``number`` and ``repeat`` as the suite says."""
    log = tmp_path / "log"
    log.mkdir()
    source = textwrap.dedent(ORDER).format(folder=str(log), warmup=warmup)
    with Stage(benched(tmp_path / "work", source)) as stage:
        asked = next(each for each in questions(stage) if each.params == ("'b'", "1"))
        plan = scout(stage, asked).plan
        assert plan is not None
        before = set(log.iterdir())
        pairs.take(stage.sides(), asked, plan, 0, 0, fork=True)
    logs = [path.read_text() for path in set(log.iterdir()) - before]
    assert logs == ["setup-b1 call-b1 teardown-b1 " * calls] * 2


KINDS = """\
    import types

    def time_calls():
        sum(range(2000))

    class WithSetup:
        def setup(self):
            self.data = list(range(2000))

        def time_fresh(self):
            sum(self.data)

    def timeraw_statement():
        return "sum(range(2000))"
    timeraw_statement.number = 20

    def timeraw_with_setup():
        return "sum(data)", "data = list(range(2000))"
    timeraw_with_setup.number = 20

    class Items:
        def timeitem_many(self):
            return types.SimpleNamespace(items=4, bytes=None, result=[1.5, sum(range(20000))])

    def peakmem_list():
        return list(range(100_000))

    def mem_list():
        return [0] * 1000

    def track_value():
        return 42
    track_value.unit = "apples"
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Pair]]:
    """Each kind of benchmark: its plan and a pair."""
    found = {}
    with Stage(benched(tmp_path_factory.mktemp("kinds"), KINDS)) as stage:
        for asked in questions(stage):
            plan = scout(stage, asked).plan
            assert plan is not None
            taken = pairs.take(stage.sides(), asked, plan, 0, 0, fork=True)
            found[asked.benchmark.rpartition(".")[2]] = (plan, taken)
    return found


@pytest.mark.parametrize("name", ["time_calls", "time_fresh"])
def test_calls_are_timed_by_every_clock(kinds: dict[str, tuple[Any, Pair]], name: str) -> None:
    """Enough calls for a sample are found, and a call's cost is one call's cost."""
    plan, taken = kinds[name]
    assert plan.number > 1
    assert taken.base.wall_s is not None
    assert taken.base.cpu_s is not None
    assert 1e-6 < taken.base.cpu_s < 5e-3
    assert None not in {taken.cpu, taken.wall}


@pytest.mark.parametrize("name", ["timeraw_statement", "timeraw_with_setup"])
def test_statements_are_timed_without_the_interpreters_start(
    kinds: dict[str, tuple[Any, Pair]], name: str
) -> None:
    """A start takes more than ten milliseconds, the statement some microseconds."""
    plan, taken = kinds[name]
    assert taken.base.cpu_s is not None
    assert (plan.number, taken.base.items) == (20, 20)
    assert 1e-6 < taken.base.cpu_s < 5e-3


def test_items_are_timed_and_their_work_is_known(kinds: dict[str, tuple[Any, Pair]]) -> None:
    """A call is a whole sample, and both sides computed the same."""
    plan, taken = kinds["timeitem_many"]
    assert (plan.number, taken.base.items) == (1, 4)
    assert taken.base.work == taken.head.work is not None


@pytest.mark.parametrize(("name", "least", "most"), [("peakmem_list", 1e6, 1e9), ("mem_list", 8000, 9000)])
def test_memory_is_a_value_in_bytes(
    kinds: dict[str, tuple[Any, Pair]], name: str, least: float, most: float
) -> None:
    """Both sides once, without any timing."""
    plan, taken = kinds[name]
    assert plan.measures == "value"
    assert taken.base.value is not None
    assert least < taken.base.value < most


def test_a_tracked_value_is_what_was_returned(kinds: dict[str, tuple[Any, Pair]]) -> None:
    """Once a process on each side."""
    _, taken = kinds["track_value"]
    assert (taken.base.value, taken.head.value, taken.value) == (42, 42, 0.0)
    assert (taken.base.samples, taken.cpu) == (1, None)


def test_the_suites_own_timer_decides(tmp_path: Path) -> None:
    """A clock that counts something else than seconds, on one side twice as fast."""
    source = """\
        import toy

        now = 0.0

        def timer():
            return now

        def time_x():
            global now
            now += toy.STEP
        time_x.timer = timer

        def time_still():
            pass
        time_still.timer = lambda: 7.0
    """
    found = sampled(benched(tmp_path, source, base={"toy.py": "STEP = 1\n"}, head={"toy.py": "STEP = 3\n"}))
    moving, still = found["bench.time_x"], found["bench.time_still"]
    assert (moving.base.wall_s, moving.head.wall_s) == (1, 3)
    assert moving.wall == pytest.approx(math.log(3))
    assert (still.base.wall_s, still.wall, still.cpu) == (0, 0, None)


SKIPS = """\
    import math
    import toy

    class Some:
        params = [1, 2]

        def setup(self, n):
            if n == 2:
                raise NotImplementedError

        def track_x(self, n):
            return n

    class OnlyHead:
        def setup(self):
            if toy.SIDE == "base":
                raise NotImplementedError

        def track_x(self):
            return 1

    class OnlyBase:
        def setup(self):
            if toy.SIDE == "head":
                raise NotImplementedError

        def track_x(self):
            return 1

    def track_nan():
        return math.nan

    def track_nan_at_head():
        return 1 if toy.SIDE == "base" else math.nan

    def track_new():
        return toy.new()

    def timeraw_new():
        return "import toy; toy.new()"

    def time_new():
        toy.new()

    def track_broken():
        return toy.old()

    def track_zero():
        return 0

    def track_from_zero():
        return 0 if toy.SIDE == "base" else 5

    def track_infinite():
        return math.inf if toy.SIDE == "head" else 1.0
"""


@pytest.fixture(scope="module")
def skips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    base = {"toy.py": "SIDE = 'base'\ndef old():\n    return 1\n"}
    head = {"toy.py": "SIDE = 'head'\ndef new():\n    return 1\n"}
    found = verdicts(benched(tmp_path_factory.mktemp("skips"), SKIPS, base=base, head=head))
    return {name.removeprefix("bench."): each.word for name, each in found.items()}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Some.track_x1", "unchanged"),
        ("Some.track_x2", "skipped"),
        ("OnlyHead.track_x", "added"),
        ("OnlyBase.track_x", "removed"),
        ("track_nan", "skipped"),
        ("track_nan_at_head", "failed"),
        ("track_new", "added"),
        ("timeraw_new", "added"),
        ("time_new", "added"),
        ("track_broken", "failed"),
        ("track_zero", "unchanged"),
        ("track_from_zero", "inconclusive"),
        ("track_infinite", "inconclusive"),
    ],
)
def test_what_applies_to_one_side_only_is_said(skips: dict[str, str], name: str, word: str) -> None:
    """Skipped, added, removed, failed: each with its own word, whatever the kind of benchmark."""
    assert skips[name] == word


def test_random_numbers_are_the_same_on_both_sides(tmp_path: Path) -> None:
    """When the suite is imported and in each process, whatever an earlier one did to its generators."""
    source = """\
        import random
        import numpy as np

        AT_IMPORT = random.random() + np.random.random()

        def track_at_import():
            return AT_IMPORT

        def track_drawn():
            return random.random() + np.random.random()

        def track_another():
            random.seed(8)
            np.random.seed(8)
            return random.random()
    """
    found = sampled(benched(tmp_path, source))
    assert len(found) == 3
    assert all(each.base.value == each.head.value for each in found.values())


def test_a_suite_that_ends_its_process_is_an_error_with_its_output(tmp_path: Path) -> None:
    """It cannot be imported at all; nothing is claimed about its benchmarks."""
    source = "import os\nprint('leaving', flush=True)\nos._exit(3)\n"
    with (
        Stage(benched(tmp_path, source)) as stage,
        pytest.raises(BenchmarkError, match="base: importing the suite ended by itself") as caught,
    ):
        stage.open()
    assert caught.value.output == "leaving"


def test_a_broken_environment_is_an_error_with_its_output(tmp_path: Path) -> None:
    """The interpreter of the second side does not start: the first one's is ended as well."""
    before = psutil.Process().children(recursive=True)  # of tests that came earlier
    from dataclasses import replace

    setting = replace(benched(tmp_path, "def track_x():\n    return 1\n"), different="dependencies differ")
    setting.head.python.unlink()
    setting.head.python.write_text("#!/bin/sh\necho no such interpreter\nexit 3\n")
    setting.head.python.chmod(0o755)
    with (
        Stage(setting) as stage,
        pytest.raises(BenchmarkError, match="interpreter ended by itself") as caught,
    ):
        stage.open()
    assert caught.value.output == "no such interpreter"
    assert psutil.Process().children(recursive=True) == before


def test_a_deep_temporary_folder_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket's path is short, those of batch systems' scratch folders are not."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(deep))
    assert values(tmp_path / "work", "def track_x():\n    return 1\n") == {"x": (1, 1)}
    assert list(deep.iterdir()) == []


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    """Processes and temporary files end with the stage, however it is left."""
    before = psutil.Process().children(recursive=True)  # of tests that came earlier
    stage = Stage(benched(tmp_path, "def track_x():\n    return 1\n"))
    asked = questions(stage)
    started, _ = pairs.start(stage.sides()["base"], asked[0], fork=True)
    with pytest.raises(ZeroDivisionError), stage:
        raise ZeroDivisionError
    started._peer.hang_up()
    assert not stage._folder.exists()
    assert psutil.Process().children(recursive=True) == before


DRIVER = """\
    import sys
    from pathlib import Path

    from stages import make_setting, verdicts

    setting = make_setting(Path(sys.argv[1]), {"bench.py": '''
    import os, subprocess, time
    def track_holds():
        subprocess.Popen(["sleep", "300"], start_new_session=True)
        with open(%r + str(os.getpid()), "w"):
            time.sleep(300)
    '''})
    verdicts(setting)
"""


@pytest.mark.parametrize(
    "signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name
)
def test_nothing_is_left_when_the_driver_ends(tmp_path: Path, signum: signal.Signals) -> None:
    """Zygote, sides, measuring process and what it started are gone, however the driver was ended."""
    marker = tmp_path / "holding-"
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER) % str(marker))
    support = os.fspath(Path(__file__).parents[2] / "support")
    driver = subprocess.Popen(
        [sys.executable, os.fspath(script), os.fspath(tmp_path / "work")],
        env=os.environ | {"PYTHONPATH": support, "TMPDIR": os.fspath(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: any(tmp_path.glob("holding-*")) or driver.poll() is not None)
    assert driver.poll() is None
    started = [each.pid for each in psutil.Process(driver.pid).children(recursive=True)]
    driver.send_signal(signum)
    driver.wait(60)
    assert len(started) == 5  # the zygote, two sides, the measuring process and its child
    wait_for(lambda: not any(psutil.pid_exists(pid) and _runs(pid) for pid in started))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_a_third_party_that_imports_the_project_stays_out_of_the_zygote(tmp_path: Path) -> None:
    """A plugin of the project would bring the base's code into both sides."""
    source = "import plug\nimport toy\n\ndef track_x():\n    return toy.VALUE + plug.VALUE\n"
    setting = benched(
        tmp_path,
        source,
        base={"toy.py": "VALUE = 1\n"},
        head={"toy.py": "VALUE = 2\n"},
        packages={"plug.py": "from toy import VALUE\n", "third.py": "X = 1\n"},
    )
    pairs = sampled(setting)
    assert (pairs["bench.track_x"].base.value, pairs["bench.track_x"].head.value) == (2.0, 4.0)


def test_a_third_party_that_can_do_without_the_project_has_it_all_the_same(tmp_path: Path) -> None:
    """It must not be kept as it was imported where the project was missing."""
    source = "import plug\n\ndef track_x():\n    return plug.VALUE\n"
    plug = "try:\n    from toy import VALUE\nexcept ImportError:\n    VALUE = 0\n"
    setting = benched(tmp_path, source, base={"toy.py": "VALUE = 5\n"}, packages={"plug.py": plug})
    assert sampled(setting)["bench.track_x"].base.value == 5.0


def test_a_suite_that_imports_the_working_tree_is_an_error(tmp_path: Path) -> None:
    """Both sides would measure the files that lie there, whatever the commits are."""
    (tmp_path / "toy.py").write_text("VALUE = 3\n")
    source = (
        "import os, sys\n"
        "sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n"
        "import toy\n\ndef track_x():\n    return toy.VALUE\n"
    )
    setting = benched(tmp_path, source, base={"toy.py": "VALUE = 1\n"})
    with Stage(setting) as stage, pytest.raises(WrongCommitError, match=r"sys\.path"):
        stage.open()


def test_every_process_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """A benchmark that makes a file finds none from the process before it."""
    source = "import os\n\ndef track_x():\n    os.mkdir('made')\n    return 1\n"
    assert verdicts(benched(tmp_path, source))["bench.track_x"].word == "unchanged"


def test_a_result_that_becomes_nan_is_a_failure(tmp_path: Path) -> None:
    """A loss that diverges is no benchmark that was taken away."""
    source = "import toy\n\ndef track_x():\n    return toy.VALUE\n"
    setting = benched(
        tmp_path, source, base={"toy.py": "VALUE = 1.0\n"}, head={"toy.py": "VALUE = float('nan')\n"}
    )
    found = verdicts(setting)["bench.track_x"]
    assert (found.word, "NaN" in found.reason) == ("failed", True)
