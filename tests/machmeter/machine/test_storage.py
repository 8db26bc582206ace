from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from machmeter.machine.storage import storage

ATA = "devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0/block/sda"
NVME = "devices/pci0000:00/nvme/nvme0/nvme0n1"
VIRTIO = "devices/pci0000:00/virtio2/block/vda"
SCSI = "devices/platform/host0/target0:0:0/0:0:0:0/block/sdb"
MAPPED = "devices/virtual/block/dm-0"

#: Folder of a disk, what is written in it, expected kind, rotational, scheduler, model.
DISKS = [
    (NVME, {"queue/rotational": "0", "queue/scheduler": "[none] bfq", "device/model": "ACME SSD 2TB   "},
     ("nvme", "no", "none", "ACME SSD 2TB")),
    (ATA, {"queue/rotational": "0", "queue/scheduler": "none [mq-deadline] bfq", "device/model": "ACME SATA"},
     ("sata-ssd", "no", "mq-deadline", "ACME SATA")),
    (ATA, {"queue/rotational": "1", "queue/scheduler": "none mq-deadline [bfq]"},
     ("hdd", "yes", "bfq", "unknown")),
    (SCSI, {"queue/rotational": "0", "queue/scheduler": "none"}, ("ssd", "no", "none", "unknown")),
    (SCSI, {}, ("unknown", "unknown", "unknown", "unknown")),
    (SCSI, {"queue/rotational": "-7", "queue/scheduler": "\x00", "device/model": "A\x07B"},
     ("unknown", "unknown", "unknown", "unknown")),
    (VIRTIO, {"queue/rotational": "1", "queue/scheduler": "[mq-deadline] none"},
     ("virtio", "yes", "mq-deadline", "unknown")),
    ("devices/pci/usb1/1-1/block/sdc", {"queue/rotational": "1"}, ("usb", "yes", "unknown", "unknown")),
    ("devices/virtual/block/loop0", {"queue/rotational": "0"}, ("loop", "no", "unknown", "unknown")),
]  # fmt: skip

Described = Callable[..., dict[str, str]]


@pytest.fixture
def described(tmp_path: Path) -> Described:
    """Lay out /proc/self/mountinfo and a sysfs, and describe the folder "data" that is mounted."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "proc").mkdir()

    def describe(
        filesystem: str, source: str = "/dev/x", device: str = "8:1", below: str = ""
    ) -> dict[str, str]:
        root = "1 0 0:1 / / rw - rootfs rootfs rw\n"
        lines = f"{root}2 1 {device} / {data} rw shared:1 - {filesystem} {source} rw\n"
        (tmp_path / "proc/mountinfo").write_text(lines, encoding="utf-8")
        return storage(data / below, tmp_path / "proc", tmp_path / "sys")

    return describe


def disk(sys: Path, folder: str, files: Mapping[str, str], number: str = "8:1") -> Path:
    """Make a disk in sysfs that has this number."""
    for name, text in files.items():
        (sys / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (sys / folder / name).write_text(text + "\n", encoding="utf-8")
    (sys / folder).mkdir(parents=True, exist_ok=True)
    for link in (sys / "dev/block" / number, sys / "class/block" / Path(folder).name):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(sys / folder)
    return sys / folder


@pytest.mark.parametrize(("folder", "files", "expected"), DISKS)
def test_disk(
    folder: str, files: dict[str, str], expected: tuple[str, ...], described: Described, tmp_path: Path
) -> None:
    """A disk is known by its name, its place in sysfs and whether it rotates."""
    disk(tmp_path / "sys", folder, files)
    found = described("ext4")
    assert tuple(found.values()) == ("ext4", *expected)


@pytest.mark.parametrize(
    ("filesystem", "source", "expected"),
    [
        ("nfs4", "server.example.org:/home/somebody", "nfs"),
        ("tmpfs", "tmpfs", "tmpfs"),
        ("overlay", "overlay", "overlay"),
        ("lustre", "10.0.0.1@o2ib:/scratch", "lustre"),
        ("fuse.sshfs", "somebody@server:/data", "fuse"),
        ("proc", "proc", "unknown"),
    ],
)
def test_without_a_disk(filesystem: str, source: str, expected: str, described: Described) -> None:
    """A file system without a disk is its own kind, and neither server nor owner is named."""
    found = described(filesystem, source, "0:44")
    assert (found["filesystem"], found["kind"], found["rotational"]) == (filesystem, expected, "unknown")
    assert "server" not in str(found)
    assert "somebody" not in str(found)


def test_partition_is_its_disk(described: Described, tmp_path: Path) -> None:
    """A partition has the facts of the disk that it is on."""
    real = disk(tmp_path / "sys", ATA, {"queue/rotational": "0"}, number="8:0")
    (real / "sda1").mkdir()
    (real / "sda1/partition").write_text("1\n", encoding="utf-8")
    (tmp_path / "sys/dev/block/8:1").symlink_to(real / "sda1")
    assert described("xfs")["kind"] == "sata-ssd"


@pytest.mark.parametrize(("folders", "expected"), [([NVME], "nvme"), ([NVME, ATA], "hdd+nvme")])
def test_mapped_device_is_what_it_is_made_of(
    folders: list[str], expected: str, described: Described, tmp_path: Path
) -> None:
    """Behind LVM or RAID stand the disks, those of several kinds together."""
    sys = tmp_path / "sys"
    mapped = disk(sys, MAPPED, {"queue/rotational": "0"}, number="253:0")
    (mapped / "slaves").mkdir()
    for number, folder in enumerate(folders):
        real = disk(sys, folder, {"queue/rotational": str(number)}, number=f"8:{number}")
        (mapped / "slaves" / real.name).symlink_to(real)
    assert described("ext4", "/dev/mapper/data", "253:0")["kind"] == expected


def test_device_without_a_number_is_found_by_name(described: Described, tmp_path: Path) -> None:
    """Btrfs has a number of its own: the name of its device leads to the disk."""
    disk(tmp_path / "sys", NVME, {"queue/rotational": "0"}, number="259:0")
    assert described("btrfs", "/dev/nvme0n1", "0:35")["kind"] == "nvme"


def test_folder_that_is_yet_to_be_made(described: Described, tmp_path: Path) -> None:
    """A folder that does not exist yet lies where its parent lies."""
    disk(tmp_path / "sys", NVME, {})
    assert described("ext4", below="results/later")["kind"] == "nvme"


def test_mount_point_with_a_blank(tmp_path: Path) -> None:
    """The kernel's octal escapes are undone."""
    point = str(tmp_path / "my data").replace(" ", "\\040")
    (tmp_path / "mountinfo").write_text(f"2 1 0:9 / {point} rw - tmpfs tmpfs rw\n", encoding="utf-8")
    assert storage(tmp_path / "my data", tmp_path)["kind"] == "tmpfs"


def test_last_of_several_mounts_on_one_point(tmp_path: Path) -> None:
    """What was mounted last on a point hides the others."""
    lines = f"2 1 0:9 / {tmp_path} rw - nfs a:/b rw\n3 2 0:10 / {tmp_path} rw - tmpfs tmpfs rw\n"
    (tmp_path / "mountinfo").write_text(lines, encoding="utf-8")
    assert storage(tmp_path, tmp_path)["kind"] == "tmpfs"


@pytest.mark.parametrize("mounts", [None, "", "garbage\n", "1 2 3 - \n", "\ufffd - ext4\n"])
def test_unreadable_mounts(mounts: str | None, tmp_path: Path) -> None:
    """Where the mounts cannot be read, all is unknown and nothing fails."""
    if mounts is not None:
        (tmp_path / "mountinfo").write_text(mounts, encoding="utf-8")
    assert set(storage(tmp_path, tmp_path).values()) == {"unknown"}


def test_path_that_cannot_be_one(tmp_path: Path) -> None:
    """A path with a null byte is unknown, not an error."""
    assert set(storage(Path("a\x00b"), tmp_path).values()) == {"unknown"}


def test_this_machine(tmp_path: Path) -> None:
    """The folder of this test lies on a file system that has a name."""
    assert storage(tmp_path)["filesystem"] != "unknown"
