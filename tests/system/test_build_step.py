"""Projects that cannot simply be linked, and asv's other commands."""

from pathlib import Path

import pytest
from toy import Suite

pytestmark = pytest.mark.system

EXTENSION = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *value(PyObject *self, PyObject *unused) {{ return PyLong_FromLong({value}); }}
static PyMethodDef methods[] = {{{{"value", value, METH_NOARGS, ""}}, {{NULL, NULL, 0, NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "compiled", "", -1, methods}};
PyMODINIT_FUNC PyInit_compiled(void) {{ return PyModule_Create(&module); }}
"""
SETUP = """\
from setuptools import Extension, setup

setup(ext_modules=[Extension("compiled", ["compiled.c"])])
"""
BENCHMARK = """\
import compiled
import toy


def track_compiled():
    return compiled.value()


def track_dependency():
    import iniconfig

    return len(iniconfig.__name__)
"""


def with_dependency(suite: Suite) -> str:
    page = (suite.folder / "pyproject.toml").read_text()
    return page.replace('version = "0"', 'version = "0"\ndependencies = ["iniconfig"]')


def test_a_project_with_a_build_step_is_built_for_each_commit(suite: Suite) -> None:
    """A C extension gets a wheel a commit, with its dependency; the values are each commit's own."""
    files = {"setup.py": SETUP, "pyproject.toml": with_dependency(suite), "benchmarks/bench.py": BENCHMARK}
    second = suite.commit("compiled", files | {"compiled.c": EXTENSION.format(value=2)})
    third = suite.commit("changed", {"compiled.c": EXTENSION.format(value=3)})
    suite.asv("run", "HEAD~2..HEAD", "--quick")
    (machine,) = suite.results()
    assert suite.values(machine, "bench.track_compiled") == {second: [2], third: [3]}
    assert suite.values(machine, "bench.track_dependency") == {second: [9], third: [9]}


def test_a_linked_project_gets_its_missing_dependencies(suite: Suite) -> None:
    """What the matrix does not provide is installed when a commit needs it, unless the suite says no."""
    bench = BENCHMARK.replace("import compiled\n", "").replace("compiled.value()", "1")
    suite.commit("needs", {"pyproject.toml": with_dependency(suite), "benchmarks/bench.py": bench})
    suite.asv("run", "HEAD^!", "--quick")
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.track_dependency").values()) == [[9]]


def test_the_suites_own_commands_win(suite: Suite) -> None:
    """A configured install command is what installs, not ours."""
    marker = suite.folder.parent / "installed"
    suite.configure(
        build_command=["python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}"],
        install_command=[
            f"python -c \"open('{marker}', 'w')\"",
            "in-dir={env_dir} python -m pip install {wheel_file}",
        ],
    )
    suite.asv("run", "HEAD^!", "--quick", "--bench", "track_value")
    assert marker.exists()
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.track_value").values()) == [[1]]


def test_profile_and_continuous_work(suite: Suite) -> None:
    """Both name the machine by its tag and ask nothing."""
    suite.commit("second", {"toy.py": "VALUE = 2\nSECONDS = {'short': 0.001, 'long': 0.002}\n"})
    output = suite.asv("profile", "bench.time_spin", "HEAD")
    assert "time_spin" in output
    suite.asv("continuous", "HEAD~1", "HEAD", "--bench", "time_spin", expect=None)
    assert len(suite.results()) == 1


def test_a_data_directory_that_cannot_be_written_fails_its_benchmarks_with_the_reason(
    suite: Suite, tmp_path: Path
) -> None:
    """A benchmark whose cache cannot be set up is recorded as failed, and its reason is shown."""
    (tmp_path / "data").write_text("a file where the folder should be")
    bench = (suite.folder / "benchmarks" / "bench.py").read_text()
    cached = (
        "\n\nclass Cached:\n    def setup_cache(self):\n"
        "        os.makedirs(os.path.join(os.environ['TOY_DATA'], 'cubes'))\n\n"
        "    def track_cached(self):\n        return 1\n"
    )
    suite.commit("cached", {"benchmarks/bench.py": bench + cached})
    output = suite.asv("run", "HEAD^!", "--quick", "--show-stderr", expect=2, TOY_DATA=str(tmp_path / "data"))
    assert "setup_cache failed" in output
    (machine,) = suite.results()
    assert list(suite.values(machine, "bench.Cached.track_cached").values()) == [None]
    assert list(suite.values(machine, "bench.track_value").values()) == [[1]]
