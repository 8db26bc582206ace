import sys
import types
from typing import Any

import pytest

from machmeter.probe import gpu


class FakeEvent:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def record(self) -> None:
        self.log.append("record")

    def synchronize(self) -> None:
        self.log.append("wait for event")

    def elapsed_time(self, other: "FakeEvent") -> float:
        return 12.5  # milliseconds, as torch says


class FakeCuda:
    """The part of ``torch.cuda`` that the probe uses, keeping a log of the calls."""

    def __init__(self) -> None:
        self.initialised = True
        self.log: list[str] = []

    def is_initialized(self) -> bool:
        return self.initialised

    def synchronize(self) -> None:
        self.log.append("wait for device")

    def Event(self, enable_timing: bool) -> FakeEvent:  # noqa: N802, FBT001 - torch's name and signature
        return FakeEvent(self.log)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda()
    module: Any = types.ModuleType("torch")
    module.cuda = fake
    monkeypatch.setitem(sys.modules, "torch", module)
    return fake


def test_without_torch_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe never imports torch."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    events = gpu.Events()
    events.start()
    assert events.stop() is None
    assert gpu.state() is None
    assert "torch" not in sys.modules


def test_a_half_imported_torch_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """While torch is being imported it has no cuda yet."""
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert gpu.cuda() is None


def test_events_stand_around_the_work(cuda: FakeCuda) -> None:
    """Earlier work is waited for, then both events are recorded, and the time is in seconds."""
    events = gpu.Events()
    events.start()
    cuda.log.append("work")
    assert events.stop() == pytest.approx(0.0125)
    assert cuda.log == ["wait for device", "record", "work", "record", "wait for event"]


def test_a_gpu_first_used_in_the_sample_is_waited_for(cuda: FakeCuda) -> None:
    """There is no GPU time then, but the wall time is true."""
    cuda.initialised = False
    events = gpu.Events()
    events.start()
    cuda.initialised = True
    assert events.stop() is None
    assert cuda.log == ["wait for device"]


def test_a_timer_waits_for_the_gpu(cuda: FakeCuda) -> None:
    """The clock of a plain benchmark is read only after the queued work."""
    assert gpu.synchronised(lambda: 7.0)() == 7.0
    assert cuda.log == ["wait for device"]
