"""How often the project's functions call each other: counted exactly, since time never is."""

import sys
import threading
from collections.abc import Callable, Collection, Mapping
from types import CodeType, FrameType
from typing import Any

from machmeter.probe import stacks

#: A caller of the project is looked for so far up, across the frames of libraries.
_DEEPEST = 40


class Counter:
    """Counts calls in this process: its threads, not its children.

    Parameters
    ----------
    project : collection of str
        Top-level modules whose functions count.
    """

    def __init__(self, project: Collection[str]) -> None:
        self._project = frozenset(project)
        self._counts: dict[tuple[CodeType | None, CodeType], int] = {}
        self._own: dict[CodeType, bool] = {}

    def run(self, call: Callable[..., Any], *params: object) -> Any:  # noqa: ANN401 - whatever it returns
        """Call a benchmark and count."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            return call(*params)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def calls(self, modules: Mapping[str, str | None]) -> list[tuple[str, str, int]]:
        """Return caller, function and number of calls; the caller is empty where the project has none.

        Parameters
        ----------
        modules : mapping of str to str or None
            File of each module.
        """
        files = stacks.module_names(modules)
        named: dict[tuple[str, str], int] = {}
        for (caller, code), number in self._counts.items():
            if stacks.is_expression(_qualname(code)):  # a part of the function that it stands in
                continue
            pair = ("" if caller is None else _name(caller, files), _name(code, files))
            named[pair] = named.get(pair, 0) + number
        return [(caller, name, number) for (caller, name), number in sorted(named.items())]

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not self._is_own(frame):
            return
        code, caller = frame.f_code, frame.f_back
        for _ in range(_DEEPEST):
            if caller is None or self._is_own(caller):
                break
            caller = caller.f_back
        else:
            caller = None
        key = (None if caller is None else caller.f_code, code)
        self._counts[key] = self._counts.get(key, 0) + 1

    def _is_own(self, frame: FrameType) -> bool:
        code = frame.f_code
        known = self._own.get(code)
        if known is None:
            module = str(frame.f_globals.get("__name__", ""))
            known = self._own[code] = module.partition(".")[0] in self._project
        return known


def _name(code: CodeType, files: Mapping[str, str]) -> str:
    return stacks.named(_qualname(code), code.co_filename, files)


def _qualname(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name))  # from Python 3.11 on
