"""Whether py-spy may look into the measured processes."""

from collections.abc import Iterator, Mapping
from typing import Final

from machmeter.machine.doctor.finding import Finding, Level, ok, shown, unknown
from machmeter.machine.doctor.readings import Readings
from machmeter.machine.parsing import whole

_CHECK: Final = "ptrace for py-spy"
_STATUS: Final = "/proc/self/status"
_SCOPE: Final = "/proc/sys/kernel/yama/ptrace_scope"

#: capabilities(7)
_CAP_SYS_PTRACE: Final = 19
_WHY: Final = "Without it a slow commit is found, but no profile says which function made it slow."


#: What the judgement needs to read.
SOURCES: Final = (_STATUS, _SCOPE)


def findings(readings: Readings) -> Iterator[Finding]:
    """Judge Yama's ptrace_scope (kernel's Documentation/admin-guide/LSM/Yama.rst) and CAP_SYS_PTRACE."""
    yield permission(readings.texts)


def permission(texts: Mapping[str, str | None]) -> Finding:
    """Judge from the texts of `SOURCES` and of "container"."""
    scope = whole(texts.get(_SCOPE), high=3)
    return _finding(scope, texts.get("container") or "", capable=_may_trace(texts.get(_STATUS)))


def is_forbidden(texts: Mapping[str, str | None]) -> bool:
    """Whether Yama surely refuses: then nothing needs to be tried."""
    scope = whole(texts.get(_SCOPE), high=3)
    return scope == 3 or (scope == 2 and not _may_trace(texts.get(_STATUS)))  # noqa: PLR2004 - Yama's numbers


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
