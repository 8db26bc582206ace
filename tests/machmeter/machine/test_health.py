from dataclasses import replace
from pathlib import Path

import pytest

from machmeter.machine import health
from machmeter.machine.health import CPU_KERNELS, GPU_KERNELS, better, summary
from machmeter.machine.kernels import Measured, Request, Setting
from machmeter.model import Health, HealthRecord, KernelRate

SETTING = Setting("box", "one", "run-1", Path("/tmp"))


def memcpy(rate: float) -> tuple[KernelRate]:
    return (KernelRate("memcpy", "GB/s", rate, rate, 100, "numpy 2"),)


def test_a_second_look_forgives_a_moment() -> None:
    """Of two observations of a kernel the better one counts, also where the second is unavailable."""
    first = (*memcpy(10.0), KernelRate("interpreter", "iterations/s", 5.0, 5.0, 10))
    assert better(first, memcpy(20.0)) == (*memcpy(20.0), first[1])
    assert better(first, memcpy(8.0)) == first
    assert better(first, [KernelRate("memcpy", unavailable="gone")]) == first


def test_only_what_seems_slow_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once more, and once only."""
    asked: list[tuple[str, ...]] = []

    def run(request: Request) -> tuple[Measured, ...]:
        asked.append(request.names)
        rates = {"memcpy": 10.0}
        return tuple(
            Measured(name, "GB/s", (rates.get(name, 20.0),) * 9, rates.get(name, 20.0), "numpy 2")
            for name in request.names
        )

    monkeypatch.setattr(health, "run", run)
    rates = tuple(KernelRate(name, "GB/s", 20.0, 20.0, 9, "numpy 2") for name in CPU_KERNELS)
    before = HealthRecord("box", "two", "run-0", "2026-01-01", 5.0, rates, Health("healthy"))
    found = health.check(SETTING, [before] * 5)
    assert asked == [CPU_KERNELS, ("memcpy",)]
    assert found.health.text == "slow: memcpy by 50%"
    assert (found.tag, found.node, found.run) == ("box", "one", "run-1")


def test_a_gpu_is_observed_through_the_suites_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernels need torch; without an environment they say so."""
    pythons: dict[tuple[str, ...], Path] = {}

    def run(request: Request) -> tuple[Measured, ...]:
        pythons[request.names] = request.python
        return tuple(Measured(name, "GB/s", (1.0,), 1.0) for name in request.names)

    monkeypatch.setattr(health, "run", run)
    health.observe(replace(SETTING, gpu=True, suite_python=Path("/suite/python")))
    assert pythons == {CPU_KERNELS: SETTING.python, GPU_KERNELS: Path("/suite/python")}
    found = health.observe(replace(SETTING, gpu=True))
    assert {rate.name for rate in found if rate.unavailable} == set(GPU_KERNELS)


def test_an_observation_keeps_two_rates() -> None:
    """The sustained one, and the upper quartile of the repetitions."""
    measured = Measured("memcpy", "GB/s", (1.0, 2.0, 3.0, 4.0, 5.0), 2.5, "numpy 2")
    assert summary(measured) == KernelRate("memcpy", "GB/s", 2.5, 4.0, 5, "numpy 2")
    assert summary(Measured("memcpy", unavailable="gone")) == KernelRate("memcpy", unavailable="gone")
