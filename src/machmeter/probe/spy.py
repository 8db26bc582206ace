"""Watching a benchmark with py-spy, in the process that runs it."""

import ctypes
import os
import select
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from machmeter.probe import clock, stacks

#: <linux/prctl.h>; Yama asks for it: py-spy is no ancestor of the process that it looks into.
_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = -1
#: What py-spy says when it has found the interpreter and begins.
_BEGUN = "Sampling process"
_ATTACH_S = 20.0
_END_S = 20.0
_POLL_S = 0.002
#: More output than this is not read: hundreds of megabytes of stacks are no profile.
_MOST_BYTES = 64 << 20


class SpyError(Exception):
    """No profile came about; the message says why, in py-spy's own words where it has any."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a benchmark is watched.

    Parameters
    ----------
    program : str
        Path of py-spy.
    rate_hz : int
        Samples a second.
    clock : str
        "cpu" looks at threads that compute, "wall" also at the benchmark's own thread while it waits.
    options : tuple of str
        "nonblocking", "native".
    """

    program: str
    rate_hz: int = 100
    clock: str = "cpu"
    options: tuple[str, ...] = ()


def region(call: Callable[..., Any], *params: object) -> Any:  # noqa: ANN401 - whatever the benchmark returns
    """Call a benchmark; in stacks, everything below this frame is its own."""
    return call(*params)


def watch(how: Watch, work: Callable[[], dict[str, Any]], modules: Callable[[], Any]) -> dict[str, Any]:
    """Have py-spy look while a benchmark works.

    Parameters
    ----------
    how : Watch
        How.
    work : callable
        Calls the benchmark by way of `region`; returns what it cost.
    modules : callable
        Returns name and file of every module that is imported.

    Returns
    -------
    dict
        What `work` returned, and ``stacks`` (list of [list of str, int]), ``samples``, ``errors`` (int),
        ``late_s`` (float, seconds).

    Raises
    ------
    SpyError
        If py-spy is missing, may not look, or ended early.
    """
    allow_tracing()
    with looking(how, os.getpid()) as seen:
        before_s = clock.process_cpu_s(seen.watcher)
        done = work()
        done["others_cpu_s"] -= min(done["others_cpu_s"], clock.process_cpu_s(seen.watcher) - before_s)
    files = stacks.module_names(modules())
    counts = stacks.canonical(seen.text, os.getpid(), files, everything=how.clock == "cpu")
    return done | facts(seen.said, counts)


@dataclass(slots=True)
class Seen:
    """What py-spy has seen, once it has ended.

    Attributes
    ----------
    watcher : int
        Its process.
    said : str
        Its messages.
    text : str
        Its stacks, as `machmeter.probe.stacks.canonical` reads them.
    """

    watcher: int
    said: str = ""
    text: str = ""


@contextmanager
def looking(how: Watch, pid: int) -> Iterator[Seen]:
    """Have py-spy look at a process, from the start of the block to its end.

    Parameters
    ----------
    how : Watch
        How.
    pid : int
        The process; it lets others look (`allow_tracing`), or is ours to look at.

    Raises
    ------
    SpyError
        If py-spy is missing, may not look, or ended early.
    """
    with tempfile.TemporaryDirectory(prefix="machmeter-spy-") as folder:
        output, log = os.path.join(folder, "stacks"), os.path.join(folder, "log")
        seen = Seen(_start(how, pid, output, log))
        try:
            _await(log, seen.watcher)
            yield seen
        finally:
            _stop(seen.watcher)
        seen.said, seen.text = _read(log), _read(output)


def allow_tracing() -> None:
    """Let a process that is no ancestor look into this one and its forks (`prctl(2)`, PR_SET_PTRACER)."""
    set_tracer()
    os.register_at_fork(after_in_child=set_tracer)


def set_tracer() -> None:
    """Let others look into this process alone; it stays so when it starts another program."""
    with suppress(OSError, AttributeError):  # another kernel, which then asks for nothing
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)


def _start(how: Watch, watched: int, output: str, log: str) -> int:
    """Start py-spy as nobody's child: its CPU time must not count as the benchmark's."""
    command = [how.program, "record", "--pid", str(watched), "--output", output, *_options(how)]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _redirect(log)
            os.write(writing, str(os.posix_spawn(how.program, command, os.environ)).encode())
        except OSError as error:
            os.write(writing, f"-{error.errno}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as stream:
        answer = int(stream.read() or b"0")
    if answer <= 0:
        msg = f"py-spy cannot be started ({how.program}: {os.strerror(-answer)})"
        raise SpyError(msg)
    return answer


def _options(how: Watch) -> list[str]:
    always = ["--format", "raw", "--full-filenames", "--nolineno", "--threads", "--subprocesses"]
    chosen = [f"--{option}" for option in how.options]
    return [*always, "--rate", str(how.rate_hz), *chosen, *(["--idle"] if how.clock == "wall" else [])]


def _redirect(log: str) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((null, target, target)):
        os.dup2(descriptor, number)


def _await(log: str, pid: int) -> None:
    """Wait until py-spy looks."""
    deadline = time.monotonic() + _ATTACH_S
    while _BEGUN not in (said := _read(log)):
        if not _is_alive(pid):
            raise SpyError(_told(said) or "py-spy ended before it began")
        if time.monotonic() > deadline:
            msg = f"py-spy did not begin within {_ATTACH_S:g} s"
            raise SpyError(msg)
        time.sleep(_POLL_S)


def _stop(pid: int) -> None:
    """Have py-spy write what it has seen."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _END_S
        while _is_alive(pid) and time.monotonic() < deadline:
            _wait(pid)
        if not _is_alive(pid):
            return


def _wait(pid: int) -> None:
    """Wait a while for a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, AttributeError):
        time.sleep(_POLL_S)
        return
    try:
        select.select([descriptor], [], [], _END_S)
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    """Whether it is at work; one that has ended stays a zombie until its new parent notices."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[:1] not in ([b"Z"], [b"X"])
    except OSError:
        return False


def _read(path: str) -> str:
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            if size > _MOST_BYTES:
                msg = f"py-spy wrote {size >> 20} MB of stacks; more than {_MOST_BYTES >> 20} are not read"
                raise SpyError(msg)
            return stream.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _told(said: str) -> str:
    """Return the reason that py-spy gives, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "; ".join(line.removeprefix("Reason: ") for line in lines if not line.startswith("py-spy>"))


def facts(said: str, counts: Counter[tuple[str, ...]]) -> dict[str, Any]:
    """Return what a profile holds besides its cost; see `watch`."""
    errors, late_s = 0, 0.0
    for line in said.splitlines():
        words = line.split()
        if "Errors:" in words:
            errors = int(words[words.index("Errors:") + 1])
        if "behind in sampling" in line:
            late_s = max([late_s, *(float(word[:-1]) for word in words if _is_seconds(word))])
    return {
        "stacks": [[list(stack), count] for stack, count in counts.items()],
        "samples": sum(counts.values()),
        "errors": errors,
        "late_s": late_s,
    }


def _is_seconds(word: str) -> bool:
    return word.endswith("s") and word[:-1].replace(".", "", 1).isdigit()
