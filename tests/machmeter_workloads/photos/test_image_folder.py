import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from machmeter_workloads.data.image_files import SUFFIXES
from machmeter_workloads.errors import MissingDataError, UnreadableError
from machmeter_workloads.photos.image_folder import ImageFolder


def test_images_are_numbered_by_class_folder_and_name(folder: ImageFolder, root: Path) -> None:
    """Upper-case endings and deeper folders count, in torchvision's order."""
    expected = [
        "cat/1.jpg",
        "cat/2.webp",
        "dog/4.JPG",
        "dog/deep/3.png",
        "emu/5.webp",
        "emu/6.jpeg",
        "emu/wide.png",
    ]
    assert [folder.path(index) for index in range(len(folder))] == [root / name for name in expected]


def test_labels_are_numbers_of_the_sorted_classes(folder: ImageFolder) -> None:
    """Every image has the label of its subfolder."""
    assert folder.classes == ("cat", "dog", "emu")
    assert folder.labels.tolist() == [0, 0, 1, 1, 2, 2, 2]


def test_other_files_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    """So are files that are just being written, and folders of other programs."""
    (tmp_path / "cat").mkdir()
    (tmp_path / ".checkpoints").mkdir()
    for name in ("1.jpg", "notes.txt", ".2.jpg.part", ".3.jpg", "jpg"):
        (tmp_path / "cat" / name).touch()
    (tmp_path / "loose.jpg").touch()
    found = ImageFolder.at(tmp_path)
    assert (found.classes, len(found), found.path(0)) == (("cat",), 1, tmp_path / "cat" / "1.jpg")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_known_ending_is_an_image(tmp_path: Path, suffix: str) -> None:
    """In lower and in upper case."""
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / f"a{suffix}").touch()
    (tmp_path / "cat" / f"b{suffix.upper()}").touch()
    assert len(ImageFolder.at(tmp_path)) == 2


def test_any_name_that_the_system_allows_comes_back(tmp_path: Path) -> None:
    """Spaces, accents, and bytes that are no text."""
    names = [b"a b.jpg", "é€.jpg".encode(), b"\xff\xfe.jpg"]
    (tmp_path / "cat").mkdir()
    for name in names:
        (tmp_path / "cat" / os.fsdecode(name)).touch()
    found = ImageFolder.at(tmp_path)
    assert {found.path(index).name for index in range(3)} == {os.fsdecode(name) for name in names}


def test_a_million_images_take_little_memory() -> None:
    """Two numbers and the name for each, in three blocks that no process has to copy."""
    name = b"n01440764/n01440764_10026.JPEG"
    count = 1000
    ends = [len(name) * (index + 1) for index in range(count)]
    large = ImageFolder(Path("/data"), ("n01440764",), np.zeros(count, int), name * count, np.array(ends))
    assert large.path(999) == Path("/data/n01440764/n01440764_10026.JPEG")
    assert len(pickle.dumps(large)) / count < 50


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The error says how to make one."""
    with pytest.raises(MissingDataError, match=r"nowhere does not exist.*make_photo_set"):
        ImageFolder.at(tmp_path / "nowhere")


def test_a_folder_without_classes_is_an_error(tmp_path: Path) -> None:
    """Images beside no subfolder belong to no class."""
    (tmp_path / "1.jpg").touch()
    with pytest.raises(MissingDataError, match=r"has no images\. It needs a subfolder for every class"):
        ImageFolder.at(tmp_path)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    """A class that nothing belongs to is a mistake somewhere else."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    (tmp_path / "cat" / "1.jpg").touch()
    with pytest.raises(MissingDataError, match=r"/dog has no images\..*would be empty"):
        ImageFolder.at(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """It is refused with the system's words."""
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableError, match=r"file: Not a directory"):
        ImageFolder.at(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_class_that_may_not_be_listed_is_named(tmp_path: Path) -> None:
    """It is not taken for empty."""
    (tmp_path / "cat").mkdir(mode=0)
    with pytest.raises(UnreadableError, match=r"/cat: Permission denied"):
        ImageFolder.at(tmp_path)
