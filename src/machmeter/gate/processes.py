"""Zygotes, sides and measuring processes as the driver handles them: started, asked, ended."""

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machmeter.gate import guards
from machmeter.gate.endings import END_TIMEOUT_S, await_end, kill, kill_group, status_text, tail
from machmeter.gate.peers import Hub, Peer, PeerError, is_alive

#: Imports of large suites build tables for seconds; what takes longer than this hangs.
IMPORT_TIMEOUT_S = 600.0
_FORK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SideEnvironment:
    """Where a side lives.

    Parameters
    ----------
    name : str
        "base" or "head".
    commit : str
        Full hash.
    prefix, packages : Path
        Virtual environment with the commit installed, and its site-packages folder.
    variables : mapping of str to str
        Environment variables for the side.
    """

    name: str
    commit: str
    prefix: Path
    packages: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.prefix / "bin" / "python"


class BenchmarkError(Exception):
    """A benchmark could not be measured.

    Parameters
    ----------
    reason : str
        For instance "base: ValueError: no such file".
    output : str
        The end of what it printed.
    """

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.output = output


class Zygote:
    """A zygote process.

    Parameters
    ----------
    hub : Hub
        Where its descendants call in.
    folder : Path
        Private temporary folder.
    python : Path
        Interpreter of an environment.
    variables : mapping of str to str
        The whole environment of the process.
    """

    def __init__(self, hub: Hub, folder: Path, python: Path, variables: Mapping[str, str]) -> None:
        self._hub = hub
        self._folder = folder
        token = hub.token()
        self.output = folder / f"zygote-{token}.txt"
        with self.output.open("wb") as stream:
            self._process = subprocess.Popen(
                [os.fspath(python), "-m", "machmeter.probe.forks.zygote", os.fspath(hub.path), token],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=folder,
                env=dict(variables),
            )
        try:
            self._peer, _ = hub.caller(token, lambda: self._process.poll() is None)
        except PeerError as error:
            self.end()
            raise BenchmarkError(f"The benchmark interpreter {error}.", tail(self.output)) from error

    def preload(self, modules: list[str], blocked: list[str]) -> dict[str, Any]:
        """Import modules.

        Parameters
        ----------
        modules : list of str
            In the order in which a side had them.
        blocked : list of str
            Top-level names of the project, of which nothing may be imported.

        Returns
        -------
        dict
            ``threads`` and ``modules`` that there are now; ``refused``: modules that asked for the project.
        """
        request = {"op": "import", "modules": modules, "blocked": blocked}
        return self._peer.ask(request, IMPORT_TIMEOUT_S)

    def begin(
        self, environment: SideEnvironment, suite: Path, names: Sequence[str] = (), *, modules: bool = False
    ) -> Callable[[], "Side"]:
        """Fork a side, which imports a commit's project and the suite.

        Parameters
        ----------
        environment : SideEnvironment
            Of the commit.
        suite : Path
            Folder of the benchmarks.
        names : sequence of str
            The project's top-level modules, whose files it names.
        modules : bool
            Whether it lists everything that it has imported.

        Returns
        -------
        callable
            Waits until it has done so. Raises `BenchmarkError` if it ended meanwhile.
        """
        token = self._hub.token()
        folder = self._folder / environment.name
        folder.mkdir(exist_ok=True)
        output = self._folder / f"side-{token}.txt"
        request = {
            "op": "fork",
            "token": token,
            "name": environment.name,
            "prefix": os.fspath(environment.prefix),
            "packages": os.fspath(environment.packages),
            "suite": os.fspath(suite),
            "variables": dict(environment.variables),
            "folder": os.fspath(folder),
            "output": os.fspath(output),
            "modules": modules,
            "names": list(names),
        }
        pid = self._peer.ask(request, _FORK_TIMEOUT_S)["pid"]

        def join() -> Side:
            try:
                peer, greeting = self._hub.caller(token, lambda: is_alive(pid), IMPORT_TIMEOUT_S)
            except PeerError as error:
                kill(pid)
                self._peer.ask({"op": "reap", "pid": pid}, END_TIMEOUT_S)
                told = f"{environment.name}: importing the suite {error}"
                raise BenchmarkError(told, tail(output)) from error
            return Side(self._hub, folder, environment.name, peer, greeting, self._reaper(pid, output))

        return join

    def _reaper(self, pid: int, output: Path) -> Callable[[], None]:
        def reap() -> None:
            with contextlib.suppress(PeerError):
                self._peer.ask({"op": "reap", "pid": pid}, END_TIMEOUT_S)
            output.unlink(missing_ok=True)

        return reap

    def end(self) -> None:
        """End the zygote; its sides and their children end with it."""
        with contextlib.suppress(AttributeError):
            self._peer.hang_up()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Side:
    """A side process; made by `Zygote.side`."""

    def __init__(
        self,
        hub: Hub,
        folder: Path,
        name: str,
        peer: Peer,
        greeting: dict[str, Any],
        reap: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._folder = folder
        self._peer = peer
        self._reap = reap
        self.name = name
        self.greeting = greeting

    def measurer(self, request: dict[str, Any], *, fork: bool, cache: str | None) -> "Measurer":
        """Start a measuring process.

        Parameters
        ----------
        request : dict
            ``op``, ``benchmark``, ``param`` and ``processor``.
        fork : bool
            False: the side itself measures, and ends afterwards.
        cache : str or None
            Key of the benchmark's ``setup_cache``, whose folder is the process's working directory.
        """
        token = self._hub.token()
        output = self._folder / f"output-{token}.txt"
        place = self._folder / (f"cache-{_slug(cache)}" if cache else f"work-{token}")
        sent = request | {
            "token": token,
            "fork": fork,
            "output": os.fspath(output),
            "folder": os.fspath(place),
        }
        try:
            pid = self._peer.ask(sent, _FORK_TIMEOUT_S)["pid"]
            peer, _ = self._hub.caller(token, lambda: is_alive(pid))
        except PeerError as error:
            raise BenchmarkError(f"{self.name}: the measuring process {error}", tail(output)) from error
        return Measurer(self, peer, output, scratch=None if cache else place, forked=fork)

    @property
    def alive(self) -> bool:
        """Whether it can be asked: it ends when it measures itself, and a benchmark may have ended it."""
        return self._peer.connected and is_alive(self._peer.pid)

    def reap(self, pid: int) -> dict[str, Any]:
        """Wait for a measuring process and end what it left behind."""
        with contextlib.suppress(PeerError):
            return self._peer.ask({"op": "reap", "pid": pid}, END_TIMEOUT_S)
        return {"status": None, "left": 0}

    def release(self) -> None:
        """Have it end by itself; `end` waits for that."""
        self._peer.hang_up()

    def end(self) -> None:
        """End the side."""
        self.release()
        await_end(self._peer.pid)
        self._reap()


class Measurer:
    """A measuring process; made by `Side.measurer`."""

    def __init__(self, side: Side, peer: Peer, output: Path, *, scratch: Path | None, forked: bool) -> None:
        self._side = side
        self._peer = peer
        self._output = output
        self._scratch = scratch
        self._forked = forked
        self._finished = False
        self._ended = False

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Ask for something and wait.

        Raises
        ------
        BenchmarkError
            If the benchmark raised, ended, hung, printed without end or used up the memory.
        """
        answer = self._checked(lambda: self._peer.ask(request, timeout_s, self._watch))
        self._finished = request["op"] == "finish"
        return answer

    def ready(self, timeout_s: float) -> dict[str, Any]:
        """Wait until it is set up and warm; see `ask`."""
        return self._checked(lambda: self._peer.hear(timeout_s, self._watch))

    def release(self) -> None:
        """Have it end by itself when it has finished; `end` waits for that."""
        if self._finished:
            self._peer.hang_up()

    def end(self) -> int:
        """End the process and what it started; return how many of these were left."""
        if self._ended:
            return 0
        self._ended = True
        self._peer.hang_up()
        if not (self._forked and self._finished):  # it is at work, or a side that waits for nobody any more
            kill_group(self._peer.pid)
        await_end(self._peer.pid)
        kill_group(self._peer.pid)
        reaped = self._side.reap(self._peer.pid) if self._forked else {"left": 0}
        self._output.unlink(missing_ok=True)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return int(reaped["left"])

    def _checked(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            answer = ask()
        except PeerError as error:
            raise self._failed(str(error)) from error
        if "failed" in answer:
            raise self._failed(answer["failed"])
        return answer

    def _failed(self, what: str) -> BenchmarkError:
        """End the process and say what it did and printed."""
        kill_group(self._peer.pid)
        status = self._side.reap(self._peer.pid).get("status") if self._forked else None
        if what == "ended by itself" and status is not None:
            what = f"ended by itself ({status_text(status)})"
        output = tail(self._output)
        self.end()
        return BenchmarkError(f"{self._side.name}: {what}", output)

    def _watch(self) -> str | None:
        return guards.exceeded(self._output)


def _slug(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
