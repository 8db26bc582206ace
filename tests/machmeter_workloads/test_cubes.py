from pathlib import Path

import numpy as np

from machmeter_workloads.data.cubes import MATERIALS, CubeSpec, make_cube
from machmeter_workloads.storage.formats import FORMATS

SPEC = CubeSpec(24, 32, 10)


def test_a_cube_has_its_shape_and_types() -> None:
    """A cube is (H, W, bands) float32, and its mask (H, W) uint8."""
    cube, mask = make_cube(SPEC, 0)
    assert (cube.shape, cube.dtype) == ((24, 32, 10), np.dtype("float32"))
    assert (mask.shape, mask.dtype) == ((24, 32), np.dtype("uint8"))


def test_the_same_spec_and_index_give_the_same_cube() -> None:
    """Nothing but the spec and the index decides a cube."""
    np.testing.assert_equal(make_cube(SPEC, 3), make_cube(SPEC, 3))


def test_another_index_or_seed_gives_another_cube() -> None:
    """Index and seed both reach the values."""
    cube = make_cube(SPEC, 0)[0]
    assert not np.array_equal(cube, make_cube(SPEC, 1)[0])
    assert not np.array_equal(cube, make_cube(CubeSpec(24, 32, 10, seed=1), 0)[0])


def test_a_cube_looks_like_reflectance() -> None:
    """Values are finite, not negative and of the order of one."""
    cube, _ = make_cube(SPEC, 0)
    assert np.isfinite(cube).all()
    assert 0 <= cube.min() < cube.mean() < cube.max() < 3


def test_every_material_appears() -> None:
    """A network has several classes to learn."""
    _, mask = make_cube(SPEC, 0)
    assert set(np.unique(mask)) == set(range(MATERIALS))


def test_half_precision_compresses_as_cubes_of_htc_do(tmp_path: Path) -> None:
    """The float16 file is smaller than its values by a factor near HTC's 1.7."""
    cube, _ = make_cube(CubeSpec(120, 160, 100), 0)
    FORMATS["fp16"].write(tmp_path / "cube.blosc", cube)
    ratio = cube.size * 2 / (tmp_path / "cube.blosc").stat().st_size
    assert 1.65 < ratio < 1.75


def test_a_size_is_read_as_the_benchmarks_write_it() -> None:
    """The string names height, width and bands in this order."""
    assert CubeSpec.from_size("120x160x100") == CubeSpec(height=120, width=160, bands=100)


def test_the_folder_of_a_spec_has_a_stable_name() -> None:
    """Two commits find each other's data."""
    assert CubeSpec(120, 160, 100).identifier == "cubes-120x160x100-seed0-v1"
