import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from machmeter.environment.bytecode import _COMPLETE, _KEPT_S, BytecodeStore
from machmeter.environment.instrument import site_packages

SOURCE = "def answer():\n    return 42\n"


def make_environment(folder: Path, source: str = SOURCE, changed_at: int = 1_700_000_000) -> Path:
    """A virtual environment with one installed distribution of one module and one template."""
    python = Path(sys.executable).resolve()
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    (folder / "pyvenv.cfg").write_text(f"home = {python.parent}\n")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root = folder / "lib" / version / "site-packages"
    (root / "toy").mkdir(parents=True)
    (root / "toy" / "__init__.py").write_text(source)
    (root / "toy" / "template.py").write_text("class {{ name }}:\n")
    os.utime(root / "toy" / "__init__.py", (changed_at, changed_at))
    (root / "toy-1.dist-info").mkdir()
    record = f"toy/__init__.py,sha256={len(source)},\ntoy/template.py,,\n../../bin/toy.py,,\n"
    (root / "toy-1.dist-info" / "RECORD").write_text(record)
    return folder


def bytecode(environment: Path) -> Path:
    return Path(cache_from_source(os.fspath(site_packages(environment) / "toy" / "__init__.py")))


def imported(environment: Path) -> str:
    code = "import toy; print(toy.answer(), toy.answer.__code__.co_filename)"
    run = subprocess.run(
        [environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_the_second_environment_gets_the_bytecode_of_the_first(tmp_path: Path) -> None:
    """Same file, accepted by Python as it is, and tracebacks name the right source."""
    store = BytecodeStore(tmp_path / "store")
    first, second = make_environment(tmp_path / "first"), make_environment(tmp_path / "second")
    store.compile(first)
    store.compile(second)
    assert bytecode(second).stat().st_ino == bytecode(first).stat().st_ino
    before = bytecode(second).stat()
    assert imported(second) == f"42 {site_packages(second) / 'toy' / '__init__.py'}"
    assert bytecode(second).stat().st_ino == before.st_ino
    assert bytecode(second).stat().st_mtime_ns == before.st_mtime_ns


def test_a_module_of_another_time_is_compiled_anew(tmp_path: Path) -> None:
    """Python would reject the kept bytecode, so it is made again and kept instead."""
    store = BytecodeStore(tmp_path / "store")
    first = make_environment(tmp_path / "first")
    second = make_environment(tmp_path / "second", changed_at=1_600_000_000)
    store.compile(first)
    store.compile(second)
    assert bytecode(second).stat().st_ino != bytecode(first).stat().st_ino
    assert imported(second).startswith("42 ")


def test_other_contents_are_another_package(tmp_path: Path) -> None:
    """The digest of RECORD keeps versions apart."""
    store = BytecodeStore(tmp_path / "store")
    first = make_environment(tmp_path / "first")
    second = make_environment(tmp_path / "second", source=SOURCE.replace("42", "4321"))
    store.compile(first)
    store.compile(second)
    assert imported(first).startswith("42 ")
    assert imported(second).startswith("4321 ")


@pytest.mark.parametrize("store", ["/proc/store", "/dev/null/store"])
def test_a_store_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path, store: str) -> None:
    """The environment is compiled all the same."""
    environment = make_environment(tmp_path / "environment")
    BytecodeStore(Path(store)).compile(environment)
    assert bytecode(environment).exists()


def test_unused_bytecode_is_forgotten(tmp_path: Path) -> None:
    """What no environment has asked for in two months is removed; what is used stays."""
    store = BytecodeStore(tmp_path / "store")
    store.compile(make_environment(tmp_path / "first"))
    store.compile(make_environment(tmp_path / "second", source=SOURCE.replace("42", "4321")))
    old, _ = sorted((tmp_path / "store").glob(f"*/*/{_COMPLETE}"), key=os.path.getmtime)
    long_ago = old.stat().st_mtime - _KEPT_S - 1
    os.utime(old, (long_ago, long_ago))
    store.compile(make_environment(tmp_path / "third", source=SOURCE.replace("42", "7")))
    assert not old.parent.exists()
    assert len(list((tmp_path / "store").glob(f"*/*/{_COMPLETE}"))) == 2
