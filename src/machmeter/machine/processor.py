"""The identity of the CPU: its type, caches and layout, from lscpu and sysfs."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from machmeter.machine import arm, flags
from machmeter.machine.parsing import MOST_CPUS, NONE, UNKNOWN, as_json, listed, size_kib, whole, word

_CACHE_LINE_FIELDS = 4
_INSTANCES = re.compile(r"(.+?)\s*\((\d{1,6}) instances?\)", re.ASCII)
_NODE_CPUS = re.compile(r"NUMA node\d+ CPU\(s\)")


def lscpu_fields(text: str | None) -> dict[str, list[object]]:
    """Flatten the JSON of lscpu: field name without its colon to its values, in order.

    Newer util-linux nests fields under ``children``. A CPU with several kinds of core repeats some.
    """
    fields: dict[str, list[object]] = {}
    document = as_json(text)
    pending = [document.get("lscpu")] if isinstance(document, dict) else []
    while pending:
        entry = pending.pop(0)
        if isinstance(entry, list):
            pending = [*entry, *pending]
        elif isinstance(entry, dict):
            if isinstance(entry.get("field"), str):
                fields.setdefault(entry["field"].strip().removesuffix(":"), []).append(entry.get("data"))
            pending.insert(0, entry.get("children"))
    return fields


def facts(sources: Mapping[str, str | None]) -> dict[str, Any]:
    """Give the identity facts of the CPU.

    Parameters
    ----------
    sources : mapping of str to str or None
        ``lscpu`` (lscpu -J), ``/proc/cpuinfo`` (its numbers of an Arm core go before lscpu's names),
        ``caches`` (sysfs) and ``/sys/devices/system/node/has_cpu``.

    Returns
    -------
    dict of str to JSON value
        Clock readings (MHz, BogoMIPS) are left out: they are no property of the hardware class.
    """
    fields = lscpu_fields(sources.get("lscpu"))
    return {
        "architecture": _fact(fields, "Architecture", word),
        "cpu_vendor": _fact(fields, "Vendor ID", word),
        "cpu_family": _fact(fields, "CPU family", word),
        "cpu_model": _fact(fields, "Model", word),
        "cpu_stepping": _fact(fields, "Stepping", word),
        "cpu_name": _fact(fields, "Model name", word),
        "cpu_flags": _flags(fields)[0],
        "caches": _caches(sources.get("caches")) or _caches_of_lscpu(fields),
        "sockets": _first_count(fields, "Socket(s)", "Cluster(s)"),
        "cores_per_socket": _first_count(fields, "Core(s) per socket", "Core(s) per cluster"),
        "threads_per_core": _fact(fields, "Thread(s) per core", _count),
        "numa_nodes": _numa_nodes(sources.get("/sys/devices/system/node/has_cpu"), fields),
        "hypervisor": _hypervisor(fields),
        **arm.facts(sources.get("/proc/cpuinfo")),
    }


def other_flags(sources: Mapping[str, str | None]) -> list[str] | str:
    """Give the CPU flags that are not identity, sorted, or "unknown"."""
    return _flags(lscpu_fields(sources.get("lscpu")))[1]


def renamed(sources: Mapping[str, str | None]) -> dict[str, Any]:
    """Give lscpu's name of an Arm CPU: it is state where numbers are the identity; empty elsewhere."""
    if not arm.cores(sources.get("/proc/cpuinfo")):
        return {}
    return {"cpu_name_by_lscpu": _fact(lscpu_fields(sources.get("lscpu")), "Model name", word)}


def _fact(fields: Mapping[str, list[object]], name: str, parse: Callable[[object], Any]) -> Any:  # noqa: ANN401
    """Give one value, or the list of them for a CPU with several kinds of core."""
    values = [parse(value) for value in fields.get(name, ())]
    return values[0] if len(values) == 1 else values or UNKNOWN


def _count(value: object) -> int | str:
    return whole(value, low=1)


def _first_count(fields: Mapping[str, list[object]], *names: str) -> Any:  # noqa: ANN401
    """Give the first that is known: lscpu speaks of clusters where firmware does not describe sockets."""
    counts = (_fact(fields, name, _count) for name in names)
    return next((count for count in counts if count != UNKNOWN), UNKNOWN)


def _flags(fields: Mapping[str, list[object]]) -> tuple[list[str] | str, list[str] | str]:
    text = " ".join(value for value in fields.get("Flags", ()) if isinstance(value, str))
    return flags.split(text, str(_fact(fields, "Architecture", word))) or (UNKNOWN, UNKNOWN)


def _hypervisor(fields: Mapping[str, list[object]]) -> Any:  # noqa: ANN401
    """Give the vendor; "none" where lscpu ran and names none."""
    if "Architecture" not in fields:
        return UNKNOWN
    return _fact(fields, "Hypervisor vendor", word) if "Hypervisor vendor" in fields else NONE


def _caches(text: str | None) -> list[dict[str, Any]] | None:
    """Count equal caches: level, type, size in KiB, how many CPUs share one, how many there are."""
    kinds = Counter(filter(None, map(_cache, (text or "").splitlines())))
    return [
        {"level": level, "type": kind, "kib": kib, "shared_by": shared_by, "count": count}
        for (level, kind, kib, shared_by), count in sorted(kinds.items(), key=str)
    ] or None


def _cache(line: str) -> tuple[int | str, str, int | str, int | str] | None:
    parts = line.split()
    if len(parts) != _CACHE_LINE_FIELDS:
        return None
    return whole(parts[0], low=1, high=9), word(parts[1]), size_kib(parts[2]), listed(parts[3])


def _caches_of_lscpu(fields: Mapping[str, list[object]]) -> list[dict[str, Any]] | str:
    """Give what lscpu knows where sysfs is hidden: "96 KiB (2 instances)", or "32K" in old versions."""
    found = list(_lscpu_caches(fields))
    return sorted(found, key=str) or UNKNOWN


def _lscpu_caches(fields: Mapping[str, list[object]]) -> Iterator[dict[str, Any]]:
    for name in ("L1d", "L1i", "L2", "L2d", "L2i", "L3", "L4"):
        for value in fields.get(f"{name} cache", fields.get(name, ())):
            match = _INSTANCES.fullmatch(value) if isinstance(value, str) else None
            size, count = (match[1], match[2]) if match else (value, None)
            yield {"level": name, "total_kib": size_kib(size), "count": whole(count, low=1, high=MOST_CPUS)}


def _numa_nodes(has_cpu: str | None, fields: Mapping[str, list[object]]) -> int | str:
    """Count the nodes with CPUs; those of GPU memory come and go with the driver (36 against 4 on Grace)."""
    counted = listed(has_cpu)
    if counted != UNKNOWN:
        return counted
    with_cpus = [name for name, values in fields.items() if _NODE_CPUS.fullmatch(name) and any(values)]
    return whole(len(with_cpus), low=1)
