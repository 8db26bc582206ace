import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from machmeter.machine.comparison import difference
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.sources import read_record
from machmeter.model import Fingerprint
from machmeter.report import machines_text
from machmeter.results.machines import KnownMachine

RECORDED = Path(__file__).parents[1] / "machine" / "recorded"
GPU_NODE = fingerprint(read_record(RECORDED / "h100x8-64c.json"))
CPU_NODE = fingerprint(read_record(RECORDED / "epyc-7451-2x24c.json"))
OTHER_KERNEL = Fingerprint(CPU_NODE.identity, {**CPU_NODE.state, "kernel": "6.6.6"}, CPU_NODE.label)
KNOWN = (
    KnownMachine(
        GPU_NODE.tag, GPU_NODE, "", ("a", "b"), ("1", "2", "3"), ("c0ffee",),
        "2026-03-01T08:00:00+00:00", "2026-03-05T08:00:00+00:00", ("x.jsonl is strange",),
    ),
    KnownMachine("old\x1b-box", None, "its document is [b]broken", (), (), (), None, None, ()),
)  # fmt: skip


@pytest.fixture
def on() -> Console:
    """Give a console of 80 columns."""
    return Console(file=io.StringIO(), width=80, color_system=None)


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_known_machines_are_rows(on: Console) -> None:
    """Counts and dates of each, then what is broken, with its reason."""
    machines_text.show_known(KNOWN, on)
    lines = printed(on)
    assert re.search(rf"^{GPU_NODE.tag} .* 2 +3 +1 +2026-03-01 *\n.*2026-03-05 *$", lines, re.MULTILINE)
    assert f"{GPU_NODE.tag}: x.jsonl is strange" in lines
    assert "old\ufffd-box: its document is [b]broken" in lines
    assert "\x1b" not in lines


def test_no_machine_is_said(on: Console) -> None:
    """An empty list says what to do."""
    machines_text.show_known((), on)
    assert "asv run" in printed(on)


def test_other_hardware_is_never_compared(on: Console) -> None:
    """The verdict comes first, then the facts with both values, in 80 columns."""
    machines_text.show_difference(GPU_NODE, CPU_NODE, difference(GPU_NODE, CPU_NODE), on)
    lines = printed(on)
    assert "are different hardware: their results are never compared." in lines
    assert "\nIdentity, part of the tag:\n" in lines
    assert "gpu count" in lines
    assert max(map(len, lines.splitlines()[1:])) <= 80


def test_another_state_is_the_same_hardware(on: Console) -> None:
    """Only the kernel differs, as an event."""
    machines_text.show_difference(CPU_NODE, OTHER_KERNEL, difference(CPU_NODE, OTHER_KERNEL), on)
    lines = printed(on)
    assert "are the same hardware" in lines
    assert "6.6.6" in lines
    assert "Identity" not in lines


def test_equal_machines_say_so(on: Console) -> None:
    """No table where nothing differs."""
    machines_text.show_difference(CPU_NODE, CPU_NODE, difference(CPU_NODE, CPU_NODE), on)
    assert printed(on).endswith("No fact differs.\n")


def test_json_of_the_known_machines() -> None:
    """One object a line; a machine without a document has no tag."""
    one, two = map(json.loads, machines_text.known_json(KNOWN).splitlines())
    assert (one["tag"], one["nodes"], one["identity"]["gpu_count"]) == (GPU_NODE.tag, ["a", "b"], 8)
    assert (two["tag"], two["why_unknown"]) == (None, "its document is [b]broken")


def test_json_of_a_difference() -> None:
    """Each fact has its two values."""
    found = json.loads(
        machines_text.difference_json(CPU_NODE, OTHER_KERNEL, difference(CPU_NODE, OTHER_KERNEL))
    )
    assert found["same_hardware"] is True
    assert found["state"]["kernel"][1] == "6.6.6"
