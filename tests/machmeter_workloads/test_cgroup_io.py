import os
from pathlib import Path

import pytest

from machmeter_workloads.storage.cgroup_io import CgroupRefusedError, limited_reading


class Tree:
    """What the kernel shows under /sys and /proc/self, for a folder on the partition of a disk."""

    def __init__(self, root: Path) -> None:
        self.sys, self.process, self.data = root / "sys", root / "self", root / "data"
        for folder in (self.group, self.sys / "dev/block", self.partition, self.process, self.data):
            folder.mkdir(parents=True)
        (self.process / "cgroup").write_text("4:memory:/old\n0::/user.slice/job\n")
        self.limits.touch()
        (self.partition / "partition").write_text("1\n")
        (self.partition / "dev").write_text("259:3\n")
        (self.partition.parent / "dev").write_text("259:2\n")
        number = self.data.stat().st_dev
        self.link = self.sys / f"dev/block/{os.major(number)}:{os.minor(number)}"
        self.link.symlink_to(self.partition)

    @property
    def group(self) -> Path:
        return self.sys / "fs/cgroup/user.slice/job"

    @property
    def limits(self) -> Path:
        return self.group / "io.max"

    @property
    def partition(self) -> Path:
        return self.sys / "devices/nvme0n1/nvme0n1p1"

    def limited(self) -> object:
        with limited_reading(self.data, 1e9, self.sys, self.process):
            return self.limits.read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_whole_disk_is_limited_and_freed_again(tree: Tree) -> None:
    """The kernel takes no partitions; the limit ends with the block."""
    assert tree.limited() == "259:2 rbps=1000000000"
    assert tree.limits.read_text() == "259:2 rbps=max"


def test_a_limit_ends_with_an_error_too(tree: Tree) -> None:
    """Nobody else is slowed down by what failed here."""
    with pytest.raises(KeyError), limited_reading(tree.data, 1e9, tree.sys, tree.process):
        raise KeyError
    assert tree.limits.read_text() == "259:2 rbps=max"


def test_the_first_version_of_cgroups_is_refused(tree: Tree) -> None:
    """The error says what to do instead."""
    (tree.process / "cgroup").write_text("4:memory:/old\n")
    with pytest.raises(
        CgroupRefusedError, match=r"in no cgroup of the second version\..*bytes_per_s instead"
    ):
        tree.limited()


def test_a_group_without_the_controller_is_refused(tree: Tree) -> None:
    """So is the root, which has no limits."""
    tree.limits.unlink()
    with pytest.raises(CgroupRefusedError, match=r"user\.slice/job has no io\.max"):
        tree.limited()


def test_a_folder_without_a_disk_is_refused(tree: Tree) -> None:
    """Memory, overlays and the network have none."""
    tree.link.unlink()
    with pytest.raises(CgroupRefusedError, match=r"data lies on no disk of its own"):
        tree.limited()


def test_a_missing_permission_is_told(tree: Tree) -> None:
    """A folder in the file's place refuses root, too."""
    tree.limits.unlink()
    tree.limits.mkdir()
    with pytest.raises(
        CgroupRefusedError, match=r"io\.max refuses '259:2 rbps=1000000000' \(Is a directory\)"
    ):
        tree.limited()
