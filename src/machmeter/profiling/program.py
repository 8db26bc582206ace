"""Where py-spy is, and whether it may look into processes."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from machmeter.errors import ProfileRefusedError
from machmeter.machine.doctor import ptrace
from machmeter.machine.doctor.reading import container

#: A py-spy that the user prefers, for instance one that was given CAP_SYS_PTRACE.
VARIABLE: Final = "MACHMETER_PYSPY"


def spy_program() -> str:
    """Path of py-spy: the user's choice, beside this Python, or on the PATH.

    Raises
    ------
    ProfileRefusedError
        If it is not installed.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return chosen
    beside = Path(sys.executable).with_name("py-spy")
    found = os.fspath(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfileRefusedError("py-spy is not installed", 'Install it: "pip install py-spy".')
    return found


def check_permission() -> None:
    """Make sure that py-spy is not surely forbidden.

    Raises
    ------
    ProfileRefusedError
        If Yama forbids it.
    """
    texts = _texts()
    if ptrace.is_forbidden(texts):
        found = ptrace.permission(texts)
        raise ProfileRefusedError(f"py-spy may not look into processes here ({found.found})", found.advice)


def denied(reason: str) -> ProfileRefusedError:
    """Explain why py-spy could not look.

    Parameters
    ----------
    reason : str
        What it said.
    """
    advice = ptrace.permission(_texts()).advice if "ermission" in reason else ""
    return ProfileRefusedError(
        reason,
        advice
        or '"machmeter doctor" says whether py-spy may look into processes here (ptrace) and what helps.',
    )


def _texts() -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for source in ptrace.SOURCES:
        try:
            texts[source] = Path(source).read_text(encoding="utf-8", errors="replace")
        except OSError:  # another kernel, or one without Yama
            texts[source] = None
    return texts | {"container": container()}
