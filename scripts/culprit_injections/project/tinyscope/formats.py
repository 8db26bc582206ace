"""The container: a header, lines of metadata, an index, then the payloads."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .codecs import encode_runs, encode_strip
from .lookups import PATTERNS, SCALES

MAGIC = b"TSCP"
STRIP = 32
_HEADER = struct.Struct("<4sHHI")
_ENTRY = struct.Struct("<IIIIIIHH")
_LENGTH = struct.Struct("<I")

Value = str | float


@dataclass(frozen=True)
class Span:
    """Where a payload lies."""

    offset: int
    length: int

    def of(self, buffer: memoryview) -> memoryview:
        """Return the payload."""
        return buffer[self.offset : self.offset + self.length]


@dataclass(frozen=True)
class Entry:
    """Where the parts of a frame lie."""

    pixels: Span
    mask: Span
    notes: Span
    height: int
    width: int


@dataclass(frozen=True)
class Header:
    """The fixed part, and where the index lies."""

    version: int
    frames: int
    metadata: str
    index: int


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a cell; lengths in pixels."""

    name: str
    y: float
    x: float
    score: float
    tags: tuple[str, ...]


def parse_header(buffer: memoryview) -> Header:
    """Read the header; raise ValueError where this is no container."""
    magic, version, frames, length = _HEADER.unpack_from(buffer)
    if magic != MAGIC:
        raise ValueError("This is no stack.")
    start = _HEADER.size
    return Header(version, frames, str(buffer[start : start + length], "utf-8"), start + length)


def iterate_entries(buffer: memoryview, header: Header) -> Iterator[Entry]:
    """Yield the index."""
    for number in range(header.frames):
        yield parse_entry(buffer, header.index + number * _ENTRY.size)


def parse_entry(buffer: memoryview, offset: int) -> Entry:
    """Read an entry of the index."""
    *spans, height, width = _ENTRY.unpack_from(buffer, offset)
    return Entry(Span(*spans[0:2]), Span(*spans[2:4]), Span(*spans[4:6]), height, width)


def iterate_strips(pixels: memoryview) -> Iterator[memoryview]:
    """Yield the payloads of a frame's strips."""
    offset = 0
    while offset < len(pixels):
        (length,) = _LENGTH.unpack_from(pixels, offset)
        offset += _LENGTH.size
        yield pixels[offset : offset + length]
        offset += length


def parse_metadata(text: str) -> dict[str, Value]:
    """Read lines ``key: value``."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found[key.strip().lower()] = convert(value.strip())
    return found


def convert(text: str) -> Value:
    """Return a quantity in basic units, a number, or the text itself."""
    quantity = PATTERNS["quantity"].match(text)
    if quantity is not None:
        return float(quantity["number"]) * SCALES[quantity["unit"]]
    if PATTERNS["number"].match(text):
        return float(text)
    return text


def parse_notes(text: str) -> list[Note]:
    """Read lines ``name; y=..; x=..; score=..; tags=a,b``."""
    return [parse_note(line) for line in text.splitlines() if line and not line.startswith("#")]


def parse_note(line: str) -> Note:
    """Read the note on one cell."""
    name, *parts = line.split(";")
    given = {}
    for part in parts:
        key, _, value = part.partition("=")
        given[key.strip()] = value.strip()
    tags = tuple(sorted(tag for tag in given.get("tags", "").split(",") if tag))
    return Note(name.strip(), float(given["y"]), float(given["x"]), float(given["score"]), tags)


def format_note(note: Note) -> str:
    """Write the note on one cell."""
    tags = ",".join(note.tags)
    return f"{note.name}; y={note.y:.2f}; x={note.x:.2f}; score={note.score:.3f}; tags={tags}"


def write_frame(image: np.ndarray, mask: np.ndarray, notes: Sequence[Note]) -> tuple[bytes, bytes, bytes]:
    """Encode the parts of a frame."""
    strips = [encode_strip(image[top : top + STRIP]) for top in range(0, len(image), STRIP)]
    pixels = b"".join(_LENGTH.pack(len(strip)) + strip for strip in strips)
    return pixels, encode_runs(mask), "\n".join(map(format_note, notes)).encode()


def write_stack(
    frames: Sequence[tuple[np.ndarray, np.ndarray, Sequence[Note]]], metadata: Mapping[str, Value]
) -> bytes:
    """Write a container."""
    text = "\n".join(f"{key}: {value}" for key, value in metadata.items()).encode()
    offset = _HEADER.size + len(text) + _ENTRY.size * len(frames)
    index, payloads = [], []
    for image, mask, notes in frames:
        spans = []
        for part in write_frame(image, mask, notes):
            spans += [offset, len(part)]
            payloads.append(part)
            offset += len(part)
        index.append(_ENTRY.pack(*spans, *image.shape))
    return _HEADER.pack(MAGIC, 1, len(frames), len(text)) + text + b"".join(index) + b"".join(payloads)
