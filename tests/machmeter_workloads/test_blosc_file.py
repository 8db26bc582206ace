import os
import pickle
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
import pytest
from numpy.typing import NDArray

from machmeter_workloads.data.cubes import CubeSpec, make_cube
from machmeter_workloads.errors import DamagedFileError
from machmeter_workloads.storage.blosc_file import open_blosc, read_blosc, write_blosc

CUBE = make_cube(CubeSpec(24, 32, 10), 0)[0]
ARRAYS: dict[str, NDArray[Any]] = {
    "cube": CUBE,
    "half": CUBE.astype(np.float16),
    "mask": make_cube(CubeSpec(24, 32, 10), 0)[1],
    "constant": np.full((400, 400), 1.5, np.float32),
    "noise": np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8),
    "single": np.ones(1, np.float32),
}


@pytest.fixture(scope="module")
def reference() -> Any:
    return pytest.importorskip("blosc", reason="python-blosc, which HTC writes with, is not installed")


@pytest.fixture(params=ARRAYS)
def array(request: pytest.FixtureRequest) -> NDArray[Any]:
    name: str = request.param
    return ARRAYS[name]


def write_as_htc_does(path: Path, array: NDArray[Any], blosc: Any) -> None:
    buffer = blosc.compress_ptr(
        array.ctypes.data, array.size, array.itemsize, clevel=9, cname="zstd", shuffle=blosc.SHUFFLE
    )
    with path.open("wb") as file:
        pickle.dump((array.shape, array.dtype), file)
        file.write(buffer)


def test_what_is_written_is_read(tmp_path: Path, array: NDArray[Any]) -> None:
    """Shape, type and values survive."""
    write_blosc(tmp_path / "file", array)
    np.testing.assert_array_equal(read_blosc(tmp_path / "file"), array, strict=True)


def test_python_blosc_reads_what_is_written(tmp_path: Path, array: NDArray[Any], reference: Any) -> None:
    """The buffer behind the header is Blosc1, so HTC can read our files."""
    write_blosc(tmp_path / "file", array)
    with (tmp_path / "file").open("rb") as file:
        shape, dtype = pickle.load(file)  # noqa: S301 # HTC reads it so, and the file is our own
        content = np.frombuffer(reference.decompress(file.read()), dtype).reshape(shape)
    np.testing.assert_array_equal(content, array, strict=True)


def test_a_file_of_python_blosc_is_read(tmp_path: Path, array: NDArray[Any], reference: Any) -> None:
    """A file written as HTC writes it gives its array."""
    write_as_htc_does(tmp_path / "file", array, reference)
    np.testing.assert_array_equal(read_blosc(tmp_path / "file"), array, strict=True)


def test_the_environment_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for Blosc1 is undone after writing."""
    monkeypatch.delenv("BLOSC_BLOSC1_COMPAT", raising=False)
    write_blosc(tmp_path / "file", CUBE)
    assert "BLOSC_BLOSC1_COMPAT" not in os.environ


@pytest.mark.parametrize("kept", [0, 10, 90, 100, 105, 115, 200, -1])
def test_a_file_cut_off_anywhere_is_named(tmp_path: Path, kept: int) -> None:
    """A file that ends in its header or in its buffer is reported by name."""
    write_blosc(tmp_path / "cube.blosc", CUBE)
    content = (tmp_path / "cube.blosc").read_bytes()
    (tmp_path / "cube.blosc").write_bytes(content[:kept])
    with pytest.raises(DamagedFileError, match=r"cube\.blosc is damaged"):
        read_blosc(tmp_path / "cube.blosc")


def test_changed_compressed_bytes_are_named(tmp_path: Path) -> None:
    """A buffer that does not decompress is reported by name."""
    write_blosc(tmp_path / "cube.blosc", CUBE)
    content = bytearray((tmp_path / "cube.blosc").read_bytes())
    content[-200:] = bytes(200)
    content[150:300] = b"\xff" * 150
    (tmp_path / "cube.blosc").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"cube\.blosc is damaged"):
        read_blosc(tmp_path / "cube.blosc")


@pytest.mark.parametrize(
    "header",
    [
        {"name": ((2, 3), np.dtype("f4"), 20)},
        ((2, 3), np.dtype("O")),
        ((2, -3), np.dtype("f4")),
        ((2, 2.5), np.dtype("f4")),
    ],
)
def test_a_foreign_header_is_named(tmp_path: Path, header: object) -> None:
    """Another header than the shape and dtype of one array is reported by name."""
    (tmp_path / "cube.blosc").write_bytes(pickle.dumps(header) + bytes(100))
    with pytest.raises(DamagedFileError, match=r"cube\.blosc is damaged: its header is not"):
        read_blosc(tmp_path / "cube.blosc")


@pytest.mark.parametrize(
    "state", ["N", "K\x01", ")", "(K\x03U\x01<NJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"]
)
def test_a_wrong_state_of_a_dtype_does_not_end_the_process(tmp_path: Path, state: str) -> None:
    """Numpy's own dtype crashes when it is given the last one, a single byte away from a right one."""
    header = b"\x80\x02K\x01\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R" + state.encode("latin-1") + b"b\x86."
    (tmp_path / "cube.blosc").write_bytes(header + bytes(100))
    with pytest.raises(DamagedFileError, match=r"cube\.blosc is damaged"):
        read_blosc(tmp_path / "cube.blosc")


def test_a_header_cannot_run_anything(tmp_path: Path) -> None:
    """A pickle that names a function is refused before it is called."""
    # What an attacker would write: the call mkdir(<path>).
    path = str(tmp_path / "made")
    payload = b"cos\nmkdir\n(V" + path.encode() + b"\ntR."
    (tmp_path / "cube.blosc").write_bytes(payload)
    with pytest.raises(DamagedFileError, match=r"os\.mkdir has no place in a header"):
        read_blosc(tmp_path / "cube.blosc")
    assert not (tmp_path / "made").exists()


def test_an_array_is_decompressed_into_a_slot(tmp_path: Path) -> None:
    """Shape and type are known before, and nothing but the slot is written to."""
    write_blosc(tmp_path / "cube.blosc", CUBE)
    stored = open_blosc((tmp_path / "cube.blosc").read_bytes(), tmp_path / "cube.blosc")
    ring = np.full((3, *stored.shape), -1, stored.dtype)
    stored.decode_into(ring[1])
    np.testing.assert_array_equal(ring[1], CUBE)
    assert (ring[[0, 2]] == -1).all()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (np.empty((24, 32, 9), np.float32), r"its shape is \(24, 32, 10\) instead of \(24, 32, 9\)"),
        (np.empty((24, 32, 10), np.float16), r"it holds float32 instead of float16"),
    ],
)
def test_a_slot_that_does_not_fit_names_the_file(tmp_path: Path, target: NDArray[Any], reason: str) -> None:
    """The file belongs into another series."""
    write_blosc(tmp_path / "cube.blosc", CUBE)
    stored = open_blosc((tmp_path / "cube.blosc").read_bytes(), tmp_path / "cube.blosc")
    with pytest.raises(DamagedFileError, match=rf"cube\.blosc is damaged: {reason}"):
        stored.decode_into(target)


def test_a_buffer_of_blosc2_is_named(tmp_path: Path) -> None:
    """HTC cannot read one, and its longer header may say what only Blosc2 understands."""
    write_blosc(tmp_path / "cube.blosc", CUBE)
    content = (tmp_path / "cube.blosc").read_bytes()
    buffer = open_blosc(content, tmp_path).buffer
    header = content[: -len(buffer)]
    foreign = blosc2.compress2(CUBE, typesize=4)
    (tmp_path / "cube.blosc").write_bytes(header + foreign)
    with pytest.raises(DamagedFileError, match=r"cube\.blosc is damaged: .* not those of Blosc1"):
        read_blosc(tmp_path / "cube.blosc")
