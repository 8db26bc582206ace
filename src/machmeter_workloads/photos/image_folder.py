"""The files of a folder that has a subfolder for every class."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

import numpy as np

from machmeter_workloads.data.image_files import SUFFIXES, images_below
from machmeter_workloads.errors import MissingDataError, UnreadableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """The images of a folder, in the order in which torchvision's class of this name numbers them.

    The names lie in one block of memory: of a million separate strings each worker process would get a copy
    of its own, as soon as it counts a reference to them.

    Parameters
    ----------
    root : Path
        The folder.
    classes : tuple of str
        Names of the subfolders, sorted; hidden ones are left out.
    labels : ndarray, shape (N,), int64
        Number of every image's class.
    names : bytes
        All paths below the root, one after the other.
    ends : ndarray, shape (N,), int64
        Where each path ends in ``names``.
    """

    root: Path
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    names: bytes
    ends: NDArray[np.int64]

    @classmethod
    def at(cls, root: Path) -> Self:
        """List the images of a folder; none of them is opened.

        Parameters
        ----------
        root : Path
            Holds a subfolder for every class; images may lie at any depth below.

        Returns
        -------
        ImageFolder

        Raises
        ------
        MissingDataError
            The folder is not there, has no subfolder, or a subfolder has no image.
        UnreadableError
            A folder may not be listed.
        """
        classes = _class_names(root)
        found = [_images_of(root, name) for name in classes]
        names = [name for of_class in found for name in of_class]
        labels = np.repeat(np.arange(len(classes)), [len(of_class) for of_class in found])
        ends = np.cumsum([len(name) for name in names])
        return cls(root, classes, labels, b"".join(names), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def path(self, index: int) -> Path:
        """Give the file of one image.

        Parameters
        ----------
        index : int
            From 0.

        Returns
        -------
        Path
        """
        start = self.ends[index - 1] if index else 0
        return self.root / os.fsdecode(self.names[start : self.ends[index]])


def _class_names(root: Path) -> tuple[str, ...]:
    try:
        entries = [entry.name for entry in os.scandir(root) if entry.is_dir()]
    except FileNotFoundError as error:
        raise MissingDataError(
            f"{root} does not exist.",
            "A loader reads a folder that was made before.",
            "Make one with machmeter_workloads.data.photo_set.make_photo_set, or name another folder.",
        ) from error
    except OSError as error:
        raise UnreadableError.of(root, error) from error
    names = sorted(name for name in entries if not name.startswith("."))
    if not names:
        raise _without_images(root, "It needs a subfolder for every class, with the images in it.")
    return tuple(names)


def _images_of(root: Path, name: str) -> list[bytes]:
    found = [os.fsencode(f"{name}/{image}") for image in images_below(root / name, _refused)]
    if not found:
        raise _without_images(root / name, "Every subfolder is a class, and this one would be empty.")
    return found


def _refused(error: OSError) -> NoReturn:
    raise UnreadableError.of(Path(error.filename), error) from error


def _without_images(folder: Path, reason: str) -> MissingDataError:
    return MissingDataError(
        f"{folder} has no images.",
        f"{reason} Images are files ending in {' '.join(SUFFIXES)}.",
        f'See what there is ("ls {folder}"), and put images there or remove it.',
    )
