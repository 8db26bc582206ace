"""How names from other people's code are shown: nothing in them acts, none is longer than one can read."""

from typing import Final

from machmeter.report.labels import printable

#: Characters of a name; a generated one may have ten thousand.
MOST: Final = 300

#: Share of a long name that stands before the ellipsis: the module is read first, the function last.
_FRONT: Final = 0.6


def shown(name: str, most: int = MOST) -> str:
    """Make a name fit to be shown.

    Parameters
    ----------
    name : str
        Of a frame, a benchmark, a version: any text that is not ours.
    most : int, characters
        Longer ones lose their middle.
    """
    if len(name) > most:
        front = int(most * _FRONT)
        name = f"{name[:front]}…{name[front + 1 - most :]}"
    return printable(name)
