"""What every strategy for image folders takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from machmeter_workloads.data.location import DEFAULT_STORAGE
from machmeter_workloads.photos.image_folder import ImageFolder

if TYPE_CHECKING:
    import torch

    from machmeter_workloads.loaders.contract import Lifetime

MemoryFormat = Literal["nchw", "nhwc"]

# Of ImageNet, for red, green and blue with values from 0 to 255, as (DL)² and nearly all others use them.
MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
STD = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@dataclass(frozen=True)
class PhotoBatch:
    """Photographs ready for a network.

    Parameters
    ----------
    images : Tensor, shape (B, 3, size, size), float32
        Cropped, mirrored, and with ImageNet's mean taken away and its deviation divided out. The strides are
        those of the asked memory format.
    labels : Tensor, shape (B,), int64
        Number of the class, in the order of the classes' names.
    indices : Tensor, shape (B,), int64
        Which photographs of the folder these are; -1 where they are of none.
    """

    images: torch.Tensor
    labels: torch.Tensor
    indices: torch.Tensor


@dataclass(frozen=True)
class PhotoSettings:
    """How a strategy loads.

    Parameters
    ----------
    batch_size : int
        Photographs in a batch; the last one may be smaller.
    workers : int
        Worker processes, or threads of DALI; 0 loads in the calling process.
    prefetch : int
        Batches that each worker prepares in advance; for DALI, all of them together.
    seed : int
        Decides, with the epoch and the index, the order, the windows and the mirroring. Not negative.
    size : int
        Height and width of the delivered images, pixels.
    memory_format : {"nchw", "nhwc"}
        Whether the values of a colour lie together, or those of a pixel (``torch.channels_last``).
    storage : str
        One of ``storage_roots``, under which a folder that is not absolute is looked for.
    cache : int
        Bytes of the memory in which the workers share the files they have read; none if it is 0.
    device : str
        Where batches are delivered, as torch names it.
    """

    batch_size: int = 32
    workers: int = 0
    prefetch: int = 2
    seed: int = 0
    size: int = 224
    memory_format: MemoryFormat = "nchw"
    storage: str = DEFAULT_STORAGE
    cache: int = 0
    device: str = "cpu"


class PhotoLoader(Protocol):
    """Delivers epochs of batches until it is closed."""

    @property
    def lifetime(self) -> Lifetime:
        """Until when a batch may be used."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int) -> Iterator[PhotoBatch]:
        """Deliver one epoch; one at a time.

        Parameters
        ----------
        number : int
            Which epoch, from 0. The same number gives the same batches again.

        Yields
        ------
        PhotoBatch
            Valid as ``lifetime`` says.

        Raises
        ------
        DamagedFileError
            Names a file that is no image, or is cut off.
        MissingDataError, UnreadableError
            Names a file that has gone, or may not be read.
        WorkerDiedError
            A worker process ended by itself, or was killed.
        """

    def close(self) -> None:
        """End all worker processes and threads, and free shared memory; may be called more than once."""


PhotoLoaderFactory = Callable[[ImageFolder, PhotoSettings], PhotoLoader]
