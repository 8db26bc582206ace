"""Running the command machmeter in a suite's folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from toy import Suite

MACHMETER = os.fspath(Path(sys.executable).parent / "machmeter")


def machmeter(suite: Suite, *arguments: str, expect: int) -> str:
    """Run it; return what it printed to stdout."""
    run = subprocess.run(
        [MACHMETER, *arguments],
        cwd=suite.folder,
        env=suite.environ(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert run.returncode == expect, f"exit {run.returncode}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def machmeter_json(suite: Suite, *arguments: str, expect: int) -> Any:
    """Run it with ``--json``; return what that says."""
    return json.loads(machmeter(suite, *arguments, "--json", expect=expect))


def interrupted(suite: Suite, *arguments: str, when: str) -> tuple[int, str]:
    """Start it, send SIGINT when it has said something; return exit code and output."""
    log = suite.folder.parent / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [MACHMETER, *arguments],
            cwd=suite.folder,
            env=suite.environ(),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    deadline = time.monotonic() + 200
    while when not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    code = process.wait(timeout=60)
    assert left_behind(process.pid) == []
    return code, log.read_text()


def left_behind(session: int) -> list[str]:
    """Processes of a session that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found
