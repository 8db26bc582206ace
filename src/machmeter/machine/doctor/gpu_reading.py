"""The present state of the visible GPUs, by NVML, as JSON text."""

import importlib
import json
import os
from typing import Any

from machmeter.machine.nvml import Device, ask, devices, string

#: What NVML raises where there is neither driver nor GPU.
_ABSENT = ("NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded", "NVMLError_NotFound")


def read(visible: str | None, library: Any = None) -> str | None:  # noqa: ANN401
    """Describe the state of the visible GPUs.

    Parameters
    ----------
    visible : str or None
        CUDA_VISIBLE_DEVICES; None if it is not set.
    library : module, optional
        Stands for `pynvml` (the distribution nvidia-ml-py).

    Returns
    -------
    str or None
        JSON list of one object a GPU (see `_state`; what NVML refuses is null); empty where there is neither
        library nor driver; None if nothing could be asked.
    """
    try:
        nvml = library or importlib.import_module("pynvml")
        nvml.nvmlInit()
    except ImportError:
        return "[]"
    except Exception as error:  # noqa: BLE001  (NVML's own errors are made at run time; none may stop us)
        return "[]" if type(error).__name__ in _ABSENT else None
    try:
        found = devices(nvml, visible)
        return None if found is None else json.dumps([_state(nvml, device) for device in found])
    finally:
        ask(nvml.nvmlShutdown)


def _state(nvml: Any, device: Device) -> dict[str, Any]:  # noqa: ANN401
    def raw(function: str, *arguments: Any, handle: Any = device.board) -> Any:  # noqa: ANN401
        # Asked for by name: bindings of other versions lack some functions.
        called = getattr(nvml, function, None)
        return None if handle is None or called is None else ask(called, handle, *arguments)

    def of(function: str, *arguments: Any) -> Any:  # noqa: ANN401
        return _plain(raw(function, *arguments))

    return {
        "name": string(raw("nvmlDeviceGetName", handle=device.handle)),
        "mig": device.mig,
        "persistence": of("nvmlDeviceGetPersistenceMode"),
        "sm_mhz": of("nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
        "sm_mhz_max": of("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM),
        "application_mhz": of("nvmlDeviceGetApplicationsClock", nvml.NVML_CLOCK_SM),
        "application_mhz_default": of("nvmlDeviceGetDefaultApplicationsClock", nvml.NVML_CLOCK_SM),
        "throttle_reasons": of("nvmlDeviceGetCurrentClocksThrottleReasons"),
        "utilisation": _plain(getattr(raw("nvmlDeviceGetUtilizationRates"), "gpu", None)),
        "power_w": _watts(of("nvmlDeviceGetPowerUsage")),
        "power_limit_w": _watts(of("nvmlDeviceGetPowerManagementLimit")),
        "power_limit_w_default": _watts(of("nvmlDeviceGetPowerManagementDefaultLimit")),
        "temperature_c": of("nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
        "slowdown_c": of("nvmlDeviceGetTemperatureThreshold", nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
        "ecc": _first(raw("nvmlDeviceGetEccMode")),
        "processes": _processes(nvml, raw("nvmlDeviceGetComputeRunningProcesses", handle=device.handle)),
    }


def _processes(nvml: Any, running: object) -> list[dict[str, Any]] | None:  # noqa: ANN401
    """Describe the processes that compute on the device, but this one."""
    if not isinstance(running, list):
        return None
    return [
        {
            "pid": process.pid,
            "name": string(ask(nvml.nvmlSystemGetProcessName, process.pid)),
            "memory_used": _plain(getattr(process, "usedGpuMemory", None)),
        }
        for process in running
        if process.pid != os.getpid()
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401
    return value if isinstance(value, int | float) else None


def _first(value: Any) -> Any:  # noqa: ANN401
    return _plain(value[0]) if isinstance(value, list | tuple) and value else None


def _watts(milliwatts: object) -> float | None:
    return milliwatts / 1000 if isinstance(milliwatts, int | float) else None
