import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter.machine.doctor import gpu_reading, gpus
from machmeter.machine.doctor.finding import Finding, Level
from machmeter.machine.doctor.readings import Readings

MakeReadings = Callable[..., Readings]

#: What NVML answers for a GPU that is free, cool and at its usual settings.
ANSWERS: dict[str, Any] = {
    "nvmlInit": None,
    "nvmlShutdown": None,
    "nvmlDeviceGetCount": 1,
    "nvmlDeviceGetHandleByIndex": "handle",
    "nvmlDeviceGetMigMode": [0, 0],
    "nvmlDeviceGetUUID": "GPU-1",
    "nvmlDeviceGetName": "NVIDIA H200",
    "nvmlDeviceGetPersistenceMode": 1,
    "nvmlDeviceGetClockInfo": 1980,
    "nvmlDeviceGetMaxClockInfo": 1980,
    "nvmlDeviceGetApplicationsClock": 1980,
    "nvmlDeviceGetDefaultApplicationsClock": 1980,
    "nvmlDeviceGetCurrentClocksThrottleReasons": 1,
    "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=0),
    "nvmlDeviceGetPowerUsage": 75_000,
    "nvmlDeviceGetPowerManagementLimit": 700_000,
    "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
    "nvmlDeviceGetTemperature": 31,
    "nvmlDeviceGetTemperatureThreshold": 90,
    "nvmlDeviceGetEccMode": [1, 1],
    "nvmlDeviceGetComputeRunningProcesses": [],
    "nvmlSystemGetProcessName": "/usr/bin/python3",
}


class FakeNvml:
    """Answers like pynvml for one GPU; an answer that is an exception is raised."""

    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_TEMPERATURE_THRESHOLD_SLOWDOWN = pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN

    def __init__(self, **answers: Any) -> None:
        self.answers = ANSWERS | answers

    def __getattr__(self, function: str) -> Any:
        def call(*arguments: Any) -> Any:
            answer = self.answers[function]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def examined(**answers: Any) -> dict[str, Finding]:
    text = gpu_reading.read(None, FakeNvml(**answers))
    return {each.check.removeprefix("GPU 0 "): each for each in gpus.findings(Readings(gpus=text))}


def process(pid: int, memory: int | None = 2**30) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=memory)


def test_a_free_gpu_is_well() -> None:
    """Nothing is to be said about a GPU that nobody uses."""
    found = examined()
    assert {each.level for each in found.values()} == {Level.OK}
    assert found["GPU 0"].found == "NVIDIA H200"


@pytest.mark.parametrize(
    ("check", "answers", "level", "words"),
    [
        (
            "use",
            {
                "nvmlDeviceGetComputeRunningProcesses": [process(42)],
                "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97),
            },
            Level.UNFIT,
            "97% busy; /usr/bin/python3 (pid 42, 1 GiB)",
        ),
        ("use", {"nvmlDeviceGetComputeRunningProcesses": [process(42, None)]}, Level.WARNING, "(pid 42)"),
        ("use", {"nvmlDeviceGetComputeRunningProcesses": [process(os.getpid())]}, Level.OK, "free"),
        ("use", {"nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=50)}, Level.UNFIT, "cannot be seen"),
        ("throttling", {"nvmlDeviceGetCurrentClocksThrottleReasons": 0x40}, Level.UNFIT, "thermal"),
        ("throttling", {"nvmlDeviceGetCurrentClocksThrottleReasons": 0x80}, Level.UNFIT, "power brake"),
        ("throttling", {"nvmlDeviceGetCurrentClocksThrottleReasons": 0x04}, Level.NOTE, "power cap"),
        ("clock", {"nvmlDeviceGetApplicationsClock": 1200}, Level.WARNING, "1200, by default 1980"),
        ("temperature", {"nvmlDeviceGetTemperature": 88}, Level.WARNING, "88 °C, slows down at 90"),
        ("persistence mode", {"nvmlDeviceGetPersistenceMode": 0}, Level.WARNING, "off"),
        ("power limit", {"nvmlDeviceGetPowerManagementLimit": 500_000}, Level.NOTE, "500 W, by default 700"),
        ("ECC", {"nvmlDeviceGetEccMode": [0, 0]}, Level.NOTE, "off"),
    ],
)
def test_troubles_of_a_gpu(check: str, answers: dict[str, Any], level: Level, words: str) -> None:
    """Use by others and lost clock make it unfit; settings are told."""
    finding = examined(**answers)[check]
    assert (finding.level, words in finding.found) == (level, True), finding


@pytest.mark.parametrize("error", [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_GPU_IS_LOST])
def test_refused_facts_are_no_troubles(error: int) -> None:
    """A GPU that answers nothing but its handle has only notes."""
    known = {"nvmlInit", "nvmlShutdown", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"}
    refused = {name: pynvml.NVMLError(error) for name in ANSWERS if name not in known}
    assert {each.level for each in examined(**refused).values()} == {Level.OK, Level.NOTE}


def test_a_gpu_that_gives_no_handle() -> None:
    """A lost GPU is listed, with nothing known of it."""
    lost = examined(nvmlDeviceGetHandleByIndex=pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST))
    assert lost["throttling"].found.startswith("unknown")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"nvmlInit": pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)}, "none"),
        ({"nvmlInit": pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)}, "unknown"),
        ({"nvmlDeviceGetCount": pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)}, "unknown"),
        ({"nvmlDeviceGetCount": 0}, "none"),
    ],
)
def test_no_gpu(answers: dict[str, Any], words: str) -> None:
    """A machine without GPU has none; a library that fails leaves it unknown."""
    assert examined(**answers)["GPU"].found.startswith(words)


def test_a_name_of_control_characters_is_not_obeyed() -> None:
    """What NVML calls a process is somebody else's text."""
    running = [process(42)]
    finding = examined(nvmlDeviceGetComputeRunningProcesses=running, nvmlSystemGetProcessName="\x1b[2Jx\n")[
        "use"
    ]
    assert finding.found.isprintable()


VALUES = (
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.lists(st.integers())
)
NAMES = (
    "name", "mig", "persistence", "sm_mhz", "sm_mhz_max", "application_mhz", "application_mhz_default",
    "throttle_reasons", "utilisation", "power_limit_w", "power_limit_w_default", "temperature_c",
    "slowdown_c", "ecc", "processes",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES) | VALUES, max_size=2))
def test_random_states_never_raise(states: list[Any]) -> None:
    """Whatever JSON stands for the GPUs, every finding is one printable line."""
    assert all(each.found.isprintable() for each in gpus.findings(Readings(gpus=json.dumps(states))))
