"""What asv loads: the machine's name and veto, the environment type, the published pages.

A suite asks for it in its ``asv.conf.json``: ``"plugins": [".machmeter.asv_plugin"]`` and
``"environment_type": "machmeter"``. Every place of asv that is replaced here has a contract test.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from asv import util
from asv.commands.compare import Compare
from asv.console import log
from asv.machine import Machine, MachineCollection
from asv.repo import NoSuchNameError, get_repo

# asv finds environments and publishers among the subclasses that exist: importing them registers them.
from machmeter.environment import asv_type as _asv_type  # noqa: F401
from machmeter.environment.context import run_identifier
from machmeter.errors import MachmeterError
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.record import asv_record
from machmeter.model import Fingerprint
from machmeter.report import site as _site  # noqa: F401
from machmeter.report.labels import printable
from machmeter.results import asv_files, claims, comparability


def setup() -> None:
    """Prepare asv; it calls this at every command, before anything is built."""
    run_identifier()  # asv makes environments in child processes: they share this driver's name
    here = _or_user_error(fingerprint)
    if here.identity["cpu_vendor"] == here.identity["cpu_name"] == "unknown":
        log.warning(
            "This CPU cannot be identified: different ones may get the same tag. "
            'Install lscpu (Debian: "apt-get install util-linux").'
        )
    _name_machine(here)
    _refuse_other_machines(here)
    _compare_like_with_like(here)
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
        _or_user_error(claims.claim, Path(results_dir), self.machine, here)
        write_record(self, results_dir)

    Machine.save = save


def _compare_like_with_like(here: Fingerprint) -> None:
    """Have `asv compare` and `asv continuous` compare on one machine, and say what differed around it."""
    run, print_table = Compare.run.__func__, Compare.print_table.__func__

    def run_on_one_machine(cls: type, /, conf: Any, hash_1: str, hash_2: str, **options: Any) -> Any:  # noqa: ANN401 - asv's signature
        if options.get("machine") is None:
            results = Path(conf.results_dir)
            base, head = (_full_hash(conf, name) for name in (hash_1, hash_2))
            options["machine"] = _or_user_error(comparability.common_machine, results, base, head, here.tag)
        return run(cls, conf, hash_1, hash_2, **options)

    def print_table_with_notes(cls: type, /, conf: Any, hash_1: str, hash_2: str, **options: Any) -> Any:  # noqa: ANN401 - asv's signature
        machine = options.get("machine") or here.tag
        for note in comparability.notes(Path(conf.results_dir), machine, hash_1, hash_2):
            log.warning(printable(note))
        return print_table(cls, conf, hash_1, hash_2, **options)

    Compare.run = classmethod(run_on_one_machine)
    Compare.print_table = classmethod(print_table_with_notes)


def _full_hash(conf: Any, name: str) -> str:  # noqa: ANN401 - asv's types
    """Return a commit's hash, or the name as it is: asv also compares commits that are gone."""
    try:
        return str(get_repo(conf).get_hash_from_name(name))
    except NoSuchNameError:
        return name


def _or_user_error(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - a mere wrapper
    """Call; asv prints its own `UserError` without a traceback."""
    try:
        return function(*arguments)
    except MachmeterError as error:
        raise util.UserError(str(error)) from error


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
