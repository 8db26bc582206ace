from contextlib import closing
from dataclasses import replace

import pytest

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import MissingDataError, UnknownNameError
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.paths import ROUTES, chosen_strategy, path_of, peer_path
from machmeter_workloads.loaders.reading import read_epoch
from machmeter_workloads.loaders.registry import STRATEGIES, open_loader

SETTINGS = LoaderSettings(batch_size=2, augment=False)
VALUES = 24 * 32 * 10


def file_bytes(cubes: CubeSet, format_name: str) -> float:
    """The slow way: every file, one by one."""
    located = [cubes.cube_path(format_name, index) for index in range(cubes.count)]
    located += [cubes.mask_path(index) for index in range(cubes.count)]
    return sum(len(path.read_bytes()) for path in located) / cubes.count


def test_every_strategy_has_a_route() -> None:
    """All but the planner, which takes one of the others."""
    assert {*ROUTES, "auto"} == {*STRATEGIES}


@pytest.mark.parametrize("strategy", ROUTES)
def test_a_strategys_format_is_the_one_that_it_reads(strategy: str, cubes: CubeSet) -> None:
    """Where the files of another format are gone, the loader opens and delivers all the same."""
    spared = {ROUTES[strategy].format_name, "masks"}
    folder = cubes.folder.parent / f"only-{strategy}"
    for name in spared:
        (folder / name).mkdir(parents=True)
        for path in (cubes.folder / name).iterdir():
            (folder / name / path.name).symlink_to(path)
    with closing(open_loader(strategy, replace(cubes, folder=folder), SETTINGS)) as loader:
        assert read_epoch(loader).items == cubes.count


def test_compressed_half_precision_is_read_decoded_and_widened(cubes: CubeSet) -> None:
    """The file's real bytes, two bytes a value out of the codec, four into the batch."""
    assert path_of("threads_fp16", cubes, SETTINGS) == {
        "page_cache_read": file_bytes(cubes, "fp16"),
        "decode_zstd9_f16": 2 * VALUES,
        "widen_f16_f32_torch": 4 * VALUES,
    }


def test_what_lies_there_as_it_is_needed_is_only_copied(cubes: CubeSet) -> None:
    """The camera's files hold float32: nothing is decoded, nothing widened."""
    assert path_of("original", cubes, SETTINGS) == {
        "page_cache_read": file_bytes(cubes, "original"),
        "memcpy": 4 * VALUES,
    }


def test_a_map_reads_nothing_but_from_a_cold_storage(cubes: CubeSet) -> None:
    """Its pages are the page cache's; what is not there must be fetched."""
    raw = file_bytes(cubes, "raw16")
    assert path_of("mapped", cubes, SETTINGS) == {"widen_f16_f32_torch": 4 * VALUES}
    assert path_of("mapped", cubes, SETTINGS, cold=True)["cold_read"] == raw


def test_a_pace_takes_the_seconds_of_its_bytes(cubes: CubeSet) -> None:
    """A paced map is read, as the strategy itself says."""
    path = path_of("mapped", cubes, replace(SETTINGS, bytes_per_s=1e6))
    raw = file_bytes(cubes, "raw16")
    assert (path["pace"], path["page_cache_read"]) == (raw / 1e6, raw)


@pytest.mark.parametrize(("strategy", "crossing"), [("ring_buffer", 2), ("threads_blosc", 4)])
def test_what_crosses_to_a_device_is_on_the_path(strategy: str, crossing: int, cubes: CubeSet) -> None:
    """Half precision crosses as it is and is widened there, where it costs no processor."""
    path = path_of(strategy, cubes, replace(SETTINGS, device="cuda"))
    assert path["host_to_device"] == crossing * VALUES
    assert "widen_f16_f32_torch" not in path


def test_a_crop_has_no_path(cubes: CubeSet) -> None:
    """What must be decoded depends on where the window lies."""
    assert path_of("windows", cubes, replace(SETTINGS, crop=(8, 8))) == {}


def test_another_project_widens_at_least(cubes: CubeSet) -> None:
    """Its files hold float16, and most loaders map them."""
    assert peer_path(cubes) == {"widen_f16_f32_torch": 4 * VALUES}


def test_an_unknown_strategy_is_refused(cubes: CubeSet) -> None:
    """The error lists those that have a path."""
    with pytest.raises(UnknownNameError, match="threads_lz4"):
        path_of("auto", cubes, SETTINGS)


def test_a_format_that_was_not_made_is_named(cubes: CubeSet) -> None:
    """Sizes are those of files that are there."""
    empty = replace(cubes, folder=cubes.folder / "nothing")
    with pytest.raises(MissingDataError, match="nothing/raw16/00000"):
        path_of("raw16", empty, SETTINGS)


def test_the_planner_has_the_path_of_what_it_chose(cubes: CubeSet) -> None:
    """Any other loader keeps the name under which it was opened."""
    with closing(open_loader("auto", cubes, SETTINGS)) as loader:
        assert chosen_strategy("auto", loader) in ROUTES
    with closing(open_loader("blosc", cubes, SETTINGS)) as loader:
        assert chosen_strategy("blosc", loader) == "blosc"


def test_an_epochs_work_carries_the_path(cubes: CubeSet) -> None:
    """It is handed on as it is, and no part of what was computed."""
    path = path_of("raw16", cubes, SETTINGS)
    with closing(open_loader("raw16", cubes, SETTINGS)) as loader:
        with_path, without = read_epoch(loader, path=path), read_epoch(loader)
    assert (with_path.path, without.path) == (path, {})
    assert with_path.result == without.result
