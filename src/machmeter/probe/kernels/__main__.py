"""The command ``python -m machmeter.probe.kernels``: runs kernels, prints one JSON line each."""

import argparse
import json
import os
from typing import Any

from machmeter.probe.kernels.catalogue import BY_THREADS, KERNELS, Kernel, kernels_for
from machmeter.probe.kernels.timing import Request, UnavailableError, measure


def main() -> None:
    """Run the kernels named in the order of their names' appearance."""
    options = _parse()
    request = Request(options.directory, options.seconds, options.threads)
    for asked in options.names:
        for name, kernel in kernels_for(asked, options.threads):
            # Each line leaves at once: what was measured is not lost when a later kernel hangs.
            print(json.dumps({"name": name, **result(kernel, request)}), flush=True)  # noqa: T201


def result(kernel: Kernel, request: Request) -> dict[str, Any]:
    """Measure one kernel.

    Returns
    -------
    dict
        ``unit``, ``rates``, ``sustained``, ``wall_s`` and ``conditions``, or ``unavailable``: the reason.
    """
    try:
        with kernel.prepare(request) as step:
            timed = measure(step, request.seconds)
    except UnavailableError as error:
        return {"unavailable": str(error)}
    # Drivers and libraries fail in ways of their own; the other kernels are measured all the same.
    except Exception as error:  # noqa: BLE001
        return {"unavailable": f"{type(error).__name__}: {error}".splitlines()[0]}
    return {
        "unit": kernel.unit,
        "rates": timed.rates,
        "sustained": timed.sustained,
        "wall_s": timed.wall_s,
        "conditions": step.conditions,
    }


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m machmeter.probe.kernels", description=__doc__)
    known = [*KERNELS, BY_THREADS]
    parser.add_argument("names", nargs="+", metavar="NAME", choices=known, help=", ".join(known))
    parser.add_argument("--directory", default=os.curdir, help="for the scratch files (default: here)")
    parser.add_argument("--seconds", type=float, default=0.8, help="timed seconds a kernel (default 0.8)")
    parser.add_argument("--threads", type=int, default=1, help=f"the most threads of {BY_THREADS}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
