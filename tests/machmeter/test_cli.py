import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from machmeter.cli import main
from machmeter.machine.fingerprint import fingerprint
from machmeter.probe.sidecar import Context, Sidecar
from machmeter.results.layout import samples_dir


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "repo": ".", "results_dir": "results"}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def take_sample(suite: Path, commit: str) -> None:
    tag = fingerprint().tag
    path = samples_dir(suite / "results", tag) / f"{commit}.jsonl"
    context = Context(str(path), commit, "env", tag, "node", "run")
    row = {"started_at": "2026-01-01T00:00:00+00:00", "items": 4, "wall_s": 2.0, "cpu_s": 1.0, "pressure": {}}
    Sidecar(context, "bench.time_x", []).append([row])


def test_the_machine_is_its_tag_and_its_facts() -> None:
    """The first line is the tag alone, for scripts; the facts follow."""
    done = CliRunner().invoke(main, ["machine"])
    first, *facts = done.output.splitlines()
    assert done.exit_code == 0
    assert first == fingerprint().tag
    assert any("ram gib" in line for line in facts)


def test_the_machine_as_json_is_the_document() -> None:
    """The whole fingerprint, readable by a program."""
    done = CliRunner().invoke(main, ["machine", "--json"])
    assert json.loads(done.output)["tag"] == fingerprint().tag


def test_samples_are_shown_per_item(suite: Path) -> None:
    """Two seconds for four items are half a second an item."""
    take_sample(suite, "c0ffee00")
    done = CliRunner().invoke(main, ["samples", "--json"])
    row = json.loads(done.output)
    assert (row["wall"]["median"], row["cpu"]["median"], row["items_per_s"]) == (0.5, 0.25, 2.0)
    assert "bench.time_x" in CliRunner().invoke(main, ["samples"]).output


def test_samples_can_be_chosen_by_commit(suite: Path) -> None:
    """Only lines of commits that start with the given hash."""
    take_sample(suite, "c0ffee00")
    take_sample(suite, "decaf000")
    done = CliRunner().invoke(main, ["samples", "--json", "--commit", "decaf"])
    assert [json.loads(line)["commit"] for line in done.output.splitlines()] == ["decaf000"]


def test_no_samples_is_its_own_exit_code(suite: Path) -> None:
    """Nothing measured is never taken for success."""
    done = CliRunner().invoke(main, ["samples"])
    assert done.exit_code == 4
    assert "no samples" in done.output


def test_a_missing_configuration_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names what is missing."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["samples"])
    assert done.exit_code == 2
    assert "asv.conf" in done.output


def test_machines_are_listed_and_compared(suite: Path) -> None:
    """A machine is known by its tag; an unknown tag is answered with the known ones."""
    take_sample(suite, "c0ffee00")
    listed = CliRunner().invoke(main, ["machine", "--list", "--json"])
    assert json.loads(listed.output)["name"] == fingerprint().tag
    tag = fingerprint().tag
    same = CliRunner().invoke(main, ["machine", "--diff", tag, tag, "--json"])
    assert json.loads(same.output)["same_hardware"] is True
    unknown = CliRunner().invoke(main, ["machine", "--diff", tag, "nonsense"])
    assert unknown.exit_code == 2
    assert tag in unknown.output


def test_the_doctor_says_fit_or_unfit_by_its_exit_code(suite: Path) -> None:
    """The JSON and the exit code agree, whatever is going on here."""
    done = CliRunner().invoke(main, ["doctor", "--json"])
    assert done.exit_code == (0 if json.loads(done.output)["fit"] else 1)


def test_the_doctor_needs_no_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node is examined before anything is cloned to it."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["doctor"]).exit_code in (0, 1)


@pytest.mark.parametrize("command", ["machine", "doctor", "health", "limits", "samples"])
def test_every_command_explains_itself(command: str) -> None:
    """Help needs neither a suite nor a machine."""
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0
    assert done.output.startswith("Usage: main")
