"""How fast a network trains on what each loading strategy delivers."""

import torch

from machmeter_workloads.data.cube_set import make_cube_set
from machmeter_workloads.data.cubes import CubeSpec
from machmeter_workloads.epochs import TrainingRun
from machmeter_workloads.loaders.contract import LoaderSettings
from machmeter_workloads.loaders.registry import open_loader

from .grid import grid

SPEC = CubeSpec.from_size("120x160x100")
CUBES = 8


class Epochs:
    """The grid and the training run that both questions share."""

    params = (["original", "blosc", "fp16"], grid(small=[0], full=[0, 2]))
    param_names = ("strategy", "workers")
    timeout = 300

    def setup_cache(self):
        make_cube_set(SPEC, CUBES)

    # Zstandard's highest level takes 2 CPU seconds a cube, once on every computer.
    setup_cache.timeout = 1800

    def setup(self, strategy, workers):
        torch.set_num_threads(1)
        loader = open_loader(strategy, make_cube_set(SPEC, CUBES), LoaderSettings(workers=workers))
        self.run = TrainingRun(loader, SPEC.bands)

    def teardown(self, *_parameters):
        self.run.close()


class FirstEpoch(Epochs):
    """A cold epoch: workers start and memory is allocated within it; seconds a cube."""

    warmup = 0
    repeat = 1

    def timeitem_epoch(self, *_parameters):
        return self.run.epoch()


class LaterEpochs(Epochs):
    """The second epoch, always from the same weights; seconds a cube."""

    repeat = 3

    def setup(self, strategy, workers):
        super().setup(strategy, workers)
        self.run.epoch()
        self.run.keep()

    def timeitem_epoch(self, *_parameters):
        return self.run.repeat_epoch()
