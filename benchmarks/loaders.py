"""How fast each loading strategy delivers cubes and photographs."""

import torch

from machmeter_workloads.data.cube_set import make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.reading import read_epoch
from machmeter_workloads.loaders.registry import STRATEGIES, open_loader

from .grid import FULL, grid

try:
    from machmeter_workloads.loaders import paths
except ImportError:  # a commit from before the paths
    paths = None

SMALL = "120x160x100"
LARGE = "240x320x100"
CUBES = {SMALL: 8, LARGE: 4}
HTC = ["original", "blosc", "fp16", "gpu_aug", "ring_buffer"]
OURS = ["threads_blosc", "threads_lz4", "mapped"]
MORE = ["threads_original", "threads_fp16", "raw16", "windows", "auto"]


def require(strategy):
    """Leave out what a commit does not have yet."""
    if strategy not in STRATEGIES:
        raise NotImplementedError


def needs(strategy, loader, cubes, settings, *, cold=False):
    """Say what a cube needs at least, as what read_epoch takes; a commit may not know it yet."""
    if paths is None:
        return {}
    chosen = paths.chosen_strategy(strategy, loader)
    return {"path": paths.path_of(chosen, cubes, settings, cold=cold)}


class Loaders:
    """One epoch of loading, augmentation included, without a network; seconds a cube."""

    params = (HTC + OURS + grid([], MORE), [0, 2], [SMALL])
    param_names = ("strategy", "workers", "size")
    timeout = 300

    def setup_cache(self):
        make_cube_set(CubeSpec.from_size(SMALL), CUBES[SMALL])

    # Zstandard's highest level takes 2 CPU seconds a cube, once on every computer.
    setup_cache.timeout = 1800

    def setup(self, strategy, workers, size):
        require(strategy)
        torch.set_num_threads(1)
        cubes = make_cube_set(CubeSpec.from_size(size), CUBES[size])
        settings = LoaderSettings(workers=workers)
        self.loader = open_loader(strategy, cubes, settings)
        self.needs = needs(strategy, self.loader, cubes, settings)

    def timeitem_epoch(self, *_parameters):
        return read_epoch(self.loader, **self.needs)

    def teardown(self, *_parameters):
        if hasattr(self, "loader"):
            self.loader.close()


if FULL:
    from machmeter_workloads.loaders.peers.formats import make_peer_format
    from machmeter_workloads.loaders.peers.registry import PEERS
    from machmeter_workloads.storage.page_cache import drop

    #: HTC's two storages, bytes a second; 1000mb is what a share of a network gives.
    STORAGES = {"unlimited": None, "1000mb": 1e9}

    class LargeLoaders(Loaders):
        """The same over four times as many pixels; a class of its own: nobody else waits for its data."""

        params = (HTC + OURS + MORE, [0, 1, 2, 4], [LARGE])

        def setup_cache(self):
            make_cube_set(CubeSpec.from_size(LARGE), CUBES[LARGE])

        # Four times as many pixels, 9 CPU seconds a cube.
        setup_cache.timeout = 1800

    class PacedLoaders(LargeLoaders):
        """HTC's two storages, with a page cache that is warm or cold; not augmented."""

        params = (HTC + OURS, [2], [LARGE], list(STORAGES), ["warm", "cold"])
        param_names = ("strategy", "workers", "size", "storage", "page_cache")
        # Before every sample: an epoch warms the cache.
        number = 1
        repeat = 1
        warmup_time = 0

        def setup(self, strategy, workers, size, storage, page_cache):
            require(strategy)
            torch.set_num_threads(1)
            cubes = make_cube_set(CubeSpec.from_size(size), CUBES[size])
            pace = STORAGES[storage]
            settings = LoaderSettings(workers=workers, augment=False, bytes_per_s=pace)
            self.loader = open_loader(strategy, cubes, settings)
            self.needs = needs(strategy, self.loader, cubes, settings, cold=page_cache == "cold")
            if page_cache == "cold":
                drop(sorted(cubes.folder.rglob("*.*")))

    class Peers(LargeLoaders):
        """Other projects' loaders over the same cubes; not augmented."""

        params = (sorted(PEERS), [2], [LARGE])

        def setup(self, strategy, workers, size):
            torch.set_num_threads(1)
            cubes = make_cube_set(CubeSpec.from_size(size), CUBES[size])
            settings = LoaderSettings(workers=workers, augment=False)
            make_peer_format(PEERS[strategy].format_for(settings), cubes)
            self.loader = PEERS[strategy](cubes, settings)
            self.needs = {} if paths is None else {"path": paths.peer_path(cubes)}
