"""Results kept for later calls."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Recent:
    """The most recently used values of at most ``size`` keys."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.misses = 0
        self._values: OrderedDict[Hashable, object] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable) -> object:
        """Return the value of a key that is there."""
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: object) -> None:
        """Keep a value; forget the one unused for longest where there are too many."""
        self.misses += 1
        self._values[key] = value
        if len(self._values) > self.size:
            self._values.popitem(last=False)


def memoize(size: int) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Keep the results of a function of hashable arguments."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        recent = Recent(size)

        @wraps(function)
        def remembered(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            key = (args, tuple(kwargs.items()))
            if key not in recent:
                recent.put(key, function(*args, **kwargs))
            return recent.get(key)

        return remembered

    return decorate
