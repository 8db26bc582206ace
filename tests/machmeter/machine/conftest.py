from collections.abc import Callable
from pathlib import Path

import pytest

from machmeter.machine.sources import FACTS_FILE_VARIABLE, Sources, read_record

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def recorded() -> Callable[[str], Sources]:
    """Read a recorded machine by the name of its file."""
    return lambda name: read_record(RECORDED / f"{name}.json")


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in the environment of the tests choose a machine or its GPUs."""
    monkeypatch.delenv(FACTS_FILE_VARIABLE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
