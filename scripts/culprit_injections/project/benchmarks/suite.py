"""What tinyscope does for its users, at sizes of some milliseconds."""

# ruff: noqa: ANN201, D102, D103

import numpy as np
import tinyscope

SETTINGS = """
sigma = 1.2     # of the blur
tile = 12
tolerance = 30
smallest = 12
"""


class Read:
    """Decoding a stack from memory."""

    def setup(self):
        self.buffer = tinyscope.make_stack(frames=16, size=128, count=30)

    def time_read(self):
        tinyscope.load_stack(self.buffer)


class Segment:
    """From an image to a description of its cells."""

    def setup(self):
        buffer = tinyscope.make_stack(frames=1, size=208, count=45)
        self.image = tinyscope.load_stack(buffer)[0].image

    def time_segment(self):
        tinyscope.analyse_frame(self.image, SETTINGS)


class Tabulate:
    """Text and statistics."""

    def setup(self):
        self.rows, self.conditions = tinyscope.make_rows(400, 100)

    def time_tabulate(self):
        tinyscope.tabulate(self.rows, self.conditions)


class Train:
    """Learning in one process."""

    def setup(self):
        images, targets = tinyscope.make_patches(count=64, size=28, classes=4)
        self.patches = tinyscope.Patches(images, targets, crop=24)

    def time_train(self):
        network = tinyscope.Network((72, 32, 4))
        tinyscope.Trainer(network).fit(self.patches, epochs=1)


class Loader:
    """Decoding and augmenting in worker processes."""

    def setup(self):
        if hasattr(self, "loader"):  # its workers live as long as the process
            return
        import torch  # noqa: PLC0415 - takes seconds, and no other benchmark needs it
        from tinyscope.dataset import collate  # noqa: PLC0415 - beside it

        dataset = tinyscope.StackDataset(tinyscope.make_stack(frames=24, size=128, count=24), crop=112)
        self.loader = torch.utils.data.DataLoader(
            dataset, batch_size=4, num_workers=2, collate_fn=collate, persistent_workers=True
        )
        for _ in self.loader:
            pass

    def time_epoch(self):
        for images, targets in self.loader:
            np.count_nonzero(targets > images.mean())


class Series:
    """Small files on a slow disk."""

    def setup(self):
        stacks = {f"stack-{number}": tinyscope.make_stack(1, 64, 6, number) for number in range(8)}
        self.disk = tinyscope.Disk(stacks, block=4096)
        self.names = list(stacks)

    def time_series(self):
        tinyscope.load_series(self.disk, self.names)


def timeraw_import():
    return "import tinyscope", "import numpy.random"
