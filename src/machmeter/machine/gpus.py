"""The identity of the GPUs, from the JSON text of `machmeter.machine.nvml`."""

from collections.abc import Mapping
from typing import Any

from machmeter.machine.parsing import NONE, UNKNOWN, as_json, nominal_gib, whole, word

_MOST_MEMORY = 2**50
_MOST_POWER_MW = 10**8
_MIG = " MIG "


def facts(text: str | None) -> dict[str, Any]:
    """Give ``gpus``, in an order that does not depend on the slots, and ``gpu_count``.

    Parameters
    ----------
    text : str or None
        JSON text of `machmeter.machine.nvml.read`.
    """
    entries = _entries(text)
    if entries is None:
        return {"gpus": UNKNOWN, "gpu_count": UNKNOWN}
    return {"gpus": sorted(map(_gpu, entries), key=_order), "gpu_count": len(entries)}


def state(text: str | None) -> dict[str, Any]:
    """Give driver version and firmware (VBIOS) versions: they change on the same hardware."""
    document = as_json(text)
    entries = _entries(text)
    if not entries:
        return dict.fromkeys(("gpu_driver", "gpu_vbios"), NONE if entries == [] else UNKNOWN)
    driver = word(document.get("driver")) if isinstance(document, dict) else UNKNOWN
    return {"gpu_driver": driver, "gpu_vbios": sorted({word(entry.get("vbios")) for entry in entries})}


def _entries(text: str | None) -> list[dict[str, Any]] | None:
    document = as_json(text)
    entries = document.get("gpus") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    return entries


def _gpu(entry: Mapping[str, Any]) -> dict[str, Any]:
    memory = whole(entry.get("memory_bytes"), low=1, high=_MOST_MEMORY)
    power = whole(entry.get("power_limit_mw"), low=1, high=_MOST_POWER_MW)
    name, _, profile = word(entry.get("name")).partition(_MIG)
    return {
        "name": name,
        "memory_gib": UNKNOWN if isinstance(memory, str) else nominal_gib(memory),
        "power_limit_w": UNKNOWN if isinstance(power, str) else round(power / 1000),
        "pcie_generation": whole(entry.get("pcie_generation"), low=1, high=20),
        "pcie_width": whole(entry.get("pcie_width"), low=1, high=64),
        "mig_profile": _mig_profile(entry.get("mig"), profile),
    }


def _mig_profile(mig: object, profile: str) -> str:
    """Take the profile out of the name: NVML calls an instance "NVIDIA A100-SXM4-40GB MIG 3g.20gb"."""
    return profile or (NONE if mig is False else UNKNOWN)


def _order(gpu: Mapping[str, Any]) -> list[str]:
    return [str(value) for value in gpu.values()]
