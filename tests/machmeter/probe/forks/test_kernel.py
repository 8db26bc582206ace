"""Each test's processes are those of a program of its own: children of pytest itself are left alone."""

import contextlib
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

SRC = str(Path(__file__).parents[4] / "src")


def run(program: str, expect: int = 0) -> list[str]:
    """Run a program that has the module as ``kernel``; give the lines that it printed."""
    opening = "import os, signal, socket, subprocess, sys, threading, time\n"
    opening += "from machmeter.probe.forks import kernel\nfrom machmeter.probe.forks.wire import Wire\n"
    done = subprocess.run(
        [sys.executable, "-c", opening + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("os._exit(3)", "3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "-11"),
        ("pass", "0"),
        ("raise ValueError", "1"),
        ("sys.exit(5)", "1"),
    ],
)
def test_a_fork_ends_where_it_is_made(body: str, status: str) -> None:
    """However its work ends, the child never goes on with the parent's program."""
    program = f"""
    def serve():
        {body}
    one, other = socket.socketpair()
    pid = kernel.fork(serve, Wire(one))
    print(os.getpid() != pid, kernel.reap(pid))
    """
    assert run(program) == [f"True {{'status': {status}, 'left': 0}}"]


def test_a_fork_has_not_its_parents_wire() -> None:
    """The driver notices the parent's end although the child lives on."""
    program = """
    one, other = socket.socketpair()
    pid = kernel.fork(lambda: time.sleep(600), Wire(one))
    one.close()
    print(other.recv(1))
    os.kill(pid, signal.SIGKILL)
    """
    assert run(program) == ["b''"]


def test_reaping_ends_what_a_child_left_behind() -> None:
    """Its children and theirs, in sessions of their own too, but not those that have ended already."""
    program = """
    kernel.inherit_orphans()
    def serve():
        subprocess.Popen(["sleep", "600"])
        subprocess.Popen(["setsid", "sh", "-c", "sleep 600 & sleep 600"])
        subprocess.Popen(["true"]).wait()
    one, other = socket.socketpair()
    pid = kernel.fork(serve, Wire(one))
    found = kernel.reap(pid)
    print(found["status"], found["left"] >= 2, kernel.children())
    """
    assert run(program) == ["0 True []"]


def test_reaping_a_stranger_says_nothing() -> None:
    """A process that is no child has no status."""
    assert run("print(kernel.reap(1))") == ["{'status': None, 'left': 0}"]


def test_children_of_all_threads_are_known() -> None:
    """A child that another thread started is a child."""
    program = """
    def start():
        started.append(subprocess.Popen(["sleep", "600"]))
        ready.set()
        done.wait()
    started, ready, done = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=start)
    thread.start()
    ready.wait()
    print(kernel.children() == [started[0].pid], kernel.threads())
    print(kernel.end_children(), kernel.children())
    done.set()
    thread.join()
    os._exit(0)
    """
    assert run(program) == ["True 2", "1 []"]


def test_a_fork_ends_with_its_parent() -> None:
    """Also when the parent is killed and can do nothing about it."""
    program = """
    one, other = socket.socketpair()
    print(kernel.fork(lambda: time.sleep(600), Wire(one)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    (pid,) = run(program, expect=-9)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(pid)).wait(60)
    assert not psutil.pid_exists(int(pid))
