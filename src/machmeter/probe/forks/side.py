"""A side: a fork of the zygote that has imported one commit's project and the suite."""

import contextlib
import functools
import gc
import importlib
import os
import pkgutil
import site
import sys
import traceback
from typing import Any

from machmeter.probe.forks import kernel, process
from machmeter.probe.forks.layout import Shaker
from machmeter.probe.forks.wire import Wire


def serve(path: str, request: dict[str, Any]) -> None:
    """Become a side and serve the driver until it hangs up.

    Parameters
    ----------
    path : str
        The driver's socket.
    request : dict
        ``token`` to answer with; ``name`` of the side; ``prefix`` and ``packages``: the commit's
        environment and its site-packages folder; ``suite``: folder of the benchmarks; ``variables``:
        environment variables; ``folder``: where it may write; ``output``: file for what it prints;
        ``modules``: whether to list what is imported; ``names``: the project's top-level modules.
    """
    process.redirect(request["output"])
    kernel.inherit_orphans()
    os.environ.update(request["variables"])
    os.chdir(request["folder"])
    _enter(request["prefix"], request["packages"])
    process.seed()
    shaker = Shaker(request["token"])
    shaker.fill()
    shaker.shake()
    benchmarks, broken = _import_suite(request["suite"])
    gc.collect()
    gc.freeze()
    wire = Wire.to(path)
    wire.send(
        {
            "token": request["token"],
            "pid": os.getpid(),
            "threads": kernel.threads(),
            "cuda": _cuda_is_initialised(),
            "benchmarks": [_describe(each) for each in benchmarks.values()],
            "broken": broken,
            "modules": process.module_files() if request["modules"] else {},
            "project": process.module_files(request["names"]),
        }
    )
    _answer(wire, path, benchmarks)


def _enter(prefix: str, packages: str) -> None:
    """Make a commit's environment this process's own: where it imports from and what it starts."""
    os.environ["VIRTUAL_ENV"] = prefix
    binaries = os.path.join(prefix, "bin")
    os.environ["PATH"] = binaries + os.pathsep + os.environ.get("PATH", os.defpath)
    sys.executable = os.path.join(binaries, "python")
    if "multiprocessing.spawn" in sys.modules:
        sys.modules["multiprocessing.spawn"].set_executable(sys.executable)
    mine = os.path.realpath(sys.prefix) + os.sep
    sys.path[:] = [entry for entry in sys.path if not os.path.realpath(entry).startswith(mine)]
    sys.prefix = sys.exec_prefix = prefix
    site.addsitedir(packages)
    importlib.invalidate_caches()


def _import_suite(folder: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Import the suite.

    Returns
    -------
    benchmarks : dict of str to asv_runner's Benchmark
        By name.
    broken : dict of str to str
        Modules of the suite that cannot be imported here, with the traceback's text.
    """
    from asv_runner._aux import update_sys_path  # noqa: PLC0415 - a third-party module, imported by the zygote
    from asv_runner.discovery import disc_benchmarks  # noqa: PLC0415

    update_sys_path(folder)
    root = os.path.basename(folder)
    broken: dict[str, str] = {}
    _import_tree(root, broken)
    if root in broken:
        return {}, broken
    with open(os.devnull, "w", encoding="utf-8") as null, contextlib.redirect_stderr(null):
        found = {each.name: each for each in disc_benchmarks(folder, ignore_import_errors=True)}
    return found, broken


def _import_tree(name: str, broken: dict[str, str]) -> None:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001 - a suite may fail in any way, and the others go on
        broken[name] = traceback.format_exc()
        return
    for _, inner, _ in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        _import_tree(inner, broken)


def _describe(benchmark: Any) -> dict[str, Any]:  # noqa: ANN401 - asv_runner's types
    sources = benchmark._attr_sources  # noqa: SLF001 - asv_runner offers no other place
    return {
        "name": benchmark.name,
        "type": benchmark.type,
        "unit": benchmark.unit,
        "params": benchmark.params,
        "param_names": benchmark.param_names,
        "version": benchmark.version,
        "timeout": benchmark.timeout,
        "setup_cache": benchmark.setup_cache_key,
        "setup_cache_timeout": benchmark.setup_cache_timeout,
        "fresh_process": any(bool(getattr(source, "fresh_process", False)) for source in sources),
    }


def _cuda_is_initialised() -> bool:
    cuda = sys.modules.get("torch.cuda")
    return bool(cuda is not None and cuda.is_initialized())


def _answer(wire: Wire, path: str, benchmarks: dict[str, Any]) -> None:
    """Serve the driver: fork measuring processes, or become one."""
    from machmeter.probe.forks import measurer  # noqa: PLC0415 - it imports asv_runner

    while (request := wire.receive()) is not None:
        if request["op"] == "reap":
            wire.send(kernel.reap(request["pid"]))
            continue
        serve = functools.partial(measurer.serve, path, request, benchmarks)
        if request["fork"]:
            wire.send({"pid": kernel.fork(serve, wire)})
        else:
            wire.send({"pid": os.getpid()})
            serve()
            return
