"""The zygote: imports third-party modules once and forks a side for each commit.

Started by the driver as ``python -m machmeter.probe.forks.zygote SOCKET TOKEN``. It never imports the
project or the suite, so the sides that it forks share everything but these.
"""

import contextlib
import functools
import gc
import importlib
import os
import signal
import sys
from typing import Any

from machmeter.probe.forks import kernel, process, side
from machmeter.probe.forks.wire import Wire


def main() -> None:
    """Serve the driver until it hangs up."""
    path, token = sys.argv[1:]
    kernel.inherit_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business: it ends us in order
    forget_the_project()
    wire = Wire.to(path)
    wire.send({"token": token, "pid": os.getpid()})
    try:
        with contextlib.suppress(BrokenPipeError):
            _answer(wire, path)
    finally:
        # However the driver ended, its end of the wire is closed, and whatever the benchmarks started is
        # ours by now or will be: a signal at the driver's death could not reach that.
        kernel.end_children()


def _answer(wire: Wire, path: str) -> None:
    sides: set[int] = set()
    while (request := wire.receive()) is not None:
        if request["op"] == "fork":
            pid = kernel.fork(functools.partial(side.serve, path, request), wire)
            sides.add(pid)
            wire.send({"pid": pid})
        elif request["op"] == "reap":
            sides.discard(request["pid"])
            wire.send(kernel.reap(request["pid"], sides))
        else:
            wire.send(_import(request["modules"]))


def forget_the_project() -> None:
    """Remove what an editable installation put on the import path: each side brings its own.

    What stays is the standard library, this environment's packages and the instrument's folder.
    """
    roots = tuple(os.path.realpath(root) + os.sep for root in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry).startswith(roots)]
    sys.meta_path[:] = [
        finder
        for finder in sys.meta_path
        if not str(getattr(finder, "__module__", "")).startswith("__editable__")
    ]
    # A side's own link has the same module name as this environment's, and must not find that one.
    for name in [name for name in sys.modules if name.startswith("__editable__")]:
        del sys.modules[name]
    sys.path_importer_cache.clear()


def _import(modules: list[str]) -> dict[str, Any]:
    """Import what can be imported; what needs the project fails here and is left to the sides."""
    for name in modules:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    process.seed()  # the first time costs torch milliseconds, which every side would pay
    gc.collect()
    gc.freeze()  # what is here stays: collections in the forks need not write to its pages
    return {"threads": kernel.threads(), "modules": sorted(sys.modules)}


if __name__ == "__main__":
    main()
