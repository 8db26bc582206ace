import json
from pathlib import Path
from typing import Any

import pytest
from asv_results import row, steps, write_result
from click.testing import CliRunner, Result
from toy import Suite, make_suite

from machmeter.cli import main
from machmeter.gate import confirm as gate_confirm
from machmeter.machine.fingerprint import fingerprint
from machmeter.pairs import Comparison, Verdict


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite without any result, in the current folder."""
    made = make_suite(tmp_path)
    monkeypatch.chdir(made.folder)
    return made


def remember(suite: Suite, machine: str) -> str:
    """Write a history in which the toy's first commit is slower; return the change's identifier."""
    head, base = suite.commit("second", {"a.txt": "1"}), suite.git("rev-parse", "HEAD~1")
    for number, value in enumerate(steps(1.0, 1.2)):
        real = {19: {"commit_hash": base}, 20: {"commit_hash": head}}.get(number, {})
        results = {"bench.time_x": row([value])}
        write_result(suite.folder / "results", number, results, machine=machine, **real)
    done = CliRunner().invoke(main, ["changes", "--json", "--machine", machine])
    return str(json.loads(done.stdout)["id"])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["confirm", *arguments])


def answering(monkeypatch: pytest.MonkeyPatch, word: str, ratio: float) -> list[Any]:
    """Have the gate answer so; return what it will have been asked."""
    asked: list[Any] = []

    def compare(conf: object, repo: object, request: Any, *_: object) -> Comparison:
        asked.append(request)
        verdict = Verdict("bench.time_x", (), word, clock="cpu", ratio=ratio, low=ratio, high=ratio, pairs=12)
        return Comparison(
            "x", request.base, request.head, fingerprint().tag, "node", "2026-01-01", request.threshold,
            request.alpha, 40.0, "py3.11", {}, verdicts=(verdict,),
        )  # fmt: skip

    monkeypatch.setattr(gate_confirm, "compare", compare)
    return asked


@pytest.mark.parametrize(
    ("word", "ratio", "code", "status"),
    [
        ("slower", 1.19, 1, "confirmed"),
        ("unchanged", 1.0, 0, "refuted"),
        ("inconclusive", 1.0, 3, "suspected"),
    ],
)
def test_the_answer_is_printed_and_kept(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, word: str, ratio: float, code: int, status: str
) -> None:
    """Exit code as the gate's; "machmeter changes" shows the status from then on."""
    identifier = remember(suite, fingerprint().tag)
    asked = answering(monkeypatch, word, ratio)
    done = run(identifier[:5])
    assert done.exit_code == code, done.output
    assert f"{identifier}: history +20" in done.stdout
    assert status in done.stdout
    assert (asked[0].pattern, asked[0].threshold) == (r"^bench\.time_x$", 0.01)
    assert asked[0].head == suite.git("rev-parse", "HEAD")
    later = CliRunner().invoke(main, ["changes", "--json"])
    assert json.loads(later.stdout)["status"] == status


def test_json_is_one_object(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the change, its answer and the comparison."""
    identifier = remember(suite, fingerprint().tag)
    answering(monkeypatch, "slower", 1.19)
    found = json.loads(run(identifier, "--json").stdout)
    assert (found["change"]["id"], found["change"]["status"]) == (identifier, "confirmed")
    assert found["comparison"]["verdicts"][0]["word"] == "slower"


def test_other_hardware_is_refused(suite: Suite) -> None:
    """Exit code 5, before anything is installed."""
    identifier = remember(suite, "h200x1-16c-128g-9bd2aa10")
    done = run(identifier)
    assert (done.exit_code, done.stdout) == (5, "")
    assert "identical hardware only" in done.stderr
    assert not (suite.folder / "env").exists()


def test_an_unknown_change_is_usage(suite: Suite) -> None:
    """Exit code 2, with the command that lists the changes; also where there are no results at all."""
    assert run("ffffffffff").exit_code == 2
    remember(suite, fingerprint().tag)
    done = run("ffffffffff")
    assert done.exit_code == 2
    assert "machmeter changes" in done.stderr
