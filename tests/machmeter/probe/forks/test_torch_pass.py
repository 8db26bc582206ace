"""The torch pass: how events become rows, and what real torch tells where it is installed."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from machmeter.probe.forks import kinds, torch_pass


class Benchmark:
    """What the pass asks of asv_runner's."""

    def __init__(self, func: Any, setup: Any = None) -> None:
        self.func = func
        self._setups = [] if setup is None else [setup]

    def _build_params(self) -> tuple[()]:
        return ()

    def redo_setup(self) -> None:
        for setup in self._setups:
            setup()


def taken(benchmark: Benchmark) -> dict[str, Any]:
    return torch_pass.take(kinds.Kind(benchmark), benchmark, seconds=0.01)


def event(key: str, *, on: str = "CPU", annotation: bool = False) -> SimpleNamespace:
    """Four calls, as torch's profiler describes them: microseconds."""
    return SimpleNamespace(
        key=key,
        device_type=SimpleNamespace(name=on),
        count=4,
        self_cpu_time_total=0.0 if on == "CUDA" else 80.0,
        self_device_time_total=200.0,
        is_user_annotation=annotation,
    )


def test_operators_and_kernels_are_rows_of_their_own() -> None:
    """An iteration's part; a region that somebody marked is no kernel."""
    events = [event("aten::mm"), event("gemm", on="CUDA"), event("step", on="CUDA", annotation=True)]
    assert torch_pass._summed([events, events], 8)["rows"] == [
        ["kernel", "gemm", 1.0, 0.0, pytest.approx(50e-6)],
        ["operator", "aten::mm", 1.0, pytest.approx(20e-6), pytest.approx(50e-6)],
    ]


@pytest.mark.skipif("torch" in sys.modules, reason="it is in use already")
def test_without_torch_it_says_so() -> None:
    """Not installed, or installed and never imported by the benchmark."""
    assert "torch" in taken(Benchmark(lambda: None))["refused"]


def test_an_interpreter_of_its_own_is_refused() -> None:
    """Its operators are in another process."""
    raw = kinds.Raw.__new__(kinds.Raw)
    assert "interpreter of their own" in torch_pass.take(raw, None, 1.0)["refused"]


def test_calls_of_an_iteration_are_counted() -> None:
    """By real torch, on the CPU."""
    torch = pytest.importorskip("torch")
    ones = torch.ones(8, 8)

    def step() -> Any:
        return (ones @ ones @ ones).relu()

    found = taken(Benchmark(step))
    rows = {name: (what, calls, cpu_s) for what, name, calls, cpu_s, _ in found["rows"]}
    assert rows["aten::mm"][:2] == ("operator", 2.0)
    assert rows["aten::relu"][:2] == ("operator", 1.0)
    assert 0 < rows["aten::mm"][2] < 0.1


def test_the_setup_is_not_profiled() -> None:
    """It runs before each call, outside of what is seen."""
    torch = pytest.importorskip("torch")
    kept: list[Any] = []

    def setup() -> None:
        kept[:] = [torch.ones(8).exp()]

    def step() -> Any:
        return kept[0].neg()

    found = taken(Benchmark(step, setup))
    calls = {name: calls for _, name, calls, *_ in found["rows"]}
    assert calls["aten::neg"] == 1.0
    assert "aten::exp" not in calls
