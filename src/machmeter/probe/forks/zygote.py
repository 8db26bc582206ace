"""The zygote: imports third-party modules once and forks a side for each commit.

Started by the driver as ``python -m machmeter.probe.forks.zygote SOCKET TOKEN``. It never imports the
project or the suite, so the sides that it forks share everything but these.
"""

import contextlib
import functools
import gc
import importlib
import importlib.abc
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
            wire.send(_import(request["modules"], request["blocked"]))


def forget_the_project() -> None:
    """Remove what an editable installation put on the import path: each side brings its own.

    What stays is the standard library, this environment's packages and the instrument's folder. The checkout
    lies below the environment as well.
    """
    roots = tuple(os.path.realpath(root) + os.sep for root in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    checkout = os.path.join(os.path.realpath(sys.prefix), "project")
    sys.path[:] = [
        entry
        for entry in sys.path
        if entry
        and (place := os.path.realpath(entry) + os.sep).startswith(roots)
        and not place.startswith(checkout + os.sep)
    ]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not process.is_link(_module_of(finder))]
    # A side's own link has the same module name as this environment's, and must not find that one.
    for name in [name for name in sys.modules if process.is_link(name)]:
        del sys.modules[name]
    sys.path_importer_cache.clear()


def _module_of(finder: object) -> str:
    return str(getattr(finder, "__module__", None) or type(finder).__module__)


class _Blocked(importlib.abc.MetaPathFinder):
    """Lets nothing of the project be imported while third-party modules are.

    A module that asks for it, and may go on without it, must not be kept: the sides would have it as it is
    without the project.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = set(names)
        self.asked = False

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Refuse the project's names, and leave the others to the next finder."""
        if fullname.partition(".")[0] in self._names:
            self.asked = True
            raise ModuleNotFoundError(fullname)


def _import(modules: list[str], blocked: list[str]) -> dict[str, Any]:
    """Import what can be imported; what needs the project is named and left to the sides."""
    refused = []
    guard = _Blocked(blocked)
    sys.meta_path.insert(0, guard)
    for name in modules:
        if name not in sys.modules:
            guard.asked = False
            with contextlib.suppress(Exception):
                importlib.import_module(name)
            if guard.asked:
                refused.append(name)
    sys.meta_path.remove(guard)
    process.seed()  # the first time costs torch milliseconds, which every side would pay
    gc.collect()
    gc.freeze()  # what is here stays: collections in the forks need not write to its pages
    return {"threads": kernel.threads(), "refused": refused, "modules": sorted(sys.modules)}


if __name__ == "__main__":
    main()
