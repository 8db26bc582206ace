"""Files of profiles: gzipped folded stacks below a line of facts, and the pages that were drawn of them."""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from machmeter.errors import MachmeterError, UnreadableProfileError
from machmeter.files import write_bytes, write_text
from machmeter.probe import stacks
from machmeter.profiles import Profile, ProfileFacts
from machmeter.results.layout import companion_dir
from machmeter.results.typed import build

_SUFFIX: Final = ".folded.gz"
_MARK: Final = "# "
_PAGE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.html")
#: A profile of a second holds some hundred stacks; more than this was not made by us.
_LARGEST_BYTES: Final = 64 << 20


def profiles_dir(results_dir: Path, tag: str) -> Path:
    """Folder of one machine's profiles."""
    return companion_dir(results_dir) / "profiles" / tag


def pages_dir(results_dir: Path) -> Path:
    """Folder of the flame graphs."""
    return companion_dir(results_dir) / "flames"


def save(results_dir: Path, profiles: Iterable[Profile]) -> list[Path]:
    """Write profiles, a file each.

    Raises
    ------
    UnwritableError
        If the disk is full or the folder cannot be written.
    """
    return [_save(results_dir, profile) for profile in profiles]


def _save(results_dir: Path, profile: Profile) -> Path:
    facts = profile.facts
    text = f"{_MARK}{json.dumps(asdict(facts))}\n{stacks.to_text(profile.stacks)}"
    content = gzip.compress(text.encode("utf-8", errors="replace"), mtime=0)
    moment = re.sub(r"\D", "", facts.started_at)
    name = f"{facts.commit[:12]}-{slug(facts.benchmark, facts.params)}-{moment}{_SUFFIX}"
    path = profiles_dir(results_dir, facts.tag) / name
    write_bytes(path, content)
    return path


def save_page(results_dir: Path, name: str, text: str) -> Path:
    """Write a flame graph or another drawing of profiles; see `save`."""
    path = pages_dir(results_dir) / name
    write_text(path, text)
    return path


def page(results_dir: Path, name: str) -> str | None:
    """Read a page by the name of its file; None if there is none, or the name leads elsewhere."""
    if not _PAGE.fullmatch(name):
        return None
    try:
        return (pages_dir(results_dir) / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def read(path: Path) -> Profile:
    """Read a profile.

    Raises
    ------
    UnreadableProfileError
        If the file is missing, cut off, too large, or holds something else.
    """
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableProfileError(path, str(error)) from error
    if len(content) > _LARGEST_BYTES:
        raise UnreadableProfileError(path, f"it holds more than {_LARGEST_BYTES >> 20} MB of stacks")
    first, _, rest = content.decode("utf-8", errors="replace").partition("\n")
    try:
        facts = build(ProfileFacts, json.loads(first.removeprefix(_MARK)))
    except (TypeError, ValueError) as error:
        raise UnreadableProfileError(path, f"its first line holds no facts ({error})") from error
    profile = Profile(facts, stacks.from_text(rest))
    if not profile.stacks:
        raise UnreadableProfileError(path, "it holds no stacks")
    return profile


def stored(results_dir: Path, tag: str, commit: str) -> Iterator[Profile | MachmeterError]:
    """Read the profiles of a commit, oldest first; errors stand for files that cannot be read."""
    for path in sorted(profiles_dir(results_dir, tag).glob(f"{commit[:12]}-*{_SUFFIX}")):
        try:
            yield read(path)
        except UnreadableProfileError as error:
            yield error


def slug(benchmark: str, params: Iterable[str]) -> str:
    """Name of a benchmark with its parameters, fit for a file."""
    digest = hashlib.sha256(json.dumps([benchmark, list(params)]).encode()).hexdigest()[:8]
    return f"{re.sub('[^A-Za-z0-9_.]+', '_', benchmark)[:60]}-{digest}"
