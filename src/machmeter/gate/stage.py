"""Where pairs are taken: zygotes, and the pair of sides of the present generation."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from machmeter.errors import WrongCommitError
from machmeter.gate.peers import Hub, PeerError
from machmeter.gate.plan import first_forked
from machmeter.gate.processes import BenchmarkError, Side, SideEnvironment, Zygote
from machmeter.gate.scratch import Scratch
from machmeter.pairs import Side as SideName
from machmeter.probe.forks.process import is_link


@dataclass(frozen=True, slots=True)
class Setting:
    """What is compared with what, and where.

    Parameters
    ----------
    base, head : SideEnvironment
        The two commits, installed.
    suite : Path
        Folder of the benchmarks.
    variables : mapping of str to str
        The whole environment of the benchmark processes.
    own : tuple of str
        Folders of the project and the suite, of which a zygote imports nothing.
    names : tuple of str
        The project's top-level modules.
    different : str
        Why the two sides cannot have a zygote in common, empty if they can.
    """

    base: SideEnvironment
    head: SideEnvironment
    suite: Path
    variables: Mapping[str, str]
    own: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    different: str = ""


class Stage:
    """Two sides of a comparison, made anew for each generation.

    Parameters
    ----------
    setting : Setting
        What is compared.

    Attributes
    ----------
    generation : int
        Number of the present sides, from 0; -1 before the first.
    begun : int
        First generation of the present zygote.
    fresh : str
        Why measuring processes are not forked from sides, empty if they are.
    broken_caches : dict of (side, key) to BenchmarkError
        Those ``setup_cache`` that failed.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._scratch = Scratch()
        self._folder = self._scratch.folder
        self._hub = Hub(self._folder)
        self._zygotes: dict[SideName, Zygote] = {}
        self._sides: dict[SideName, Side] = {}
        self._modules: list[str] = []
        self._left_out: set[str] = set()
        self._caches: set[tuple[str, str]] = set()
        self.broken_caches: dict[tuple[str, str], BenchmarkError] = {}
        self.generation = -1
        self.begun = 0
        self.fresh = setting.different

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Mapping[str, Mapping[str, Any]]:
        """Start the zygotes and have them import what base and head need of others.

        Returns
        -------
        mapping of side to mapping
            What each side said about the suite: ``benchmarks`` and ``broken``.

        Raises
        ------
        BenchmarkError
            If the suite cannot be imported at all.
        """
        base = self._zygote(self._setting.base)
        self._zygotes = {"base": base, "head": base}
        if self._setting.different:
            self._zygotes["head"] = self._zygote(self._setting.head)
        greetings: dict[str, Mapping[str, Any]] = {}
        names: tuple[SideName, SideName] = ("base", "head")
        for name in names:
            side = self._fork(name, modules=True)
            greetings[name] = side.greeting
            side.end()
        self._judge(greetings)
        self.learn(*(greeting["modules"] for greeting in greetings.values()))
        return greetings

    def learn(self, *modules: Mapping[str, str | None]) -> None:
        """Note third-party modules that benchmarks import; the next generation has them from its zygote."""
        found = [name for each in modules for name in self._foreign(each)]
        new = [name for name in found if name not in self._modules]
        self._modules += new
        if not new or self.fresh:
            return
        answer = self._zygotes["base"].preload(new, list(self._setting.names))
        if answer["refused"]:
            self._leave_out(answer["refused"])
        elif answer["threads"] > 1:
            self.fresh = f"importing third-party modules starts {answer['threads'] - 1} threads"
            self._restart()

    def _leave_out(self, refused: Sequence[str]) -> None:
        """Start over without the packages that import the project, and with fresh processes if that fails.

        Whatever was imported while they asked for it may have seen a world without the project.
        """
        packages = {name.partition(".")[0] for name in refused}
        kept = [name for name in self._modules if name.partition(".")[0] not in packages]
        self._left_out |= packages
        self._restart()
        answer = self._zygotes["base"].preload(kept, list(self._setting.names))
        leaked = {name.partition(".")[0] for name in answer["modules"]} & set(self._setting.names)
        if answer["refused"] or answer["threads"] > 1 or leaked:
            self.fresh = f"third-party modules import the project ({', '.join(sorted(packages))})"
            self._restart()

    @property
    def setting(self) -> Setting:
        """What is compared with what."""
        return self._setting

    @property
    def single_threaded(self) -> bool:
        """Whether numerical libraries compute in one thread, as they do unless the user asked for more."""
        return self._setting.variables.get("OMP_NUM_THREADS") == "1"

    def claims_cache(self, side: str, key: str) -> bool:
        """Tell whether a ``setup_cache`` still has to run on a side; true once."""
        claimed = (side, key) in self._caches
        self._caches.add((side, key))
        return not claimed

    def sides(self) -> Mapping[SideName, Side]:
        """Return the present sides, or new ones where one of them has ended."""
        if not self._sides or not all(side.alive for side in self._sides.values()):
            self.renew()
        return self._sides

    def renew(self, first: SideName | None = None) -> None:
        """End the present sides and make new ones.

        Parameters
        ----------
        first : str, optional
            Which one is forked first; in turns by default.
        """
        self.end_sides()
        self.generation += 1
        first = first or first_forked(self.generation)
        names: tuple[SideName, SideName] = ("base", "head") if first == "base" else ("head", "base")
        # Both import at the same time: that is not timed.
        begun = {name: self._begin(name) for name in names}
        for name, join in begun.items():
            self._sides[name] = join()
            self._check_origin(name, self._sides[name].greeting["project"])

    def end_sides(self) -> None:
        """End the present sides."""
        for side in self._sides.values():
            side.release()
        for side in self._sides.values():
            side.end()
        self._sides = {}

    def close(self) -> None:
        """End every process and remove the temporary folder."""
        with contextlib.suppress(PeerError, BenchmarkError):
            self.end_sides()
        for zygote in set(self._zygotes.values()):
            zygote.end()
        self._zygotes = {}
        self._hub.close()
        self._scratch.remove()

    def _zygote(self, side: SideEnvironment) -> Zygote:
        return Zygote(self._hub, self._folder, side.python, self._setting.variables)

    def restart(self) -> None:
        """Start the zygote over, with everything in it in other places of memory.

        Where that fails, every further process imports everything itself.
        """
        self.end_sides()
        self._restart()
        kept = [name for name in self._modules if name.partition(".")[0] not in self._left_out]
        answer = self._zygotes["base"].preload(kept, list(self._setting.names))
        self.begun = self.generation + 1
        if answer["refused"] or answer["threads"] > 1:
            self.fresh = "the zygote cannot be started twice in the same way"
            self._restart()

    def _restart(self) -> None:
        """Start zygotes over, so that they have imported nothing."""
        for zygote in set(self._zygotes.values()):
            zygote.end()
        zygote = self._zygote(self._setting.base)
        self._zygotes = {"base": zygote, "head": zygote}

    def _fork(self, name: SideName, *, modules: bool = False) -> Side:
        side = self._begin(name, modules=modules)()
        try:
            self._check_origin(name, side.greeting["project"])
        except WrongCommitError:
            side.end()
            raise
        return side

    def _begin(self, name: SideName, *, modules: bool = False) -> Callable[[], Side]:
        environment = self._setting.base if name == "base" else self._setting.head
        return self._zygotes[name].begin(
            environment, self._setting.suite, self._setting.names, modules=modules
        )

    def _judge(self, greetings: Mapping[str, Mapping[str, Any]]) -> None:
        for name, greeting in greetings.items():
            if greeting["threads"] > 1:
                self.fresh = (
                    self.fresh or f"importing the suite at {name} starts {greeting['threads'] - 1} threads"
                )
            if greeting["cuda"]:
                self.fresh = self.fresh or f"importing the suite at {name} initialises CUDA"

    def _check_origin(self, name: SideName, modules: Mapping[str, str | None]) -> None:
        """Make sure that a side measures its own commit.

        Raises
        ------
        WrongCommitError
            If it imported the project from anywhere but its own environment: the other side's, or the
            working tree that a suite has put on the import path.
        """
        environment = self._setting.base if name == "base" else self._setting.head
        mine, suite = (os.path.realpath(path) + os.sep for path in (environment.prefix, self._setting.suite))
        for module, file in modules.items():
            if file is not None and not os.path.realpath(file).startswith((mine, suite)):
                raise WrongCommitError(name, module, file)

    def _foreign(self, modules: Mapping[str, str | None]) -> Iterable[str]:
        """Names of modules that belong to neither the project nor the suite."""
        folders = tuple(os.path.realpath(folder) + os.sep for folder in self._setting.own)
        names = {*self._setting.names, *self._left_out, "__main__"}
        for name, file in modules.items():
            if file is None or name.partition(".")[0] in names or is_link(name):
                continue
            if not os.path.realpath(file).startswith(folders):
                yield name
