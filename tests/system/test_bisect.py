"""A real bisection: a git repository, environments, processes."""

import pytest
from commands import interrupted, machmeter, machmeter_json
from toy import PYPROJECT, Suite

pytestmark = pytest.mark.system

BENCHMARKS = """\
import toy


class Work:
    params = [1, 2]

    def time_work(self, times):
        toy.work(times)
"""


def source(units: int, remark: str) -> str:
    return f"# {remark}\ndef work(times):\n    for i in range({units} * times):\n        i * i % 7\n"


@pytest.fixture
def commits(suite: Suite) -> list[str]:
    """A good commit and eight more: the fourth does not build, from the sixth on the work is 30% more."""
    made = [suite.commit("good", {"toy.py": source(10_000, "good"), "benchmarks/bench.py": BENCHMARKS})]
    for number in range(1, 9):
        broken = {"pyproject.toml": PYPROJECT.replace('"0"', "0 0") if number == 4 else PYPROJECT}
        units = 13_000 if number >= 6 else 10_000
        made.append(suite.commit(f"number {number} [x]", {"toy.py": source(units, str(number)), **broken}))
    return made


def test_the_first_slow_commit_is_found(suite: Suite, commits: list[str]) -> None:
    """The very one, past a commit that does not build, with few pairs; its subject is printed as it is."""
    arguments = ("bisect", commits[0], commits[8], "-b", r"time_work\(1\)")
    found = machmeter_json(suite, *arguments, expect=1)
    (step,) = found["steps"]
    assert [commit["commit"] for commit in step["commits"]] == [commits[6]]
    assert 1.2 < step["ratio"] < 1.4
    assert found["pairs"] <= 20
    skipped = {each["commit"]: each["reason"] for each in found["tested"] if each["word"] == "skipped"}
    assert list(skipped) == [commits[4]]
    assert "does not build" in skipped[commits[4]]
    text = machmeter(suite, *arguments, "--resume", expect=1)
    assert f"The first slow commit is {commits[6][:12]}" in text
    assert "number 6 [x]" in text


def test_an_equal_bad_commit_ends_it(suite: Suite, commits: list[str]) -> None:
    """Nothing is searched for; several parameters are refused, and a name of none too."""
    arguments = ("bisect", commits[0], commits[3])
    text = machmeter(suite, *arguments, "-b", r"time_work\(1\)", "--threshold", "5%", expect=0)
    assert "Nothing to search for" in text
    assert machmeter(suite, *arguments, "-b", "time_work", expect=2) == ""
    assert machmeter(suite, *arguments, "-b", "nothing", expect=4) == ""


def test_ctrl_c_tells_what_is_known(suite: Suite, commits: list[str]) -> None:
    """No process is left, and the commits that may be the one are named."""
    arguments = ("bisect", commits[0], commits[8], "-b", r"time_work\(1\)")
    code, text = interrupted(suite, *arguments, when="is passed over")
    assert code == 130
    assert "it was interrupted" in text
    assert commits[6][:12] in text
