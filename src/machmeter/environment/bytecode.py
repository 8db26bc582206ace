"""Bytecode of installed packages, compiled once a computer and linked into every environment that has them.

Compiling takes ten times as long as uv's whole install of a torch environment. Without it the first import in
an environment is slower than the following ones, which would be a difference between environments.
"""

import contextlib
import csv
import hashlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from machmeter.environment.instrument import site_packages

#: Bytecode that no environment has asked for in this time is removed.
_KEPT_S = 60 * 24 * 3600
#: PEP 552: magic number, flags (0: by time), source's modification time and size, four bytes each.
_HEADER_BYTES = 16
_COMPLETE = ".complete"


@dataclass(frozen=True, slots=True)
class _Package:
    """One installed distribution: the digest of its RECORD, and its modules relative to site-packages."""

    key: str
    modules: tuple[Path, ...]


class BytecodeStore:
    """Keeps bytecode by the contents of distributions.

    Parameters
    ----------
    folder : Path
        Where it is kept; made where it is missing. If it cannot be written, environments are compiled
        without it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> "BytecodeStore":
        """Return the store in the user's cache directory."""
        cache = os.environ.get("XDG_CACHE_HOME") or os.fspath(Path("~/.cache").expanduser())
        return cls(Path(cache) / "machmeter" / "bytecode")

    def compile(self, environment: Path) -> None:
        """Give every installed module of an environment its bytecode.

        Parameters
        ----------
        environment : Path
            Root of a virtual environment.
        """
        packages, suffix = list(_packages(site_packages(environment))), _suffix(environment)
        missing = [package for package in packages if not self._link(package, environment, suffix)]
        _compile(environment, [module for package in missing for module in package.modules])
        for package in missing:
            with contextlib.suppress(OSError):
                self._keep(package, environment, suffix)
        with contextlib.suppress(OSError):
            self._forget_unused()

    def _link(self, package: _Package, environment: Path, suffix: str) -> bool:
        """Link the kept bytecode of a package, unless it belongs to other copies of its modules."""
        kept = self._place(package, suffix)
        if not (kept / _COMPLETE).exists():
            return False
        with contextlib.suppress(OSError):
            (kept / _COMPLETE).touch()
        root = site_packages(environment)
        for module in package.modules:
            source, bytecode = root / module, kept / _cached(module, suffix)
            if bytecode.exists():
                if not _fits(bytecode, source):
                    return False
                _hardlink(bytecode, root / _cached(module, suffix))
        return True

    def _keep(self, package: _Package, environment: Path, suffix: str) -> None:
        kept = self._place(package, suffix)
        making = kept.with_name(f"{kept.name}.{secrets.token_hex(6)}")
        for module in package.modules:
            cached = _cached(module, suffix)
            made = site_packages(environment) / cached
            if made.exists():  # some files of some packages are templates that no Python can compile
                _hardlink(made, making / cached)
        making.mkdir(parents=True, exist_ok=True)
        (making / _COMPLETE).touch()
        shutil.rmtree(kept, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process was first
            making.rename(kept)
        shutil.rmtree(making, ignore_errors=True)

    def _forget_unused(self) -> None:
        for stamp in self._folder.glob(f"*/*/{_COMPLETE}"):
            if stamp.stat().st_mtime < time.time() - _KEPT_S:
                shutil.rmtree(stamp.parent, ignore_errors=True)

    def _place(self, package: _Package, suffix: str) -> Path:
        return self._folder / suffix.strip(".") / package.key


def _packages(root: Path) -> Iterator[_Package]:
    """Distributions that list their files (PEP 376)."""
    for record in root.glob("*.dist-info/RECORD"):
        content = record.read_bytes()
        names = (row[0] for row in csv.reader(content.decode("utf-8", "replace").splitlines()) if row)
        modules = (Path(name) for name in names if name.endswith(".py") and not name.startswith(("..", "/")))
        yield _Package(hashlib.sha256(content).hexdigest()[:32], tuple(modules))


def _suffix(environment: Path) -> str:
    """Suffix of bytecode files of the environment's Python, such as ".cpython-312.pyc"."""
    code = "import sys; print(sys.implementation.cache_tag)"
    python = environment / "bin" / "python"
    tag = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return f".{tag.stdout.strip()}.pyc"


def _cached(module: Path, suffix: str) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}{suffix}"


def _fits(bytecode: Path, source: Path) -> bool:
    """Whether Python would accept the bytecode for the source: same time and size in its header."""
    try:
        with bytecode.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
        state = source.stat()
    except OSError:
        return False
    expected = (int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
    return (int.from_bytes(header[8:12], "little"), int.from_bytes(header[12:16], "little")) == expected


def _hardlink(existing: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(existing)
    except OSError:  # another file system
        shutil.copy2(existing, new)


def _compile(environment: Path, modules: Iterable[Path]) -> None:
    """Compile with all cores; a file that does not compile is none that anybody imports."""
    listed = "\n".join(os.fspath(site_packages(environment) / module) for module in modules)
    if listed:
        command = [os.fspath(environment / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", "-i", "-"]
        subprocess.run(command, input=listed, text=True, capture_output=True, check=False)
