import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.errors import MissingDataError
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.original import load_original
from machmeter_workloads.loaders.planner import auto, race, survey
from machmeter_workloads.loaders.planner.choice import choose
from machmeter_workloads.loaders.planner.race import race as run_race
from machmeter_workloads.loaders.planner.rates import NodeRates, StrategyRates
from machmeter_workloads.loaders.planner.stopwatch import RepeatedCubes, Timing, time_once, time_steadily
from machmeter_workloads.loaders.planner.storage_rate import measure_storage
from machmeter_workloads.loaders.planner.survey import sample_formats
from machmeter_workloads.loaders.thread_strategies import THREAD_STRATEGIES
from machmeter_workloads.storage import page_cache

SETTINGS = LoaderSettings(batch_size=2, seed=7, augment=False)
ORIGINAL = THREAD_STRATEGIES["threads_original"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is tested here is not how well it measures."""
    monkeypatch.setattr(survey, "MEASURE_S", 0.001)
    monkeypatch.setattr(race, "MEASURE_S", 0.001)
    yield
    auto._remembered.cache_clear()


@pytest.fixture
def only_original(cubes: CubeSet, tmp_path: Path) -> CubeSet:
    for name in ("original", "masks"):
        shutil.copytree(cubes.folder / name, tmp_path / "few" / name)
    return replace(cubes, folder=tmp_path / "few")


def forever() -> float:
    return time.monotonic() + 1000


def test_everything_that_was_made_is_measured(cubes: CubeSet) -> None:
    """All strategies, each with what a cube of its format weighs and costs."""
    rates = survey.survey(sample_formats(cubes), SETTINGS, forever())
    assert [each.strategy for each in rates.strategies] == list(THREAD_STRATEGIES)
    for each in rates.strategies:
        assert each.made
        assert min(each.alone_cpu_s, each.together_cpu_s) > 0
        files = [cubes.cube_path(each.format_name, index) for index in range(5)]
        masks = [cubes.mask_path(index) for index in range(5)]
        assert each.file_bytes == sum(path.stat().st_size for path in files + masks) / 5
        assert 0 <= each.cold_share <= 1


def test_what_was_not_made_is_tried_and_thrown_away(
    only_original: CubeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cube is converted in the folder for temporary files, which is empty afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rates = survey.survey(sample_formats(only_original), SETTINGS, forever())
    assert {each.strategy: each.made for each in rates.strategies} == {
        "threads_original": True,
        "mapped": False,
        "raw16": False,
        "threads_lz4": False,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["few"]
    assert [path.name for path in (tmp_path / "few").iterdir()] == ["masks", "original"] or [
        path.name for path in (tmp_path / "few").iterdir()
    ] == ["original", "masks"]


def test_windows_are_tried_if_a_window_is_wanted(only_original: CubeSet) -> None:
    """For whole cubes nobody would convert to tiles."""
    rates = survey.survey(sample_formats(only_original), replace(SETTINGS, crop=(8, 8)), forever())
    assert "windows" in [each.strategy for each in rates.strategies]


def test_without_time_one_strategy_is_measured(cubes: CubeSet) -> None:
    """The one that is the best on most nodes."""
    rates = survey.survey(sample_formats(cubes), SETTINGS, time.monotonic() - 1)
    assert [each.strategy for each in rates.strategies] == ["mapped"]


def test_a_pace_is_the_storage_that_is_planned_for(cubes: CubeSet) -> None:
    """It counts cached bytes, too, and mapped pages cannot be paced."""
    rates = survey.survey(sample_formats(cubes), replace(SETTINGS, bytes_per_s=1e6), forever())
    assert rates.storage_bytes_per_s == rates.reader_bytes_per_s == 1e6
    assert {each.cold_share for each in rates.strategies} == {1.0}
    assert "mapped" not in [each.strategy for each in rates.strategies]
    # Measured without the pace, at which a cube would take 20 ms.
    assert min(each.alone_cpu_s for each in rates.strategies) < 0.02


def test_a_cold_cache_is_left_cold(cubes: CubeSet) -> None:
    """What is chosen for files that are not in memory must not bring them there."""
    paths = [cubes.cube_path("raw16", index) for index in range(5)]
    page_cache.drop(paths)
    if max(map(page_cache.resident, paths)) > 0:
        pytest.skip("this file system lives in memory")
    samples = {"raw16": sample_formats(cubes)["raw16"]}
    rates = survey.survey(samples, SETTINGS, time.monotonic() - 1)
    assert rates.strategies[0].cold_share == 1
    assert math.isfinite(rates.storage_bytes_per_s)
    assert max(map(page_cache.resident, paths)) == 0


def test_the_storage_is_measured_by_reading(cubes: CubeSet) -> None:
    """One reader, and several; together they are never slower."""
    paths = [cubes.cube_path("raw16", index) for index in range(5)]
    rate = measure_storage(paths, readers=2, seconds=0.01)
    assert 0 < rate.one <= rate.all
    assert measure_storage(paths[:1], readers=2, seconds=0.01).all > 0


def test_repeated_cubes_are_the_first_ones(cubes: CubeSet) -> None:
    """However long the series, it has so many files; and they must be there."""
    repeated = RepeatedCubes.of(cubes, 3)
    assert {repeated.cube_path("raw16", index) for index in range(30)} == {
        cubes.cube_path("raw16", index) for index in range(3)
    }
    assert RepeatedCubes.of(cubes, 30).distinct == 5
    with pytest.raises(MissingDataError):
        RepeatedCubes.of(replace(cubes, folder=Path("nowhere")), 3).require("raw16")


def test_a_timing_is_that_of_a_cube(cubes: CubeSet) -> None:
    """Twenty milliseconds of pace a cube are found again, whether loading goes on or comes to an end."""
    total = sum(cubes.cube_path("original", index).stat().st_size for index in range(5)) / 5
    paced = replace(SETTINGS, workers=1, bytes_per_s=total / 0.02)
    steady = time_steadily(RepeatedCubes.of(cubes, 5), ORIGINAL, paced, slots=2, seconds=0.2)
    once = time_once(cubes, ORIGINAL, paced, slots=2)
    for timing in (steady, once):
        assert 0.015 < timing.wall_s < 0.1
        assert timing.cpu_s < timing.wall_s


def rates_of(**milliseconds: float) -> NodeRates:
    strategies = tuple(
        StrategyRates(name, THREAD_STRATEGIES[name].format_name, True, 1e6, 0, ms / 1e3, ms / 1e3)  # noqa: FBT003
        for name, ms in milliseconds.items()
    )
    return NodeRates(1, strategies)


def test_the_quickest_of_several_runs_counts(cubes: CubeSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was disturbed does not lose the race, and the prediction does not win it."""
    runs = {"raw16": iter([5.0, 0.9, 5.0]), "mapped": iter([1.0, 1.0, 1.0])}

    def scripted(cubes: Any, strategy: Any, *_: Any) -> Timing:
        name = "mapped" if strategy is THREAD_STRATEGIES["mapped"] else "raw16"
        return Timing(next(runs[name]), 0)

    monkeypatch.setattr(race, "time_steadily", scripted)
    monkeypatch.setattr(race, "time_once", scripted)
    plan = choose(rates_of(mapped=1.0, raw16=1.2), batch_size=2)
    raced = run_race(plan, sample_formats(cubes), SETTINGS, forever())
    assert plan.chosen.strategy == "mapped"
    assert (raced.chosen.strategy, raced.chosen.measured_s) == ("raw16", 0.9)


def test_who_cannot_run_in_time_does_not_start(cubes: CubeSet) -> None:
    """The prediction stands."""
    plan = choose(rates_of(mapped=1.0, raw16=1.2), batch_size=2)
    assert run_race(plan, sample_formats(cubes), SETTINGS, time.monotonic()) is plan


def test_auto_delivers_what_original_delivers(cubes: CubeSet) -> None:
    """Whatever it chose, and it says what."""
    settings = replace(SETTINGS, augment=True)
    with (
        closing(load_original(cubes, settings)) as original,
        closing(auto.load_auto(cubes, settings)) as loader,
    ):
        assert isinstance(loader, auto.AutoLoader)
        assert loader.plan.chosen.strategy in THREAD_STRATEGIES
        assert loader.plan.why().startswith(f"{loader.plan.chosen}: ")
        for one, other in zip(loader.epoch(2), original.epoch(2), strict=True):
            assert torch.equal(one.indices, other.indices)
            torch.testing.assert_close(one.cubes, other.cubes, rtol=0, atol=2**-10)


def test_a_plan_is_remembered_for_other_epochs_and_seeds(
    cubes: CubeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds are spent once a process, data set and kind of loading."""
    made: list[LoaderSettings] = []
    plan = auto.plan(cubes, SETTINGS)

    def counted(cubes: CubeSet, settings: LoaderSettings) -> Any:
        made.append(settings)
        return plan

    monkeypatch.setattr(auto, "plan", counted)
    for settings in (SETTINGS, replace(SETTINGS, seed=8, augment=True), replace(SETTINGS, crop=(8, 8))):
        auto.load_auto(cubes, settings).close()
    assert [each.crop for each in made] == [None, (8, 8)]


def test_nothing_to_choose_from_is_said(cubes: CubeSet, tmp_path: Path) -> None:
    """A data set that was not made names a file of it."""
    with pytest.raises(MissingDataError, match=r"original/00000\.dat does not exist"):
        auto.load_auto(replace(cubes, folder=tmp_path), SETTINGS)
