"""Harmless edits: each leaves what a function does, and how long it takes."""

from .data import BENCHMARKS, Decoy, Edit

_READ, _SEGMENT, _TABULATE, _TRAIN, _LOADER, _SERIES, _IMPORT = BENCHMARKS
_DECODING = (_READ, _LOADER, _SERIES)


def _decoy(function: str, old: str, new: str, *benchmarks: str) -> Decoy:
    """Edit the file of a function."""
    return Decoy(function, Edit(f"{function.partition(':')[0].replace('.', '/')}.py", old, new), benchmarks)


_READING = (
    _decoy(
        "tinyscope.formats:parse_header",
        """\
    magic, version, frames, length = _HEADER.unpack_from(buffer)
    if magic != MAGIC:
        raise ValueError("This is no stack.")
    start = _HEADER.size
    return Header(version, frames, str(buffer[start : start + length], "utf-8"), start + length)
""",
        """\
    magic, version, frames, length = _HEADER.unpack_from(buffer)
    if magic != MAGIC:
        raise ValueError("This is no stack of tinyscope.")
    start = _HEADER.size
    stop = start + length
    return Header(version, frames, str(buffer[start:stop], "utf-8"), stop)
""",
        *_DECODING,
    ),
    _decoy(
        "tinyscope.formats:iterate_strips",
        """\
        (length,) = _LENGTH.unpack_from(pixels, offset)
        offset += _LENGTH.size
        yield pixels[offset : offset + length]
        offset += length
""",
        """\
        (count,) = _LENGTH.unpack_from(pixels, offset)
        offset += _LENGTH.size
        yield pixels[offset : offset + count]
        offset += count
""",
        *_DECODING,
    ),
    _decoy(
        "tinyscope.formats:parse_entry",
        """\
    *spans, height, width = _ENTRY.unpack_from(buffer, offset)
    return Entry(Span(*spans[0:2]), Span(*spans[2:4]), Span(*spans[4:6]), height, width)
""",
        """\
    *places, height, width = _ENTRY.unpack_from(buffer, offset)
    return Entry(Span(*places[:2]), Span(*places[2:4]), Span(*places[4:]), height, width)
""",
        *_DECODING,
    ),
    _decoy(
        "tinyscope.readers:StackReader._pixels",
        """\
        pixels = np.empty((entry.height, entry.width), np.uint16)
        for top, strip in self._strips(entry):
            pixels[top : top + STRIP] = strip
        return pixels
""",
        """\
        # Every row belongs to a strip: nothing stays empty.
        image = np.empty((entry.height, entry.width), np.uint16)
        for top, strip in self._strips(entry):
            image[top : top + STRIP] = strip
        return image
""",
        *_DECODING,
    ),
    _decoy(
        "tinyscope.calibration:correct",
        '''\
    """Return intensities for a unit of exposure."""
    corrected = image.astype(np.float32)
    corrected -= dark_level(image)
    corrected /= flat_field(image.shape, fall_off)
    corrected *= np.float32(0.01 / exposure)
    return repair(corrected)
''',
        '''\
    """Return intensities for a hundredth of a second."""
    light = image.astype(np.float32)
    light -= dark_level(image)
    light /= flat_field(image.shape, fall_off)
    light *= np.float32(0.01 / exposure)
    return repair(light)
''',
        *_DECODING,
    ),
    _decoy(
        "tinyscope.codecs:decode_runs",
        """\
    values = np.zeros(len(lengths), bool)
    values[1::2] = True
    return np.repeat(values, lengths).reshape(shape)
""",
        """\
    bright = np.zeros(len(lengths), bool)
    bright[1::2] = True
    return np.repeat(bright, lengths).reshape(shape)
""",
        *_DECODING,
    ),
)

_LEARNING = (
    _decoy(
        "tinyscope.augment:Flip.__call__",
        """\
        if upside_down:
            image = image[::-1]
        return image[:, ::-1] if mirrored else image
""",
        """\
        if mirrored:
            image = image[:, ::-1]
        return image[::-1] if upside_down else image
""",
        _LOADER,
        _TRAIN,
    ),
    _decoy(
        "tinyscope.augment:Normalise.limits",
        """\
        outside = int(flat.size * self.percent / 100)
        ordered = np.partition(flat, (outside, flat.size - 1 - outside))
        return float(ordered[outside]), float(ordered[-1 - outside])
""",
        """\
        first = int(flat.size * self.percent / 100)
        last = flat.size - 1 - first
        ordered = np.partition(flat, (first, last))
        return float(ordered[first]), float(ordered[last])
""",
        _LOADER,
        _TRAIN,
    ),
    _decoy(
        "tinyscope.dataset:collate",
        '''\
    """Stack samples into a batch."""
    images, targets = zip(*samples, strict=True)
    return np.stack(images), np.array(targets)
''',
        '''\
    """Stack samples into a batch of images and one of targets."""
    stacked, numbers = zip(*samples, strict=True)
    return np.stack(stacked), np.array(numbers)
''',
        _LOADER,
        _TRAIN,
    ),
    _decoy(
        "tinyscope.dataset:StackDataset.target",
        """\
        return sum("sharp" in note.tags for note in self.reader.notes(number))
""",
        """\
        notes = self.reader.notes(number)
        return sum("sharp" in note.tags for note in notes)
""",
        _LOADER,
    ),
    _decoy(
        "tinyscope.model:softmax",
        """\
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
""",
        """\
    highest = scores.max(axis=1, keepdims=True)
    powers = np.exp(scores - highest)
    return powers / powers.sum(axis=1, keepdims=True)
""",
        _TRAIN,
    ),
    _decoy(
        "tinyscope.model:History.close_epoch",
        """\
        self.lines.append(f"epoch {epoch}: loss {mean(self.recent):.4f}, right {right:.1%}")
""",
        """\
        loss = mean(self.recent)
        self.lines.append(f"epoch {epoch}: loss {loss:.4f}" + f", right {right:.1%}")
""",
        _TRAIN,
    ),
    _decoy(
        "tinyscope.dataset:tiles",
        """\
            yield slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)
""",
        """\
            top, left = row * height, column * width
            yield slice(top, top + height), slice(left, left + width)
""",
        _TRAIN,
    ),
)

_SEGMENTING = (
    _decoy(
        "tinyscope.segmentation:otsu",
        """\
    mean_below = moment / np.maximum(below, 1)
    mean_above = (moment[-1] - moment) / np.maximum(above, 1)
    return float(centres[np.argmax(below * above * (mean_below - mean_above) ** 2)])
""",
        """\
    mean_above = (moment[-1] - moment) / np.maximum(above, 1)
    mean_below = moment / np.maximum(below, 1)
    between = below * above * (mean_below - mean_above) ** 2
    return float(centres[np.argmax(between)])
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.segmentation:Forest.numbering",
        """\
            if root == label:
                count += 1
                numbers[label] = count
            else:
                numbers[label] = numbers[root]
""",
        """\
            if root != label:
                numbers[label] = numbers[root]
            else:
                count += 1
                numbers[label] = count
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.filters:local_contrast",
        """\
    count = (2 * radius + 1) ** 2
    mean = box_sums(image, radius) / count
    square = box_sums(image * image, radius) / count
    deviation = np.sqrt(np.maximum(square - mean * mean, np.float32(1e-6)))
    return (image - mean) / deviation
""",
        """\
    area = (2 * radius + 1) ** 2
    square = box_sums(image * image, radius) / area
    mean = box_sums(image, radius) / area
    variance = np.maximum(square - mean * mean, np.float32(1e-6))
    return (image - mean) / np.sqrt(variance)
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.quadtree:low_level",
        """\
    flat = pixels.ravel()
    rank = flat.size // 4
    return float(np.partition(flat, rank)[rank])
""",
        """\
    values = pixels.ravel()
    quarter = values.size // 4
    return float(np.partition(values, quarter)[quarter])
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.quadtree:squares",
        """\
    half = size // 2
    if half < settings.tile or spread(pixels) < settings.tolerance:
        yield Square(y, x, size, low_level(pixels))
        return
    for dy in (0, half):
        for dx in (0, half):
            yield from squares(image, y + dy, x + dx, half, settings)
""",
        """\
    half = size // 2
    if half >= settings.tile and spread(pixels) >= settings.tolerance:
        for dy in (0, half):
            for dx in (0, half):
                yield from squares(image, y + dy, x + dx, half, settings)
    else:
        yield Square(y, x, size, low_level(pixels))
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.features:outline",
        """\
    across = int(np.count_nonzero(inside[:, 1:] != inside[:, :-1]))
    down = int(np.count_nonzero(inside[1:] != inside[:-1]))
""",
        """\
    down = int(np.count_nonzero(inside[1:] != inside[:-1]))
    across = int(np.count_nonzero(inside[:, 1:] != inside[:, :-1]))
""",
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.features:shape",
        """\
    common = math.hypot(yy - xx, 2 * yx)
    longest, shortest = (yy + xx + common) / 2, max((yy + xx - common) / 2, 1e-9)
""",
        """\
    # The eigenvalues of the matrix of second moments.
    root = math.hypot(yy - xx, 2 * yx)
    longest, shortest = (yy + xx + root) / 2, max((yy + xx - root) / 2, 1e-9)
""",
        _SEGMENT,
    ),
)

_TABULATING = (
    _decoy(
        "tinyscope.tables:Table.groups",
        """\
        found: dict[Item, list[int]] = {}
        for place, item in enumerate(self.columns[name]):
            found.setdefault(item, []).append(place)
        return found
""",
        """\
        places: dict[Item, list[int]] = {}
        for row, item in enumerate(self.columns[name]):
            places.setdefault(item, []).append(row)
        return places
""",
        _TABULATE,
    ),
    _decoy(
        "tinyscope.tables:size_class",
        """\
    return f"{size}, long" if elongation > 1.5 else f"{size}, round"  # noqa: PLR2004 - by convention
""",
        """\
    return f"{size}, round" if elongation <= 1.5 else f"{size}, long"  # noqa: PLR2004 - by convention
""",
        _TABULATE,
    ),
    _decoy(
        "tinyscope.stats:absolute_deviation",
        """\
    middle = quantile(ordered, 0.5)
    return quantile(sorted(abs(value - middle) for value in ordered), 0.5)
""",
        """\
    median = quantile(ordered, 0.5)
    return quantile(sorted(abs(value - median) for value in ordered), 0.5)
""",
        _TABULATE,
    ),
    _decoy(
        "tinyscope.stats:quantile",
        """\
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
""",
        """\
    above = min(below + 1, len(ordered) - 1)
    rest = place - below
    return ordered[below] + (ordered[above] - ordered[below]) * rest
""",
        _TABULATE,
        _SEGMENT,
    ),
    _decoy(
        "tinyscope.stats:entropy",
        """\
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts if count)
""",
        """\
    total = sum(counts)
    return sum(-count / total * math.log2(count / total) for count in counts if count)
""",
        _TABULATE,
    ),
    _decoy(
        "tinyscope.tables:to_csv",
        """\
    head = ",".join(table.columns) + "\\n"
    lines = [format_line(row) for row in zip(*table.columns.values(), strict=True)]
    return head + "\\n".join(lines) + "\\n"
""",
        """\
    head = ",".join(table.columns)
    body = "\\n".join([format_line(row) for row in zip(*table.columns.values(), strict=True)])
    return f"{head}\\n{body}\\n"
""",
        _TABULATE,
    ),
)

_WAITING = (
    _decoy(
        "tinyscope.disk:Disk.read_block",
        """\
        name, offset = place
        return self.blobs[name][offset : offset + length]
""",
        """\
        name, first = place
        return self.blobs[name][first : first + length]
""",
        _SERIES,
    ),
    _decoy(
        "tinyscope.pipeline:inspect",
        """\
    notes = sum(len(frame.notes) for frame in frames)
    brightest = max(float(frame.image.max()) for frame in frames)
""",
        """\
    brightest = max(float(frame.image.max()) for frame in frames)
    notes = sum(len(frame.notes) for frame in frames)
""",
        _SERIES,
    ),
    _decoy(
        "tinyscope.pipeline:load_series",
        """\
            line = inspect(disk.read(name))
            writer.put(f"{name}.txt", line.encode())
            lines.append(line)
""",
        """\
            line = inspect(disk.read(name))
            lines.append(line)
            writer.put(name + ".txt", line.encode())
""",
        _SERIES,
    ),
)

_IMPORTING = (
    _decoy(
        "tinyscope.lookups:_palette",
        """\
        span = min(int(position), len(spans) - 1)
        colours.append(_mix(*spans[span], position - span))
""",
        """\
        chosen = min(int(position), len(spans) - 1)
        colours.append(_mix(*spans[chosen], position - chosen))
""",
        _IMPORT,
    ),
    _decoy(
        "tinyscope.lookups:_disc",
        """\
    inside = [(dy, dx) for dy in reach for dx in reach if math.hypot(dy, dx) <= radius]
    return tuple(sorted(inside, key=_squared))
""",
        """\
    offsets = [(dy, dx) for dy in reach for dx in reach if math.hypot(dy, dx) <= radius]
    return tuple(sorted(offsets, key=_squared))
""",
        _IMPORT,
    ),
    _decoy(
        "tinyscope.lookups:_scales",
        """\
    lengths = {prefix + "m": 10.0**power for prefix, power in (("n", -9), ("u", -6), ("m", -3))}
    times = {prefix + "s": 10.0**power for prefix, power in (("m", -3), ("", 0))}
""",
        """\
    times = {prefix + "s": 10.0**power for prefix, power in (("m", -3), ("", 0))}
    lengths = {prefix + "m": 10.0**power for prefix, power in (("n", -9), ("u", -6), ("m", -3))}
""",
        _IMPORT,
    ),
    _decoy(
        "tinyscope.lookups:_squared",
        """\
    dy, dx = offset
    return dy * dy + dx * dx
""",
        """\
    down, right = offset
    return down * down + right * right
""",
        _IMPORT,
    ),
)

_HELPERS = (
    _decoy(
        "tinyscope.stats:clamp",
        """\
def mean(values""",
        '''\
def clamp(value: float, low: float, high: float) -> float:
    """Return the nearest value between two."""
    return min(max(value, low), high)


def mean(values''',
    ),
    _decoy(
        "tinyscope.filters:invert",
        """\
def halve(image""",
        '''\
def invert(image: np.ndarray) -> np.ndarray:
    """Return an image with dark and bright exchanged."""
    return image.max() + image.min() - image


def halve(image''',
    ),
    _decoy(
        "tinyscope.formats:is_stack",
        """\
def parse_header(buffer""",
        '''\
def is_stack(buffer: memoryview) -> bool:
    """Whether a buffer begins like a container."""
    return bytes(buffer[: len(MAGIC)]) == MAGIC


def parse_header(buffer''',
    ),
)

DECOYS = (*_READING, *_LEARNING, *_SEGMENTING, *_TABULATING, *_WAITING, *_IMPORTING, *_HELPERS)
