from pathlib import Path

import pytest
from PIL import Image

from machmeter_workloads.data.photo_encodings import Encoding
from machmeter_workloads.data.photos import PhotoMaker, PhotoSpec
from machmeter_workloads.photos.image_folder import ImageFolder

# Three classes; the last file is so wide that no window of ordinary proportions may fit into it.
FILES = {
    "cat/1.jpg": "jpeg95",
    "cat/2.webp": "webp90",
    "dog/deep/3.png": "png",
    "dog/4.JPG": "jpeg50",
    "emu/5.webp": "webp-lossless",
    "emu/6.jpeg": "jpeg95",
}


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    maker = PhotoMaker(PhotoSpec(64, 48))
    for number, (name, encoding) in enumerate(FILES.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Encoding.named(encoding).encode(maker.make(number)))
    Image.fromarray(PhotoMaker(PhotoSpec(300, 20)).make(0)).save(root / "emu" / "wide.png")
    return root


@pytest.fixture(scope="session")
def folder(root: Path) -> ImageFolder:
    return ImageFolder.at(root)
