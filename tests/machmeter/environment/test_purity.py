from pathlib import Path

import pytest

from machmeter.environment.purity import is_pure_python

HATCH = '[build-system]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[build-system]\nbuild-backend = "setuptools.build_meta"\n'
POETRY = '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n'

PURE = [
    {"pyproject.toml": HATCH},
    {"pyproject.toml": SETUPTOOLS},
    {"pyproject.toml": SETUPTOOLS + 'requires = ["setuptools>=61", "wheel", "setuptools_scm[toml]"]\n'},
    {"pyproject.toml": POETRY},
    {"pyproject.toml": '[build-system]\nbuild-backend = "flit_core.buildapi"\n'},
    {"pyproject.toml": '[build-system]\nbuild-backend = "uv_build"\n'},
    {
        "pyproject.toml": "[tool.black]\nline-length = 100\n",
        "setup.py": "from setuptools import setup\nsetup()\n",
    },
    {"setup.py": "from setuptools import setup\nsetup(name='x', py_modules=['x'])\n"},
    {"pyproject.toml": HATCH + '[tool.hatch.build.hooks.vcs]\nversion-file = "v.py"\n'},
]
BUILT = [
    {"pyproject.toml": '[build-system]\nbuild-backend = "mesonpy"\n'},
    {"pyproject.toml": '[build-system]\nbuild-backend = "maturin"\n'},
    {"pyproject.toml": '[build-system]\nbuild-backend = "scikit_build_core.build"\n'},
    {"pyproject.toml": SETUPTOOLS + 'backend-path = ["."]\n'},
    {"pyproject.toml": SETUPTOOLS + '[[tool.setuptools.ext-modules]]\nname = "a"\nsources = ["a.c"]\n'},
    {"pyproject.toml": SETUPTOOLS, "setup.py": "setup(ext_modules=cythonize('a.pyx'))"},
    {"pyproject.toml": SETUPTOOLS, "setup.py": "setup(cmdclass={'build_ext': CMakeBuild})"},
    {"setup.py": "setup(cffi_modules=['build.py:ffi'])"},
    {"pyproject.toml": HATCH + '[tool.hatch.build.targets.wheel.hooks.custom]\npath = "build.py"\n'},
    {"pyproject.toml": POETRY + '[tool.poetry.build]\nscript = "build.py"\n'},
    {"pyproject.toml": "[build-system\n"},
    {"pyproject.toml": "build-system = 3\n"},
    {"pyproject.toml": '[build-system]\nbuild-backend = ["x"]\n'},
    {"pyproject.toml": SETUPTOOLS + 'requires = ["setuptools", "setuptools-rust"]\n'},
    {"pyproject.toml": SETUPTOOLS + 'requires = ["setuptools", "mypy"]\n'},
]


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("files", PURE)
def test_pure_projects(files: dict[str, str], tmp_path: Path) -> None:
    """Known backends without a build step may be linked."""
    assert is_pure_python(put(tmp_path, files))


@pytest.mark.parametrize("files", BUILT)
def test_projects_with_a_build_step(files: dict[str, str], tmp_path: Path) -> None:
    """Compilers, unknown backends, own hooks and unreadable files get asv's own build."""
    assert not is_pure_python(put(tmp_path, files))
