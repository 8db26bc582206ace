"""Writing sidecars: one JSON line a sample, on disk before the benchmark returns."""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Environment variable by which the driver tells a benchmark process where it is: the JSON of a `Context`.
VARIABLE = "MACHMETER_CONTEXT"

#: Version of the line format; `machmeter.results.sidecars` reads it.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Context:
    """Where a benchmark process is, as the driver knows it; see `machmeter.model.Sample`."""

    sidecar: str
    commit: str
    environment: str
    tag: str
    node: str
    run: str
    health: str | None = None
    conditions: str | None = None
    profile: dict[str, Any] | None = None

    def encode(self) -> str:
        """Return the value of `VARIABLE`."""
        return json.dumps(asdict(self))

    @classmethod
    def current(cls) -> "Context | None":
        """Return the context of this process, None where no machmeter driver started it."""
        text = os.environ.get(VARIABLE)
        return None if text is None else cls(**json.loads(text))


class SidecarError(RuntimeError):
    """A sample could not be written; the benchmark fails rather than lose it in silence."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"machmeter: cannot write a sample to {path}: {cause.strerror}. The benchmark is recorded as "
            "failed, earlier samples are untouched. Free some space or make the folder writable, then repeat."
        )


class Sidecar:
    """Appends the samples of one benchmark and parameter set to the file of this run.

    Parameters
    ----------
    context : Context
        Names the file and what all its lines share.
    benchmark : str
        asv's name.
    params : sequence of str
        asv's representation of the parameters.
    version : str or None
        asv's version of the benchmark.
    """

    def __init__(
        self, context: Context, benchmark: str, params: Sequence[str], version: str | None = None
    ) -> None:
        self._path = context.sidecar
        # These come first in every line: the earlier rounds are found by them.
        self._head = {"schema": SCHEMA, "benchmark": benchmark, "params": list(params), "version": version}
        told = asdict(context).items()
        self._shared = {key: value for key, value in told if key not in {"sidecar", "profile"}}
        self._round = 1 + self._last_round()
        self._written = 0

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write samples, all or none of them.

        Raises
        ------
        SidecarError
            If the disk is full or the file cannot be written; nothing half-written stays.
        """
        lines: list[str] = []
        for row in rows:
            place = {"round": self._round, "index": self._written + len(lines)}
            lines.append(json.dumps(self._head | self._shared | place | dict(row)) + "\n")
        try:
            _append(self._path, "".join(lines).encode())
        except OSError as error:
            raise SidecarError(self._path, error) from error
        self._written += len(lines)

    def _last_round(self) -> int:
        """Largest round among the lines of this benchmark and parameters, 0 if there are none."""
        prefix = json.dumps(self._head)[:-1].encode()
        try:
            with open(self._path, "rb") as stream:
                mine = [line for line in stream if line.startswith(prefix) and line.endswith(b"\n")]
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise SidecarError(self._path, error) from error
        return max((json.loads(line)["round"] for line in mine), default=0)


def _append(path: str, data: bytes) -> None:
    """Append under a lock; on failure cut the file back to where it was."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        end = os.fstat(descriptor).st_size
        # A process that was killed in the middle of a line must not spoil the next one.
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
