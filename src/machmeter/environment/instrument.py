"""Puts the driver's instrument in front of everything else in an environment."""

import os
import secrets
import shutil
from pathlib import Path

import machmeter

_FOLDER = "machmeter-instrument"
#: ``.pth`` files are read in the order of their names, and only an ``import`` line can put a path first.
_PTH = "000_machmeter.pth"

#: asv_runner imports the modules below ``benchmarks/`` of every distribution whose name starts with
#: ``asv_bench``: the one door into a benchmark process that needs no edit in the suite.
_PLUGIN = """\
\"\"\"Written by machmeter: lets asv_runner find the instrument.\"\"\"
from machmeter.probe.benchmark_types import TimeItemBenchmark, install


def profile(*arguments):
    from machmeter.probe.asv_profile import take

    take(*arguments)


install(profile)
export_as_benchmark = [TimeItemBenchmark]
"""
_METADATA = """\
Metadata-Version: 2.1
Name: asv_bench_machmeter
Version: {version}
"""

#: Run in the environment's python: asv_runner swallows an import error of ours, so we ask.
CHECK = "from asv_runner.benchmarks import _base; print(_base.Benchmark.do_run.__module__)"
#: What `CHECK` prints where the instrument is in place.
IN_PLACE = "machmeter.probe.benchmark_types"


def inject(environment: Path) -> None:
    """Write the injected distribution and the path entry that leads to it.

    The folder holds the distribution and a link to the driver's own ``machmeter``, nothing else, so that
    no other package of the driver can be imported by way of it. Writing it again changes nothing.

    Parameters
    ----------
    environment : Path
        Root of a virtual environment.
    """
    folder = environment / _FOLDER
    package = folder / "asv_bench_machmeter"
    information = folder / "asv_bench_machmeter-0.dist-info"
    for made in (package / "benchmarks", information):
        made.mkdir(parents=True, exist_ok=True)
    _write(package / "__init__.py", "")
    _write(package / "benchmarks" / "machmeter.py", _PLUGIN)
    _write(information / "METADATA", _METADATA.format(version="0"))
    _link(folder / "machmeter", Path(machmeter.__file__).parent)
    line = f"import sys; sys.path.insert(0, {os.fspath(folder.absolute())!r})\n"
    _write(site_packages(environment) / _PTH, line)


def site_packages(environment: Path) -> Path:
    """Folder of installed packages of a virtual environment."""
    return next(iter((environment / "lib").glob("python3*/site-packages")))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    temporary = link.with_name(f"{link.name}.{secrets.token_hex(6)}")
    temporary.symlink_to(target)
    temporary.replace(link)
