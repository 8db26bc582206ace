"""Whether py-spy may look into the measured processes."""

from collections.abc import Iterator
from typing import Final

from machmeter.machine.doctor.finding import Finding, Level, ok, shown, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import whole

_CHECK: Final = "ptrace for py-spy"
_STATUS: Final = "/proc/self/status"

#: capabilities(7)
_CAP_SYS_PTRACE: Final = 19
_WHY: Final = "Without it a slow commit is found, but no profile says which function made it slow."


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge Yama's ptrace_scope (kernel's Documentation/admin-guide/LSM/Yama.rst) and CAP_SYS_PTRACE."""
    capable = _may_trace(readings.texts.get(_STATUS))
    scope = whole(readings.texts.get("/proc/sys/kernel/yama/ptrace_scope"), high=3)
    container = readings.texts.get("container") or ""
    yield _finding(scope, container, capable=capable)


def _may_trace(status: str | None) -> bool | None:
    for line in (status or "").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            try:
                return bool(int(value.strip(), 16) >> _CAP_SYS_PTRACE & 1)
            except ValueError:
                return None
    return None


def _finding(scope: int | str, container: str, *, capable: bool | None) -> Finding:
    spelled = f"ptrace_scope {scope}" if isinstance(scope, int) else "no Yama"
    if scope == 3:  # noqa: PLR2004 (Yama's number for "nobody")
        advice = "Profile on another node; only a restart with another setting changes this one."
        return Finding(_CHECK, Level.WARNING, f"{spelled}: nobody may", _WHY, advice)
    if capable:
        return ok(_CHECK, f"allowed (CAP_SYS_PTRACE, {spelled})")
    if scope == 2:  # noqa: PLR2004 (Yama's number for "administrators")
        advice = "sudo setcap cap_sys_ptrace=eip $(command -v py-spy) (as administrator)"
        return Finding(_CHECK, Level.WARNING, f"{spelled}: only with CAP_SYS_PTRACE", _WHY, advice)
    if container:
        advice = "docker run --cap-add SYS_PTRACE … (Kubernetes: securityContext.capabilities.add)"
        found = f"no CAP_SYS_PTRACE in a container ({shown(container)}), {spelled}"
        return Finding(_CHECK, Level.WARNING, found, _WHY, advice)
    if capable is None:
        return unknown(_CHECK, _STATUS)
    return ok(_CHECK, f"allowed for own {'children' if scope == 1 else 'processes'} ({spelled})")
