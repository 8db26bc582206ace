"""Whether a project is pure Python, so that a commit can be installed as a link to its checkout."""

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

#: Build backends whose editable install of a pure project is a mere link.
_BACKENDS = {
    "flit_core.buildapi",
    "hatchling.build",
    "pdm.backend",
    "poetry.core.masonry.api",
    "setuptools.build_meta",
    "setuptools.build_meta:__legacy__",
    "uv_build",
}
#: Words in a setup.py or setup.cfg that tell of a build step.
_BUILD_STEP = re.compile(
    r"ext_modules|\bExtension\b|cythonize|cffi_modules|rust_extensions|cmake|libraries\s*=|cmdclass|pybind11"
)
#: What setuptools may be accompanied by; setuptools-rust, Cython or mypy compile.
_HARMLESS_COMPANIONS = {"setuptools", "setuptools-scm", "wheel"}
#: hatchling's build hooks that only write a version file.
_HARMLESS_HOOKS = {"vcs", "version"}


def is_pure_python(project: Path) -> bool:
    """Tell whether an editable install of the checkout is a link and nothing else.

    Parameters
    ----------
    project : Path
        Folder with ``pyproject.toml`` or ``setup.py``.

    Returns
    -------
    bool
        False where in doubt: asv's own build then makes a wheel.
    """
    try:
        configuration = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        configuration = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        return False
    try:
        return _is_known(configuration.get("build-system", {})) and not (
            _legacy_build_step(project) or _tool_build_step(configuration.get("tool", {}))
        )
    except (AttributeError, TypeError, InvalidRequirement):  # a table that is none
        return False


def _is_known(build_system: dict[str, Any]) -> bool:
    """Whether the backend is one of ours, without companions that may compile."""
    backend = build_system.get("build-backend", "setuptools.build_meta:__legacy__")
    if backend not in _BACKENDS or "backend-path" in build_system:
        return False
    if not backend.startswith("setuptools."):
        return True
    names = {canonicalize_name(Requirement(text).name) for text in build_system.get("requires", [])}
    return names <= _HARMLESS_COMPANIONS


def _legacy_build_step(project: Path) -> bool:
    for name in ("setup.py", "setup.cfg"):
        try:
            if _BUILD_STEP.search((project / name).read_text(encoding="utf-8", errors="replace")):
                return True
        except OSError:
            continue
    return False


def _tool_build_step(tool: dict[str, Any]) -> bool:
    """Look for extension modules and hooks in the backends' own tables."""
    setuptools = tool.get("setuptools", {})
    hatch = tool.get("hatch", {}).get("build", {})
    hooks = {*hatch.get("hooks", {})}
    for target in hatch.get("targets", {}).values():
        hooks |= {*target.get("hooks", {})}
    return bool(
        setuptools.get("ext-modules")
        or setuptools.get("cmdclass")
        or tool.get("poetry", {}).get("build")
        or tool.get("pdm", {}).get("build", {}).get("run-setuptools")
        or hooks - _HARMLESS_HOOKS
    )
