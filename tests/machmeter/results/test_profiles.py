"""Files of profiles: what is written is read, and what is broken is named and left alone."""

import gzip
from pathlib import Path

import pytest
from profiles_of import profile

from machmeter.errors import MachmeterError, UnreadableProfileError
from machmeter.profiles import Profile
from machmeter.results import profiles

STACKS = {("main", "pkg.a:run", "pkg.a:load"): 7, ("worker", "pkg.a:load"): 2}


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    """Facts and stacks."""
    given = profile(STACKS, versions={"numpy": "2.4"}, params=("1", "'a b'"))
    (path,) = profiles.save(tmp_path / "results", [given])
    assert profiles.read(path) == given


def test_the_profiles_of_a_commit_are_found(tmp_path: Path) -> None:
    """Of one machine, oldest first; a broken one stands between them as an error."""
    results = tmp_path / "results"
    for day in (2, 1):
        profiles.save(results, [profile(STACKS, started_at=f"2026-01-0{day}T00:00:00+00:00")])
    profiles.save(results, [profile(STACKS, commit="b" * 40)])
    folder = profiles.profiles_dir(results, "box")
    (folder / f"{'a' * 12}-zz.folded.gz").write_bytes(b"no gzip")
    found = list(profiles.stored(results, "box", "a" * 40))
    days = [each.facts.started_at[:10] for each in found if isinstance(each, Profile)]
    assert days == ["2026-01-01", "2026-01-02"]
    assert sum(isinstance(each, MachmeterError) for each in found) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text",
        gzip.compress(b""),
        gzip.compress(b"# {}\nmain;f 3\n"),
        gzip.compress(b"# [1]\nmain;f 3\n"),
        gzip.compress(b"main;f 3\n"),
        gzip.compress(b"# {}\nmain;f 3\n")[:-6],
    ],
)
def test_a_file_that_is_no_profile_is_said_so(tmp_path: Path, content: bytes) -> None:
    """Empty, cut off, without facts."""
    path = tmp_path / "x.folded.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableProfileError):
        profiles.read(path)


def test_a_profile_without_stacks_is_refused(tmp_path: Path) -> None:
    """Nothing can be drawn of it."""
    (path,) = profiles.save(tmp_path / "results", [profile({})])
    with pytest.raises(UnreadableProfileError, match="no stacks"):
        profiles.read(path)


def test_a_hundred_megabytes_of_stacks_are_not_read(tmp_path: Path) -> None:
    """They compress to little, and would fill the memory."""
    path = tmp_path / "x.folded.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(100):
            stream.write(b"main;pkg:f 1\n" * (1 << 20 >> 3))
    with pytest.raises(UnreadableProfileError, match="MB"):
        profiles.read(path)


def test_frame_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    """A lone surrogate becomes a question mark."""
    (path,) = profiles.save(tmp_path / "results", [profile({("main", "pkg:\udcff"): 20})])
    assert profiles.read(path).stacks == {("main", "pkg:?"): 20}


@pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd", "x.txt", "", ".hidden.html", "a/b.html"])
def test_a_page_is_only_taken_from_its_folder(tmp_path: Path, name: str) -> None:
    """A confirmation's file may hold any name."""
    profiles.save_page(tmp_path / "results", "good.html", "<p>")
    (tmp_path / "secret.html").write_text("no")
    assert profiles.page(tmp_path / "results", "good.html") == "<p>"
    assert profiles.page(tmp_path / "results", name) is None
