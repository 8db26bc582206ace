"""What we rely on in asv and asv_runner: an upgrade fails here first, and says what moved."""

import inspect
from importlib.metadata import version

import pytest
from asv import environment, runner, util
from asv.commands import run as run_command
from asv.commands.compare import Compare
from asv.commands.continuous import Continuous
from asv.machine import Machine, MachineCollection
from asv.results import Results
from asv_runner.benchmarks import _base, time, timeraw

from machmeter.results.asv_files import _BY_BENCHMARK


def parameters(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_the_versions_are_the_pinned_ones() -> None:
    """These contracts were read and tried with exactly these."""
    assert (version("asv"), version("asv_runner")) == ("0.6.6", "0.3.2")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (MachineCollection.load, ["machine_name", "_path"]),
        (MachineCollection.save, ["machine_name", "machine_info", "_path"]),
        (Machine.save, ["self", "results_dir"]),
        (util.write_json, ["path", "data", "api_version", "compact"]),
        (runner.log_benchmark_result, ["results", "benchmark", "show_stderr"]),
        (Results.load_data, ["self", "result_dir"]),
        (Results.save, ["self", "result_dir"]),
        (
            Results.add_result,
            [
                *("self", "benchmark", "result", "started_at", "duration"),
                *("record_samples", "append_samples", "selected_idx"),
            ],
        ),
        (environment.Environment.run, ["self", "args", "kwargs"]),
        (environment.Environment.checkout_project, ["self", "repo", "commit_hash"]),
        (environment.Environment._build_project, ["self", "repo", "commit_hash", "build_dir"]),
        (environment.Environment._install_project, ["self", "repo", "commit_hash", "build_dir"]),
        (_base.Benchmark.do_run, ["self"]),
        (_base.Benchmark.redo_setup, ["self"]),
        (time.TimeBenchmark._get_timer, ["self", "param"]),
        (time.TimeBenchmark._get_interleaved_timer, ["self", "param"]),
        (timeraw.TimerawBenchmark._get_timer, ["self", "param"]),
    ],
)
def test_what_we_replace_has_the_signature_that_we_replaced(function: object, expected: list[str]) -> None:
    """Each function that machmeter wraps or overrides takes what it took."""
    assert parameters(function) == expected


def test_compare_names_its_commits_and_its_machine() -> None:
    """`asv compare` and `asv continuous` both end in `print_table`, with the machine by its name."""
    assert {"conf", "hash_1", "hash_2", "machine"} <= set(parameters(Compare.run))
    assert {"conf", "hash_1", "hash_2", "machine"} <= set(parameters(Compare.print_table))
    assert (
        "cls.print_table(\n            conf,\n            hash_1,\n            hash_2,\n            factor="
        in (inspect.getsource(Compare.run))
    )
    assert "Compare.print_table(" in inspect.getsource(Continuous.run)


def test_run_writes_the_machine_before_it_builds() -> None:
    """The veto hangs on `Machine.save`, which must come before environments are set up."""
    source = inspect.getsource(run_command.Run.run)
    assert source.index("machine_params.save(") < source.index("perform_setup(")
    assert source.index("machine_params.save(") < source.index("get_repo(")


def test_run_shows_a_result_only_when_it_is_final() -> None:
    """Saving after each benchmark hangs on this: a shown result has all its rounds."""
    source = inspect.getsource(runner.run_benchmarks)
    assert source.count("log_benchmark_result(") == 2
    for part in source.split("log_benchmark_result(")[:-1]:
        assert "if is_final:" in part[-200:]


def test_results_keep_one_value_a_benchmark_in_these_attributes() -> None:
    """Saving some benchmarks copies exactly these, and `save` walks over `_results`."""
    attributes = vars(Results.unnamed())
    assert set(_BY_BENCHMARK) <= set(attributes)
    others = {name for name, value in attributes.items() if isinstance(value, dict)} - set(_BY_BENCHMARK)
    assert others == {"_params", "_requirements", "_env_vars", "_stderr", "_errcode"}
    assert "for name in self._results.keys()" in inspect.getsource(Results.save)


def test_timers_call_setup_then_time_the_statement() -> None:
    """The meter starts at the end of `redo_setup` and stops after `timeit`: nothing else may be between."""
    source = inspect.getsource(time.TimeBenchmark._get_timer)
    assert "timeit.Timer(stmt=func, setup=self.redo_setup, timer=self.timer)" in source
    loop = inspect.getsource(time._SetupInterleavedTimer.timeit)
    assert loop.index("redo_setup()") < loop.index("start = timer()") < loop.index("func()")
