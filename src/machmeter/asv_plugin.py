"""What asv loads: the machine's name and veto, the environment type, the published pages.

A suite asks for it in its ``asv.conf.json``: ``"plugins": [".machmeter.asv_plugin"]`` and
``"environment_type": "machmeter"``. Every place of asv that is replaced here has a contract test.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from asv import util
from asv.machine import Machine, MachineCollection

# asv finds environments and publishers among the subclasses that exist: importing them registers them.
from machmeter.environment import asv_type as _asv_type  # noqa: F401
from machmeter.errors import MachmeterError
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.record import asv_record
from machmeter.model import Fingerprint
from machmeter.report import site as _site  # noqa: F401
from machmeter.results import asv_files, claims


def setup() -> None:
    """Prepare asv; it calls this at every command, before anything is built."""
    try:
        here = fingerprint()
    except MachmeterError as error:
        raise util.UserError(str(error)) from error
    _name_machine(here)
    _refuse_other_machines(here)
    asv_files.write_whole()
    asv_files.save_after_each_benchmark()
    _stop_cleanly()


def _name_machine(here: Fingerprint) -> None:
    """Answer for ``~/.asv-machine.json``, which neither is read nor written.

    asv takes a single entry of that file for whatever host it runs on, and asks questions where the
    file has none. The name is the tag, and the facts are those of this machine under any name.
    """

    def load(machine_name: str, _path: str | None = None) -> dict[str, str]:
        return asv_record(here) | {"machine": machine_name}

    def save(machine_name: str, machine_info: dict[str, str], _path: str | None = None) -> None:
        """Do nothing: the record is read from the hardware each time."""

    Machine.hardcoded_machine_name = here.tag
    MachineCollection.load = staticmethod(load)
    MachineCollection.save = staticmethod(save)


def _refuse_other_machines(here: Fingerprint) -> None:
    """Stop before the build where results would be mixed; asv writes ``machine.json`` first of all."""
    write_record = Machine.save

    def save(self: Any, results_dir: str) -> None:  # noqa: ANN401 - asv's types
        try:
            claims.claim(Path(results_dir), self.machine, here)
        except MachmeterError as error:
            raise util.UserError(str(error)) from error
        write_record(self, results_dir)

    Machine.save = save


def _stop_cleanly() -> None:
    """Let SIGTERM end a run as Ctrl-C does, which makes asv end its children, and say what is kept."""

    def interrupt(_signum: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.stderr.write(
                "\nInterrupted. Finished benchmarks are kept; "
                'continue with "asv run --skip-existing-successful …".\n'
            )
        elif issubclass(kind, MachmeterError):
            sys.stderr.write(f"\n{error}\n")
        else:
            sys.__excepthook__(kind, error, trace)

    signal.signal(signal.SIGTERM, interrupt)
    # asv ends its pool of publishing workers by SIGTERM: they just end.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    sys.excepthook = report
