"""The known machines, and what differs between two of them, in a terminal and as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from machmeter.machine.comparison import Difference
from machmeter.model import Fingerprint
from machmeter.report import labels
from machmeter.results.machines import KnownMachine

#: More words than this are counted instead of listed.
_MOST_WORDS: Final = 8

#: Characters of the longest tags.
_LONGEST_NAME: Final = 40

#: Characters of an ISO 8601 time that are its date.
_DATE: Final = 10


def show_known(machines: Sequence[KnownMachine], on: Console) -> None:
    """Print one row a machine, then one line for everything that is broken or missing."""
    if not machines:
        on.print('No machine has results here yet. "asv run" measures this one.', soft_wrap=True)
        return
    table = _table("machine", "hardware")
    # A tag is there to be copied: it is not folded unless it would leave no room for the rest.
    table.columns[0].no_wrap = max(len(machine.name) for machine in machines) <= _LONGEST_NAME
    for heading in ("nodes", "runs", "commits"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("samples", no_wrap=True)
    for machine in machines:
        counts = [str(len(each)) for each in (machine.nodes, machine.runs, machine.commits)]
        cells = [_text(machine.name), _hardware(machine), *map(_text, counts), _lines(_dates(machine))]
        table.add_row(*cells)
    on.print(table)
    for machine in machines:
        for problem in (machine.why_unknown, *machine.problems):
            if problem:
                on.print(_text(f"{machine.name}: {problem}"), soft_wrap=True)


def known_json(machines: Sequence[KnownMachine]) -> str:
    """Spell one JSON object a line: the fields of `KnownMachine`, tag and identity of its fingerprint."""
    return "".join(json.dumps(_record(machine)) + "\n" for machine in machines)


def show_difference(one: Fingerprint, other: Fingerprint, found: Difference, on: Console) -> None:
    """Print whether results of the two may meet, and the facts that differ."""
    same = "are the same hardware: their results may meet"
    verdict = same if found.is_same_hardware else "are different hardware: their results are never compared"
    on.print(_text(f"{one.tag} and {other.tag} {verdict}."), soft_wrap=True)
    headings = {"Identity, part of the tag": found.identity, "State, recorded as events": found.state}
    for heading, facts in headings.items():
        if facts:
            table = _table("", one.tag, other.tag)
            for name, (first, second) in facts.items():
                table.add_row(
                    _text(name.replace("_", " ")), _lines(_spelled(first)), _lines(_spelled(second))
                )
            on.print()
            on.print(_text(f"{heading}:"))
            on.print(table)
    if not found.identity and not found.state:
        on.print("No fact differs.")


def difference_json(one: Fingerprint, other: Fingerprint, found: Difference) -> str:
    """Spell ``{"tags", "same_hardware", "identity", "state"}``, each fact with its two values."""
    body = {
        "tags": [one.tag, other.tag],
        "same_hardware": found.is_same_hardware,
        "identity": found.identity,
        "state": found.state,
    }
    return json.dumps(body, indent=1) + "\n"


def _record(machine: KnownMachine) -> dict[str, Any]:
    fingerprint = machine.fingerprint
    return {
        "name": machine.name,
        "tag": fingerprint.tag if fingerprint else None,
        "identity": fingerprint.identity if fingerprint else None,
        "why_unknown": machine.why_unknown,
        "nodes": machine.nodes,
        "runs": machine.runs,
        "commits": machine.commits,
        "first": machine.first,
        "last": machine.last,
        "problems": machine.problems,
    }


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(_text(heading), overflow="fold")
    return table


def _hardware(machine: KnownMachine) -> Text:
    if machine.fingerprint is None:
        return Text("broken or missing record", style="red")
    return _text(", ".join(_hardware_facts(machine.fingerprint.identity)))


def _hardware_facts(identity: Mapping[str, Any]) -> list[str]:
    """Say what the label of the tag is made of, in words."""
    gpus = identity.get("gpus")
    facts = [
        _spelled(identity.get("cpu_name", "unknown")),
        f"{identity.get('usable_cpus', 'unknown')} CPUs",
        f"{identity.get('ram_gib', 'unknown')} GiB",
    ]
    kinds = (
        [str(gpu.get("name")) for gpu in gpus if isinstance(gpu, Mapping)] if isinstance(gpus, list) else []
    )
    return [*facts, *(_counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds))]


def _dates(machine: KnownMachine) -> str:
    dates = dict.fromkeys(moment[:_DATE] for moment in (machine.first, machine.last) if moment)
    return "\n".join(dates) or labels.NOTHING


def _spelled(value: object) -> str:
    """Spell a fact: equal parts of a list are counted, of a long list of words the first ones are named."""
    if isinstance(value, Mapping):
        named = ((name.replace("_", " "), _spelled(fact)) for name, fact in value.items())
        return ", ".join(fact if name == "name" else f"{name} {fact}" for name, fact in named)
    if not isinstance(value, list):
        return value if isinstance(value, str) else json.dumps(value)
    if any(isinstance(part, Mapping) for part in value):
        parts = [_spelled(part) for part in value]
        return "\n".join(_counted(parts.count(part), part) for part in dict.fromkeys(parts))
    more = f" … ({len(value)} in all)" if len(value) > _MOST_WORDS else ""
    return " ".join(map(str, value[:_MOST_WORDS])) + more if value else "none"


def _counted(count: int, part: str) -> str:
    return part if count == 1 else f"{count} x {part}"


def _lines(content: str) -> Text:
    return Text("\n").join(map(_text, content.split("\n")))


def _text(content: str) -> Text:
    # A Text is never read as rich's markup: names come from other people's machines.
    return Text(labels.printable(content))
