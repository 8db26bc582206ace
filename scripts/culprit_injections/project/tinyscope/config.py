"""What an analysis may be told."""

import re
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Self

_LINE = re.compile(r"\s*(?P<key>[a-z_]+)\s*=\s*(?P<value>[^#]*?)\s*(?:#.*)?$")


@dataclass(frozen=True)
class Settings:
    """Settings of an analysis; lengths in pixels."""

    sigma: float = 1.2
    tile: int = 12
    tolerance: float = 30.0
    smallest: int = 12
    levels: int = 8
    bins: int = 64
    unit: str = "px"

    def validated(self) -> Self:
        """Return the settings; raise ValueError where one cannot be used."""
        for name in ("sigma", "tile", "tolerance", "smallest", "levels", "bins"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive.")
        return self

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read lines ``key = value``, with comments after ``#``."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        given = {}
        for line in text.splitlines():
            found = _LINE.match(line)
            if found is None:
                continue
            key = found["key"]
            if key not in kinds:
                raise ValueError(f"There is no setting {key}.")
            given[key] = kinds[key](found["value"])
        return cls(**given).validated()


@lru_cache(maxsize=8)
def parse_settings(text: str) -> Settings:
    """Read settings; the same text is read once."""
    return Settings.from_text(text)
