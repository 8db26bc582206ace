import subprocess
import sys
from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest

from machmeter_workloads.data import photos
from machmeter_workloads.data.photos import CLASSES, PhotoMaker, PhotoSpec, class_of
from machmeter_workloads.errors import MissingDataError

SPEC = PhotoSpec(100, 75)


def test_the_same_spec_and_index_give_the_same_photograph() -> None:
    """Whoever makes it, and whatever was made before."""
    maker = PhotoMaker(SPEC)
    maker.make(0)
    np.testing.assert_array_equal(maker.make(9), PhotoMaker(SPEC).make(9))


def test_another_process_makes_the_same_photograph() -> None:
    """No state of this process has a part in it."""
    code = (
        "import sys; from machmeter_workloads.data.photos import PhotoMaker, PhotoSpec;"
        "sys.stdout.buffer.write(PhotoMaker(PhotoSpec(100, 75)).make(3).tobytes())"
    )
    made = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout
    assert made == PhotoMaker(SPEC).make(3).tobytes()


def test_photographs_differ() -> None:
    """By index and by seed, within the same class too."""
    one, maker = PhotoMaker(PhotoSpec(100, 75, seed=1)), PhotoMaker(SPEC)
    made = [maker.make(0), maker.make(len(CLASSES)), one.make(0)]
    assert len({photo.tobytes() for photo in made}) == 3


def test_one_in_four_is_a_portrait() -> None:
    """Every photograph has one of the two sizes, in bytes of three colours."""
    maker = PhotoMaker(PhotoSpec(20, 15))
    shapes = Counter(maker.make(index).shape for index in range(140))
    assert shapes.keys() == {(15, 20, 3), (20, 15, 3)}
    assert 20 <= shapes[20, 15, 3] <= 50


def test_photographs_use_the_whole_range_without_much_clipping() -> None:
    """They are neither dark nor burnt out, so that encoders have something to do."""
    maker = PhotoMaker(SPEC)
    values = np.concatenate([maker.make(index).ravel() for index in range(2 * len(CLASSES))])
    assert values.dtype == np.uint8
    assert 40 < values.mean() < 200
    assert values.std() > 40
    assert (values == 255).mean() < 0.1


def test_classes_are_equally_frequent() -> None:
    """They take turns."""
    assert [class_of(index) for index in range(len(CLASSES) + 1)] == [*CLASSES, CLASSES[0]]


def test_a_package_without_its_photograph_is_named() -> None:
    """The error says which package to install."""
    missing = {**photos.BUNDLED, CLASSES[0]: ("skimage_of_tomorrow", "data/astronaut.png")}
    with (
        patch.object(photos, "BUNDLED", missing),
        pytest.raises(
            MissingDataError, match=r'"astronaut" \(skimage_of_tomorrow/.*pip install .*scikit-image'
        ),
    ):
        PhotoMaker(SPEC).make(0)
