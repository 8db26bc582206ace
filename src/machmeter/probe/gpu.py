"""The GPU's part of a sample: CUDA events, synchronisation, clocks and throttle reasons."""

import sys
import time
from collections.abc import Callable
from typing import Any


def cuda() -> Any:  # noqa: ANN401 - torch is never imported here, so it has no type here
    """Return ``torch.cuda`` where this process already uses a GPU, else None."""
    torch = sys.modules.get("torch")
    try:
        return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
    except AttributeError:  # torch is being imported at this moment
        return None


def synchronised(timer: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
    """Wrap a timer so that it waits for the GPU before it reads the time.

    Parameters
    ----------
    timer : callable
        Returns seconds.

    Returns
    -------
    callable
        Same seconds; without a GPU in use nothing is waited for.
    """

    def read() -> float:
        device = cuda()
        if device is not None:
            device.synchronize()
        return timer()

    return read


class Events:
    """Seconds between two CUDA events around the work of a sample.

    Nothing happens where the process has not used a GPU before `start`; `stop` still waits for a GPU
    that was first used in between, so that the wall time is true.
    """

    def __init__(self) -> None:
        self._cuda: Any = None
        self._before: Any = None

    def start(self) -> None:
        """Wait for earlier work, then record the first event."""
        self._cuda, self._before = cuda(), None
        if self._cuda is not None:
            self._cuda.synchronize()
            self._before = self._cuda.Event(enable_timing=True)
            self._before.record()

    def stop(self) -> float | None:
        """Record the second event and wait for it.

        Returns
        -------
        float or None, seconds
            None where no GPU was in use at the start.
        """
        if self._before is None:
            device = cuda()
            if device is not None:
                device.synchronize()
            return None
        after = self._cuda.Event(enable_timing=True)
        after.record()
        after.synchronize()
        return float(self._before.elapsed_time(after)) * 1e-3


def state() -> dict[str, int] | None:
    """Clocks and throttle reasons of the current GPU, by NVML if torch has loaded it.

    Returns
    -------
    dict or None
        ``sm_clock_mhz``, ``memory_clock_mhz``, ``throttle_reasons`` (NVML's bit mask).
    """
    device, nvml = cuda(), sys.modules.get("pynvml")
    if device is None or nvml is None:
        return None
    try:
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(
            f"GPU-{device.get_device_properties(device.current_device()).uuid}"
        )
        return {
            "sm_clock_mhz": nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            "memory_clock_mhz": nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
            "throttle_reasons": nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
        }
    except (nvml.NVMLError, AttributeError):
        return None
