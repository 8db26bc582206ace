"""What pip is configured with, as arguments for uv, which ignores pip's configuration."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

#: pip's option -> uv's. Options that take several values have one argument a value.
_SAME_MEANING = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraints",
    "trusted-host": "--allow-insecure-host",
    "only-binary": "--only-binary",
    "no-binary": "--no-binary",
}
#: The order in which pip lets later sections win (pip's "Configuration" page).
_SECTIONS = ("global", "install", ":env:")
_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class PipSettings:
    """pip's configuration.

    Parameters
    ----------
    values : mapping of str to str
        Option names without dashes in front ("find-links") to their values as pip stores them.
    """

    values: Mapping[str, str]

    @classmethod
    def parse(cls, listing: str) -> "PipSettings":
        """Read what ``pip config list`` prints; lines that are something else are left out."""
        found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            section, _, option = name.rpartition(".")
            if section in found and value:
                found[section][option] = _unquoted(value)
        merged = {option: value for section in _SECTIONS for option, value in found[section].items()}
        return cls(merged)

    def uv_arguments(self) -> list[str]:
        """Arguments for ``uv pip install`` with the same meaning."""
        arguments = []
        for option, argument in _SAME_MEANING.items():
            for value in self.values.get(option, "").split():
                arguments += [argument, value]
        if self._is_set("no-index"):
            arguments.append("--no-index")
        if self._is_set("pre"):
            arguments += ["--prerelease", "allow"]
        # pip takes the best version of all indexes; uv by default stops at the first that knows the name.
        return [*arguments, "--index-strategy", "unsafe-best-match"]

    def uv_environment(self) -> dict[str, str]:
        """Environment variables for uv with the same meaning."""
        variables = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "timeout": "UV_HTTP_TIMEOUT"}
        return {name: self.values[option] for option, name in variables.items() if option in self.values}

    def _is_set(self, option: str) -> bool:
        return self.values.get(option, "").lower() in _TRUE


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value
