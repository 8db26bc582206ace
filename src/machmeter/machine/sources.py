"""The raw texts that a machine's facts come from: collected here, or replayed from a record."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from machmeter.errors import MachmeterError
from machmeter.machine import cgroups, cpuinfo, nvml

#: Names a file whose record is used instead of this machine.
FACTS_FILE_VARIABLE: Final = "MACHMETER_FACTS_FILE"

_CPU: Final = Path("/sys/devices/system/cpu")

#: Read as they are; the source is named after the file.
_FILES: Final = (
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/smt/control",
    "/sys/devices/system/cpu/cpufreq/boost",
    "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "/sys/devices/system/node/has_cpu",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/kernel/osrelease",
)

#: Of these files only the lines with these keys are kept: what is left out is volatile or names the owner.
_KEYS: Final = {
    "/proc/meminfo": ("MemTotal",),
    "/etc/os-release": ("PRETTY_NAME",),
}

_LSCPU_DEADLINE_S: Final = 10


class Sources(Mapping[str, str | None]):
    """Name of each source to its raw text, frozen.

    Parameters
    ----------
    texts : mapping of str to str or None
        None for a source that cannot be read: every fact from it is "unknown".
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self._texts = MappingProxyType(dict(texts))

    def __getitem__(self, name: str) -> str | None:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def changed(self, texts: Mapping[str, str | None]) -> "Sources":
        """Give a copy in which some texts are others."""
        return Sources({**self._texts, **texts})

    def to_json(self, about: str) -> str:
        """Give the text of a record that `read_record` reads; `about` says where the texts come from."""
        return json.dumps({"about": about, "sources": dict(self._texts)}, indent=1) + "\n"


def collect() -> Sources:
    """Read every source of this machine, without root, or the record that MACHMETER_FACTS_FILE names.

    Returns
    -------
    Sources

    Raises
    ------
    MachmeterError
        If MACHMETER_FACTS_FILE names something that is no record.
    """
    record = os.environ.get(FACTS_FILE_VARIABLE)
    if record:
        return read_record(Path(record))
    return Sources(
        {
            "lscpu": _lscpu(),
            "caches": _caches(),
            "governors": _governors(),
            "vulnerabilities": _vulnerabilities(),
            "affinity": _affinity(),
            "container": _container(),
            "nvml": nvml.read(os.environ.get("CUDA_VISIBLE_DEVICES")),
            "python": platform.python_version(),
            "/proc/cpuinfo": _cpuinfo(Path("/proc/cpuinfo")),
            **cgroups.read(),
            **{name: _text(Path(name)) for name in _FILES},
            **{name: _lines_with(Path(name), keys) for name, keys in _KEYS.items()},
        }
    )


def read_record(path: Path) -> Sources:
    """Read the record of a machine: JSON ``{"about": str, "sources": {name: text or null}}``.

    Raises
    ------
    MachmeterError
        If the file cannot be read or is something else.
    """
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))["sources"]
        types = {type(text) for text in texts.values()}
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise _not_a_record(path, f"{type(error).__name__}: {error}") from error
    if not types <= {str, type(None)}:
        raise _not_a_record(path, "a source is neither text nor null")
    return Sources(texts)


def _not_a_record(path: Path, what: str) -> MachmeterError:
    return MachmeterError(
        f"{path} is not the record of a machine ({what}).",
        f"{FACTS_FILE_VARIABLE} names it, so nobody knows which hardware the results would belong to.",
        f'Correct the file, or read this machine instead ("unset {FACTS_FILE_VARIABLE}").',
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _lines_with(path: Path, keys: tuple[str, ...]) -> str | None:
    """Keep the distinct lines that start with one of the keys, in the file's order."""
    text = _text(path)
    if text is None:
        return None
    return "".join(f"{line}\n" for line in dict.fromkeys(text.splitlines()) if line.startswith(keys))


def _cpuinfo(path: Path) -> str | None:
    text = _text(path)
    return None if text is None else cpuinfo.kinds(text)


def _lscpu() -> str | None:
    """Ask lscpu (util-linux 2.30 or later) for its JSON, in English."""
    command = ["lscpu", "-J"]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=_LSCPU_DEADLINE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _caches(cpu: Path = _CPU) -> str | None:
    """Give one line "level type size shared_cpu_list" a cache from cpu*/cache/index*."""
    seen: dict[tuple[str, str | None], str] = {}
    for folder in sorted(cpu.glob("cpu[0-9]*/cache/index[0-9]*")):
        shared = _text(folder / "shared_cpu_list")
        if (folder.name, shared) not in seen:
            parts = [_text(folder / name) for name in ("level", "type", "size")]
            seen[folder.name, shared] = " ".join((part or "-").strip() for part in [*parts, shared])
    return "".join(f"{line}\n" for line in seen.values()) or None


def _governors() -> str | None:
    """Give the distinct frequency governors, one a line; an empty text where nothing governs."""
    folder = _CPU / "cpufreq"
    if not folder.is_dir():
        return None
    return _distinct(_text(path) for path in folder.glob("policy*/scaling_governor"))


def _distinct(texts: Iterable[str | None]) -> str:
    return "".join(f"{text}\n" for text in sorted({text.strip() for text in texts if text}))


def _vulnerabilities() -> str | None:
    """Give one line "name: status" a known weakness of the CPU, with the mitigation in use."""
    paths = sorted((_CPU / "vulnerabilities").glob("*"))
    return "".join(f"{path.name}: {(_text(path) or '').strip()}\n" for path in paths) or None


def _affinity() -> str | None:
    """List the CPUs that this process may run on."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))


def _container() -> str:
    """Say what makes us think that we are in a container; an empty text if nothing does."""
    hints = {
        "docker": Path("/.dockerenv").exists(),
        "podman": Path("/run/.containerenv").exists(),
        "kubernetes": "KUBERNETES_SERVICE_HOST" in os.environ,
        "apptainer": "APPTAINER_CONTAINER" in os.environ or "SINGULARITY_CONTAINER" in os.environ,
    }
    return "\n".join(name for name, there in hints.items() if there)
