import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from machmeter_workloads.data.image_facts import image_facts
from machmeter_workloads.data.image_statistics import Refusal, Spread, image_statistics
from machmeter_workloads.data.jpeg_quality import estimate_quality, standard_tables
from machmeter_workloads.errors import MissingDataError, UnreadableError

Save = Callable[..., Path]


def encoded(image_format: str, size: tuple[int, int] = (24, 16), **options: object) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = BytesIO()
    Image.fromarray(values).save(file, image_format, **options)
    return file.getvalue()


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_quality_of_a_jpeg_file_is_found_exactly(quality: int) -> None:
    """Every quality that libjpeg can save with is told from its table."""
    assert image_facts(encoded("JPEG", quality=quality)).quality == quality


@given(st.integers(10, 95), st.integers(0, 2**32 - 1))
def test_a_table_of_another_program_has_the_nearest_quality(quality: int, seed: int) -> None:
    """A table that is a few steps off is still about as good."""
    table = standard_tables()[quality - 1]
    bent = table + np.random.default_rng(seed).integers(-1, 2, 64)
    assert abs(estimate_quality(bent.tolist()) - quality) <= 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded("PNG"), "PNG"),
        (encoded("WEBP", quality=50), "WEBP"),
        (encoded("WEBP", lossless=True), "WEBP lossless"),
        (encoded("WEBP", lossless=True, exif=b"Exif\0\0odd"), "WEBP lossless"),
        (encoded("WEBP", lossless=True, icc_profile=b"odd"), "WEBP lossless"),
        (encoded("WEBP", quality=50, icc_profile=b"VP8L"), "WEBP"),
        (encoded("JPEG"), "JPEG"),
    ],
)
def test_formats_are_told_from_the_content(content: bytes, expected: str) -> None:
    """WebP files say with and without loss, wherever in the file that is written."""
    facts = image_facts(content)
    assert (facts.format, facts.width, facts.height, facts.bytes) == (expected, 24, 16, len(content))


@pytest.mark.parametrize("content", [b"", b"no image at all", encoded("JPEG")[:-5], encoded("PNG")[:-30]])
def test_what_is_no_whole_image_is_refused(content: bytes) -> None:
    """An image that is cut off shows that only when it is decoded."""
    with pytest.raises(ValueError, match=r"empty|no image|truncated"):
        image_facts(content)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50))
def test_a_spread_is_that_of_the_sorted_values(values: list[float]) -> None:
    """The percentiles agree with walking along the sorted values."""

    def walked(fraction: float) -> float:
        place = fraction * (len(values) - 1)
        low = sorted(values)[int(place)]
        high = sorted(values)[min(int(place) + 1, len(values) - 1)]
        return low + (high - low) * (place - int(place))

    spread = Spread.of(values)
    found = (spread.min, spread.p10, spread.p50, spread.p90, spread.p99, spread.max)
    assert found == pytest.approx([walked(fraction) for fraction in (0, 0.1, 0.5, 0.9, 0.99, 1)])
    assert spread.mean == pytest.approx(sum(values) / len(values))


def test_a_folder_is_summed_up(tmp_path: Path) -> None:
    """Subfolders count, and other files do not."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    contents = [encoded("JPEG", quality=80), encoded("JPEG", (48, 32), quality=60), encoded("PNG")]
    (tmp_path / "one.JPG").write_bytes(contents[0])
    (tmp_path / "deep" / "two.jpeg").write_bytes(contents[1])
    (tmp_path / "deep" / "er" / "three.png").write_bytes(contents[2])
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".half.jpg.part").write_bytes(b"")
    found = image_statistics(tmp_path)
    assert (found.images, found.formats) == (3, {"JPEG": 2, "PNG": 1})
    assert found.bytes == sum(len(content) for content in contents)
    assert (found.spreads["width"].min, found.spreads["width"].max) == (24, 48)
    assert found.spreads["jpeg_quality"].mean == 70
    assert found.spreads["bits_per_pixel"].max == 8 * len(contents[2]) / (24 * 16)
    assert found.damaged == found.unreadable == ()


def test_damaged_images_are_named_and_the_others_counted(tmp_path: Path) -> None:
    """Three kinds of damage do not keep the statistics from the one good image."""
    (tmp_path / "good.jpg").write_bytes(encoded("JPEG"))
    (tmp_path / "cut.jpg").write_bytes(encoded("JPEG")[:-9])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.webp").write_text("hello")
    found = image_statistics(tmp_path)
    assert found.images == 1
    assert [Path(refusal.path).name for refusal in found.damaged] == ["cut.jpg", "empty.png", "text.webp"]
    assert found.damaged[1].reason == "it is empty"


def test_a_folder_of_damaged_images_has_no_spreads(tmp_path: Path) -> None:
    """Nothing is made up where nothing was measured."""
    (tmp_path / "empty.png").touch()
    found = image_statistics(tmp_path)
    assert (found.images, found.spreads, len(found.damaged)) == (0, {}, 1)


def test_files_that_cannot_be_read_are_named_and_the_others_counted(tmp_path: Path) -> None:
    """What the operating system refuses is kept apart from damage."""
    (tmp_path / "good.jpg").write_bytes(encoded("JPEG"))
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    # The one file whose reading fails for root, too.
    (tmp_path / "memory.jpg").symlink_to("/proc/self/mem")
    found = image_statistics(tmp_path)
    assert (found.images, found.damaged) == (1, ())
    assert found.unreadable == (
        Refusal(str(tmp_path / "gone.jpg"), "No such file or directory"),
        Refusal(str(tmp_path / "memory.jpg"), "Input/output error"),
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permissions_are_respected(tmp_path: Path) -> None:
    """A file and a folder that may not be read are named."""
    (tmp_path / "good.jpg").write_bytes(encoded("JPEG"))
    (tmp_path / "secret.jpg").touch(mode=0)
    (tmp_path / "closed").mkdir(mode=0)
    found = image_statistics(tmp_path)
    assert found.images == 1
    assert {Path(refusal.path).name for refusal in found.unreadable} == {"secret.jpg", "closed"}


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    """It says which names count as images."""
    (tmp_path / "notes.txt").touch()
    with pytest.raises(MissingDataError, match=r"has no images\. .*\.jpg .*ls -R"):
        image_statistics(tmp_path)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(MissingDataError, match=r"nowhere does not exist"):
        image_statistics(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A file given for a folder is refused with the system's words."""
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableError, match=r"file: Not a directory"):
        image_statistics(tmp_path / "file")
