"""What the commands share: the suite that a configuration describes, its options, the exit codes."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from asv.config import Config

#: Exit codes of the design: something is unfit or slow; usage or configuration; nothing measured.
UNFIT: Final = 1
USAGE: Final = 2
NOTHING: Final = 4
#: <sysexits.h> EX_SOFTWARE: machmeter itself is wrong, whatever the code under test is.
DEFECT: Final = 70
#: As shells say it of a program that Ctrl-C ended; click's own 1 would read as "slower".
INTERRUPTED: Final = 130


class Suite:
    """Folders of the suite that a configuration file describes, read when they are needed."""

    def __init__(self, config: Path | None) -> None:
        self._config = config

    @functools.cached_property
    def conf(self) -> Config:
        """asv's own view of the configuration file.

        Raises
        ------
        asv.util.UserError
            If there is none, or it is broken.
        """
        return Config.load(None if self._config is None else str(self._config))

    @property
    def folder(self) -> Path:
        """Where the configuration file lies: its relative paths start there."""
        return Path() if self._config is None else self._config.parent

    @property
    def results_dir(self) -> Path:
        """asv's results directory."""
        return self.folder / str(self.conf.results_dir)

    @property
    def env_dir(self) -> Path:
        """Where asv's environments lie."""
        return self.folder / str(self.conf.env_dir)


def suite_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--config`` and ``--json`` and pass the suite's configuration on."""

    @click.option(
        "--config", type=click.Path(dir_okay=False, path_type=Path), help="asv's configuration file."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @functools.wraps(command)
    def with_suite(config: Path | None, **options: Any) -> None:  # noqa: ANN401 - click passes what it parsed
        command(suite=Suite(config), **options)

    return with_suite
