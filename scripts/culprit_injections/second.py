"""The second half: written without knowledge of the ranking rule, to judge it."""

from .data import BENCHMARKS, LARGE, SMALL, Edit, Injection

_READ, _SEGMENT, _TABULATE, _TRAIN, _LOADER, _SERIES, _IMPORT = BENCHMARKS

_SELF_TIME = (
    Injection(
        "neighbours-averaged",
        "self time",
        _READ,
        (
            Edit(
                "tinyscope/calibration.py",
                """\
    rows, columns = np.nonzero(middle > 3 * (image[:, :-2] + image[:, 2:]) + 50)
    return rows, columns + 1
""",
                """\
    around = np.mean((image[:, :-2], image[:, 2:]), axis=0)
    stands_out = middle > 6 * around + 50
    rows, columns = np.nonzero(stands_out & np.isfinite(middle) & (middle > middle.mean() / 2))
    return rows, columns + 1
""",
            ),
        ),
        ("tinyscope.calibration:hot_pixels",),
        LARGE,
    ),
    Injection(
        "outline-by-differences",
        "self time",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
    across = int(np.count_nonzero(inside[:, 1:] != inside[:, :-1]))
    down = int(np.count_nonzero(inside[1:] != inside[:-1]))
""",
                """\
    across = int(np.abs(np.diff(inside, axis=1)).sum())
    down = int(np.abs(np.diff(inside, axis=0)).sum())
""",
            ),
        ),
        ("tinyscope.features:outline",),
        SMALL,
    ),
    Injection(
        "lines-read-by-character",
        "self time",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
    items, rest = [], line
    while rest:
        if rest.startswith('"'):
            end = rest.index('"', 1)
            item, rest = rest[1:end], rest[end + 2 :]
        else:
            item, _, rest = rest.partition(",")
        items.append(item)
    return items
""",
                """\
    items, start, quoted = [], 0, False
    for place, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            items.append(line[start:place].strip('"'))
            start = place + 1
    return [*items, line[start:].strip('"')]
""",
            ),
        ),
        ("tinyscope.tables:split_line",),
        LARGE,
    ),
    Injection(
        "gradient-by-numpy",
        "self time",
        _TRAIN,
        (
            Edit(
                "tinyscope/filters.py",
                """\
    down, right = np.zeros_like(image), np.zeros_like(image)
    down[1:-1] = image[2:] - image[:-2]
    right[:, 1:-1] = image[:, 2:] - image[:, :-2]
    return down, right
""",
                """\
    down, right = np.gradient(image, 0.5)
    down[[0, -1]] = 0
    right[:, [0, -1]] = 0
    return down, right
""",
            ),
        ),
        ("tinyscope.filters:gradient",),
        LARGE,
    ),
)

_EXTRA_CALL = (
    Injection(
        "hot-pixels-left",
        "extra call",
        _READ,
        (
            Edit(
                "tinyscope/calibration.py",
                """\
    image[rows, columns] = (image[rows, columns - 1] + image[rows, columns + 1]) / 2
    return image
""",
                """\
    image[rows, columns] = (image[rows, columns - 1] + image[rows, columns + 1]) / 2
    left, _ = hot_pixels(image)
    if len(left) > image.size // 100:
        raise ValueError("Too many pixels are hot.")
    return image
""",
            ),
        ),
        ("tinyscope.calibration:repair", "tinyscope.calibration:hot_pixels"),
        LARGE,
    ),
    Injection(
        "level-compared-with-others",
        "extra call",
        _SEGMENT,
        (
            Edit(
                "tinyscope/segmentation.py",
                """\
    bright = smooth > otsu(smooth, settings.bins)
    return""",
                """\
    level = otsu(smooth, settings.bins)
    others = [otsu(smooth, times * settings.bins) for times in (2, 4)]
    if max(others) - min(others) > abs(level):
        raise ValueError("Dark and bright cannot be told apart.")
    bright = smooth > level
    return""",
            ),
        ),
        ("tinyscope.segmentation:foreground", "tinyscope.segmentation:otsu"),
        SMALL,
    ),
    Injection(
        "lines-within-items-refused",
        "extra call",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
    head = ",".join(table.columns) + "\\n"
    lines =""",
                """\
    for name, items in table.columns.items():
        if any("\\n" in format_item(item) for item in items):
            raise ValueError(f"An item of {name} has several lines.")
    head = ",".join(table.columns) + "\\n"
    lines =""",
            ),
        ),
        ("tinyscope.tables:to_csv", "tinyscope.tables:format_item"),
        LARGE,
    ),
    Injection(
        "limits-after-scaling",
        "extra call",
        _LOADER,
        (
            Edit(
                "tinyscope/augment.py",
                """\
        return np.clip(scaled, 0, 1)
""",
                """\
        darkest, brightest = self.limits(scaled)
        if darkest < 0 or brightest > 1:
            raise ValueError("An image could not be scaled.")
        return np.clip(scaled, 0, 1)
""",
            ),
        ),
        ("tinyscope.augment:Normalise.__call__", "tinyscope.augment:Normalise.limits"),
        SMALL,
    ),
)

_NEW_FUNCTION = (
    Injection(
        "names-told-apart",
        "new function",
        _READ,
        (
            Edit(
                "tinyscope/formats.py",
                """\
from dataclasses import dataclass
""",
                """\
from dataclasses import dataclass, replace
""",
            ),
            Edit(
                "tinyscope/formats.py",
                """\
    return [parse_note(line) for line in text.splitlines() if line and not line.startswith("#")]
""",
                '''\
    notes = [parse_note(line) for line in text.splitlines() if line and not line.startswith("#")]
    return told_apart(notes)


def told_apart(notes: Sequence[Note]) -> list[Note]:
    """Return notes of different names: a number follows one that was there before."""
    seen: dict[str, int] = {}
    found = []
    for note in notes:
        count = seen[note.name] = seen.get(note.name, 0) + 1
        found.append(replace(note, name=note.name if count == 1 else f"{note.name} ({count})"))
    return found
''',
            ),
        ),
        ("tinyscope.formats:parse_notes", "tinyscope.formats:told_apart"),
        LARGE,
    ),
    Injection(
        "symmetry-measured",
        "new function",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
@measure
def intensity(""",
                '''\
@measure
def symmetry(cell: Cell) -> dict[str, float]:
    """Return how much a cell differs from itself turned by half, and mirrored."""
    others = {"turned": np.s_[::-1, ::-1], "upside down": np.s_[::-1], "mirrored": np.s_[:, ::-1]}
    found = {}
    for name, other in others.items():
        common = cell.mask & cell.mask[other]
        differences = np.abs(cell.pixels - cell.pixels[other])[common]
        found[name] = float(differences.mean()) if len(differences) else 0.0
    return found


@measure
def intensity(''',
            ),
        ),
        ("tinyscope.features:symmetry",),
        LARGE,
    ),
    Injection(
        "strong-gradients-limited",
        "new function",
        _TRAIN,
        (
            Edit(
                "tinyscope/dataset.py",
                """\
    return normalised(np.concatenate(parts).astype(np.float32))
""",
                '''\
    return limited(normalised(np.concatenate(parts).astype(np.float32)))


def limited(vector: np.ndarray, highest: float = 1.0) -> np.ndarray:
    """Return a vector of length one without high values (Lowe, 2004)."""
    if not np.isfinite(vector).all():
        raise ValueError("An image cannot be described.")
    low = np.minimum(vector, np.float32(highest))
    return low / max(float(np.sqrt(low @ low)), 1e-6)
''',
            ),
        ),
        ("tinyscope.dataset:descriptor", "tinyscope.dataset:limited"),
        SMALL,
    ),
    Injection(
        "contrast-may-be-changed",
        "new function",
        _TRAIN,
        (
            Edit(
                "tinyscope/augment.py",
                """\
@dataclass(frozen=True)
class Normalise:
""",
                '''\
@dataclass(frozen=True)
class Contrast:
    """More or less contrast around the mean."""

    amount: float = 0.0

    def __call__(self, image: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
        """Return the changed image."""
        middle = image.mean()
        return (image - middle) * np.float32(1 + self.amount) + middle


@dataclass(frozen=True)
class Normalise:
''',
            ),
            Edit(
                "tinyscope/dataset.py",
                """\
from .augment import Compose, Crop,""",
                """\
from .augment import Compose, Contrast, Crop,""",
            ),
            Edit(
                "tinyscope/dataset.py",
                """\
    def __init__(self, images: np.ndarray, targets: np.ndarray, crop: int) -> None:
        self.images = images
        self.targets = targets
        self.change = Compose((Crop(crop), Flip(), Rotate(15), Jitter(0.2, 0.05), Normalise()))
""",
                """\
    def __init__(
        self, images: np.ndarray, targets: np.ndarray, crop: int, contrast: float = 0.0
    ) -> None:
        self.images = images
        self.targets = targets
        self.change = Compose(
            (Crop(crop), Flip(), Rotate(15), Jitter(0.2, 0.05), Contrast(contrast), Normalise())
        )
""",
            ),
        ),
        ("tinyscope.dataset:Patches.__init__", "tinyscope.augment:Contrast.__call__"),
        LARGE,
    ),
    Injection(
        "first-bytes-looked-at",
        "new function",
        _SERIES,
        (
            Edit(
                "tinyscope/pipeline.py",
                """\
from .filters import sharpness
""",
                """\
from .filters import sharpness
from .formats import MAGIC
""",
            ),
            Edit(
                "tinyscope/pipeline.py",
                """\
def load_series(""",
                '''\
def holds_stack(disk: Disk, name: str) -> bool:
    """Whether a blob begins like a stack."""
    return disk.read_block((name, 0), len(MAGIC)) == MAGIC


def load_series(''',
            ),
            Edit(
                "tinyscope/pipeline.py",
                """\
        for name in names:
            line""",
                """\
        for name in filter(partial(holds_stack, disk), names):
            line""",
            ),
            Edit(
                "tinyscope/pipeline.py",
                """\
from collections.abc import Sequence

""",
                """\
from collections.abc import Sequence
from functools import partial

""",
            ),
        ),
        (
            "tinyscope.pipeline:load_series",
            "tinyscope.pipeline:holds_stack",
            "tinyscope.disk:Disk.read_block",
        ),
        LARGE,
    ),
)

_QUADRATIC = (
    Injection(
        "index-walked-for-each-frame",
        "quadratic loop",
        _READ,
        (
            Edit(
                "tinyscope/readers.py",
                """\
from functools import cached_property
""",
                """\
from functools import cached_property
from itertools import islice
""",
            ),
            Edit(
                "tinyscope/readers.py",
                """\
        self.header = parse_header(self._buffer)
        self._entries = list(iterate_entries(self._buffer, self.header))
""",
                '''\
        self.header = parse_header(self._buffer)

    def entry(self, number: int) -> Entry:
        """Return where the parts of a frame lie."""
        return next(islice(iterate_entries(self._buffer, self.header), number, None))
''',
            ),
            Edit(
                "tinyscope/readers.py",
                '''\
        """Read a frame."""
        entry = self._entries[number]
''',
                '''\
        """Read a frame."""
        entry = self.entry(number)
''',
            ),
            Edit(
                "tinyscope/readers.py",
                '''\
        """Read where the cells of a frame are."""
        entry = self._entries[number]
''',
                '''\
        """Read where the cells of a frame are."""
        entry = self.entry(number)
''',
            ),
            Edit("tinyscope/readers.py", "str(self._entries[number].notes", "str(self.entry(number).notes"),
        ),
        (
            "tinyscope.readers:StackReader.entry",
            "tinyscope.formats:iterate_entries",
            "tinyscope.formats:parse_entry",
        ),
        LARGE,
    ),
    Injection(
        "edges-looked-for-in-each-row",
        "quadratic loop",
        _SEGMENT,
        (
            Edit(
                "tinyscope/segmentation.py",
                """\
    bounds = np.searchsorted(rows, np.arange(mask.shape[0] + 1)).tolist()
    places = columns.tolist()
    return [places[first:last] for first, last in pairwise(bounds)]
""",
                """\
    return [columns[rows == row].tolist() for row in range(mask.shape[0])]
""",
            ),
            Edit("tinyscope/segmentation.py", "from itertools import pairwise\n", ""),
        ),
        ("tinyscope.segmentation:edges",),
        SMALL,
    ),
    Injection(
        "order-used-up-from-its-front",
        "quadratic loop",
        _TABULATE,
        (
            Edit(
                "tinyscope/stats.py",
                """\
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            found[place] = (first + last) / 2
        first = last + 1
    return found
""",
                """\
    while order:
        count = 1
        while count < len(order) and values[order[count]] == values[order[0]]:
            count += 1
        for place in order[:count]:
            found[place] = first + (count - 1) / 2
        order = order[count:]
        first += count
    return found
""",
            ),
        ),
        ("tinyscope.stats:ranks",),
        LARGE,
    ),
)

_DTYPE = (
    Injection(
        "illumination-in-double",
        "dtype widening",
        _READ,
        (
            Edit(
                "tinyscope/calibration.py",
                """\
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in shape)
    return 1 - np.float32(fall_off) *""",
                """\
    y, x = (np.linspace(-1, 1, length) for length in shape)
    return 1 - fall_off *""",
            ),
        ),
        ("tinyscope.calibration:flat_field",),
        SMALL,
    ),
    Injection(
        "blurred-image-in-double",
        "dtype widening",
        _SEGMENT,
        (
            Edit(
                "tinyscope/segmentation.py",
                """\
    smooth = gaussian_blur(image, settings.sigma)
""",
                """\
    smooth = np.asarray(gaussian_blur(image, settings.sigma), float)
""",
            ),
        ),
        ("tinyscope.segmentation:foreground",),
        LARGE,
    ),
    Injection(
        "crops-in-double",
        "dtype widening",
        _TRAIN,
        (
            Edit(
                "tinyscope/augment.py",
                """\
        return image[top : top + self.size, left : left + self.size]
""",
                """\
        return np.array(image[top : top + self.size, left : left + self.size], float)
""",
            ),
        ),
        ("tinyscope.augment:Crop.__call__",),
        LARGE,
    ),
)

_COPY = (
    Injection(
        "notes-decoded-from-bytes",
        "extra copy",
        _READ,
        (
            Edit(
                "tinyscope/readers.py",
                """\
        return parse_notes(str(self._entries[number].notes.of(self._buffer), "utf-8"))
""",
                """\
        return parse_notes(self._entries[number].notes.of(self._buffer.tobytes()).decode())
""",
            ),
        ),
        ("tinyscope.readers:StackReader.notes",),
        SMALL,
    ),
    Injection(
        "columns-not-shared",
        "extra copy",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
    def rows(self)""",
                '''\
    def column(self, name: str) -> list[Item]:
        """Return the items of a column; the table stays as it is when they are changed."""
        return list(self.columns[name])

    def rows(self)''',
            ),
            Edit(
                "tinyscope/tables.py",
                """\
        item: summarise([table.columns[column][place] for place in places])
""",
                """\
        item: summarise(
            [table.column(column)[place] for place in places if table.column(column)[place] != ""]
        )
""",
            ),
        ),
        ("tinyscope.tables:summarise_groups", "tinyscope.tables:Table.column"),
        LARGE,
    ),
    Injection(
        "images-not-shared",
        "extra copy",
        _TRAIN,
        (
            Edit(
                "tinyscope/dataset.py",
                """\
        self.images = images
        self.targets = targets
        self.change = Compose((Crop(crop), Flip(), Rotate(15), Jitter(0.2, 0.05), Normalise()))
""",
                '''\
        self._images = images
        self.targets = targets
        self.change = Compose((Crop(crop), Flip(), Rotate(15), Jitter(0.2, 0.05), Normalise()))

    @property
    def images(self) -> np.ndarray:
        """The images as they were given, whatever a change does to them."""
        return self._images.copy()
''',
            ),
            Edit(
                "tinyscope/dataset.py",
                """\
        return descriptor(self.change(self.images[number], rng))
""",
                """\
        changed = self.change(self.images[number], rng)
        if changed.dtype != self.images.dtype:
            raise TypeError("A change made numbers of another kind.")
        return descriptor(changed)
""",
            ),
        ),
        ("tinyscope.dataset:Patches.images", "tinyscope.dataset:Patches.sample"),
        LARGE,
    ),
)

_SYNCHRONISATION = (
    Injection(
        "parts-awaited-one-by-one",
        "needless synchronisation",
        _READ,
        (
            Edit(
                "tinyscope/readers.py",
                """\
from collections.abc import Iterator
from dataclasses import dataclass
""",
                """\
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
""",
            ),
            Edit(
                "tinyscope/readers.py",
                """\
@dataclass(frozen=True)
class Frame:
""",
                """\
#: Decodes, so that a window's own thread does not.
_DECODER = ThreadPoolExecutor(1)


@dataclass(frozen=True)
class Frame:
""",
            ),
            Edit(
                "tinyscope/readers.py",
                """\
        image = correct(self._pixels(entry), self.exposure, float(self.metadata["vignetting"]))
        return Frame(image, self.mask(number), self.notes(number), preview(image))
""",
                """\
        pixels = _DECODER.submit(self._pixels, entry).result()
        mask = _DECODER.submit(self.mask, number).result()
        notes = _DECODER.submit(self.notes, number).result()
        image = correct(pixels, self.exposure, float(self.metadata["vignetting"]))
        return Frame(image, mask, notes, preview(image))
""",
            ),
        ),
        ("tinyscope.readers:StackReader.frame",),
        LARGE,
    ),
    Injection(
        "items-counted-one-by-one",
        "needless synchronisation",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
from .stats import""",
                """\
from .progress import Progress
from .stats import""",
            ),
            Edit(
                "tinyscope/tables.py",
                """\
    if isinstance(item, float):
        return f""",
                """\
    WRITTEN.advance()
    if isinstance(item, float):
        return f""",
            ),
            Edit(
                "tinyscope/tables.py",
                """\
Row = Mapping[str, Item]
""",
                """\
Row = Mapping[str, Item]

#: The items that any thread has written.
WRITTEN = Progress(0)
""",
            ),
        ),
        ("tinyscope.tables:format_item", "tinyscope.progress:Progress.advance"),
        LARGE,
    ),
    Injection(
        "end-of-writing-polled",
        "needless synchronisation",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        self._queue.put(None)
        self._thread.join()
        self.disk.sync()
""",
                """\
        self._queue.put(None)
        while self._thread.is_alive():  # which can be interrupted
            time.sleep(0.003)
        self.disk.sync()
""",
            ),
        ),
        ("tinyscope.disk:BackgroundWriter.__exit__",),
        LARGE,
    ),
)

_DECODE = (
    Injection(
        "bytes-summed-by-python",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    plain = int(data.sum(dtype=np.uint64)) % _MODULUS
""",
                """\
    plain = sum(payload) % _MODULUS
""",
            ),
        ),
        ("tinyscope.codecs:checksum",),
        LARGE,
    ),
    Injection(
        "runs-painted",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    lengths = list(integers(payload))
    values = np.zeros(len(lengths), bool)
    values[1::2] = True
    return np.repeat(values, lengths).reshape(shape)
""",
                """\
    mask = np.zeros(shape, bool)
    flat, start, bright = mask.ravel(), 0, False
    for length in integers(payload):
        flat[start : start + length] = bright
        start, bright = start + length, not bright
    return mask
""",
            ),
        ),
        ("tinyscope.codecs:decode_runs",),
        LARGE,
    ),
    Injection(
        "rows-put-one-by-one",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/readers.py",
                """\
            pixels[top : top + STRIP] = strip
""",
                """\
            for number, row in enumerate(strip, top):
                pixels[number] = row
""",
            ),
        ),
        ("tinyscope.readers:StackReader._pixels",),
        SMALL,
    ),
)

_IMPORT_TIME = (
    Injection(
        "discs-by-mirroring",
        "import-time cost",
        _IMPORT,
        (
            Edit(
                "tinyscope/lookups.py",
                """\
    reach = range(-radius, radius + 1)
    inside = [(dy, dx) for dy in reach for dx in reach if math.hypot(dy, dx) <= radius]
    return""",
                """\
    inside: list[tuple[int, int]] = []
    for dy in range(radius + 1):
        for dx in range(radius + 1):
            if math.hypot(dy, dx) > radius:
                break
            for y, x in ((dy, dx), (dx, dy)):
                for mirrored in ((y, x), (y, -x), (-y, x), (-y, -x)):
                    if mirrored not in inside:
                        inside.append(mirrored)
    return""",
            ),
        ),
        ("tinyscope.lookups:_disc",),
        LARGE,
    ),
    Injection(
        "logging-imported",
        "import-time cost",
        _IMPORT,
        (
            Edit(
                "tinyscope/pipeline.py",
                """\
from collections.abc import Sequence

""",
                """\
import logging
from collections.abc import Sequence

""",
            ),
            Edit(
                "tinyscope/pipeline.py",
                """\
def load_stack(""",
                """\
_LOG = logging.getLogger(__name__)


def load_stack(""",
            ),
            Edit(
                "tinyscope/pipeline.py",
                """\
    reader = StackReader(buffer)
""",
                """\
    reader = StackReader(buffer)
    _LOG.debug("There are %d frames.", len(reader))
""",
            ),
        ),
        ("tinyscope.pipeline:<module>",),
        LARGE,
    ),
    Injection(
        "parts-put-in-order",
        "import-time cost",
        _IMPORT,
        tuple(
            Edit(
                "tinyscope/formats.py",
                f"@dataclass(frozen=True)\nclass {name}:\n",
                f"@dataclass(frozen=True, order=True)\nclass {name}:\n",
            )
            for name in ("Span", "Entry", "Note")
        ),
        ("tinyscope.formats:<module>",),
        SMALL,
    ),
    Injection(
        "weights-made-ready",
        "import-time cost",
        _IMPORT,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
def checksum(""",
                """\
# Those of short strips, so that the first ones take no longer than the others.
for _length in range(1, 101):
    _weights(_length)


def checksum(""",
            ),
        ),
        ("tinyscope.codecs:<module>", "tinyscope.codecs:_weights"),
        SMALL,
    ),
)

_WAIT = (
    Injection(
        "size-compared-afterwards",
        "I/O wait",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        return b"".join(self.blocks(name))
""",
                """\
        data = b"".join(self.blocks(name))
        if len(data) != self.size(name):
            raise ValueError(f"{name} changed while it was read.")
        return data
""",
            ),
        ),
        ("tinyscope.disk:Disk.read", "tinyscope.disk:Disk.size"),
        LARGE,
    ),
    Injection(
        "pause-before-the-first-attempt",
        "I/O wait",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
            for _ in range(times - 1):
                try:
""",
                """\
            for attempt in range(times - 1):
                time.sleep(0.0002 * 2**attempt)  # longer each time
                try:
""",
            ),
        ),
        ("tinyscope.disk:retried.<locals>.decorate.<locals>.call",),
        LARGE,
    ),
    Injection(
        "writing-tried-out",
        "I/O wait",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        self._thread.start()
""",
                """\
        self.disk.write_block(".tried", b"")  # fails at once where nothing can be written
        self._thread.start()
""",
            ),
        ),
        ("tinyscope.disk:BackgroundWriter.__enter__", "tinyscope.disk:Disk.write_block"),
        SMALL,
    ),
)

_CHURN = (
    Injection(
        "box-for-each-pixel",
        "allocation churn",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
    count = int(numbers.max(initial=0)) + 1
    low = np.full((2, count), max(labels.shape))
    high = np.zeros((2, count), int)
    for axis, places in enumerate((y, x)):
        np.minimum.at(low[axis], numbers, places)
        np.maximum.at(high[axis], numbers, places)
    return list(zip(*low.tolist(), *high.tolist(), strict=True))[1:]
""",
                """\
    found: dict[int, tuple[int, int, int, int]] = {}
    for number, row, column in zip(numbers.tolist(), y.tolist(), x.tolist(), strict=True):
        top, left, bottom, right = found.get(number, (row, column, row, column))
        found[number] = (top, min(left, column), row, max(right, column))
    return [found[number] for number in sorted(found)]
""",
            ),
        ),
        ("tinyscope.features:boxes",),
        LARGE,
    ),
    Injection(
        "moments-never-changed",
        "allocation churn",
        _TABULATE,
        (
            Edit(
                "tinyscope/stats.py",
                """\
from random import Random
""",
                """\
from random import Random
from typing import NamedTuple, Self
""",
            ),
            Edit(
                "tinyscope/stats.py",
                """\
def moments(values""",
                '''\
class Moments(NamedTuple):
    """Count, mean and squared distances from it."""

    count: int
    centre: float
    squares: float

    def including(self, value: float) -> Self:
        """Return the moments with one more value."""
        count = self.count + 1
        step = value - self.centre
        centre = self.centre + step / count
        return type(self)(count, centre, self.squares + step * (value - centre))


def moments(values''',
            ),
            Edit(
                "tinyscope/stats.py",
                """\
    count, centre, squares = 0, 0.0, 0.0
    for value in values:
        count += 1
        step = value - centre
        centre += step / count
        squares += step * (value - centre)
    return count, centre, squares / max(count - 1, 1)
""",
                """\
    found = Moments(0, 0.0, 0.0)
    for value in values:
        found = found.including(value)
    return found.count, found.centre, found.squares / max(found.count - 1, 1)
""",
            ),
        ),
        ("tinyscope.stats:moments", "tinyscope.stats:Moments.including"),
        SMALL,
    ),
)

_CACHING = (
    Injection(
        "arrays-made-anew",
        "lost caching",
        _READ,
        (
            Edit("tinyscope/calibration.py", "@lru_cache(maxsize=4)\ndef flat_field", "def flat_field"),
            Edit("tinyscope/calibration.py", "from functools import lru_cache\n\n", ""),
            Edit("tinyscope/preview.py", "@lru_cache(maxsize=8)\ndef colours", "def colours"),
        ),
        ("tinyscope.calibration:flat_field", "tinyscope.preview:colours"),
        LARGE,
    ),
    Injection(
        "brightness-of-each-frame",
        "lost caching",
        _LOADER,
        (
            Edit(
                "tinyscope/preview.py",
                """\
@lru_cache(maxsize=4)
def brightness""",
                """\
def brightness""",
            ),
        ),
        ("tinyscope.preview:brightness",),
        LARGE,
    ),
)

INJECTIONS = (
    *_SELF_TIME,
    *_EXTRA_CALL,
    *_NEW_FUNCTION,
    *_QUADRATIC,
    *_DTYPE,
    *_COPY,
    *_SYNCHRONISATION,
    *_DECODE,
    *_IMPORT_TIME,
    *_WAIT,
    *_CHURN,
    *_CACHING,
)
