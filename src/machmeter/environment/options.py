"""What a suite may say about machmeter in its ``asv.conf.json``, under the key ``"machmeter"``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from machmeter.errors import ConfigurationError

#: What may happen on a node that is slower than its class of machines.
HEALTH_MODES = ("refuse", "mark", "off")


@dataclass(frozen=True, slots=True)
class Options:
    """The options with their defaults.

    Parameters
    ----------
    constraints : tuple of Path
        pip constraint files, relative to the folder of ``asv.conf.json``.
    dependencies : bool
        Whether the project's own dependencies are installed where the matrix does not provide them.
    health : str
        What happens on a node that is slower than its class: "refuse" to measure, "mark" every sample, or
        "off" for no check.
    """

    constraints: tuple[Path, ...] = ()
    dependencies: bool = True
    health: str = "refuse"

    @classmethod
    def parse(cls, given: object, folder: Path) -> "Options":
        """Check and convert the value of the key.

        Parameters
        ----------
        given : object
            The JSON value, None where the key is absent.
        folder : Path
            Where ``asv.conf.json`` lies.

        Raises
        ------
        ConfigurationError
            If an option is unknown or of the wrong type, or a constraint file is missing.
        """
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            raise _invalid("is not an object", 'Write it as {"constraints": "constraints.txt"}.')
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise _invalid(f"has an unknown option {unknown[0]!r}", f"Known options: {', '.join(names)}.")
        return cls(
            constraints=_constraints(given.get("constraints", []), folder),
            dependencies=_boolean(given.get("dependencies", True)),
            health=_word(given.get("health", "refuse")),
        )


def _constraints(value: Any, folder: Path) -> tuple[Path, ...]:  # noqa: ANN401 - JSON
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid(f"has constraints {value!r}", "Give one file name, or a list of them.")
    paths = tuple((folder / name).resolve() for name in names)
    for path in paths:
        if not path.is_file():
            raise _invalid(f"names the constraint file {path}, which does not exist", "Correct its name.")
    return paths


def _boolean(value: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(value, bool):
        raise _invalid(f"has dependencies {value!r}", "Say true or false.")
    return value


def _word(value: Any) -> str:  # noqa: ANN401 - JSON
    if value not in HEALTH_MODES:
        raise _invalid(f"has health {value!r}", f"Say one of: {', '.join(HEALTH_MODES)}.")
    return str(value)


def _invalid(what: str, next_command: str) -> ConfigurationError:
    return ConfigurationError(
        f'"machmeter" in asv.conf.json {what}.', "Nothing was built or measured.", next_command
    )
