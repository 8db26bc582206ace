"""Every deliberate error of machmeter: each says the fact, the reason and the next command."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path


class MachmeterError(Exception):
    """An error that a person can act on.

    Parameters
    ----------
    fact : str
        What happened, naming the file, commit or machine.
    reason : str
        Why that stops us.
    next_command : str
        What to do or type next.
    """

    def __init__(self, fact: str, reason: str, next_command: str) -> None:
        super().__init__(f"{fact} {reason} {next_command}")
        self.fact = fact
        self.reason = reason
        self.next_command = next_command


class MachineMismatchError(MachmeterError):
    """Results of another machine lie under this machine's name."""

    def __init__(self, name: str, stored: str, current: str) -> None:
        super().__init__(
            f'Refusing to file results of {current} under "{name}".',
            f"That name already holds results of {stored}: different hardware is never compared.",
            'Leave out "--machine", or choose a name that is not taken; "machmeter machine" shows this one.',
        )


class DifferentHardwareError(MachmeterError):
    """Two commits were measured, but on no machine both of them."""

    def __init__(self, base: str, base_machines: list[str], head: str, head_machines: list[str]) -> None:
        super().__init__(
            f"Refusing to compare {base[:8]} ({', '.join(base_machines)}) with {head[:8]} "
            f"({', '.join(head_machines)}).",
            "They were measured on different hardware.",
            '"machmeter machine --list" shows what was measured where; "asv run" measures it here.',
        )


class UnhealthyNodeError(MachmeterError):
    """The node is slower than its own class of machines."""

    def __init__(self, tag: str, finding: str) -> None:
        super().__init__(
            f"Refusing to measure: this node of {tag} is not healthy ({finding}).",
            "Its results would be filed beside those of healthy twins and look like a regression.",
            '"machmeter doctor" looks for the cause; MACHMETER_HEALTH=mark measures all the same and marks '
            "every sample.",
        )


class UnknownMachineError(MachmeterError):
    """Results without a known fingerprint lie under this machine's name."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f'Refusing to file results under "{name}".',
            f"{folder} holds results whose hardware is not on record: nobody can compare them.",
            'Leave out "--machine" to use the hardware tag, or move that folder away.',
        )


class HalfWrittenResultError(MachmeterError):
    """A file of results is not complete JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not complete JSON.",
            "It was cut off while being written, or is no file of results; it is left as it is.",
            f"Move it away (mv {path} {path}.broken) and run again.",
        )


class UnwritableError(MachmeterError):
    """A folder or file cannot be written."""

    def __init__(self, path: Path, cause: OSError) -> None:
        super().__init__(
            f"Cannot write {path}: {cause.strerror or cause}.",
            "Results and samples are kept there, and nothing was measured that could be lost.",
            f'Make it writable or free some space ("df -h {path.parent}"), then run again.',
        )


class ConfigurationError(MachmeterError):
    """asv.conf.json asks for something that machmeter does not know."""


class NoRepositoryError(MachmeterError):
    """The project's folder is no repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is not a git repository.",
            "Commits are what is measured, and there are none.",
            'Run inside a clone ("git clone …"), or correct "repo" in asv.conf.json.',
        )


class FingerprintDocumentError(MachmeterError):
    """A stored fingerprint cannot be read or does not fit its own hash."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is not a valid fingerprint: {what}.",
            "Without it nobody knows which hardware the results beside it come from; it is left as it is.",
            f"Restore it, or move it away (mv {path} {path}.broken) to have it written anew.",
        )


class UnknownTagError(MachmeterError):
    """No results and no fingerprint of a machine are there."""

    def __init__(self, tag: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(set(known)))
        super().__init__(
            f'No machine is known as "{tag}".',
            f"Known here: {names}." if names else "No machine has results here yet.",
            '"machmeter machine --list" describes them.',
        )


class UnknownMomentError(MachmeterError):
    """Neither a measured commit nor a date."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'"{name}" is neither a commit that was measured nor a date.',
            "So nobody knows which changes came after it.",
            'Give the beginning of a measured commit\'s hash, or a date as in "2026-03-01".',
        )


class NothingToMeasureError(MachmeterError):
    """No benchmark was found to measure."""

    def __init__(self, pattern: str | None, notes: Iterable[str]) -> None:
        told = "; ".join(notes)
        super().__init__(
            f"No benchmark matches {pattern!r}." if pattern is not None else "The suite has no benchmark.",
            f"Nothing was measured, so nothing is known to be fine{f' ({told})' if told else ''}.",
            '"asv check" lists what is wrong with a suite; "machmeter gate BASE" alone measures all of it.',
        )


class WrongCommitError(MachmeterError):
    """A side of a comparison imported the other side's code."""

    def __init__(self, side: str, module: str, file: str) -> None:
        super().__init__(
            f"The {side} imported {module} from {file}, which is not its own commit.",
            "Both sides would be the same code, and every benchmark would look unchanged.",
            "Remove from the suite what puts the working tree on sys.path: the project is installed already.",
        )


class UninstallableCommitError(MachmeterError):
    """A commit does not build or install."""

    def __init__(self, commit: str, cause: str) -> None:
        super().__init__(
            f"{commit[:8]} cannot be installed: {cause}.",
            "What cannot be installed cannot be measured.",
            f'"asv run {commit[:8]}^! --bench just-discover --verbose" shows all that its build prints.',
        )


class BrokenBenchmarkProcessError(MachmeterError):
    """A process that all benchmarks depend on ended or cannot start."""

    def __init__(self, what: str, output: str) -> None:
        super().__init__(
            f"{what.rstrip('.')}.",
            f"No benchmark can be measured without it{f'; it printed: {output}' if output else ''}.",
            '"asv check" imports the suite alone; "machmeter gate … --resume" goes on with the pairs taken.',
        )


class UnknownChangeError(MachmeterError):
    """An identifier names no change, or more than one."""

    def __init__(self, identifier: str, fitting: int) -> None:
        super().__init__(
            f'"{identifier}" names {fitting or "no"} change{"" if fitting == 1 else "s"} of this history.',
            "New results may move a change to another commit, which gives it another identifier.",
            '"machmeter changes --all --most 0" lists them all.',
        )


class AmbiguousBenchmarkError(MachmeterError):
    """Several benchmarks or parameters match where one is searched for."""

    def __init__(self, pattern: str, names: Iterable[str], most: int = 20) -> None:
        found = list(names)
        more = f" and {len(found) - most} more" if len(found) > most else ""
        super().__init__(
            f"{len(found)} benchmarks match {pattern!r}: {'; '.join(found[:most])}{more}.",
            "A bisection follows one benchmark with one set of parameters.",
            f"Name one, parameters included: -b {shlex.quote(f'^{re.escape(found[0])}$')}.",
        )


class ForeignChangeError(MachmeterError):
    """A change was seen on other hardware."""

    def __init__(self, identifier: str, tag: str, here: str) -> None:
        super().__init__(
            f"Refusing to confirm {identifier} ({tag}) on this machine ({here}).",
            "Answers hold for identical hardware only.",
            f'Run "machmeter confirm {identifier}" on a node of {tag}; "machmeter changes --machine {here}" '
            "lists what was seen on this one.",
        )


class ForeignPairsError(MachmeterError):
    """The comparison that is to go on was made on other hardware."""

    def __init__(self, base: str, head: str, tag: str, here: str) -> None:
        super().__init__(
            f"Refusing to resume: {base[:8]} and {head[:8]} were compared on {tag}, and this is {here}.",
            "Pairs of different hardware are never put into one verdict.",
            'Without "--resume" both commits are measured here.',
        )


class ProfileRefusedError(MachmeterError):
    """No profile can be taken, or none that can be believed."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(
            f"No profile: {what}.", "So no function can be named; the measured verdict stands.", advice
        )


class ForeignProfileError(MachmeterError):
    """Profiles that cannot be compared."""

    def __init__(self, field: str, mine: str, theirs: str) -> None:
        words = {"tag": "hardware", "params": "parameters"}
        super().__init__(
            f"Refusing to subtract profiles of different {words.get(field, field)}: {mine} and {theirs}.",
            "Their difference would be that, and not the commits'.",
            '"machmeter flame BASE..HEAD -b BENCH" takes profiles of both here.',
        )


class UnreadableProfileError(MachmeterError):
    """A file that should hold a profile does not."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is no profile: {why}.",
            "It was left as it is.",
            'Take a new one: "machmeter flame COMMIT -b BENCH".',
        )
