"""SIGINT and SIGTERM in every phase: no orphans, no half files under final names, the next run resumes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from toy import Suite

pytestmark = pytest.mark.system

SIGNALS = pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


def interrupt(
    suite: Suite, arguments: list[str], signum: int, when: Callable[[], bool], **variables: str
) -> tuple[int, str]:
    """Start asv, wait for a condition, send the signal; return exit code and output."""
    log = suite.folder.parent / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "asv", *arguments],
            cwd=suite.folder,
            env=suite.environ(**variables),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    wait_for(lambda: when() or process.poll() is not None)
    assert process.poll() is None, f"asv ended before the signal\n{log.read_text()}"
    process.send_signal(signum)
    code = process.wait(timeout=30)
    return code, log.read_text()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.002)


def left_behind(folder: Path) -> list[str]:
    """Processes that still work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            texts = [process.cwd(), *process.cmdline()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(os.fspath(folder) in text for text in texts):
            found.append(" ".join(texts))
    return found


def assert_clean(suite: Suite, output: str) -> None:
    assert "Traceback" not in output
    wait_for(lambda: not left_behind(suite.folder), seconds=5)
    assert list(suite.folder.rglob("*.part")) == []
    for path in suite.folder.glob("results*/**/*.json"):
        json.loads(path.read_text())
    for row in suite.rows():
        assert row["wall_s"] > 0


def assert_resumes(suite: Suite) -> None:
    suite.asv("run", "HEAD^!", "--skip-existing-successful")
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.track_value").values()) == [[1]]


@SIGNALS
def test_while_the_environment_is_made(suite: Suite, signum: int) -> None:
    """The half environment is not taken for a whole one."""
    code, output = interrupt(
        suite, ["run", "HEAD^!"], signum, lambda: any((suite.folder / "env").glob("*/bin/python"))
    )
    assert code != 0
    assert_clean(suite, output)
    assert_resumes(suite)


@SIGNALS
def test_while_a_commit_is_installed(suite: Suite, signum: int) -> None:
    """A checkout that was cut off counts as no commit."""
    code, output = interrupt(
        suite, ["run", "HEAD^!"], signum, lambda: any((suite.folder / "env").glob("*/project/.git"))
    )
    assert code != 0
    assert_clean(suite, output)
    assert_resumes(suite)


@SIGNALS
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_while_a_benchmark_runs(suite: Suite, signum: int, method: str) -> None:
    """The benchmark and its child end, and what was finished before is kept and not measured again."""
    marker = suite.folder.parent / "hold"
    code, output = interrupt(
        suite,
        ["run", "HEAD^!", "--launch-method", method],
        signum,
        marker.exists,
        TOY_HOLD=os.fspath(marker),
    )
    assert code != 0
    assert "nterrupted" in output
    assert_clean(suite, output)
    wait_for(lambda: not left_behind(suite.folder.parent), seconds=5)
    (machine,) = suite.results()
    (filed,) = suite.values(machine, "bench.TimeToy.time_wait").values()
    assert len(filed) == 2
    rows = [row for row in suite.rows() if row["benchmark"] == "bench.TimeToy.time_wait"]
    assert len(rows) == 2 * 2 * 3
    assert_resumes(suite)
    assert [row for row in suite.rows() if row["benchmark"] == "bench.TimeToy.time_wait"] == rows


@SIGNALS
def test_while_the_site_is_published(suite: Suite, signum: int) -> None:
    """The next publish makes the whole site."""
    suite.asv("run", "HEAD^!", "--quick")
    (machine,) = suite.results()
    held = suite.folder / "results" / machine / "0-held.json"
    os.mkfifo(held)  # whoever reads it waits for a writer that says nothing
    writer: list[int] = []
    code, output = interrupt(suite, ["publish"], signum, lambda: is_read(held, writer))
    held.unlink()
    os.close(writer[0])
    assert code != 0
    assert_clean(suite, output)
    suite.asv("publish")
    assert (suite.folder / "html" / "samples.html").is_file()


def is_read(fifo: Path, writer: list[int]) -> bool:
    """Whether somebody has opened a FIFO; its other end is then kept open."""
    with contextlib.suppress(OSError):  # nobody reads it yet
        writer.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    return bool(writer)
