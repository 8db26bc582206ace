import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from machmeter.machine import gpus, nvml

PLAIN = {"name": "NVIDIA H100 80GB HBM3", "uuid": "GPU-aaaa1111", "mig": [], "power": 700_000}
OTHER = {"name": "NVIDIA A100-PCIE-40GB", "uuid": "GPU-bbbb2222", "mig": [], "power": 250_000}
SPLIT = {
    "name": "NVIDIA A100-SXM4-40GB",
    "uuid": "GPU-cccc3333",
    "power": 400_000,
    "mig": [
        {"name": "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "uuid": "MIG-dddd4444"},
        {"name": "NVIDIA A100-SXM4-40GB MIG 3g.20gb", "uuid": "MIG-eeee5555"},
    ],
}


class FakeNvml:
    """Answers like pynvml for a few boards; what is named in `refused` raises that error."""

    def __init__(self, boards: list[dict[str, Any]], refused: dict[str, int] | None = None) -> None:
        self.boards = boards
        self.refused = refused or {}
        self.open = 0
        self.asked: list[str] = []

    def __getattr__(self, function: str) -> Any:
        self.asked.append(function)

        def call(*arguments: Any) -> Any:
            if function in self.refused:
                raise pynvml.NVMLError(self.refused[function])
            return getattr(self, f"_{function}")(*arguments)

        return call

    def _nvmlInit(self) -> None:  # noqa: N802
        self.open += 1

    def _nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def _nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.boards)

    def _nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"550.54.15"

    def _nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:  # noqa: N802
        return self.boards[index]

    def _nvmlDeviceGetMigMode(self, board: dict[str, Any]) -> list[int]:  # noqa: N802
        if board is OTHER:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return [int(bool(board["mig"]))] * 2

    def _nvmlDeviceGetMaxMigDeviceCount(self, board: dict[str, Any]) -> int:  # noqa: N802
        return 7

    def _nvmlDeviceGetMigDeviceHandleByIndex(self, board: dict[str, Any], index: int) -> Any:  # noqa: N802
        if index >= len(board["mig"]):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return board["mig"][index]

    def _nvmlDeviceGetUUID(self, device: dict[str, Any]) -> str:  # noqa: N802
        return str(device["uuid"])

    def _nvmlDeviceGetName(self, device: dict[str, Any]) -> str:  # noqa: N802
        return str(device["name"])

    def _nvmlDeviceGetMemoryInfo(self, device: dict[str, Any]) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=40 * 2**30)

    def _nvmlDeviceGetPowerManagementLimit(self, board: dict[str, Any]) -> int:  # noqa: N802
        return int(board["power"])

    def _nvmlDeviceGetMaxPcieLinkGeneration(self, board: dict[str, Any]) -> int:  # noqa: N802
        return 4

    def _nvmlDeviceGetMaxPcieLinkWidth(self, board: dict[str, Any]) -> int:  # noqa: N802
        return 16

    def _nvmlDeviceGetVbiosVersion(self, board: dict[str, Any]) -> str:  # noqa: N802
        return "92.00.45.00.03"


def names(visible: str | None, boards: list[dict[str, Any]]) -> list[str]:
    """Give what is visible, by the last word of its name."""
    described = json.loads(nvml.read(visible, FakeNvml(boards)))["gpus"]
    return [gpu["name"].split()[-1] for gpu in described]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["HBM3", "A100-PCIE-40GB", "1g.5gb", "3g.20gb"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", ["A100-PCIE-40GB"]),
        ("1,0", ["A100-PCIE-40GB", "HBM3"]),
        ("0,9,1", ["HBM3"]),
        ("0,-1,1", ["HBM3"]),
        ("GPU-aaaa1111", ["HBM3"]),
        ("GPU-bb", ["A100-PCIE-40GB"]),
        ("GPU-ffff", []),
        ("2", ["1g.5gb", "3g.20gb"]),
        ("MIG-eeee5555", ["3g.20gb"]),
        ("MIG-dddd4444, MIG-eeee5555", ["1g.5gb", "3g.20gb"]),
        ("MIG-ffff", []),
        ("0,0", ["HBM3"]),
        ("99999999999999999999", []),
    ],
)
def test_visible_devices(visible: str | None, expected: list[str]) -> None:
    """CUDA_VISIBLE_DEVICES chooses by index or UUID, and ends at the first that does not exist."""
    assert names(visible, [PLAIN, OTHER, SPLIT]) == expected


def test_description_holds_no_uuid() -> None:
    """What identifies one board is used for the choice and then forgotten."""
    text = nvml.read(None, FakeNvml([PLAIN, SPLIT]))
    assert "GPU-" not in text
    assert "MIG-" not in text


def test_mig_instance_takes_power_and_link_from_its_board() -> None:
    """An instance has the power limit, link and firmware of the GPU that it is part of."""
    gpu = json.loads(nvml.read("MIG-eeee5555", FakeNvml([SPLIT])))["gpus"][0]
    assert (gpu["power_limit_mw"], gpu["pcie_generation"], gpu["vbios"]) == (400_000, 4, "92.00.45.00.03")
    assert gpu["mig"] is True


def test_another_board_of_the_kind_gives_the_same_text() -> None:
    """The same kind of board with another UUID in another machine is described alike."""
    twin = {**PLAIN, "uuid": "GPU-ffff9999"}
    assert nvml.read(None, FakeNvml([twin])) == nvml.read(None, FakeNvml([PLAIN]))


def test_nothing_volatile_is_asked() -> None:
    """Neither serial numbers nor clocks, temperatures, or the link as it is at the moment are asked for."""
    library = FakeNvml([PLAIN, SPLIT])
    nvml.read(None, library)
    volatile = ("Serial", "Clock", "Temperature", "Curr", "Utilization", "Usage")
    assert library.asked
    assert [name for name in library.asked if any(part in name for part in volatile)] == []


def test_gpu_that_knows_no_mig_has_none() -> None:
    """A GPU that answers "not supported" has no MIG profile, rather than an unknown one."""
    text = nvml.read(None, FakeNvml([OTHER]))
    assert gpus.facts(text)["gpus"][0]["mig_profile"] == "none"


@pytest.mark.parametrize(
    ("function", "fact"),
    [
        ("nvmlDeviceGetName", "name"),
        ("nvmlDeviceGetMemoryInfo", "memory_gib"),
        ("nvmlDeviceGetPowerManagementLimit", "power_limit_w"),
        ("nvmlDeviceGetMaxPcieLinkGeneration", "pcie_generation"),
        ("nvmlDeviceGetMaxPcieLinkWidth", "pcie_width"),
        ("nvmlDeviceGetMigMode", "mig_profile"),
    ],
)
@pytest.mark.parametrize("error", [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_GPU_IS_LOST, 31_337])
def test_refused_fact_is_unknown(function: str, fact: str, error: int) -> None:
    """A fact that NVML refuses is unknown, the others are not; MIG that is not supported is off."""
    found = gpus.facts(nvml.read(None, FakeNvml([PLAIN], {function: error})))["gpus"][0]
    off = function == "nvmlDeviceGetMigMode" and error == pynvml.NVML_ERROR_NOT_SUPPORTED
    assert found[fact] == ("none" if off else "unknown")
    assert list(found.values()).count("unknown") == (0 if off else 1)


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount", "nvmlInit"])
def test_nvml_that_fails_leaves_the_gpus_unknown(function: str, tmp_path: Path) -> None:
    """A library that is there and fails says nothing about the GPUs."""
    text = nvml.read(None, FakeNvml([PLAIN], {function: pynvml.NVML_ERROR_UNKNOWN}), tmp_path)
    assert gpus.facts(text) == {"gpus": "unknown", "gpu_count": "unknown"}


@pytest.mark.parametrize("error", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED])
@pytest.mark.parametrize(("node", "expected"), [("nvidia0", "unknown"), ("nvidiactl", []), ("null", [])])
def test_no_library_or_driver(error: int, node: str, expected: object, tmp_path: Path) -> None:
    """Without NVML and without a device there are no GPUs; with a device they are unknown."""
    (tmp_path / node).touch()
    text = nvml.read(None, FakeNvml([], {"nvmlInit": error}), tmp_path)
    assert gpus.facts(text)["gpus"] == expected


def test_lost_board_is_unknown_but_counted() -> None:
    """A GPU that gives no handle counts, with unknown facts."""
    refused = {"nvmlDeviceGetHandleByIndex": pynvml.NVML_ERROR_GPU_IS_LOST}
    found = gpus.facts(nvml.read(None, FakeNvml([PLAIN], refused)))
    assert found["gpu_count"] == 1
    assert set(found["gpus"][0].values()) == {"unknown"}


def test_library_without_a_device() -> None:
    """A library that finds no GPU means that there is none."""
    text = nvml.read(None, FakeNvml([]))
    assert gpus.facts(text) == {"gpus": [], "gpu_count": 0}
    assert gpus.state(text) == {"gpu_driver": "none", "gpu_vbios": "none"}


def test_driver_and_firmware_are_state() -> None:
    """Versions that an update changes are recorded beside the identity."""
    text = nvml.read(None, FakeNvml([PLAIN]))
    assert gpus.state(text) == {"gpu_driver": "550.54.15", "gpu_vbios": ["92.00.45.00.03"]}


def test_nvml_is_closed_again() -> None:
    """Reading leaves NVML as it was."""
    library = FakeNvml([PLAIN], {"nvmlDeviceGetCount": pynvml.NVML_ERROR_UNKNOWN})
    nvml.read(None, library)
    assert library.open == 0


@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="this machine has a GPU")
def test_real_library_without_a_gpu() -> None:
    """The real pynvml on a machine without GPU says that there is none."""
    assert gpus.facts(nvml.read(None))["gpus"] == []
