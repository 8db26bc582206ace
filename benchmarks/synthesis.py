"""How fast texture metamers are synthesized."""

import torch

from machmeter_workloads.synthesis import MetamerSynthesis

from .grid import grid

ITERATIONS = {"adam": 20, "lbfgs": 3}


class Synthesis:
    """A few iterations of metamer synthesis from noise; seconds an iteration of the optimizer."""

    params = (["adam", "lbfgs"], grid(small=[64], full=[64, 128, 256]))
    param_names = ("optimizer", "size")
    timeout = 300

    def setup(self, optimizer, size):
        torch.set_num_threads(1)
        self.synthesis = MetamerSynthesis(size, optimizer, ITERATIONS[optimizer])

    def timeitem_metamer(self, *_parameters):
        return self.synthesis.run()
