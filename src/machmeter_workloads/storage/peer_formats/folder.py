"""Folders that are either complete under their name or not there at all, each with a page of facts."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from machmeter_workloads.errors import DamagedFileError, UnwritableError
from machmeter_workloads.storage.atomic import ABANDONED_AFTER_S, PART_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FACTS = "facts.json"


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it gets its name when everything in it is on the disk.

    Parameters
    ----------
    final : Path
        The name. Where another maker was quicker, that one's folder stays.

    Yields
    ------
    Path
        A folder beside ``final``.

    Raises
    ------
    UnwritableError
        The disk is full, or the folder may not be written. Nothing is left behind.
    """
    temporary = final.with_name(f".{final.name}.{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}")
    try:
        temporary.mkdir(parents=True)
        _remove_abandoned(final.parent)
        yield temporary
        _flush(temporary)
        _rename(temporary, final)
    except OSError as error:
        raise UnwritableError.of(final, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_facts(folder: Path, facts: Mapping[str, object]) -> None:
    """Write down what a reader of the folder must know.

    Parameters
    ----------
    folder : Path
        Where the page is put.
    facts : mapping
        What JSON can hold.
    """
    (folder / FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_facts(folder: Path) -> dict[str, int]:
    """Read what ``write_facts`` wrote.

    Parameters
    ----------
    folder : Path
        A finished folder.

    Returns
    -------
    dict

    Raises
    ------
    DamagedFileError
        The page is no JSON any more.
    """
    path = folder / FACTS
    try:
        facts: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError.of(path, "it is not the JSON that was written") from error
    return facts


def _flush(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _rename(temporary: Path, final: Path) -> None:
    try:
        temporary.rename(final)
    except OSError:
        if not (final / FACTS).exists():
            raise


def _remove_abandoned(parent: Path) -> None:
    oldest = time.time() - ABANDONED_AFTER_S
    for part in parent.glob(f".*{PART_SUFFIX}"):
        # Another maker may clean up at the same moment.
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_mtime < oldest:
                shutil.rmtree(part, ignore_errors=True)
