import json
import socket
from collections.abc import Iterator

import pytest

from machmeter.probe.forks.wire import Wire

Ends = tuple[Wire, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A wire and the plain socket at its other end."""
    one, other = socket.socketpair()
    wire = Wire(one)
    yield wire, other
    wire.close()
    other.close()


@pytest.mark.parametrize(
    "message", [{}, {"text": "µ\n\"'", "numbers": [1, 2.5, None, True]}, {"x": "y" * 10**5}]
)
def test_a_message_arrives_as_it_was_sent(message: dict[str, object]) -> None:
    """Line ends and other letters within texts do not end it."""
    one, other = map(Wire, socket.socketpair())
    one.send(message)
    assert other.receive() == message
    one.close()
    other.close()


def test_messages_keep_their_order(ends: Ends) -> None:
    """Several that arrive together are taken one by one."""
    wire, other = ends
    other.sendall(b'{"a": 1}\n{"b": 2}\n')
    assert [wire.receive(), wire.receive()] == [{"a": 1}, {"b": 2}]


def test_half_a_message_is_kept_until_the_rest_comes(ends: Ends) -> None:
    """A timeout in the middle loses nothing."""
    wire, other = ends
    wire.settimeout(0.01)
    other.sendall(b'{"a": ')
    with pytest.raises(TimeoutError):
        wire.receive()
    other.sendall(b"1}\n")
    assert wire.receive() == {"a": 1}


def test_the_end_of_the_other_side_is_none(ends: Ends) -> None:
    """Half a message before it is no message."""
    wire, other = ends
    other.sendall(b'{"a": ')
    other.close()
    assert wire.receive() is None


def test_sending_to_nobody_is_an_error(ends: Ends) -> None:
    """The caller learns that the process is gone."""
    wire, other = ends
    other.close()
    with pytest.raises(OSError, match="Broken pipe"):
        wire.send({"a": 1})


def test_a_value_without_a_number_can_be_sent(ends: Ends) -> None:
    """What benchmarks return may be infinite or none at all."""
    wire, other = ends
    wire.send({"value": float("inf"), "other": float("-inf")})
    assert json.loads(other.recv(100)) == {"value": float("inf"), "other": float("-inf")}
