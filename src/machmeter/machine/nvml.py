"""The GPUs that CUDA_VISIBLE_DEVICES leaves visible, as NVML describes them."""

import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What NVML raises on a machine without a GPU; anything else leaves the GPUs unknown.
_ABSENT = ("NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded", "NVMLError_NotFound")

#: What a GPU or driver from before MIG answers when asked about it.
_WITHOUT_MIG = ("NVMLError_NotSupported", "NVMLError_FunctionNotFound")


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, or an instance of a GPU in MIG mode.

    Parameters
    ----------
    handle, board : object
        NVML's handles of the device and of the GPU that it is part of; None if NVML gave none.
    uuid : str or None
        Only for the selection; never recorded.
    instances : tuple of Device
        The MIG instances of a GPU in MIG mode.
    mig : bool or None
        Whether the GPU is in MIG mode; None where NVML does not say.
    """

    handle: Any
    board: Any
    uuid: str | None
    instances: tuple["Device", ...] = ()
    mig: bool | None = False


def read(visible: str | None, library: Any = None, device_folder: Path = Path("/dev")) -> str:  # noqa: ANN401
    """Describe the visible GPUs as JSON text.

    Parameters
    ----------
    visible : str or None
        CUDA_VISIBLE_DEVICES; None if it is not set.
    library : module, optional
        Stands for `pynvml` (the distribution nvidia-ml-py).
    device_folder : Path
        Where the driver makes ``nvidia0``, ``nvidia1``, ….

    Returns
    -------
    str
        JSON ``{"driver": str, "gpus": [{"name", "memory_bytes", "power_limit_mw", "pcie_generation",
        "pcie_width", "mig", "vbios"}]}``. A fact that NVML refuses is null; ``gpus`` is null if nothing could
        be asked. A machine without library, driver and device has no GPUs.

    Notes
    -----
    Generation and width of the link are the most that GPU and slot agree on: the current ones drop when idle.
    """
    try:
        nvml = library or importlib.import_module("pynvml")
        nvml.nvmlInit()
    except ImportError:
        return _nothing(device_folder, absent=True)
    except Exception as error:  # noqa: BLE001  (NVML's own errors are made at run time; none may stop a run)
        return _nothing(device_folder, absent=type(error).__name__ in _ABSENT)
    try:
        return _describe(nvml, visible)
    finally:
        ask(nvml.nvmlShutdown)


def _nothing(device_folder: Path, *, absent: bool) -> str:
    """Say "no GPU" where neither NVML nor a device node is there, "unknown" where just one is missing."""
    certain = absent and not any(device_folder.glob("nvidia[0-9]*"))
    return json.dumps({"driver": None, "gpus": [] if certain else None})


def _describe(nvml: Any, visible: str | None) -> str:  # noqa: ANN401
    found = devices(nvml, visible)
    gpus = None if found is None else [_facts(nvml, device) for device in found]
    return json.dumps({"driver": string(ask(nvml.nvmlSystemGetDriverVersion)), "gpus": gpus})


def devices(nvml: Any, visible: str | None) -> list[Device] | None:  # noqa: ANN401
    """List the devices that CUDA would see, or None if NVML does not tell; NVML is open."""
    count = ask(nvml.nvmlDeviceGetCount)
    return None if count is None else select([_board(nvml, index) for index in range(count)], visible)


def _board(nvml: Any, index: int) -> Device:  # noqa: ANN401
    handle = ask(nvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return Device(None, None, None, mig=None)
    mode = _mig_mode(nvml, handle)
    instances = tuple(_instances(nvml, handle)) if mode else ()
    return Device(handle, handle, string(ask(nvml.nvmlDeviceGetUUID, handle)), instances, mode)


def _mig_mode(nvml: Any, handle: Any) -> bool | None:  # noqa: ANN401
    """Tell whether MIG is on; a GPU or driver that does not know MIG has it off."""
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except Exception as error:  # noqa: BLE001
        return False if type(error).__name__ in _WITHOUT_MIG else None


def _instances(nvml: Any, board: Any) -> Iterator[Device]:  # noqa: ANN401
    for index in range(ask(nvml.nvmlDeviceGetMaxMigDeviceCount, board) or 0):
        handle = ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, board, index)
        if handle is not None:
            yield Device(handle, board, string(ask(nvml.nvmlDeviceGetUUID, handle)), mig=True)


def select(boards: Sequence[Device], visible: str | None) -> list[Device]:
    """Choose the devices that CUDA would see.

    Parameters
    ----------
    boards : sequence of Device
        In NVML's order (PCI bus). CUDA may count otherwise where the GPUs differ (CUDA_DEVICE_ORDER).
    visible : str or None
        Indices, beginnings of GPU UUIDs or MIG UUIDs, separated by commas. CUDA stops at the first that does
        not exist, such as -1 (CUDA C++ Programming Guide, "CUDA Environment Variables").
    """
    if visible is None:
        return [device for board in boards for device in board.instances or (board,)]
    chosen: list[Device] = []
    for entry in visible.split(","):
        found = _find(boards, entry.strip())
        if not found:
            break
        chosen += [device for device in found if device not in chosen]
    return chosen


def _find(boards: Sequence[Device], entry: str) -> tuple[Device, ...]:
    if entry.isdecimal() and entry.isascii():
        index = int(entry[:9])
        board = boards[index] if index < len(boards) else None
    elif entry.startswith("MIG-"):
        instances = (instance for board in boards for instance in board.instances)
        return tuple(instance for instance in instances if (instance.uuid or "").startswith(entry))[:1]
    else:
        matches = (
            board for board in boards if entry.startswith("GPU-") and (board.uuid or "").startswith(entry)
        )
        board = next(matches, None)
    if board is None:
        return ()
    return board.instances or (board,)


def _facts(nvml: Any, device: Device) -> dict[str, Any]:  # noqa: ANN401
    def of(function: Callable[..., Any], handle: Any) -> Any:  # noqa: ANN401
        return None if handle is None else ask(function, handle)

    return {
        "name": string(of(nvml.nvmlDeviceGetName, device.handle)),
        "memory_bytes": getattr(of(nvml.nvmlDeviceGetMemoryInfo, device.handle), "total", None),
        "power_limit_mw": of(nvml.nvmlDeviceGetPowerManagementLimit, device.board),
        "pcie_generation": of(nvml.nvmlDeviceGetMaxPcieLinkGeneration, device.board),
        "pcie_width": of(nvml.nvmlDeviceGetMaxPcieLinkWidth, device.board),
        "mig": device.mig,
        "vbios": string(of(nvml.nvmlDeviceGetVbiosVersion, device.board)),
    }


def ask(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """Call NVML, or give None: a refused fact is unknown and stops nothing."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001  (NVMLError and its kin are made at run time)
        return None


def string(value: object) -> str | None:
    """Take bytes as well: older bindings do not decode."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text if isinstance(text, str) else None
