import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from machmeter.gate.peers import Hub, Peer, PeerError, is_alive
from machmeter.probe.forks.wire import Wire


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    opened = Hub(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def peer() -> Iterator[tuple[Peer, Wire]]:
    """A peer and the end of the process that it stands for."""
    one, other = map(Wire, socket.socketpair())
    yield Peer(one, os.getpid()), other
    one.close()
    other.close()


def called(hub: Hub, *tokens: str) -> Callable[[], list[Wire]]:
    """Have processes call in, one after the other."""
    wires: list[Wire] = []

    def call() -> None:
        for token in tokens:
            wires.append(Wire.to(os.fspath(hub.path)))
            wires[-1].send({"token": token, "pid": 7})

    thread = threading.Thread(target=call)
    thread.start()

    def end() -> list[Wire]:
        thread.join()
        for wire in wires:
            wire.close()
        return wires

    return end


def test_an_expected_caller_is_recognised(hub: Hub) -> None:
    """By the token that it was given."""
    end = called(hub, "mine")
    peer, greeting = hub.caller("mine", lambda: True)
    assert (peer.pid, greeting["token"]) == (7, "mine")
    peer.hang_up()
    end()


def test_callers_may_come_in_any_order(hub: Hub) -> None:
    """The one that calls first waits until it is asked for."""
    end = called(hub, "second", "first")
    found = [hub.caller(token, lambda: True) for token in ("first", "second")]
    assert [greeting["token"] for _, greeting in found] == ["first", "second"]
    for peer, _ in found:
        peer.hang_up()
    end()


def test_a_stranger_is_hung_up_on_in_the_end(tmp_path: Path) -> None:
    """A process that was given up long ago may call after all: it ends with the hub."""
    hub = Hub(tmp_path)
    stranger = Wire.to(os.fspath(hub.path))
    stranger.send({"token": "stranger", "pid": 8})
    end = called(hub, "mine")
    peer, _ = hub.caller("mine", lambda: True)
    peer.hang_up()
    hub.close()
    assert stranger.receive() is None
    stranger.close()
    end()


def test_a_caller_that_ended_is_not_waited_for(hub: Hub) -> None:
    """The error comes as soon as it is known."""
    with pytest.raises(PeerError, match="ended by itself"):
        hub.caller("mine", lambda: False)


def test_a_caller_that_never_calls_is_given_up(hub: Hub) -> None:
    """It lives, and hangs."""
    with pytest.raises(PeerError, match=r"did not start within 0.2 s"):
        hub.caller("mine", lambda: True, 0.2)


def test_an_answer_comes_back(peer: tuple[Peer, Wire]) -> None:
    """The process hears the request and the driver its answer."""
    mine, theirs = peer
    theirs.send({"answer": 2})
    assert mine.ask({"op": "x"}, 60.0) == {"answer": 2}
    assert theirs.receive() == {"op": "x"}


def test_a_silent_process_is_a_timeout(peer: tuple[Peer, Wire]) -> None:
    """The limit is named."""
    with pytest.raises(PeerError, match=r"ran longer than its timeout of 0.1 s"):
        peer[0].hear(0.1)


@pytest.mark.parametrize("method", ["hear", "ask"])
def test_a_process_that_is_gone_ended_by_itself(peer: tuple[Peer, Wire], method: str) -> None:
    """Whether the driver was about to talk or to listen."""
    mine, theirs = peer
    theirs.close()
    with pytest.raises(PeerError, match="ended by itself"):
        mine.hear(60.0) if method == "hear" else mine.ask({}, 60.0)


def test_the_watch_ends_the_wait(peer: tuple[Peer, Wire]) -> None:
    """Long before the timeout, with its own words."""
    with pytest.raises(PeerError, match="used up the memory"):
        peer[0].hear(3600.0, lambda: "used up the memory")


def test_a_zombie_is_not_alive() -> None:
    """It has ended and only waits to be asked for its status."""
    process = subprocess.Popen(["sleep", "600"])
    before = is_alive(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    after = is_alive(process.pid)
    process.wait()
    assert (before, after, is_alive(process.pid)) == (True, False, False)


def test_who_was_late_is_not_asked_again(peer: tuple[Peer, Wire]) -> None:
    """Its late answer would be taken for that to the next question."""
    asked, other = peer
    with pytest.raises(PeerError, match="timeout"):
        asked.ask({"op": "first"}, 0.01)
    with contextlib.suppress(OSError):
        other.send({"answer": "to the first"})
    with pytest.raises(PeerError):
        asked.ask({"op": "second"}, 1.0)
    assert not asked.connected
