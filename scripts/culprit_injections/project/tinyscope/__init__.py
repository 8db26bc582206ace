"""Analyses small microscopy stacks: reads, segments, measures, tabulates, learns."""

from .config import Settings
from .dataset import Patches, StackDataset
from .disk import Disk
from .model import Network, Trainer
from .phantom import make_patches, make_rows, make_stack
from .pipeline import analyse_frame, load_series, load_stack, tabulate
from .readers import Frame, StackReader

__all__ = [
    "Disk",
    "Frame",
    "Network",
    "Patches",
    "Settings",
    "StackDataset",
    "StackReader",
    "Trainer",
    "analyse_frame",
    "load_series",
    "load_stack",
    "make_patches",
    "make_rows",
    "make_stack",
    "tabulate",
]
