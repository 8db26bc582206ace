"""A folder of photographs in classes, at a chosen quality; made once, resumed after an interruption."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from machmeter_workloads.data.location import DEFAULT_STORAGE, writable_storage
from machmeter_workloads.data.photo_encodings import Encoding
from machmeter_workloads.data.photos import CLASSES, MAKER_VERSION, PhotoMaker, PhotoSpec, class_of
from machmeter_workloads.errors import UnwritableError
from machmeter_workloads.storage.atomic import remove_abandoned, write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

FACTS_FILE = "facts.json"
TRAIN = "train"
# Some milliseconds a photograph: enough of them at a time that handing them out costs nothing.
CHUNK = 32


@dataclass(frozen=True)
class PhotoSet:
    """Where a series of photographs lies.

    Parameters
    ----------
    name : str
        Of the folder; the same on every storage.
    count : int
        Photographs in the series.
    folder : Path
        Holds the facts that decide the bytes, and ``train/<class>/<number>`` with the encoding's suffix.
    """

    name: str
    count: int
    folder: Path

    @property
    def train(self) -> Path:
        """What is opened by a loader, relative to the root of its storage."""
        return Path(self.name) / TRAIN


def make_photo_set(
    spec: PhotoSpec, count: int, encoding: str = "jpeg95", storage: str = DEFAULT_STORAGE
) -> PhotoSet:
    """Make the files that are missing; returns at once where all are there.

    A file exists under its name only when it is complete, so an interrupted run is resumed by calling this
    again, and several processes may do so at the same time.

    Parameters
    ----------
    spec : PhotoSpec
        Size and seed.
    count : int
        Photographs in the series, over all classes.
    encoding : str
        As ``Encoding.named`` takes it: ``"jpeg95"``, ``"webp75"``, ``"webp-lossless"``, ``"png"`` …
    storage : str
        Where it is kept, one of ``storage_roots``.

    Returns
    -------
    PhotoSet

    Raises
    ------
    UnknownNameError
        There is no such encoding, or no such storage.
    MissingDataError
        The storage's folder is not there, or a package with a bundled photograph is not installed.
    UnwritableError
        The disk is full, or the folder may not be written.
    """
    how = Encoding.named(encoding)
    facts = _facts(spec, count, how)
    name = _name(spec, count, how, facts)
    photos = PhotoSet(name, count, writable_storage(storage) / name)
    missing = sorted(set(range(count)) - _present(photos, how))
    if missing:
        _prepare_folders(photos, facts)
        _make_in_parallel(photos.folder, spec, how, missing)
    return photos


def photo_path(folder: Path, encoding: Encoding, index: int) -> Path:
    """Give the file of one photograph.

    Parameters
    ----------
    folder : Path
        Of the set.
    encoding : Encoding
        Decides the suffix.
    index : int
        From 0.

    Returns
    -------
    Path
    """
    return folder / TRAIN / class_of(index) / f"{index:07d}{encoding.suffix}"


def _facts(spec: PhotoSpec, count: int, encoding: Encoding) -> dict[str, object]:
    """Gather everything that decides the bytes of the files."""
    return {
        "maker": MAKER_VERSION,
        "photographs": asdict(spec),
        "count": count,
        "encoding": encoding.name,
        "encoder": encoding.encoder,
        "sources_sha256": PhotoMaker(spec).sources_digest,
    }


def _name(spec: PhotoSpec, count: int, encoding: Encoding, facts: dict[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    return f"photos-{spec.width}x{spec.height}-{count}-seed{spec.seed}-{encoding.name}-{digest}"


def _present(photos: PhotoSet, encoding: Encoding) -> set[int]:
    # The folders are listed instead of asking for every file: a set may have a million.
    return {
        int(path.stem)
        for name in CLASSES
        for path in (photos.folder / TRAIN / name).glob(f"[0-9]*{encoding.suffix}")
    }


def _prepare_folders(photos: PhotoSet, facts: dict[str, object]) -> None:
    for name in CLASSES[: photos.count]:
        folder = photos.folder / TRAIN / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_abandoned(folder)
        except OSError as error:
            raise UnwritableError.of(folder, error) from error
    write_atomically(photos.folder / FACTS_FILE, [json.dumps(facts, indent=2).encode()])


def _make_in_parallel(folder: Path, spec: PhotoSpec, encoding: Encoding, missing: Sequence[int]) -> None:
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    processes = min(len(chunks), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        for made in [pool.submit(_make_files, folder, spec, encoding, chunk) for chunk in chunks]:
            made.result()


def _make_files(folder: Path, spec: PhotoSpec, encoding: Encoding, indices: Sequence[int]) -> None:
    maker = PhotoMaker(spec)
    for index in indices:
        write_atomically(photo_path(folder, encoding, index), [encoding.encode(maker.make(index))])
