import sys
from pathlib import Path
from typing import Any

import pytest

from machmeter.environment import installer
from machmeter.environment.asv_type import _requirement
from machmeter.environment.installer import Installer, _satisfied, find_python


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy", True),
        ("NumPy>=1.20", True),
        ("numpy<1", False),
        ("scipy", False),
        ("scipy; python_version < '3'", True),
        ("scipy; extra == 'all'", True),
        ("scipy; python_version >= '3'", False),
        ("not a requirement!", True),
    ],
)
def test_requirements_are_judged_as_pip_does(requirement: str, expected: bool) -> None:  # noqa: FBT001
    """Names, versions and markers decide whether something is missing."""
    assert _satisfied(requirement, {"numpy": "2.0.0"}) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "numpy"),
        ("2.0", "numpy==2.0"),
        (">=2", "numpy>=2"),
        ("==2.*", "numpy==2.*"),
        ("~=2.1", "numpy~=2.1"),
    ],
)
def test_versions_in_asvs_notation(value: str, expected: str) -> None:
    """A bare version means exactly that one, an operator is kept, nothing means any."""
    assert _requirement("numpy", value) == expected


def test_this_python_is_found_and_an_impossible_one_is_not() -> None:
    """A version that this machine does not have is no interpreter."""
    assert find_python(f"{sys.version_info.major}.{sys.version_info.minor}") == sys.executable
    assert find_python("2.1") is None


def test_without_uv_pip_does_the_work_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without uv gets its environment, with one line of warning a command."""
    warnings: list[str] = []
    monkeypatch.setattr(installer, "_find_uv", lambda: None)
    monkeypatch.setattr("asv.console.log.warning", warnings.append)
    made = Installer(tmp_path / "environment", (), timeout_s=120)
    made.create(sys.executable)
    assert made.python.exists()
    assert len(warnings) == 1
    assert "uv was not found" in warnings[0]


def test_uv_gets_pips_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index, links and constraints of pip's configuration are on uv's command line."""
    commands: list[list[str]] = []

    def fake_check_output(command: list[str], **_: Any) -> str:
        commands.append(command)
        return "global.find-links='/srv/wheels'\n" if command[-2:] == ["config", "list"] else ""

    monkeypatch.setattr(installer, "_find_uv", lambda: "uv")
    monkeypatch.setattr("asv.util.check_output", fake_check_output)
    Installer(tmp_path, (tmp_path / "c.txt",), timeout_s=9).install(["numpy"])
    install = commands[-1]
    assert install[install.index("--find-links") + 1] == "/srv/wheels"
    assert install[install.index("--constraint") + 1] == str(tmp_path / "c.txt")
    assert {"--link-mode", "hardlink", "numpy"} <= set(install)
