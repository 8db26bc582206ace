"""Two sides of a comparison without asv: virtual environments made in a moment, real processes."""

import os
import textwrap
import time
import venv
from collections.abc import Callable, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Literal

import psutil

from machmeter.environment.instrument import inject, site_packages
from machmeter.gate.environments import variables
from machmeter.gate.gate import Observer, Rule, decide
from machmeter.gate.processes import SideEnvironment
from machmeter.gate.questions import Question, ask
from machmeter.gate.single import Single
from machmeter.gate.stage import Setting, Stage
from machmeter.pairs import Pair, Verdict

Files = Mapping[str, str]

#: What a benchmark process needs of others.
_LINKED = ("asv_runner", "numpy", "pympler")

#: Variable that every process of a stage inherits, whatever it does later.
_MARK = "GATE_TEST_FOLDER"

#: Deterministic values need no quiet machine, and eight pairs decide.
PATIENT = Rule(threshold=0.5, alpha=0.05, budget_s=300.0)


def write(folder: Path, files: Files) -> None:
    """Write text files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))


def make_setting(
    folder: Path,
    suite: Files,
    *,
    base: Files | None = None,
    head: Files | None = None,
    packages: Files | None = None,
    environ: Mapping[str, str] | None = None,
) -> Setting:
    """Make two environments with a project each, and a suite.

    Parameters
    ----------
    folder : Path
        Empty.
    suite : mapping of str to str
        Files below ``benchmarks/``.
    base, head : mapping of str to str, optional
        Files of the project at each commit; those of the head are the base's by default.
    packages : mapping of str to str, optional
        Files of third parties, in both environments.
    environ : mapping of str to str, optional
        Further environment variables.
    """
    write(folder / "benchmarks", {"__init__.py": "", **suite})
    base = base or {}
    one = _environment(folder / "a", "base", base, packages or {})
    other = _environment(folder / "b", "head", base if head is None else head, packages or {})
    own = tuple(
        os.fspath(path)
        for path in (folder / "benchmarks", folder / "a" / "project", folder / "b" / "project")
    )
    given = variables(os.environ | {_MARK: os.fspath(folder)} | dict(environ or {}))
    files = {*base, *(base if head is None else head)}
    names = tuple({Path(file).parts[0].removesuffix(".py") for file in files})
    return Setting(one, other, folder / "benchmarks", given, own, names)


def _environment(
    root: Path, name: Literal["base", "head"], project: Files, packages: Files
) -> SideEnvironment:
    venv.create(root, symlinks=True)
    installed = site_packages(root)
    for linked in _LINKED:
        found = distribution(linked)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            (installed / top).symlink_to(str(found.locate_file(top)))
    inject(root)
    write(root / "project", project)
    write(installed, {**packages, "project.pth": f"{root / 'project'}\n"})
    return SideEnvironment(name, name * 10, root, installed)


def questions(stage: Stage, pattern: str | None = None) -> list[Question]:
    """Open a stage and ask about the whole suite."""
    found, _, _ = ask(stage.open(), pattern, 60.0)
    return found


def verdicts(setting: Setting, rule: Rule = PATIENT, pairs: list[Pair] | None = None) -> dict[str, Verdict]:
    """Decide about a whole suite; benchmarks with parameters are named as in a report."""
    kept = [] if pairs is None else pairs
    with Stage(setting) as stage:
        asked, answered, _ = ask(stage.open(), None, 60.0)
        found = [*decide(stage, asked, rule, Observer(kept.append)), *answered]
    return {f"{each.benchmark}{', '.join(each.params)}": each for each in found}


def sampled(setting: Setting) -> dict[str, Pair]:
    """Take a single pair of every benchmark of a suite; named as in `verdicts`."""
    with Stage(setting) as stage:
        return {
            f"{asked.benchmark}{', '.join(asked.params)}": Single(stage, asked).take(0)
            for asked in questions(stage)
        }


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


def at_work(folder: Path) -> list[str]:
    """Processes of stages and commands below a folder, zombies left out."""
    found = []
    for process in psutil.process_iter():
        try:
            texts = [process.environ().get(_MARK, ""), process.cwd(), *process.cmdline()]
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
        except psutil.Error:
            continue
        if any(os.fspath(folder) in text for text in texts):
            found.append(f"{process.pid}: {' '.join(texts)}")
    return found
