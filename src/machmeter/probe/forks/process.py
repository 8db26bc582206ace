"""What a side and a measuring process both set up in themselves: output, random numbers, list of modules."""

import os
import random
import sys
from collections.abc import Collection


def redirect(output: str) -> None:
    """Have this process and its children print into a file."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.close(null)


def seed() -> None:
    """Set every global random number generator to the same state on both sides."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def module_files(tops: Collection[str] | None = None) -> dict[str, str | None]:
    """Name and file of every module that is imported.

    Parameters
    ----------
    tops : collection of str, optional
        Only modules below these top-level names.
    """
    return {
        name: getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if tops is None or name.partition(".")[0] in tops
    }


def is_link(module: str) -> bool:
    """Whether a module is an editable installation's: of setuptools, or by the package ``editables``."""
    return module.startswith(("__editable__", "_editable_impl_")) or module.partition(".")[0] == "editables"
