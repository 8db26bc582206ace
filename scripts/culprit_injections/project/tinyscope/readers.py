"""Stacks of frames out of a container."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .calibration import correct
from .codecs import decode_runs, decode_strip
from .formats import (
    STRIP,
    Entry,
    Note,
    Value,
    iterate_entries,
    iterate_strips,
    parse_header,
    parse_metadata,
    parse_notes,
)
from .preview import preview


@dataclass(frozen=True)
class Frame:
    """A corrected image with what is known about it."""

    image: np.ndarray
    mask: np.ndarray
    notes: list[Note]
    picture: np.ndarray


class StackReader:
    """Reads the frames of a container."""

    def __init__(self, buffer: bytes) -> None:
        self._buffer = memoryview(buffer)
        self.header = parse_header(self._buffer)
        self._entries = list(iterate_entries(self._buffer, self.header))

    def __len__(self) -> int:
        return self.header.frames

    @cached_property
    def metadata(self) -> dict[str, Value]:
        """What the microscope wrote."""
        return parse_metadata(self.header.metadata)

    @property
    def exposure(self) -> float:
        """Exposure of each frame, in seconds."""
        return float(self.metadata["exposure"])

    def read_all(self) -> Iterator[Frame]:
        """Yield every frame."""
        for number in range(len(self)):
            yield self.frame(number)

    def frame(self, number: int) -> Frame:
        """Read a frame."""
        entry = self._entries[number]
        image = correct(self._pixels(entry), self.exposure, float(self.metadata["vignetting"]))
        return Frame(image, self.mask(number), self.notes(number), preview(image))

    def mask(self, number: int) -> np.ndarray:
        """Read where the cells of a frame are."""
        entry = self._entries[number]
        return decode_runs(entry.mask.of(self._buffer), (entry.height, entry.width))

    def notes(self, number: int) -> list[Note]:
        """Read the notes on a frame."""
        return parse_notes(str(self._entries[number].notes.of(self._buffer), "utf-8"))

    def _pixels(self, entry: Entry) -> np.ndarray:
        pixels = np.empty((entry.height, entry.width), np.uint16)
        for top, strip in self._strips(entry):
            pixels[top : top + STRIP] = strip
        return pixels

    def _strips(self, entry: Entry) -> Iterator[tuple[int, np.ndarray]]:
        top = 0
        for payload in iterate_strips(entry.pixels.of(self._buffer)):
            rows = min(STRIP, entry.height - top)
            yield top, decode_strip(payload, (rows, entry.width))
            top += rows
