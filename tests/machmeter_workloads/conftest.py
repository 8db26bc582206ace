import contextlib
import resource
from collections.abc import Callable, Iterator

import pytest
import torch

from machmeter_workloads.data.cube_set import CubeSet, make_cube_set
from machmeter_workloads.data.cubes import CubeSpec


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> CubeSet:
    return make_cube_set(CubeSpec(24, 32, 10), count=5, directory=tmp_path_factory.mktemp("data"))


@contextlib.contextmanager
def _full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """The limit holds inside the ``with`` alone: pytest's own output may go to a file, too."""
    return _full_disk
