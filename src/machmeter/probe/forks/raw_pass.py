"""A profile of ``timeraw_*``: interpreters that wait until they are watched, then run the statement."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

from machmeter.probe import spy, stacks
from machmeter.probe.forks import kinds

#: Interpreters of a profile; an import can be timed once in each.
_INTERPRETERS = 8
#: Each is watched for so short a time that it is looked at more often.
_FASTER = 2
_WAIT = "import os; os.write({saying}, b'.'); os.read({waiting}, 1)"
#: Which module each file holds, only the interpreter knows: installed projects need not be on `sys.path`.
_MODULES = "machmeter-modules: "
_TELL = f"""
import json, sys
files = {{name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}}
print({_MODULES!r} + json.dumps({{name: file for name, file in files.items() if isinstance(file, str)}}))
"""


def profile(kind: kinds.Raw, number: int, watch: spy.Watch) -> dict[str, Any]:
    """Watch interpreters, between others that nobody watches.

    Parameters
    ----------
    kind : Raw
        The benchmark.
    number : int
        Calls in each interpreter, where the suite does not say.
    watch : Watch
        How; py-spy looks twice as often.

    Returns
    -------
    dict
        As of `machmeter.probe.forks.passes.profile`.
    """
    how = replace(watch, rate_hz=_FASTER * watch.rate_hz)
    counts: Counter[tuple[str, ...]] = Counter()
    total: Counter[str] = Counter()
    for _ in range(_INTERPRETERS):
        total["plain_wall_s"] += kind.sample(number)["wall_s"]
        try:
            said, seen = _watched(kind, number, how)
        except spy.SpyError as error:
            return {"refused": str(error)}
        row = kind.row(number, said)
        for name in ("items", "wall_s", "cpu_s"):
            total[name] += row[name]
        counts += stacks.canonical(seen.text, 0, _names(said), everything=True)
        told = spy.facts(seen.said, counts)
        total["errors"] += told["errors"]
        total["late_s"] = max(total["late_s"], told["late_s"])
    unknown = {"run_delay_s": 0.0, "others_cpu_s": 0.0, "rate_hz": how.rate_hz}
    return spy.facts("", counts) | unknown | dict(total)


def _watched(kind: kinds.Raw, number: int, how: spy.Watch) -> tuple[str, spy.Seen]:
    """Start an interpreter, have py-spy attach when it is set up and waits, and let it go."""
    ready, saying = os.pipe()
    waiting, going = os.pipe()
    program = kind.program(number, _WAIT.format(saying=saying, waiting=waiting)) + _TELL
    try:
        child = subprocess.Popen(
            # py-spy prints a process with its arguments in each stack, which is a line.
            [sys.executable, "-c", f"exec({program!a})"],
            env=kind.variables(),
            pass_fds=(saying, waiting),
            preexec_fn=spy.set_tracer,  # noqa: PLW1509 - this process has one thread, and Yama asks for it
            stdout=subprocess.PIPE,
            text=True,
        )
        os.close(saying)
        with child:
            try:
                os.read(ready, 1)  # ends, too, when the interpreter does
                with spy.looking(how, child.pid) as seen:
                    os.write(going, b".")
                    said, _ = child.communicate()
            except BaseException:
                child.kill()
                raise
    finally:
        for descriptor in (ready, waiting, going):
            os.close(descriptor)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, "the statement's interpreter")
    return said, seen


def _names(said: str) -> dict[str, str]:
    """Read which module each file held."""
    told = [line.removeprefix(_MODULES) for line in said.splitlines() if line.startswith(_MODULES)]
    return stacks.module_names(json.loads(told[-1]))
