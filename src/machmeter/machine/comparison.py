"""What differs between two machines: facts that make them incomparable, and facts that are events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from machmeter.model import Fingerprint

#: Stands for a fact that one of the two does not have at all.
MISSING: Final = "not on record"


@dataclass(frozen=True, slots=True)
class Difference:
    """Every fact whose value is another.

    Parameters
    ----------
    identity : mapping of str to (one, other)
        Any entry makes the machines different hardware.
    state : mapping of str to (one, other)
        Recorded beside the identity: events on the same hardware.
    """

    identity: Mapping[str, tuple[Any, Any]]
    state: Mapping[str, tuple[Any, Any]]

    @property
    def is_same_hardware(self) -> bool:
        """Whether results of the two may meet."""
        return not self.identity


def difference(one: Fingerprint, other: Fingerprint) -> Difference:
    """Compare two fingerprints.

    Returns
    -------
    Difference
        A fact that holds named facts is taken apart ("mitigations spectre_v2"); of two lists of plain
        values, such as the CPU's flags, only what the other one lacks is left.
    """
    return Difference(_differences(one.identity, other.identity), _differences(one.state, other.state))


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    first, second = dict(_flat(one)), dict(_flat(other))
    names = dict.fromkeys([*first, *second])
    pairs = {name: (first.get(name, MISSING), second.get(name, MISSING)) for name in names}
    return {name: _own(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _flat(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{name} {inner}", fact) for inner, fact in _flat(value))
        else:
            yield name, value


def _own(one: Any, other: Any) -> tuple[Any, Any]:  # noqa: ANN401  (JSON is any of six types)
    """Leave out of two lists of words what both have; their order alone is a difference of its own."""
    if not all(isinstance(each, list) and _are_words(each) for each in (one, other)):
        return one, other
    own = [word for word in one if word not in other], [word for word in other if word not in one]
    return own if any(own) else (one, other)


def _are_words(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
