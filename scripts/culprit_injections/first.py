"""The first half: known while the ranking rule is written."""

from .data import BENCHMARKS, LARGE, SMALL, Edit, Injection

_READ, _SEGMENT, _TABULATE, _TRAIN, _LOADER, _SERIES, _IMPORT = BENCHMARKS

_SELF_TIME = (
    Injection(
        "integers-by-division",
        "self time",
        _READ,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
        number |= (byte & _LOW_BITS) << shift
        if byte & _MORE:
            shift += 7
""",
                """\
        more, digit = divmod(byte, 128)
        number |= digit << shift
        if more:
            shift += 7
""",
            ),
        ),
        ("tinyscope.codecs:integers",),
        SMALL,
    ),
    Injection(
        "disc-worked-out-again",
        "self time",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
    return max(
        pixels.item(y + dy, x + dx)
        for dy, dx in DISCS[radius]
        if 0 <= y + dy < height and 0 <= x + dx < width
    )
""",
                """\
    reach = range(-radius, radius + 1)
    return max(
        pixels.item(y + dy, x + dx)
        for dy in reach
        for dx in reach
        if math.hypot(dy, dx) <= radius and 0 <= y + dy < height and 0 <= x + dx < width
    )
""",
            ),
        ),
        ("tinyscope.features:brightest_around",),
        LARGE,
    ),
    Injection(
        "complex-gradients",
        "self time",
        _TRAIN,
        (
            Edit(
                "tinyscope/dataset.py",
                """\
    angle = np.arctan2(down, right) * np.float32(bins / (2 * np.pi)) + np.float32(bins / 2)
    return np.minimum(angle.astype(np.intp), bins - 1), np.hypot(down, right)
""",
                """\
    vectors = right + 1j * down
    angle = np.angle(vectors) * np.float32(bins / (2 * np.pi)) + np.float32(bins / 2)
    return np.minimum(angle.astype(np.intp), bins - 1), np.abs(vectors)
""",
            ),
        ),
        ("tinyscope.dataset:orientations",),
        SMALL,
    ),
)

_EXTRA_CALL = (
    Injection(
        "checksum-twice",
        "extra call",
        _READ,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    return undo_delta(join_planes(inflate(body), shape))
""",
                """\
    pixels = undo_delta(join_planes(inflate(body), shape))
    if checksum(body) != expected:
        raise ValueError("A strip changed while it was read.")
    return pixels
""",
            ),
        ),
        ("tinyscope.codecs:decode_strip", "tinyscope.codecs:checksum"),
        LARGE,
    ),
    Injection(
        "spots-looked-at-twice",
        "extra call",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
    found = [y for y, x in places if cell.pixels.item(y, x) >= brightest_around(cell.pixels, y, x, 2)]
    return""",
                """\
    found = [
        y
        for y, x in places
        if cell.pixels.item(y, x) >= brightest_around(cell.pixels, y, x, 1)
        or cell.pixels.item(y, x) > 2 * brightest_around(cell.pixels, y, x, 2)
    ]
    found = [y for y, x in places if cell.pixels.item(y, x) >= brightest_around(cell.pixels, y, x, 2)]
    return""",
            ),
        ),
        ("tinyscope.features:spots", "tinyscope.features:brightest_around"),
        LARGE,
    ),
    Injection(
        "lines-split-twice",
        "extra call",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
    return Table.from_rows(
        [dict(zip(names, map(parse_item, split_line(line)), strict=True)) for line in lines]
    )
""",
                """\
    for number, line in enumerate(lines, 2):
        if len(split_line(line)) != len(names):
            raise ValueError(f"Line {number} has not as many items as there are names.")
    return Table.from_rows(
        [dict(zip(names, map(parse_item, split_line(line)), strict=True)) for line in lines]
    )
""",
            ),
        ),
        ("tinyscope.tables:from_csv", "tinyscope.tables:split_line"),
        LARGE,
    ),
)

_NEW_FUNCTION = (
    Injection(
        "notes-cleaned",
        "new function",
        _READ,
        (
            Edit(
                "tinyscope/formats.py",
                '''\
def parse_note(line: str) -> Note:
    """Read the note on one cell."""
    name, *parts = line.split(";")
''',
                '''\
def clean(line: str) -> str:
    """Replace what cannot be printed; leave single spaces."""
    kept = [character if character.isprintable() else " " for character in line]
    return " ".join("".join(kept).split())


def parse_note(line: str) -> Note:
    """Read the note on one cell."""
    name, *parts = clean(line).split(";")
''',
            ),
        ),
        ("tinyscope.formats:parse_note", "tinyscope.formats:clean"),
        LARGE,
    ),
    Injection(
        "numbers-rounded",
        "new function",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                '''\
def parse_item(text: str) -> Item:
    """Return a number where a text is one."""
    try:
        return float(text)
    except ValueError:
        return text
''',
                '''\
def rounded(value: float) -> float:
    """Return a number with six digits."""
    return float(f"{value:.6g}")


def parse_item(text: str) -> Item:
    """Return a number where a text is one."""
    try:
        return rounded(float(text))
    except ValueError:
        return text
''',
            ),
        ),
        ("tinyscope.tables:parse_item", "tinyscope.tables:rounded"),
        LARGE,
    ),
    Injection(
        "samples-checked",
        "new function",
        _TRAIN,
        (
            Edit(
                "tinyscope/dataset.py",
                """\
        return descriptor(self.change(self.images[number], rng))
""",
                """\
        return descriptor(checked(self.change(self.images[number], rng)))
""",
            ),
            Edit(
                "tinyscope/dataset.py",
                """\
def orientations(""",
                '''\
def checked(image: np.ndarray) -> np.ndarray:
    """Return an image; raise ValueError where it cannot be used."""
    if image.max() == 0 or not np.isfinite(image).all():
        raise ValueError("An image cannot be used.")
    return image


def orientations(''',
            ),
        ),
        ("tinyscope.dataset:Patches.sample", "tinyscope.dataset:checked"),
        SMALL,
    ),
)

_QUADRATIC = (
    Injection(
        "small-cells-one-by-one",
        "quadratic loop",
        _SEGMENT,
        (
            Edit(
                "tinyscope/segmentation.py",
                """\
    sizes = np.bincount(labels.ravel())
    kept = sizes >= smallest
    kept[0] = False
    numbers = np.where(kept, kept.cumsum(), 0).astype(labels.dtype)
    return numbers[labels]
""",
                """\
    kept = np.zeros_like(labels)
    count = 0
    for number in range(1, int(labels.max(initial=0)) + 1):
        places = np.flatnonzero(labels == number)
        if len(places) >= smallest:
            count += 1
            kept.ravel()[places] = count
    return kept
""",
            ),
        ),
        ("tinyscope.segmentation:drop_small",),
        LARGE,
    ),
    Injection(
        "join-by-search",
        "quadratic loop",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
                there.append(partners[item])
""",
                """\
                there.append(other.columns[key].index(item))
""",
            ),
        ),
        ("tinyscope.tables:Table.join",),
        SMALL,
    ),
    Injection(
        "batch-grown",
        "quadratic loop",
        _TRAIN,
        (
            Edit(
                "tinyscope/dataset.py",
                """\
            samples = [(self.sample(number, rng), self.targets[number]) for number in chosen]
            yield collate(samples)
""",
                """\
            images, targets = np.zeros((0, 72), np.float32), self.targets[:0]
            for number in chosen:
                images = np.vstack((images, self.sample(number, rng)))
                targets = np.append(targets, self.targets[number])
            yield images, targets
""",
            ),
        ),
        ("tinyscope.dataset:Patches.batches",),
        SMALL,
    ),
)

_DTYPE = (
    Injection(
        "blur-in-double",
        "dtype widening",
        _SEGMENT,
        (
            Edit(
                "tinyscope/filters.py",
                """\
    total = np.zeros_like(image)
    for""",
                """\
    total = np.zeros(image.shape)
    for""",
            ),
        ),
        ("tinyscope.filters:convolve_rows",),
        LARGE,
    ),
    Injection(
        "noise-in-double",
        "dtype widening",
        _TRAIN,
        (
            Edit(
                "tinyscope/augment.py",
                """\
        grain = rng.standard_normal(image.shape, dtype=np.float32)
""",
                """\
        grain = rng.standard_normal(image.shape)
""",
            ),
        ),
        ("tinyscope.augment:Jitter.__call__",),
        LARGE,
    ),
)

_COPY = (
    Injection(
        "image-copied-for-each-square",
        "extra copy",
        _SEGMENT,
        (
            Edit(
                "tinyscope/quadtree.py",
                """\
    pixels = image[y : y + size, x : x + size]
""",
                """\
    pixels = image.copy()[y : y + size, x : x + size]
""",
            ),
        ),
        ("tinyscope.quadtree:squares",),
        SMALL,
    ),
    Injection(
        "columns-copied-deeply",
        "extra copy",
        _TABULATE,
        (
            Edit(
                "tinyscope/tables.py",
                """\
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
""",
                """\
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
""",
            ),
            Edit(
                "tinyscope/tables.py",
                """\
        return type(self)({name: [items[i] for i in places] for name, items in self.columns.items()})
""",
                """\
        columns = copy.deepcopy(self.columns)
        return type(self)({name: [items[i] for i in places] for name, items in columns.items()})
""",
            ),
        ),
        ("tinyscope.tables:Table.take",),
        LARGE,
    ),
)

_SYNCHRONISATION = (
    Injection(
        "counts-locked",
        "needless synchronisation",
        _TABULATE,
        (
            Edit(
                "tinyscope/stats.py",
                """\
from random import Random
""",
                """\
from random import Random
from threading import Lock
""",
            ),
            Edit(
                "tinyscope/stats.py",
                """\
    counts = [0] * bins
    scale = bins / max(high - low, 1e-9)
    for value in values:
        place = int((value - low) * scale)
        counts[min(max(place, 0), bins - 1)] += 1
""",
                """\
    counts = [0] * bins
    lock = Lock()
    scale = bins / max(high - low, 1e-9)
    for value in values:
        place = int((value - low) * scale)
        with lock:
            counts[min(max(place, 0), bins - 1)] += 1
""",
            ),
        ),
        ("tinyscope.stats:histogram",),
        LARGE,
    ),
    Injection(
        "each-write-awaited",
        "needless synchronisation",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        self._queue.put((name, data))
""",
                """\
        self._queue.put((name, data))
        self._queue.join()
""",
            ),
        ),
        ("tinyscope.disk:BackgroundWriter.put",),
        LARGE,
    ),
)

_DECODE = (
    Injection(
        "inflate-in-pieces",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    return zlib.decompress(body)
""",
                """\
    engine = zlib.decompressobj()
    parts = [engine.decompress(body[first : first + 64]) for first in range(0, len(body), 64)]
    return b"".join(parts) + engine.flush()
""",
            ),
        ),
        ("tinyscope.codecs:inflate",),
        LARGE,
    ),
    Injection(
        "planes-transposed",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    low, high = np.frombuffer(data, np.uint8).reshape(2, *shape)
    pixels = high.astype(np.uint16)
    pixels <<= 8
    pixels |= low
    return pixels
""",
                """\
    pairs = np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(2, -1).T)
    return pairs.view("<u2").reshape(shape)
""",
            ),
        ),
        ("tinyscope.codecs:join_planes",),
        SMALL,
    ),
    Injection(
        "sums-row-by-row",
        "slower decode in a worker",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
    return np.cumsum(differences, axis=1, dtype=np.uint16)
""",
                """\
    pixels = np.empty_like(differences)
    for row, changes in zip(pixels, differences, strict=True):
        np.add.accumulate(changes, out=row)
    return pixels
""",
            ),
        ),
        ("tinyscope.codecs:undo_delta",),
        LARGE,
    ),
)

_IMPORT_TIME = (
    Injection(
        "statistics-imported",
        "import-time cost",
        _IMPORT,
        (
            Edit(
                "tinyscope/stats.py",
                """\
from random import Random
""",
                """\
from random import Random
from statistics import fmean
""",
            ),
            Edit(
                "tinyscope/stats.py",
                """\
    return math.fsum(values) / len(values)
""",
                """\
    return fmean(values)
""",
            ),
        ),
        ("tinyscope.stats:<module>",),
        LARGE,
    ),
    Injection(
        "more-gamma-tables",
        "import-time cost",
        _IMPORT,
        (
            Edit(
                "tinyscope/lookups.py",
                """\
for exponent in (0.5, 0.8)}
""",
                """\
for exponent in (0.45, 0.5, 0.8)}
""",
            ),
        ),
        ("tinyscope.lookups:<module>", "tinyscope.lookups:_gamma"),
        SMALL,
    ),
)

_WAIT = (
    Injection(
        "seek-before-each-block",
        "I/O wait",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        place = self.seek(name, start)
        for offset in range(start, size, self.block):
            yield self.read_block((place[0], offset), min(self.block, size - offset))
""",
                """\
        for offset in range(start, size, self.block):
            place = self.seek(name, offset)
            yield self.read_block(place, min(self.block, size - offset))
""",
            ),
        ),
        ("tinyscope.disk:Disk.blocks", "tinyscope.disk:Disk.seek"),
        LARGE,
    ),
    Injection(
        "synced-twice",
        "I/O wait",
        _SERIES,
        (
            Edit(
                "tinyscope/disk.py",
                """\
        self._queue.put(None)
        self._thread.join()
""",
                """\
        self.disk.sync()
        self._queue.put(None)
        self._thread.join()
""",
            ),
        ),
        ("tinyscope.disk:BackgroundWriter.__exit__", "tinyscope.disk:Disk.sync"),
        LARGE,
    ),
)

_CHURN = (
    Injection(
        "array-for-each-run",
        "allocation churn",
        _SEGMENT,
        (
            Edit(
                "tinyscope/segmentation.py",
                """\
            row[run.start : run.stop] = lookup[run.label]
""",
                """\
            row[run.start : run.stop] = np.array([lookup[run.label]] * (run.stop - run.start))
""",
            ),
        ),
        ("tinyscope.segmentation:fill",),
        SMALL,
    ),
    Injection(
        "new-counts-for-each-value",
        "allocation churn",
        _TABULATE,
        (
            Edit(
                "tinyscope/stats.py",
                """\
        place = int((value - low) * scale)
        counts[min(max(place, 0), bins - 1)] += 1
""",
                """\
        place = min(max(int((value - low) * scale), 0), bins - 1)
        counts = [*counts[:place], counts[place] + 1, *counts[place + 1 :]]
""",
            ),
        ),
        ("tinyscope.stats:histogram",),
        LARGE,
    ),
)

_CACHING = (
    Injection(
        "metadata-read-each-time",
        "lost caching",
        _READ,
        (
            Edit(
                "tinyscope/readers.py",
                """\
    @cached_property
    def metadata""",
                """\
    @property
    def metadata""",
            ),
            Edit("tinyscope/readers.py", "from functools import cached_property\n", ""),
        ),
        (
            "tinyscope.readers:StackReader.metadata",
            "tinyscope.formats:parse_metadata",
            "tinyscope.formats:convert",
        ),
        LARGE,
    ),
    Injection(
        "few-rings-kept",
        "lost caching",
        _SEGMENT,
        (
            Edit(
                "tinyscope/features.py",
                """\
@memoize(512)
def rings""",
                """\
@memoize(2)
def rings""",
            ),
        ),
        ("tinyscope.features:rings",),
        LARGE,
    ),
    Injection(
        "weights-worked-out-again",
        "lost caching",
        _LOADER,
        (
            Edit(
                "tinyscope/codecs.py",
                """\
@lru_cache(maxsize=128)
def _weights""",
                """\
def _weights""",
            ),
            Edit("tinyscope/codecs.py", "from functools import lru_cache\n", ""),
        ),
        ("tinyscope.codecs:_weights",),
        SMALL,
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
