from pathlib import Path

import numpy as np
import pytest

from machmeter.results import store

CONTENT = {"names": ["a", "ü"], "number": 3}


def saved(path: Path) -> bytes:
    assert store.save(path, CONTENT, {"values": np.array([1.0, np.nan, 3.0])}) is None
    return path.read_bytes()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """Description and arrays come back to the last bit, in a folder that is made where it is missing."""
    saved(tmp_path / "new" / "store.npz")
    loaded = store.load(tmp_path / "new" / "store.npz")
    assert loaded is not None
    assert loaded[0] == CONTENT
    np.testing.assert_array_equal(loaded[1]["values"], [1.0, np.nan, 3.0])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_cut_off_store_is_none(share: float, tmp_path: Path) -> None:
    """Whatever is left of it."""
    path = tmp_path / "store.npz"
    whole = saved(path)
    path.write_bytes(whole[: int(share * len(whole))])
    assert store.load(path) is None


def test_no_bit_may_change(tmp_path: Path) -> None:
    """A store that was damaged anywhere is not read."""
    path = tmp_path / "store.npz"
    whole = saved(path)
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert store.load(path) is None


def test_a_missing_store_is_none(tmp_path: Path) -> None:
    """As is a folder in its place."""
    (tmp_path / "folder").mkdir()
    assert store.load(tmp_path / "nothing") is None
    assert store.load(tmp_path / "folder") is None


def test_a_store_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    """It only saves time: no error, but a reason."""
    (tmp_path / "file").write_text("")
    failure = store.save(tmp_path / "file" / "store.npz", CONTENT, {})
    assert failure is not None
    assert "file" in failure
