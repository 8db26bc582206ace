"""Bad input: a clear error, the right exit code, nothing lost."""

import shutil
from pathlib import Path

import pytest
from toy import Suite, toy_source

pytestmark = pytest.mark.system


def run(suite: Suite, *arguments: str, expect: int) -> str:
    output = suite.asv("run", *(arguments or ("HEAD^!",)), expect=expect)
    assert "Traceback (most recent call last)" not in output
    return output


def test_no_configuration(suite: Suite) -> None:
    """Without asv.conf.json the missing file is named."""
    (suite.folder / "asv.conf.json").unlink()
    assert "No `asv.conf` file found" in run(suite, expect=1)


def test_no_repository(suite: Suite) -> None:
    """A folder that is no git repository is named, and nothing is built."""
    shutil.rmtree(suite.folder / ".git")
    assert f"{suite.folder} is not a git repository" in run(suite, expect=1)
    assert not (suite.folder / "env").exists()


def test_an_unknown_option(suite: Suite) -> None:
    """A misspelt option is named beside the known ones, and nothing is built."""
    suite.configure(machmeter={"constrains": "constraints.txt"})
    output = run(suite, expect=1)
    assert "unknown option 'constrains'" in output
    assert "Known options: constraints, dependencies, health" in output
    assert not (suite.folder / "env").exists()


@pytest.mark.parametrize("value", [{"constraints": "missing.txt"}, {"dependencies": "no"}, ["constraints"]])
def test_an_option_with_a_wrong_value(suite: Suite, value: object) -> None:
    """A wrong value is reported with the key that it belongs to."""
    suite.configure(machmeter=value)
    assert '"machmeter" in asv.conf.json' in run(suite, expect=1)


def test_a_results_directory_that_cannot_be_written(suite: Suite) -> None:
    """Nothing is built when the results could not be kept; /sys refuses even root."""
    suite.configure(results_dir="/sys/machmeter-results")
    assert "Cannot write /sys/machmeter-results" in run(suite, expect=1)
    assert not (suite.folder / "env").exists()


def test_half_written_results_are_named_and_left_alone(suite: Suite) -> None:
    """A file cut off in the middle stops the run before the build; its bytes stay."""
    run(suite, "HEAD^!", "--quick", "--bench", "track_value", expect=0)
    (result,) = (path for path in (suite.folder / "results").glob("*/*.json") if path.name != "machine.json")
    half = result.read_bytes()[: result.stat().st_size // 2]
    result.write_bytes(half)
    output = run(suite, expect=1)
    assert f"{result.name} is not complete JSON" in output
    assert result.read_bytes() == half


def test_a_commit_that_does_not_build_is_recorded_and_the_others_are_measured(suite: Suite) -> None:
    """A broken pyproject.toml fails that commit alone; the exit code says that something failed."""
    broken = suite.commit("broken", {"pyproject.toml": "[build-system\n"})
    whole = suite.git("show", "HEAD~1:pyproject.toml")
    good = suite.commit("mended", {"pyproject.toml": whole, "toy.py": toy_source(3)})
    suite.asv("run", "ALL", "--quick", expect=2)
    (machine,) = suite.results()
    values = suite.values(machine, "bench.track_value")
    assert values[good] == [3]
    assert values[broken] is None
    assert sorted(map(str, values.values())) == ["None", "[1]", "[3]"]


def test_a_benchmark_that_raises_fails_alone(suite: Suite) -> None:
    """The other benchmarks of the commit are measured, and the exit code says that one failed."""
    bench = (suite.folder / "benchmarks" / "bench.py").read_text()
    suite.commit(
        "raise", {"benchmarks/bench.py": bench + "\n\ndef time_raise():\n    raise OSError('no luck')\n"}
    )
    output = suite.asv("run", "HEAD^!", "--quick", "--show-stderr", expect=2)
    assert "no luck" in output
    (machine,) = suite.results()
    (value,) = suite.values(machine, "bench.track_value").values()
    (failed,) = suite.values(machine, "bench.time_raise").values()
    assert (value, failed) == ([1], None)


def test_samples_that_cannot_be_written_fail_their_benchmark(suite: Suite) -> None:
    """A sidecar folder that cannot be written is named in the benchmark's error; others go on."""
    run(suite, "HEAD^!", "--quick", "--bench", "track_value", expect=0)
    samples = suite.folder / "results.machmeter" / "samples"
    samples.write_text("a file where the folder should be")
    output = suite.asv("run", "HEAD^!", "--quick", "--show-stderr", expect=2)
    assert "cannot write a sample" in output
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.track_value").values()) == [[1]]
    assert list(suite.values(machine, "bench.time_spin").values()) == [None]


def test_a_benchmark_module_that_cannot_be_imported_is_named(suite: Suite) -> None:
    """asv's own message for a missing import names neither file nor module; both must be readable."""
    suite.commit("import", {"benchmarks/broken.py": "import a_module_that_nobody_has\n"})
    output = suite.asv("run", "HEAD^!", "--quick", expect=1)
    assert "broken.py" in output
    assert "a_module_that_nobody_has" in output


def test_uv_that_fails_is_replaced_by_pip_with_one_line(suite: Suite, tmp_path: Path) -> None:
    """Offline for uv alone: pip makes the environment, and one line says so."""
    output = suite.asv("run", "HEAD^!", "--quick", "--bench", "track_value", UV_CONCURRENT_DOWNLOADS="none")
    warnings = [line for line in output.splitlines() if "pip does the work" in line]
    assert len(warnings) >= 1
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.track_value").values()) == [[1]]
