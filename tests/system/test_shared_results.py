"""Copies, several environments and several drivers: nobody measures or overwrites what is another's."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from toy import Suite, toy_source

from machmeter.machine.fingerprint import fingerprint
from machmeter.results import health_records

pytestmark = pytest.mark.system


def test_a_copied_suite_measures_its_own_checkout(suite: Suite, tmp_path: Path) -> None:
    """A copied environment still links to the original's checkout: it is made anew."""
    head = suite.commit("second", {"toy.py": toy_source(2)})
    suite.asv("run", "HEAD^!", "--quick", "--bench", "track_value")
    copy = replace(suite, folder=tmp_path / "copy")
    shutil.copytree(suite.folder, copy.folder, symlinks=True)
    suite.asv("run", "HEAD~1^!", "--quick", "--bench", "track_value")
    shutil.rmtree(copy.folder / "results")
    copy.asv("run", "HEAD^!", "--quick", "--bench", "track_value")
    (machine,) = copy.results()
    assert copy.values(machine, "bench.track_value") == {head: [2]}


def test_two_drivers_keep_each_others_benchmarks(suite: Suite) -> None:
    """One driver finishes a benchmark while the other one is measuring: the file ends with both."""
    suite.asv("run", "HEAD^!", "--quick", "--bench", "just-discover")
    bench = (suite.folder / "benchmarks" / "bench.py").read_text()
    other = (
        "\n\ndef track_other_driver():\n    import subprocess, sys\n"
        "    inner = os.environ.get('TOY_INNER')\n"
        "    if inner:\n"
        "        env = {**os.environ, 'TOY_INNER': ''}\n"
        "        subprocess.run(inner, shell=True, check=True, env=env)\n"
        "    return 7\n"
    )
    suite.commit("other", {"benchmarks/bench.py": bench + other})
    environment = {"PATH": suite.environ()["PATH"]}
    inner = (
        f"cd {suite.folder} && PATH={environment['PATH']} "
        f"python -m asv run HEAD^! --quick --bench track_value --config inner.json"
    )
    configuration = json.loads((suite.folder / "asv.conf.json").read_text()) | {"env_dir": "env-inner"}
    (suite.folder / "inner.json").write_text(json.dumps(configuration))
    suite.asv("run", "HEAD^!", "--quick", "--bench", "track_other_driver", TOY_INNER=inner)
    (machine,) = suite.results()
    (own,) = suite.values(machine, "bench.track_other_driver").values()
    (others,) = suite.values(machine, "bench.track_value").values()
    assert (own, others) == ([7], [1])


def test_environments_made_in_parallel_share_one_run(suite: Suite) -> None:
    """One health check, one record, and every sample names it."""
    suite.configure(matrix={"env": {"TOY_KIND": ["one", "two"]}})
    suite.asv("run", "HEAD^!", "--quick", "-j2", "--bench", "time_spin", MACHMETER_HEALTH="mark")
    runs = {row["run"] for row in suite.rows()}
    assert len(runs) == 1
    assert len({row["environment"] for row in suite.rows()}) == 2
    records = (suite.folder / "results.machmeter" / "runs").rglob("*.json")
    assert {path.stem for path in records} == runs
    observed, _ = health_records.read(suite.folder / "results", fingerprint().tag)
    assert {record.run for record in observed} == runs


def test_a_dry_run_leaves_no_samples(suite: Suite) -> None:
    """asv says that nothing is saved, and nothing is."""
    suite.asv("run", "HEAD^!", "--quick", "--dry-run", "--bench", "time_spin")
    assert suite.rows() == []
    assert suite.results() == {}


def test_quick_samples_and_edited_benchmarks_are_told_apart(suite: Suite) -> None:
    """A quick run's cold calls carry their condition; the edited benchmark has another version."""
    suite.asv("run", "HEAD^!", "--quick", "--bench", "time_spin")
    bench = (suite.folder / "benchmarks" / "bench.py").read_text()
    (suite.folder / "benchmarks" / "bench.py").write_text(bench.replace("range(1000)", "range(2000)"))
    suite.asv("run", "HEAD^!", "--bench", "time_spin")
    quick, *full = suite.rows()
    assert quick["conditions"].endswith("; quick")
    assert all("quick" not in row["conditions"] for row in full)
    assert {row["version"] for row in full}.isdisjoint({quick["version"]})


def test_the_projects_own_dependencies_are_on_record(suite: Suite) -> None:
    """What a commit pulls in without the matrix is part of the run's state."""
    page = (suite.folder / "pyproject.toml").read_text()
    suite.commit(
        "needs",
        {"pyproject.toml": page.replace('version = "0"', 'version = "0"\ndependencies = ["iniconfig"]')},
    )
    suite.asv("run", "HEAD^!", "--quick", "--bench", "time_spin")
    (record,) = (suite.folder / "results.machmeter" / "runs").rglob("*.json")
    state = json.loads(record.read_text())["state"]
    assert state["library iniconfig"].count(".") >= 1
    assert os.fspath(state["library python"]).startswith("3.")
