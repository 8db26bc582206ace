import pytest

from machmeter.machine.comparison import MISSING, difference
from machmeter.model import Fingerprint

ONE = Fingerprint(
    {"cpu_name": "A", "ram_gib": 8, "cpu_flags": ["avx", "sse"], "gpus": []},
    {"kernel": "6.1", "mitigations": {"meltdown": "Not affected", "mds": "Clear"}},
    "a-1c-8g",
)


def changed(identity: dict[str, object] | None = None, state: dict[str, object] | None = None) -> Fingerprint:
    return Fingerprint({**ONE.identity, **(identity or {})}, {**ONE.state, **(state or {})}, ONE.label)


def test_a_machine_does_not_differ_from_itself() -> None:
    """No fact differs."""
    found = difference(ONE, changed())
    assert (found.identity, found.state, found.is_same_hardware) == ({}, {}, True)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"ram_gib": 16}, {"ram_gib": (8, 16)}),
        ({"cpu_flags": ["avx", "avx2"]}, {"cpu_flags": (["sse"], ["avx2"])}),
        ({"cpu_flags": ["sse", "avx"]}, {"cpu_flags": (["avx", "sse"], ["sse", "avx"])}),
        ({"cpu_flags": "unknown"}, {"cpu_flags": (["avx", "sse"], "unknown")}),
        ({"gpus": [{"name": "H200"}]}, {"gpus": ([], [{"name": "H200"}])}),
        ({"new": None}, {"new": (MISSING, None)}),
    ],
)
def test_identity_makes_other_hardware(
    facts: dict[str, object], expected: dict[str, tuple[object, object]]
) -> None:
    """Each changed fact is told with both values; of word lists only what is not in both."""
    found = difference(ONE, changed(identity=facts))
    assert found.identity == expected
    assert not found.is_same_hardware


def test_state_is_an_event_on_the_same_hardware() -> None:
    """Named facts inside a fact are compared one by one."""
    state: dict[str, object] = {"kernel": "6.2", "mitigations": {"meltdown": "Not affected", "mds": "off"}}
    found = difference(ONE, changed(state=state))
    assert found.state == {"kernel": ("6.1", "6.2"), "mitigations mds": ("Clear", "off")}
    assert found.is_same_hardware


def test_it_can_be_turned_round() -> None:
    """The other way round the values change places."""
    other = changed(identity={"ram_gib": 16, "cpu_flags": ["neon"]})
    forth, back = difference(ONE, other), difference(other, ONE)
    assert {name: pair[::-1] for name, pair in forth.identity.items()} == back.identity
