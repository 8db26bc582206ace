"""How fast each loading strategy delivers cubes."""

import torch

from machmeter_workloads.data.cube_set import make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.reading import read_epoch
from machmeter_workloads.loaders.registry import open_loader

from .grid import FULL

SMALL = "120x160x100"
LARGE = "240x320x100"
CUBES = {SMALL: 8, LARGE: 4}


class Loaders:
    """One epoch of loading, augmentation included, without a network; seconds a cube."""

    params = (["original", "blosc", "fp16"], [0, 2], [SMALL])
    param_names = ("strategy", "workers", "size")
    timeout = 300

    def setup_cache(self):
        make_cube_set(CubeSpec.from_size(SMALL), CUBES[SMALL])

    # Zstandard's highest level takes 2 CPU seconds a cube, once on every computer.
    setup_cache.timeout = 1800

    def setup(self, strategy, workers, size):
        torch.set_num_threads(1)
        cubes = make_cube_set(CubeSpec.from_size(size), CUBES[size])
        self.loader = open_loader(strategy, cubes, LoaderSettings(workers=workers))

    def timeitem_epoch(self, *_parameters):
        return read_epoch(self.loader)

    def teardown(self, *_parameters):
        self.loader.close()


if FULL:

    class LargeLoaders(Loaders):
        """The same over four times as many pixels; a class of its own: nobody else waits for its data."""

        params = (["original", "blosc", "fp16"], [0, 2], [LARGE])

        def setup_cache(self):
            make_cube_set(CubeSpec.from_size(LARGE), CUBES[LARGE])

        # Four times as many pixels, 9 CPU seconds a cube.
        setup_cache.timeout = 1800
