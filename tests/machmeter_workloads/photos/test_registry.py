from contextlib import closing
from pathlib import Path

import pytest
from photo_batches import assert_same, epoch_of

from machmeter_workloads.data.photo_set import make_photo_set
from machmeter_workloads.data.photos import CLASSES, PhotoSpec
from machmeter_workloads.errors import MissingDataError, UnknownNameError
from machmeter_workloads.photos.contract import PhotoSettings
from machmeter_workloads.photos.image_folder import ImageFolder
from machmeter_workloads.photos.pytorch import load_pytorch
from machmeter_workloads.photos.registry import PHOTO_STRATEGIES, open_photos

SETTINGS = PhotoSettings(batch_size=4, size=16)

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_the_strategies_are_those_of_the_benchmark() -> None:
    """(DL)²'s four, by its names."""
    assert set(PHOTO_STRATEGIES) == {"pytorch", "synthetic", "dali_cpu", "dali_gpu"}


def test_a_folder_can_be_given_by_its_place(root: Path, folder: ImageFolder) -> None:
    """An absolute folder is taken as it is, whatever the storage."""
    with closing(open_photos("pytorch", root, SETTINGS)) as loader:
        assert_same(list(loader.epoch(0)), epoch_of(load_pytorch, folder, SETTINGS))


def test_a_set_is_found_on_its_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same name opens the set of the storage that the settings name, and no other."""
    (tmp_path / "ssd").mkdir()
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MACHMETER_DATA_SSD", str(tmp_path / "ssd"))
    photos = make_photo_set(PhotoSpec(40, 30), len(CLASSES), storage="ssd")
    there = PhotoSettings(batch_size=4, size=16, storage="ssd")
    with closing(open_photos("pytorch", photos.train, there)) as loader:
        labels = [label for batch in loader.epoch(0) for label in batch.labels.tolist()]
    assert sorted(labels) == list(range(len(CLASSES)))
    with pytest.raises(MissingDataError, match=rf"{tmp_path}/data/photos-40x30.*does not exist"):
        open_photos("pytorch", photos.train, SETTINGS)


def test_an_unknown_storage_is_answered_with_the_known_ones(root: Path) -> None:
    """Before any folder is looked at."""
    with pytest.raises(UnknownNameError, match=r'no storage "tape"\. Known are: .*default'):
        open_photos("pytorch", root, PhotoSettings(storage="tape"))


def test_an_unknown_strategy_is_answered_with_the_known_ones(root: Path) -> None:
    """The error lists what there is."""
    with pytest.raises(
        UnknownNameError, match=r'photographs "ffcv"\. Known are: dali_cpu, dali_gpu, pytorch'
    ):
        open_photos("ffcv", root, SETTINGS)
