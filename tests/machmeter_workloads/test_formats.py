import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError, MissingDataError, UnreadableError
from machmeter_workloads.storage.blosc_file import write_blosc
from machmeter_workloads.storage.formats import FORMATS
from machmeter_workloads.storage.half_precision import UnfitValuesError
from machmeter_workloads.storage.header import pack_head, seal
from machmeter_workloads.storage.source import UNLIMITED, Source

CUBE = make_cube(CubeSpec(35, 48, 7), 0)[0]
HTC = ("original", "blosc", "fp16")
OURS = ("raw16", "lz4_16", "b2nd")
HALF = ("fp16", *OURS)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, name: str) -> Path:
    path = folder / f"cube-{name}{FORMATS[name].suffix}"
    FORMATS[name].write(path, CUBE)
    return path


def read(name: str, path: Path) -> NDArray[np.floating]:
    return FORMATS[name].read(path, UNLIMITED)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("formats")
    return {name: written(folder, name).read_bytes() for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    """Every value comes back, rounded as the format says."""
    found = read(name, written(tmp_path, name))
    np.testing.assert_array_equal(found, CUBE.astype(FORMATS[name].dtype), strict=True)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 33, 1), (33, 1, 2), (32, 64, 3), (31, 65, 1)])
def test_any_shape_is_kept(tmp_path: Path, name: str, shape: tuple[int, int, int]) -> None:
    """One pixel, one row, one band, and sizes just around a tile survive."""
    cube = (np.arange(np.prod(shape)) % 2000).astype(np.float32).reshape(shape)
    FORMATS[name].write(tmp_path / "cube", cube)
    np.testing.assert_array_equal(read(name, tmp_path / "cube"), cube)


@pytest.mark.parametrize("name", FORMATS)
def test_zeros_are_kept(tmp_path: Path, name: str) -> None:
    """A cube that compresses to nearly nothing, and of which Blosc2 stores no chunk, is a cube."""
    FORMATS[name].write(tmp_path / "cube", np.zeros((40, 50, 3), np.float32))
    np.testing.assert_array_equal(read(name, tmp_path / "cube"), np.zeros((40, 50, 3)))


@pytest.mark.parametrize("name", FORMATS)
def test_any_strides_are_written(tmp_path: Path, name: str) -> None:
    """A cube that lies in memory as the camera's reader leaves it gives the same file."""
    FORMATS[name].write(tmp_path / "view", np.asfortranarray(CUBE))
    assert (tmp_path / "view").read_bytes() == written(tmp_path, name).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_the_pace_hears_of_every_byte(tmp_path: Path, name: str) -> None:
    """Reading a cube is charged with its file; what Blosc2 keeps beside the chunks is not read."""
    charged = []

    class Recorder:
        def charge(self, count: int) -> None:
            charged.append(count)

    path = written(tmp_path, name)
    FORMATS[name].read(path, Source(Recorder()))
    assert 0.9 <= sum(charged) / path.stat().st_size <= 1.01


@pytest.mark.parametrize("name", FORMATS)
@MANY
@given(data=st.data())
def test_a_file_cut_off_anywhere_is_named(
    tmp_path: Path, contents: dict[str, bytes], name: str, data: st.DataObject
) -> None:
    """A file that ends too early, or at once, is reported by name."""
    kept = data.draw(st.integers(0, len(contents[name]) - 1))
    (tmp_path / "cube").write_bytes(contents[name][:kept])
    with pytest.raises(DamagedFileError, match=r"cube is damaged"):
        read(name, tmp_path / "cube")


@pytest.mark.parametrize("name", OURS)
@MANY
@given(data=st.data())
def test_a_flipped_bit_is_never_delivered(
    tmp_path: Path, contents: dict[str, bytes], name: str, data: st.DataObject
) -> None:
    """Our own formats name the file, or the bit was none that is read."""
    (tmp_path / "cube").write_bytes(flipped(contents[name], data))
    try:
        found = read(name, tmp_path / "cube")
    except DamagedFileError as error:
        assert "cube is damaged" in str(error)  # noqa: PT017 - both ends are right
    else:
        np.testing.assert_array_equal(found, CUBE.astype(np.float16))


@pytest.mark.parametrize("name", HTC)
@MANY
@given(data=st.data())
def test_a_flipped_bit_of_a_format_without_checksums_does_no_harm(
    tmp_path: Path, contents: dict[str, bytes], name: str, data: st.DataObject
) -> None:
    """The file is named, or a cube of the same number of values comes out; nothing crashes."""
    (tmp_path / "cube").write_bytes(flipped(contents[name], data))
    try:
        found = read(name, tmp_path / "cube")
    except DamagedFileError as error:
        assert "cube is damaged" in str(error)  # noqa: PT017 - both ends are right
    else:
        assert found.size == CUBE.size


@pytest.mark.parametrize("name", FORMATS)
@MANY
@given(content=st.binary(max_size=300))
def test_any_bytes_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    """What is no file of ours is reported by name."""
    (tmp_path / "cube").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"cube is damaged"):
        read(name, tmp_path / "cube")


@pytest.mark.parametrize("name", OURS)
def test_a_file_of_another_format_is_named(tmp_path: Path, contents: dict[str, bytes], name: str) -> None:
    """The wrong magic is told from the right one."""
    for other in FORMATS.keys() - {name}:
        (tmp_path / "cube").write_bytes(contents[other])
        with pytest.raises(DamagedFileError, match=r"cube is damaged: .* stands where b'mm-"):
            read(name, tmp_path / "cube")


@pytest.mark.parametrize("name", ["blosc", "fp16"])
def test_a_mask_is_no_cube(tmp_path: Path, name: str) -> None:
    """A file of the right kind with the wrong shape is reported by name."""
    write_blosc(tmp_path / "cube", np.zeros((4, 5), np.uint8))
    with pytest.raises(DamagedFileError, match=r"it holds uint8 of shape \(4, 5\) instead of a cube"):
        read(name, tmp_path / "cube")


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, name: str) -> None:
    """Every reader goes through the same source."""
    with pytest.raises(MissingDataError, match=r"missing does not exist"):
        read(name, tmp_path / "missing")
    with pytest.raises(UnreadableError, match=str(tmp_path)):
        read(name, tmp_path)


FORGED = {
    "raw16": seal((pack_head(b"mm-raw16", (2**32 - 1,) * 3) + bytes(8)).ljust(4088, b"\0")) + bytes(100),
    "lz4_16": seal(pack_head(b"mm-lz4-1", (2**32 - 1,) * 3)) + bytes(100),
    "b2nd": bytes(100) + seal(pack_head(b"mm-b2nd1", (2**32 - 1,) * 3)),
    "original": b"\x7f\xff\xff\xff" * 3 + bytes(100),
    # Protocol 2, then the integer 1 under the number 2**27: Python's memo would grow to two gibibytes.
    "blosc": b"\x80\x02K\x01r\x00\x00\x00\x08.",
    # The shape (2**30,) of float32 and a Blosc1 header that promises other bytes.
    "fp16": (
        pickle.dumps(((2**30,), np.dtype("f4")))
        + b"\x02\x01\x01\x04\xfc\xff\xff\xff\x00\x00\x01\x00\x10\x00\x00\x00"
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_forged_header_allocates_next_to_nothing(tmp_path: Path, name: str) -> None:
    """What a header promises is compared with the file before there is memory for it."""
    (tmp_path / "cube").write_bytes(FORGED[name])
    tracemalloc.start()
    try:
        with pytest.raises(DamagedFileError, match=r"cube is damaged"):
            read(name, tmp_path / "cube")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize("name", HALF)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 65505, -70000])
def test_a_value_that_float16_cannot_hold_is_refused(tmp_path: Path, name: str, value: float) -> None:
    """The file is named, and not written."""
    cube = CUBE.copy()
    cube[3, 4, 5] = value
    with pytest.raises(UnfitValuesError, match=r"cube holds "):
        FORMATS[name].write(tmp_path / "cube", cube)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", HALF)
def test_the_largest_float16_is_kept(tmp_path: Path, name: str) -> None:
    """65504 on both sides of zero is no overflow."""
    cube = np.array([[[65504, -65504]]], np.float32)
    FORMATS[name].write(tmp_path / "cube", cube)
    np.testing.assert_array_equal(read(name, tmp_path / "cube"), cube)


def flipped(content: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(content)
    # Headers are short: half of the flips go there.
    place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(150, len(content) - 1)))
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(changed)
