"""What a benchmark says that an item of its work needs at least from the limits of its node."""

import math
import numbers
from collections.abc import Mapping
from typing import Any


def path_in(name: str, done: Any) -> dict[str, dict[str, float]]:  # noqa: ANN401 - whatever the suite returned
    """Take what an item needs at least from each limit of its node, where a ``timeitem_*`` benchmark says so.

    Returns
    -------
    dict
        ``path``: amounts an item by the names of limits, see `machmeter.machine.paths`; nothing where the
        benchmark's result has no mapping of that name.

    Raises
    ------
    TypeError
        If an amount is no finite number above zero.
    """
    path = getattr(done, "path", None)
    if not isinstance(path, Mapping) or not path:
        return {}
    wrong = [f"{limit}: {amount!r}" for limit, amount in path.items() if not _is_amount(amount)]
    if wrong:
        msg = (
            f"{name} returned a path with {wrong[0]}. What an item needs from a limit is a finite number "
            "above zero. Leave out what it does not need."
        )
        raise TypeError(msg)
    return {"path": {str(limit): float(amount) for limit, amount in path.items()}}


def _is_amount(amount: object) -> bool:
    return isinstance(amount, numbers.Real) and 0 < float(amount) < math.inf
