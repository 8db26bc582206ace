"""`machmeter gate` in a toy repository: real git, real environments, real processes."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from stages import wait_for
from toy import PYPROJECT, Suite, make_suite

pytestmark = pytest.mark.system

_COMMAND = os.fspath(Path(sys.executable).with_name("machmeter"))

BENCHMARKS = """\
import os
import threading

import toy


def time_steady():
    sum(range(3000))


def time_work():
    toy.work()


def track_value():
    return toy.VALUE


def track_hold():
    marker = os.environ.get("TOY_HOLD")
    if marker and os.path.exists(marker + ".now"):
        with open(marker, "w"):
            threading.Event().wait()
    return 1
"""


def project(loops: int, value: int = 1) -> str:
    return f"VALUE = {value}\n\n\ndef work():\n    return sum(number * number for number in range({loops}))\n"


def made(folder: Path, *sources: str, benchmarks: str = BENCHMARKS) -> tuple[Suite, list[str]]:
    """A toy repository with a commit for each source of the project."""
    suite = make_suite(folder)
    commits = [
        suite.commit(str(number), {"toy.py": source, "benchmarks/bench.py": benchmarks})
        for number, source in enumerate(sources)
    ]
    return suite, commits


def gate(
    suite: Suite, *arguments: str, expect: int | None = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [_COMMAND, "gate", "--no-profile", *arguments],
        cwd=suite.folder,
        env=suite.environ(**variables),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    assert expect is None or done.returncode == expect, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def words(document: Mapping[str, Any]) -> dict[str, str]:
    return {each["benchmark"].removeprefix("bench."): each["word"] for each in document["verdicts"]}


def journals(suite: Suite) -> list[Path]:
    return sorted((suite.folder / "results.machmeter" / "gates").glob("*.jsonl"))


def rows(path: Path, kind: str) -> list[dict[str, Any]]:
    return [row[kind] for row in map(json.loads, path.read_text().splitlines()) if kind in row]


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, list[str]]:
    """The second commit's work takes 30% more; the edit keeps the file's length."""
    return made(tmp_path_factory.mktemp("slowed"), project(3000), project(3900))


@pytest.fixture(scope="module")
def compared(slowed: tuple[Suite, list[str]]) -> dict[str, Any]:
    """What the gate says about it, as JSON."""
    suite, (base, head) = slowed
    done = gate(suite, base, head, "--threshold", "10%", "--json", expect=1)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_slower_benchmark_is_found(compared: dict[str, Any]) -> None:
    """One of them is slower, by about what was injected, and the others are the same."""
    assert words(compared) == {
        "time_steady": "unchanged",
        "time_work": "slower",
        "track_value": "unchanged",
        "track_hold": "unchanged",
    }
    (found,) = [each for each in compared["verdicts"] if each["word"] == "slower"]
    assert 1.2 < found["ratio"] < 1.4
    assert found["low"] < found["ratio"] < found["high"]


def test_the_comparison_says_what_was_compared_where(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]]
) -> None:
    """Full hashes, the machine's tag, the threads that were set, the kind of processes."""
    from machmeter.machine.fingerprint import fingerprint

    assert [compared["base"], compared["head"]] == slowed[1]
    assert (compared["tag"], compared["mode"]) == (fingerprint().tag, "zygote")
    assert compared["threads"]["OMP_NUM_THREADS"] == "1"


def test_every_pair_is_in_the_journal(compared: dict[str, Any], slowed: tuple[Suite, list[str]]) -> None:
    """As many as the verdicts say, and the verdicts themselves at the end."""
    (path,) = journals(slowed[0])
    assert len(rows(path, "pair")) == sum(each["pairs"] for each in compared["verdicts"])
    assert rows(path, "finished") == [compared]


def test_an_edit_of_the_same_length_is_seen(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]]
) -> None:
    """Compiled files of the other commit are never taken for this one's."""
    suite, (base, head) = slowed
    sizes = [suite.git("cat-file", "-s", f"{commit}:toy.py") for commit in (base, head)]
    assert sizes[0] == sizes[1]
    assert words(compared)["time_work"] == "slower"


def test_the_other_way_round_it_is_faster(compared: dict[str, Any], slowed: tuple[Suite, list[str]]) -> None:
    """The commits' environments are used again, each for its own commit; text goes to standard output."""
    suite, (base, head) = slowed
    done = gate(suite, head, base, "-b", "time_work", "--threshold", "10%")
    assert done.stdout.split()[8:].count("faster") == 1
    assert f"1 faster: {head[:8]} to {base[:8]}" in done.stdout
    assert "faster: bench.time_work" in done.stderr


def test_the_same_commit_is_unchanged(compared: dict[str, Any], slowed: tuple[Suite, list[str]]) -> None:
    """Nothing is slower than itself, by name or by hash; the head is what is checked out."""
    suite, (_, head) = slowed
    done = gate(suite, "main", "-b", "time_work", "--threshold", "30%", "--json")
    document = json.loads(done.stdout)
    assert (document["base"], document["head"]) == (head, head)
    assert words(document) == {"time_work": "unchanged"}


def test_a_regex_that_matches_nothing_measures_nothing(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]]
) -> None:
    """Its own exit code, never "all fine"."""
    suite, (base, head) = slowed
    done = gate(suite, base, head, "-b", "no_such_thing", expect=4)
    assert "No benchmark matches 'no_such_thing'. Nothing was measured" in done.stderr


def test_a_summary_is_written_for_github(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]], tmp_path: Path
) -> None:
    """Annotations on standard output, the table in the step's summary."""
    suite, (base, head) = slowed
    summary = tmp_path / "summary.md"
    arguments = ("--threshold", "10%", "-b", "work|value", "--format", "github")
    done = gate(suite, base, head, *arguments, expect=1, GITHUB_STEP_SUMMARY=os.fspath(summary))
    assert done.stdout.startswith("::error title=bench.time_work%3A slower::bench.time_work is slower: +")
    assert "| slower | `bench.time_work` |" in summary.read_text()
    assert "| unchanged | `bench.track_value` |" in summary.read_text()


def test_fresh_processes_can_be_asked_for(compared: dict[str, Any], slowed: tuple[Suite, list[str]]) -> None:
    """Every process imports everything itself, and the result says so."""
    suite, (base, head) = slowed
    done = gate(suite, base, head, "-b", "track_value", "--fresh", "--json")
    assert json.loads(done.stdout)["mode"] == "fresh processes: it was asked for"


def test_uncommitted_changes_are_noted_where_a_head_is_named(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]]
) -> None:
    """They are refused without a head, and not measured with one."""
    suite, (base, head) = slowed
    path = suite.folder / "toy.py"
    kept = path.read_text()
    path.write_text(project(1, 77))
    try:
        refused = gate(suite, base, expect=2)
        done = gate(suite, base, head, "-b", "track_value", "--json")
    finally:
        path.write_text(kept)
    assert "1 files have uncommitted changes (toy.py)" in refused.stderr
    document = json.loads(done.stdout)
    assert document["notes"] == [
        "1 files have uncommitted changes: commits were measured, with the suite as it is here"
    ]
    assert document["verdicts"][0]["head"] == 1


def test_an_interrupted_comparison_goes_on_where_it_stopped(
    compared: dict[str, Any], slowed: tuple[Suite, list[str]], tmp_path: Path
) -> None:
    """Exit code 130, every pair kept, no process left; the next run begins with those pairs."""
    suite, (base, head) = slowed
    marker = tmp_path / "hold"
    environ = suite.environ(TOY_HOLD=os.fspath(marker))
    before = set(journals(suite))
    arguments = [base, head, "--threshold", "10%"]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [_COMMAND, "gate", "--no-profile", *arguments],
            cwd=suite.folder,
            env=environ,
            stdout=stream,
            stderr=stream,
        )
    wait_for(
        lambda: (
            process.poll() is not None or any(len(rows(p, "pair")) > 6 for p in set(journals(suite)) - before)
        )
    )
    Path(f"{marker}.now").touch()
    wait_for(lambda: process.poll() is not None or marker.exists())
    assert process.poll() is None, log.read_text()
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130, log.read_text()
    assert "Traceback" not in log.read_text()
    assert '"--resume" goes on with the pairs taken so far' in log.read_text()
    wait_for(lambda: not any(each.is_running() for each in started))
    (path,) = set(journals(suite)) - before
    kept = rows(path, "pair")
    done = json.loads(gate(suite, *arguments, "--resume", "--json", expect=1).stdout)
    assert f"{len(kept)} pairs come from {path.name}" in done["notes"]
    assert rows(journals_newest(suite), "pair")[: len(kept)] == _by_benchmark(kept)
    assert words(done) == words(compared)


def journals_newest(suite: Suite) -> Path:
    return max(journals(suite), key=lambda path: path.stat().st_mtime_ns)


def _by_benchmark(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = list(dict.fromkeys(row["benchmark"] for row in kept))
    return sorted(kept, key=lambda row: order.index(row["benchmark"]))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Two commits of which the second brought a function, lost another, and a third that cannot be built."""
    benchmarks = """\
        import toy

        if hasattr(toy, "old"):
            def track_old():
                return toy.old()

        if hasattr(toy, "new"):
            def track_new():
                return toy.new()

        def track_uses_new():
            return toy.new()

        def track_both():
            return 1
    """
    suite, _ = made(
        tmp_path_factory.mktemp("other"),
        "def old():\n    return 1\n",
        "def new():\n    return 1\n",
        benchmarks=textwrap.dedent(benchmarks),
    )
    suite.commit("broken", {"pyproject.toml": PYPROJECT.replace("setuptools.build_meta", "no_such_backend")})
    return suite


def test_what_one_side_does_not_have_is_added_or_removed(other: Suite) -> None:
    """Neither is a failure, and the rest is decided."""
    done = gate(other, "main~2", "main~1", "--json")
    assert words(json.loads(done.stdout)) == {
        "track_old": "removed",
        "track_new": "added",
        "track_uses_new": "added",
        "track_both": "unchanged",
    }


def test_a_commit_that_does_not_build_is_a_usage_error(other: Suite) -> None:
    """The commit is named, and it never looks like a slower one."""
    done = gate(other, "main~1", "main", expect=2)
    assert f"{other.git('rev-parse', 'main')[:8]} cannot be installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_commit_is_a_usage_error(other: Suite) -> None:
    """The fact, the reason and the next command, before anything is built."""
    done = gate(other, "v9.9", "main", expect=2)
    assert "'v9.9' is no commit of the project's repository. There is nothing to compare with." in done.stderr
    assert "git fetch" in done.stderr


def test_two_gates_do_not_exchange_each_others_commits(other: Suite) -> None:
    """The second one ends before it installs anything."""
    (other.folder / "env").mkdir(exist_ok=True)
    with (other.folder / "env" / "gate.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = gate(other, "main~2", "main~1", expect=2)
    assert f"Another machmeter measures in {other.folder / 'env'}." in done.stderr


def test_a_suite_that_cannot_be_imported_is_a_usage_error(
    other: Suite,
) -> None:
    """A module that ends the process is an error with its output, not a verdict."""
    path = other.folder / "benchmarks" / "bench.py"
    kept = path.read_text()
    path.write_text("import os\n\nprint('leaving', flush=True)\nos._exit(3)\n")
    try:
        done = gate(other, "main~2", "main~1", expect=2)
    finally:
        path.write_text(kept)
    assert "importing the suite ended by itself" in done.stderr
    assert "it printed: leaving" in done.stderr


def wheel(folder: Path, version: str) -> str:
    """A tiny third-party package, as a file address for a requirement."""
    import zipfile

    path = folder / f"third-{version}-py3-none-any.whl"
    information = f"third-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("third.py", f"VERSION = {version}\n")
        archive.writestr(
            f"{information}/METADATA", f"Metadata-Version: 2.1\nName: third\nVersion: {version}\n"
        )
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", "")
    return path.as_uri()


def test_different_dependencies_get_fresh_processes(tmp_path: Path) -> None:
    """Each side measures with its own version, and the result says why no process was shared."""
    benchmarks = "import third\n\n\ndef track_version():\n    return third.VERSION\n"
    suite, _ = made(tmp_path, project(1), benchmarks=benchmarks)
    pyproject = (suite.folder / "pyproject.toml").read_text()
    for version in ("1", "2"):
        wanted = f'dependencies = ["third @ {wheel(tmp_path, version)}"]'
        changed = pyproject.replace('version = "0"\n', f'version = "0"\n{wanted}\n')
        suite.commit(version, {"pyproject.toml": changed})
    suite.configure(machmeter={"dependencies": True})
    done = gate(suite, "main~1", "main", "--json", expect=None)
    document = json.loads(done.stdout)
    assert document["mode"] == "fresh processes: dependencies differ: third 1 and 2"
    (found,) = document["verdicts"]
    assert (found["word"], found["base"], found["head"]) == ("slower", 1, 2)
