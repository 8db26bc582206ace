import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from machmeter.machine.libraries import libraries


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    """An environment with a few distributions and what else lies there."""
    for name in (
        "numpy-2.1.0.dist-info",
        "Foo.Bar_baz-1.0rc1+local.dist-info",
        "nvidia_ml_py-12.560.30.dist-info",
        "numpy",
        "__pycache__",
        ".dist-info",
        "broken.dist-info",
        "~umpy",
    ):
        (tmp_path / name).mkdir()
    (tmp_path / "_editable.pth").touch()
    return tmp_path


def test_all_versions(site_packages: Path) -> None:
    """Every distribution is given once, by its normalised name."""
    expected = {"foo-bar-baz": "1.0rc1+local", "numpy": "2.1.0", "nvidia-ml-py": "12.560.30"}
    assert libraries(site_packages) == expected


def test_some_versions_in_any_spelling(site_packages: Path) -> None:
    """Names are asked for in any spelling; what is not installed is missing."""
    assert libraries(site_packages, ["NumPy", "foo_bar.baz", "torch"]) == {
        "foo-bar-baz": "1.0rc1+local",
        "numpy": "2.1.0",
    }


def test_leftovers_of_another_version(site_packages: Path) -> None:
    """Two versions of one name are both on record: nobody knows which is used."""
    (site_packages / "numpy-1.26.4.dist-info").mkdir()
    assert libraries(site_packages, ["numpy"]) == {"numpy": "1.26.4, 2.1.0"}


@pytest.mark.parametrize("name", ["absent", "file", "a\x00b"])
def test_folder_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    """Where there is nothing to read, nothing is installed, and nothing fails."""
    (tmp_path / "file").touch()
    assert libraries(tmp_path / name) == {}


def test_this_environment() -> None:
    """The names of the folders say what the metadata in them say."""
    here = Path(pytest.__file__).parents[1]
    assert libraries(here, ["pytest"]) == {"pytest": version("pytest")}


def test_nothing_is_imported(tmp_path: Path) -> None:
    """A distribution whose code fails on import is listed all the same."""
    (tmp_path / "failing-1.dist-info").mkdir()
    (tmp_path / "failing.py").write_text("raise SystemExit", encoding="utf-8")
    assert libraries(tmp_path) == {"failing": "1"}
    assert "failing" not in sys.modules


def test_hundred_distributions_are_quick(tmp_path: Path) -> None:
    """A hundred distributions take at most 50 ms."""
    for number in range(100):
        (tmp_path / f"name_{number}-1.{number}.dist-info").mkdir()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(libraries(tmp_path)) == 100
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) <= 0.05
