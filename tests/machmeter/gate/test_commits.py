from pathlib import Path

import pytest
from asv.plugins.git import Git
from toy import Suite, make_suite

from machmeter.errors import ConfigurationError
from machmeter.gate import commits


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return make_suite(tmp_path)


def repository(suite: Suite) -> Git:
    return Git(str(suite.folder), str(suite.folder.parent / "mirror"))


def test_the_main_line_is_listed_oldest_first(suite: Suite) -> None:
    """Commits of a merged branch are left out, the merge itself stands for them."""
    first = suite.git("rev-parse", "HEAD")
    suite.git("checkout", "-q", "-b", "side")
    suite.commit("on the side", {"side.txt": "1"})
    suite.git("checkout", "-q", "main")
    second = suite.commit("second", {"main.txt": "1"})
    suite.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = suite.git("rev-parse", "HEAD")
    assert commits.between(repository(suite), first, merge) == (second, merge)


def test_only_a_descendant_can_have_become_slower(suite: Suite) -> None:
    """Swapped ends, the same commit twice and strangers are refused with what to do."""
    first = suite.git("rev-parse", "HEAD")
    second = suite.commit("second", {"a.txt": "1"})
    suite.git("checkout", "-q", "-b", "side", first)
    other = suite.commit("other", {"b.txt": "1"})
    with pytest.raises(ConfigurationError, match="Swap them"):
        commits.between(repository(suite), second, first)
    with pytest.raises(ConfigurationError, match="both good and bad"):
        commits.between(repository(suite), first, first)
    with pytest.raises(ConfigurationError, match=f"merge-base.*{first[:8]}"):
        commits.between(repository(suite), other, second)


def test_a_commit_is_described_as_it_is(suite: Suite) -> None:
    """Author and subject are others' words: nothing in them is interpreted here."""
    made = suite.commit("faster [bold]than[/] | light", {"a.txt": "1"})
    found = commits.describe(repository(suite), made)
    assert (found.commit, found.author, found.subject) == (made, "Tester", "faster [bold]than[/] | light")
    assert found.date.startswith("20")
