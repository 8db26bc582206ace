import json
import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from machmeter_workloads.data import photo_set
from machmeter_workloads.data.photo_encodings import Encoding
from machmeter_workloads.data.photo_set import PhotoSet, make_photo_set
from machmeter_workloads.data.photos import CLASSES, PhotoMaker, PhotoSpec
from machmeter_workloads.errors import UnknownNameError, UnwritableError

SPEC = PhotoSpec(40, 30)
COUNT = len(CLASSES) + 1

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def files_in(photos: PhotoSet) -> dict[str, tuple[int, bytes]]:
    """Every file with its inode, which a rewritten file does not keep, and its contents."""
    paths = [path for path in photos.folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(photos.folder)): (path.stat().st_ino, path.read_bytes()) for path in paths}


def contents(photos: PhotoSet) -> dict[str, bytes]:
    return {name: content for name, (_, content) in files_in(photos).items()}


@pytest.mark.parametrize("encoding", ["png", "webp-lossless"])
def test_files_without_loss_hold_the_photographs(encoding: str) -> None:
    """Every pixel is as it was made, under the class and the number of the photograph."""
    photos = make_photo_set(SPEC, COUNT, encoding)
    name = f"train/{CLASSES[0]}/0000007{Encoding.named(encoding).suffix}"
    photo = Image.open(BytesIO(contents(photos)[name]))
    np.testing.assert_array_equal(np.asarray(photo), PhotoMaker(SPEC).make(7))


@pytest.mark.parametrize("family", ["jpeg", "webp"])
def test_a_lower_quality_takes_fewer_bytes_and_is_further_away(family: str) -> None:
    """Qualities are what they are called."""
    photo = PhotoMaker(PhotoSpec(200, 150)).make(0)
    encoded = [Encoding.named(f"{family}{quality}").encode(photo) for quality in (95, 75, 30)]
    lost = [np.abs(np.asarray(Image.open(BytesIO(each))).astype(float) - photo).mean() for each in encoded]
    assert sorted(encoded, key=len, reverse=True) == encoded
    assert lost == sorted(lost)


@pytest.mark.parametrize("name", ["jpeg", "jpeg0", "jpeg101", "jpeg095", "webp-90", "gif", ""])
def test_an_unknown_encoding_is_answered_with_the_known_ones(name: str) -> None:
    """The error lists the families and their qualities."""
    with pytest.raises(UnknownNameError, match=r"no image encoding .*jpeg1 … jpeg100.*png"):
        make_photo_set(SPEC, 1, name)


def test_the_folder_is_named_after_what_decides_the_bytes(data: Path) -> None:
    """The facts lie beside the photographs, with the encoder's version."""
    photos = make_photo_set(SPEC, 1, "jpeg80")
    facts = json.loads((photos.folder / "facts.json").read_text())
    assert photos.folder == data / photos.name
    assert photos.name.startswith("photos-40x30-1-seed0-jpeg80-")
    assert "libjpeg" in facts["encoder"]
    assert photos.train == Path(photos.name) / "train"


def test_another_encoder_makes_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of two versions of a library never mix."""
    before = make_photo_set(SPEC, 1)
    monkeypatch.setattr(Encoding, "encoder", "Pillow of tomorrow")
    assert make_photo_set(SPEC, 1).name != before.name


def test_a_finished_set_is_left_alone() -> None:
    """Making it again writes nothing."""
    before = files_in(make_photo_set(SPEC, COUNT))
    assert files_in(make_photo_set(SPEC, COUNT)) == before
    assert len(before) == COUNT + 1


def test_an_interrupted_maker_is_resumed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was finished before the interruption is kept, and the rest is as if nothing had happened."""
    whole = contents(make_photo_set(SPEC, COUNT))
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "other"))

    def interrupted(maker: PhotoMaker, index: int) -> object:
        if index == 5:
            raise KeyboardInterrupt
        return make(maker, index)

    make = PhotoMaker.make
    with monkeypatch.context() as patch:
        patch.setattr(PhotoMaker, "make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_photo_set(SPEC, COUNT)
    finished = {path.name: path.stat().st_ino for path in tmp_path.glob("other/*/train/*/*")}
    photos = make_photo_set(SPEC, COUNT)
    resumed = {path.name: path.stat().st_ino for path in photos.folder.glob("train/*/*")}
    assert len(finished) == 5
    assert finished.items() <= resumed.items()
    assert contents(photos) == whole


def test_makers_at_the_same_time_do_not_disturb_each_other(data: Path) -> None:
    """Two processes make one set together, and it is whole and without leftovers."""
    context = multiprocessing.get_context("fork")
    makers = [context.Process(target=make_photo_set, args=(SPEC, COUNT)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    together = {path.name for path in data.glob("*/train/*/*")}
    assert [maker.exitcode for maker in makers] == [0, 0]
    assert together == {f"{index:07d}.jpg" for index in range(COUNT)}


def test_a_full_disk_is_reported_from_the_making_processes(
    data: Path, full_disk: Callable[[], AbstractContextManager[None]]
) -> None:
    """The error keeps its type and names the file, and no half-written file is left."""
    spec = PhotoSpec(200, 150)
    with full_disk(), pytest.raises(UnwritableError, match=r"0000000\.png: File too large"):
        make_photo_set(spec, 1, "png")
    assert list(data.glob("*/train/*/*")) == []


def test_a_set_can_lie_on_another_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same bytes lie under the same name there."""
    (tmp_path / "ssd").mkdir()
    monkeypatch.setenv("MACHMETER_DATA_SSD", str(tmp_path / "ssd"))
    there, here = make_photo_set(SPEC, 2, storage="ssd"), make_photo_set(SPEC, 2)
    assert there.folder == tmp_path / "ssd" / here.name
    assert contents(there) == contents(here)


def test_a_folder_that_cannot_be_made_is_named(data: Path) -> None:
    """A file where a folder should be is reported by name."""
    name = make_photo_set(SPEC, 1).name
    (data / name / "train" / CLASSES[0] / "0000000.jpg").unlink()
    (data / name / "train" / CLASSES[0]).rmdir()
    (data / name / "train" / CLASSES[0]).touch()
    with pytest.raises(UnwritableError, match=rf"train/{CLASSES[0]}"):
        make_photo_set(SPEC, 1)


def test_the_number_of_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However the work is divided, the files are the same."""
    whole = contents(make_photo_set(SPEC, COUNT))
    monkeypatch.setenv("MACHMETER_DATA", str(tmp_path / "other"))
    monkeypatch.setattr(photo_set, "CHUNK", 3)
    assert contents(make_photo_set(SPEC, COUNT)) == whole
