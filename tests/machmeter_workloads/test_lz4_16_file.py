from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.lz4_16_file import (
    CHUNK_VALUES,
    Lz4Chunks,
    new_scratch,
    open_lz4_16,
    stream_lz4_16,
    write_lz4_16,
)
from machmeter_workloads.storage.source import UNLIMITED, Source

# Two whole chunks and a smaller one.
CUBE = np.tile(make_cube(CubeSpec(64, 90, 20), 0)[0], (2, 5, 1))
STORED = CUBE.astype(np.float16).transpose(2, 0, 1)
WIDE = STORED.astype(np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lz4") / "cube.lz4"
    write_lz4_16(path, CUBE)
    return path


@pytest.fixture(scope="module")
def content(file: Path) -> bytes:
    return file.read_bytes()


def opened(content: bytes) -> Lz4Chunks:
    return open_lz4_16(bytearray(content), Path("cube.lz4"))


def test_the_cube_takes_several_chunks() -> None:
    """Otherwise the tests below would show little."""
    assert 2 * CHUNK_VALUES < CUBE.size < 3 * CHUNK_VALUES


def test_the_same_cube_gives_the_same_bytes(tmp_path: Path, content: bytes) -> None:
    """Two commits share the files, and nothing of the computer or the clock gets into them."""
    write_lz4_16(tmp_path / "again", CUBE)
    assert (tmp_path / "again").read_bytes() == content


def test_the_file_is_smaller_than_its_values(content: bytes) -> None:
    """The bit shuffle lets LZ4 find something."""
    assert len(content) < 0.9 * STORED.nbytes


@pytest.mark.parametrize("make", [torch.empty, np.empty])
def test_a_cube_is_widened_into_its_target(content: bytes, make: Any) -> None:
    """A tensor and an array are filled alike."""
    dtype = torch.float32 if make is torch.empty else np.float32
    target = make(STORED.shape, dtype=dtype)
    opened(content).decode_into(target, new_scratch())
    np.testing.assert_array_equal(target, WIDE)


def test_a_slot_of_a_ring_is_a_target(content: bytes) -> None:
    """Only the slot is written to."""
    ring = torch.full((3, 2, *STORED.shape), -1.0)
    opened(content).decode_into(ring[1, 1], new_scratch())
    np.testing.assert_array_equal(ring[1, 1], WIDE)
    assert ring.sum() == pytest.approx(WIDE.sum() - 5 * WIDE.size, rel=1e-3)


def test_chunks_are_read_one_by_one(file: Path) -> None:
    """A stream asks for the header and then for each chunk, and its memory is used again."""
    charges = []

    class Recorder:
        def charge(self, count: int) -> None:
            charges.append(count)

    target = np.empty(STORED.shape, np.float32)
    with stream_lz4_16(file, Source(Recorder())) as chunks:
        before = len(charges)
        chunks.decode_into(target)
    np.testing.assert_array_equal(target, WIDE)
    assert len(charges) - before == 3
    assert max(charges) < STORED.nbytes / 2


def test_one_memory_serves_many_streams(file: Path) -> None:
    """The header and every chunk pass through memory that was given."""
    spare = memoryview(bytearray(2 * CHUNK_VALUES + 1000))
    target = np.empty(STORED.shape, np.float32)
    for _ in range(2):
        with stream_lz4_16(file, UNLIMITED, spare) as chunks:
            chunks.decode_into(target)
    np.testing.assert_array_equal(target, WIDE)


@pytest.mark.parametrize("shape", [(20, 128, 449), (20, 450, 128), (19, 128, 450)])
def test_a_target_of_another_shape_names_the_file(content: bytes, shape: tuple[int, ...]) -> None:
    """The file does not belong into this series."""
    with pytest.raises(
        DamagedFileError, match=r"cube\.lz4 is damaged: its shape is \(20, 128, 450\) instead"
    ):
        opened(content).decode_into(np.empty(shape, np.float32), new_scratch())


@pytest.mark.parametrize("method", ["decode_into", "decode_half_into"])
def test_a_target_with_gaps_is_not_filled_through_a_copy(content: bytes, method: str) -> None:
    """A target that is not contiguous is an error, not a silent loss."""
    dtype = np.float32 if method == "decode_into" else np.float16
    target = np.zeros((*STORED.shape[:2], STORED.shape[2] + 1), dtype)[..., :-1]
    with pytest.raises((RuntimeError, ValueError)):
        getattr(opened(content), method)(target)
    assert not target.any()


def test_a_damaged_chunk_is_named_with_its_number(content: bytes) -> None:
    """What comes before it may have been delivered into the slot already; the error says so in time."""
    changed = bytearray(content)
    changed[-1] ^= 1
    with pytest.raises(DamagedFileError, match=r"cube\.lz4 is damaged: the checksum of its chunk 2 does not"):
        opened(bytes(changed)).decode_into(np.empty(STORED.shape, np.float32))


def test_without_its_checksum_a_damaged_chunk_is_still_no_crash(content: bytes) -> None:
    """Whoever leaves the checksums out gets another value or an error."""
    changed = bytearray(content)
    changed[-200] ^= 16
    target = np.empty(STORED.shape, np.float32)
    try:
        opened(bytes(changed)).decode_into(target, verify=False)
    except DamagedFileError as error:
        assert "do not decompress" in str(error)  # noqa: PT017 - both ends are right
    else:
        np.testing.assert_array_equal(target.ravel()[:CHUNK_VALUES], WIDE.ravel()[:CHUNK_VALUES])
