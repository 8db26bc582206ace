from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from machmeter_workloads.data.cube_set import CubeSet
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.paths import ROUTES, path_of

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def limits() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import loader_limits  # type: ignore[import-not-found]

        yield loader_limits


def test_every_limit_on_a_path_is_measured_on_the_same_data(limits: Any, cubes: CubeSet) -> None:
    """So that each row of a strategy in a warm page cache has its Mach from the same run."""
    measured = {name: limits.measure(name, cubes, 2) for name in limits.LIMITS}
    assert all(each["cpu_s"] > 0 and each["wall_s"] > 0 for each in measured.values())
    amounts = {limit: amount for each in measured.values() for limit, amount in each["limit"].items()}
    for strategy in ROUTES:
        path = path_of(strategy, cubes, LoaderSettings())
        assert set(path) <= set(amounts)
        for limit in set(path) - {"page_cache_read", "memcpy"}:
            assert path[limit] == amounts[limit]
