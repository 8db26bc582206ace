"""Tables of measurements, by column."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Self

from .stats import Summary, correlation, entropy, histogram, summarise

Item = str | float
Row = Mapping[str, Item]


class Table:
    """Columns of equal length."""

    def __init__(self, columns: Mapping[str, list[Item]]) -> None:
        self.columns = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    @classmethod
    def from_rows(cls, rows: Sequence[Row]) -> Self:
        """Collect rows with the same keys."""
        names = list(rows[0]) if rows else []
        return cls({name: [row[name] for row in rows] for name in names})

    def rows(self) -> Iterator[dict[str, Item]]:
        """Yield the rows."""
        names = list(self.columns)
        for items in zip(*self.columns.values(), strict=True):
            yield dict(zip(names, items, strict=True))

    def take(self, places: Sequence[int]) -> Self:
        """Return some of the rows."""
        return type(self)({name: [items[i] for i in places] for name, items in self.columns.items()})

    def derive(self, name: str, function: Callable[..., Item], *sources: str) -> None:
        """Add a column that follows from others."""
        given = [self.columns[source] for source in sources]
        self.columns[name] = [function(*items) for items in zip(*given, strict=True)]

    def groups(self, name: str) -> dict[Item, list[int]]:
        """Return the rows of each value of a column."""
        found: dict[Item, list[int]] = {}
        for place, item in enumerate(self.columns[name]):
            found.setdefault(item, []).append(place)
        return found

    def join(self, other: Self, key: str) -> Self:
        """Add another table's columns by a key that it holds once; rows without a partner go."""
        partners = {item: place for place, item in enumerate(other.columns[key])}
        here, there = [], []
        for place, item in enumerate(self.columns[key]):
            if item in partners:
                here.append(place)
                there.append(partners[item])
        joined = self.take(here)
        added = other.take(there)
        joined.columns |= {name: items for name, items in added.columns.items() if name != key}
        return joined

    def sorted_by(self, *names: str) -> Self:
        """Return the rows in order."""
        keys = list(zip(*(self.columns[name] for name in names), strict=True))
        return self.take(sorted(range(len(keys)), key=keys.__getitem__))

    def numeric(self) -> Iterator[tuple[str, list[float]]]:
        """Yield the columns of numbers."""
        for name, items in self.columns.items():
            if items and all(isinstance(item, float) for item in items):
                yield name, items


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names, numbered where one occurs again."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.append(f"{name}-{count}" if count else name)
    return found


def size_class(area: float, elongation: float) -> str:
    """Return a rough class of a cell."""
    size = "large" if area > 120 else "medium" if area > 60 else "small"  # noqa: PLR2004 - by convention
    return f"{size}, long" if elongation > 1.5 else f"{size}, round"  # noqa: PLR2004 - by convention


def summarise_groups(table: Table, name: str, column: str) -> dict[Item, Summary]:
    """Describe a column in each group."""
    return {
        item: summarise([table.columns[column][place] for place in places])
        for item, places in table.groups(name).items()
    }


def spreads(table: Table, bins: int) -> dict[str, float]:
    """Return how evenly the numbers of each column are spread, in bits."""
    found = {}
    for name, values in table.numeric():
        counts = histogram(values, min(values), max(values), bins)
        found[name] = entropy(counts)
    return found


def correlations(table: Table, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """Return the correlation of each pair of columns."""
    return {
        (first, second): correlation(table.columns[first], table.columns[second])
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    }


def format_item(item: Item) -> str:
    """Write an item for a file."""
    if isinstance(item, float):
        return f"{item:.6g}"
    if "," in item or '"' in item:
        quoted = item.replace('"', '""')
        return f'"{quoted}"'
    return item


def to_csv(table: Table) -> str:
    """Write a table."""
    head = ",".join(table.columns) + "\n"
    lines = [format_line(row) for row in zip(*table.columns.values(), strict=True)]
    return head + "\n".join(lines) + "\n"


def format_line(items: Iterable[Item]) -> str:
    """Write a row for a file."""
    return ",".join([format_item(item) for item in items])


def split_line(line: str) -> list[str]:
    """Return the items of a line, quoted ones too."""
    if '"' not in line:
        return line.split(",")
    items, rest = [], line
    while rest:
        if rest.startswith('"'):
            end = rest.index('"', 1)
            item, rest = rest[1:end], rest[end + 2 :]
        else:
            item, _, rest = rest.partition(",")
        items.append(item)
    return items


def parse_item(text: str) -> Item:
    """Return a number where a text is one."""
    try:
        return float(text)
    except ValueError:
        return text


def from_csv(text: str) -> Table:
    """Read a table."""
    first, *lines = text.splitlines()
    names = unique_names(first.split(","))
    return Table.from_rows(
        [dict(zip(names, map(parse_item, split_line(line)), strict=True)) for line in lines]
    )
