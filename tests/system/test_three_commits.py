"""Real asv over three commits of a toy project whose configuration has two more lines."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from toy import Suite, make_suite, toy_source

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=["spawn", "forkserver"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Suite:
    suite = make_suite(tmp_path_factory.mktemp(request.param))
    suite.commit("second", {"toy.py": toy_source(2)})
    suite.commit("third", {"toy.py": toy_source(3)})
    suite.asv("run", "ALL", "--launch-method", request.param)
    return suite


def machine_of(suite: Suite) -> str:
    (machine,) = suite.results()
    return machine


def test_results_are_filed_under_the_hardware_tag(measured: Suite) -> None:
    """The one machine in the results is the tag that `machmeter machine` shows."""
    from machmeter.machine.fingerprint import fingerprint

    assert machine_of(measured) == fingerprint().tag


def test_each_commit_is_measured_with_its_own_code(measured: Suite) -> None:
    """Every commit returns another known value, and that value is filed under that commit."""
    commits = measured.git("log", "--format=%H", "--reverse").split()
    assert measured.values(machine_of(measured), "bench.track_value") == dict(
        zip(commits, [[1], [2], [3]], strict=True)
    )


def test_the_drivers_instrument_is_first_and_nothing_else_of_the_driver_is_there(measured: Suite) -> None:
    """The path's first entry holds the instrument; click, rich, asv and pandas cannot be imported."""
    machine = machine_of(measured)
    assert list(measured.values(machine, "bench.track_instrument_in_front").values()) == [[1]] * 3
    assert list(measured.values(machine, "bench.track_leaks").values()) == [[0]] * 3


def test_every_sample_has_a_line(measured: Suite) -> None:
    """Two rounds of three samples a parameter and commit are in the sidecars, each round numbered."""
    lines = Counter(
        (row["commit"], *row["params"], row["round"])
        for row in measured.rows()
        if row["benchmark"] == "bench.TimeToy.time_wait"
    )
    commits = measured.git("log", "--format=%H").split()
    expected = {(c, p, r): 3 for c in commits for p in ("'short'", "'long'") for r in (1, 2)}
    assert lines == expected


def test_lines_hold_the_samples_that_asv_computed_with(measured: Suite) -> None:
    """The median of the lines' wall seconds a call is the value that asv filed."""
    machine = machine_of(measured)
    for commit, filed in measured.values(machine, "bench.TimeToy.time_wait").items():
        for param, value in zip(("'short'", "'long'"), filed, strict=True):
            seconds = [
                row["wall_s"] / row["items"]
                for row in measured.rows()
                if (row["commit"], row["params"], row["benchmark"])
                == (commit, [param], "bench.TimeToy.time_wait")
            ]
            assert median(seconds) == pytest.approx(value, rel=1e-9)


def test_setup_free_benchmarks_have_lines_with_cpu_time_and_run_delay(measured: Suite) -> None:
    """A spinning function used as much CPU as wall time, and its wait for a core is known."""
    rows = [row for row in measured.rows() if row["benchmark"] == "bench.time_spin"]
    assert len(rows) >= 3 * 2
    for row in rows:
        assert 0 < row["cpu_s"] <= row["wall_s"] + row["run_delay_s"] + 1e-3
        assert row["environment"] == "machmeter-py" + row["environment"].partition("py")[2]
        assert row["tag"] == machine_of(measured)


def test_publish_show_and_compare_work(measured: Suite) -> None:
    """asv's own commands read the results, and the published site has the two pages."""
    first, *_, last = measured.git("log", "--format=%H", "--reverse").split()
    measured.asv("publish")
    assert "bench.track_value" in measured.asv("show", last)
    assert "bench.track_value" in measured.asv("compare", first, last)
    html = measured.folder / "html"
    assert (
        machine_of(measured)
        in (html / "machines.html").read_text() + (html / "machmeter-data.js").read_text()
    )
    assert {"machines.html", "samples.html"} <= {path.name for path in html.iterdir()}


def test_nothing_is_written_to_the_home_directory(measured: Suite) -> None:
    """asv's shared record of machines is neither needed nor made."""
    assert not (measured.home / ".asv-machine.json").exists()


def test_a_finished_run_is_not_repeated(measured: Suite) -> None:
    """asv skips what it has, also what was saved benchmark by benchmark."""
    before = len(measured.rows())
    measured.asv("run", "ALL", "--skip-existing-successful")
    assert len(measured.rows()) == before


def test_changed_requirements_make_a_new_environment(make: Callable[[Path], Suite], tmp_path: Path) -> None:
    """A changed constraint file is noticed although asv's own record of the environment is the same."""
    suite = make(tmp_path)
    (suite.folder / "constraints.txt").write_text("pympler==1.0.1\n")
    suite.configure(machmeter={"constraints": "constraints.txt"})
    suite.asv("run", "HEAD^!", "--bench", "just-discover")
    stamp = next((suite.folder / "env").glob("*/machmeter-environment.json"))
    before = json.loads(stamp.read_text())
    (suite.folder / "constraints.txt").write_text("pympler==1.1\n")
    suite.asv("run", "HEAD^!", "--bench", "just-discover")
    after = json.loads(stamp.read_text())
    assert before["constraints"] != after["constraints"]
    assert next((suite.folder / "env").glob("*/lib/*/site-packages/[Pp]ympler-1.1*"), None) is not None
