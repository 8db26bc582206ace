import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import blosc
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.loaders.blosc_blocks import BLOSC1_HEADER, BlockReader, BloscBlocks
from machmeter_workloads.loaders.scratch import Scratch
from machmeter_workloads.storage.blosc_file import write_blosc
from machmeter_workloads.storage.source import UNLIMITED

# The smallest that every codec accepts.
BLOCK_BYTES = 1 << 16
# Ten blocks and a short one.
VALUES = (
    (np.random.default_rng(0).normal(size=(43, 4000)).cumsum(axis=1) * 100)
    .astype(np.int32)
    .astype(np.float32)
)


def write_foreign(path: Path, array: NDArray[np.generic], codec: str = "zstd") -> None:
    """Write as HTC does, with python-blosc, in small blocks."""
    blosc.set_blocksize(BLOCK_BYTES)
    before = blosc.set_nthreads(1)
    try:
        buffer = blosc.compress(array.tobytes(), array.dtype.itemsize, 5, blosc.SHUFFLE, codec)
    finally:
        blosc.set_nthreads(before)
        blosc.set_blocksize(0)
    path.write_bytes(pickle.dumps((array.shape, array.dtype)) + buffer)


@contextmanager
def blocks_of(path: Path, array: NDArray[np.generic] = VALUES) -> Iterator[BloscBlocks]:
    with UNLIMITED.open(path) as file:
        yield BlockReader(array.shape, array.dtype).look(file, Scratch())


def decoded(blocks: BloscBlocks, piece_bytes: int, start: int, stop: int) -> bytes:
    memory = bytearray(stop - start)
    for first, last in blocks.runs(piece_bytes, start, stop):
        blocks.decode(first, memoryview(memory)[first - start : last - start], Scratch())
    return bytes(memory)


@pytest.fixture(scope="module", params=["zstd", "lz4"])
def path(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """One codec leaves the bytes of a value together, the other one splits them into streams."""
    path = tmp_path_factory.mktemp("blosc") / "cube.blosc"
    write_foreign(path, VALUES, request.param)
    return path


@pytest.mark.parametrize("codec", ["lz4", "blosclz", "zstd", "zlib"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("piece_bytes", [1, 5 * BLOCK_BYTES])
def test_runs_give_what_was_written(tmp_path: Path, codec: str, dtype: str, piece_bytes: int) -> None:
    """Every codec of python-blosc, whether it splits the bytes of a value into streams or not."""
    array = (VALUES / VALUES.max() * 100).astype(dtype)
    write_foreign(tmp_path / "cube.blosc", array, codec)
    with blocks_of(tmp_path / "cube.blosc", array) as blocks:
        assert len(blocks.edges) > 2
        assert decoded(blocks, piece_bytes, 0, array.nbytes) == array.tobytes()


@settings(max_examples=50, deadline=None)
@example(VALUES.nbytes - 10, 5, 1)
@given(st.integers(0, VALUES.nbytes - 1), st.integers(1, VALUES.nbytes), st.integers(1, 5 * BLOCK_BYTES))
def test_any_range_lies_in_the_blocks_that_cover_it(
    path: Path, first: int, length: int, piece_bytes: int
) -> None:
    """The short last block included, alone or behind others."""
    last = min(first + length, VALUES.nbytes)
    with blocks_of(path) as blocks:
        start, stop = blocks.cover(first, last)
        assert start <= first < last <= stop
        assert decoded(blocks, piece_bytes, start, stop) == VALUES.tobytes()[start:stop]


def test_blocks_in_any_order_are_decoded_as_one(tmp_path: Path) -> None:
    """Several threads that compress leave the blocks as they finish; here the order is changed by hand."""
    path = tmp_path / "cube.blosc"
    write_foreign(path, VALUES)
    content = bytearray(path.read_bytes())
    offset = len(pickle.dumps((VALUES.shape, VALUES.dtype)))
    with blocks_of(path) as blocks:
        count = len(blocks.edges) - 1
        parts = [
            content[offset + a : offset + b] for a, b in zip(blocks.edges, blocks.edges[1:], strict=False)
        ]
    order = [1, 0, *range(2, count)]
    places = np.zeros(count, "<u4")
    places[order] = 16 + 4 * count + np.cumsum([0, *(len(parts[block]) for block in order[:-1])])
    shuffled = content[: offset + 16] + places.tobytes() + b"".join(parts[block] for block in order)
    path.write_bytes(shuffled)
    with blocks_of(path) as blocks:
        assert list(blocks.runs(1, 0, VALUES.nbytes)) == [(0, VALUES.nbytes)]
        assert decoded(blocks, 1, 0, VALUES.nbytes) == VALUES.tobytes()


def test_bytes_that_are_stored_as_they_are_are_read_as_one(tmp_path: Path) -> None:
    """Noise does not get smaller, and Blosc leaves it alone; this begins like the places of four blocks."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 1000), np.uint8)
    noise[0, :16] = np.array([32, 50_000, 100_000, 150_000], "<u4").view(np.uint8)
    write_foreign(tmp_path / "noise.blosc", noise)
    with blocks_of(tmp_path / "noise.blosc", noise) as blocks:
        assert decoded(blocks, 1, 0, noise.nbytes) == noise.tobytes()


def test_our_own_files_are_read_alike(tmp_path: Path) -> None:
    """Zstandard in blocks of the library's choice."""
    write_blosc(tmp_path / "cube.blosc", VALUES)
    with blocks_of(tmp_path / "cube.blosc") as blocks:
        assert decoded(blocks, 1, 0, VALUES.nbytes) == VALUES.tobytes()


def test_a_thread_needs_memory_for_a_run_only(tmp_path: Path) -> None:
    """Two of eleven blocks at a time take less than a third of the compressed bytes."""
    write_foreign(tmp_path / "cube.blosc", VALUES)
    scratch = Scratch()
    with blocks_of(tmp_path / "cube.blosc") as blocks:
        memory = bytearray(VALUES.nbytes)
        for start, stop in blocks.runs(2 * BLOCK_BYTES, 0, VALUES.nbytes):
            blocks.decode(start, memoryview(memory)[start:stop], scratch)
        buffer = scratch.array("compressed", 0, np.uint8).base
        assert buffer is not None
        assert len(buffer) < blocks.file.size // 3


def test_files_of_a_series_may_differ_in_their_headers(tmp_path: Path, path: Path) -> None:
    """Another writer, or another version of pickle, is unpickled as well."""
    other = tmp_path / "other.blosc"
    content = path.read_bytes()
    used = len(pickle.dumps((VALUES.shape, VALUES.dtype)))
    other.write_bytes(pickle.dumps((VALUES.shape, VALUES.dtype), protocol=2) + content[used:])
    reader, scratch = BlockReader(VALUES.shape, VALUES.dtype), Scratch()
    for each in (path, other, path):
        with UNLIMITED.open(each) as file:
            assert decoded(reader.look(file, scratch), 1, 0, VALUES.nbytes) == VALUES.tobytes()


@pytest.mark.parametrize("place", ["first", "later"])
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda content, _: b"", "damaged"),
        (lambda content, _: content[:20], "damaged"),
        (lambda content, offset: content[: offset + 8], "bytes follow its header"),
        (lambda content, offset: content[: offset + 30], "compressed bytes"),
        (lambda content, _: content[:-1], "compressed bytes"),
        (lambda content, _: content + b"!", "compressed bytes"),
        (lambda content, offset: content[: offset + 2] + b"\xff" + content[offset + 3 :], "Blosc1"),
        (lambda content, offset: content[: offset + 4] + bytes(4) + content[offset + 8 :], "promises"),
        (
            lambda content, offset: content[: offset + 100] + bytes(50_000) + content[offset + 50_100 :],
            "decompress",
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, path: Path, damage: object, found: str, place: str) -> None:
    """Whether it is the first of its series or not, and before memory is written that nobody owns."""
    assert callable(damage)
    content, offset = path.read_bytes(), len(pickle.dumps((VALUES.shape, VALUES.dtype)))
    damaged = tmp_path / "damaged.blosc"
    damaged.write_bytes(damage(content, offset))
    reader, scratch = BlockReader(VALUES.shape, VALUES.dtype), Scratch()
    if place == "later":
        with UNLIMITED.open(path) as file:
            reader.look(file, scratch)
    with UNLIMITED.open(damaged) as file, pytest.raises(DamagedFileError, match=rf"damaged\.blosc.*{found}"):
        decoded(reader.look(file, scratch), 1, 0, VALUES.nbytes)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (VALUES[:-1], r"shape is \(42, 4000\)"),
        (VALUES.astype(np.float16), "float16 instead of float32"),
    ],
)
def test_another_array_is_named(tmp_path: Path, array: NDArray[np.generic], found: str) -> None:
    """A file of another series, even one that is in order."""
    write_foreign(tmp_path / "other.blosc", array)
    with (
        pytest.raises(DamagedFileError, match=rf"other\.blosc.*{found}"),
        blocks_of(tmp_path / "other.blosc"),
    ):
        pass


def test_the_header_of_a_buffer_is_that_of_blosc1(path: Path) -> None:
    """What we take for the sizes is what Blosc itself reads there."""
    with blocks_of(path) as blocks:
        content = path.read_bytes()[blocks.offset :]
        total, block, compressed = BLOSC1_HEADER.unpack_from(content)[4:]
        assert blosc.get_cbuffer_sizes(content) == (total, compressed, block)
        assert (total, compressed) == (VALUES.nbytes, len(content))
