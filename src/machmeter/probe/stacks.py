"""py-spy's raw output as canonical stacks: the same call path has the same name in every environment."""

import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

#: Everything below a call of this function is the benchmark; `machmeter.probe.spy.region`.
REGION = "machmeter.probe.spy:region"

#: Where the work of a child process or a thread begins. What comes before is its start-up.
_LOOPS = {
    "torch.utils.data._utils.worker:_worker_loop": "worker",
    "multiprocessing.pool:worker": "worker",
    "concurrent.futures.process:_process_worker": "worker",
    "torch.multiprocessing.spawn:_wrap": "rank",
}
#: A statement that `timeit` repeats in an interpreter of its own.
_STATEMENT = "<timeit-src>:inner"
#: Where a process or a thread without a known loop begins.
_ENTRIES = ("multiprocessing.process:BaseProcess.run", "threading:Thread.run", REGION)

#: Functions that Python writes for an expression of another one; from 3.12 on most of them are inlined.
_EXPRESSION = re.compile(r"\.<locals>\.<(?:listcomp|setcomp|dictcomp|genexpr|lambda)>$")
_THREAD = re.compile(
    r'(?P<processes>(?:process \d+:".*?";)*?)thread \((?P<thread>\w+)\)(?:: (?P<name>[^;]*))?;', re.DOTALL
)
_PROCESS = re.compile(r"process (\d+):")
_LONGEST_CYCLE = 4


def canonical(text: str, pid: int, files: Mapping[str, str], *, everything: bool) -> Counter[tuple[str, ...]]:
    """Count the call paths of a benchmark.

    Parameters
    ----------
    text : str
        What ``py-spy record --format raw --threads --subprocesses --full-filenames --nolineno`` wrote.
    pid : int
        Of the benchmark's own process.
    files : mapping of str to str
        Name of the module that each file holds; see `module_names`.
    everything : bool
        Whether threads and child processes count; otherwise the benchmark's own thread alone.

    Returns
    -------
    Counter of tuple of str
        A role, then ``module:qualname`` from the outermost function of the benchmark inwards. Lines of
        another form are left out.
    """
    ranks: dict[int, int] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        path, _, count = line.rpartition(" ")
        found = _THREAD.match(path)
        if found is None or not count.isdecimal():
            continue
        frames = [_named(frame, files) for frame in _frames(path[found.end() :])]
        processes = [int(number) for number in _PROCESS.findall(found["processes"])]
        process = processes[-1] if processes else pid
        own = process == pid
        main = own and (found["thread"] == str(pid) or found["name"] == "MainThread")
        placed = _placed(frames, own=own, main=main)
        if placed is None or not (main or everything):
            continue
        role, inner = placed
        if role == "rank":
            role = f"rank {ranks.setdefault(process, len(ranks))}"
        counts[role, *_folded(inner)] += int(count)
    return counts


def module_names(modules: Mapping[str, str | None]) -> dict[str, str]:
    """Turn names of modules and their files into a name for each file.

    A file that several modules share, as ``__main__`` does, has the name that can be imported.
    """
    names: dict[str, str] = {}
    for name, file in sorted(modules.items(), key=lambda each: each[0] == "__main__"):
        if file is not None:
            names.setdefault(os.path.realpath(file), name)
    return names


def _frames(text: str) -> list[str]:
    """Split a path where a frame ends: names and files may hold semicolons."""
    frames: list[str] = []
    open_frame = ""
    for part in text.split(";"):
        open_frame += part
        if part.endswith(")"):
            frames.append(open_frame)
            open_frame = ""
        else:
            open_frame += ";"
    return [*frames, open_frame.rstrip(";")] if open_frame.strip(";") else frames


def named(qualname: str, file: str, files: Mapping[str, str]) -> str:
    """Name a function as ``module:qualname``; an expression within a function has that function's name."""
    return f"{_module(file, files)}:{_owner(qualname)}"


def is_expression(qualname: str) -> bool:
    """Whether Python made up a function for an expression within another one."""
    return _EXPRESSION.search(qualname) is not None


def _named(frame: str, files: Mapping[str, str]) -> str:
    name, file = _split(frame)
    return named(name, file, files) if file else f"?:{frame}"


def _split(frame: str) -> tuple[str, str]:
    """Name and file of ``name (file)``, either of which may hold brackets."""
    for mark in (" (/", " (<"):
        at = frame.find(mark)
        if at >= 0 and frame.endswith(")"):
            return frame[:at], frame[at + 2 : -1]
    name, _, file = frame.removesuffix(")").rpartition(" (")
    return (name, file) if frame.endswith(")") else (frame, "")


def _module(file: str, files: Mapping[str, str]) -> str:
    known = files.get(file) or (files.get(os.path.realpath(file)) if os.path.isabs(file) else None)
    if known is not None:
        return known
    if file.startswith("<frozen ") and file.endswith(">"):
        return file[len("<frozen ") : -1]
    if not file.endswith(".py"):
        return os.path.basename(file)  # a library, or a name that was given to compile()
    for folder in sorted(filter(os.path.isabs, sys.path), key=len, reverse=True):
        if file.startswith(folder.rstrip(os.sep) + os.sep):
            inner = os.path.relpath(file, folder).removesuffix(".py").removesuffix(f"{os.sep}__init__")
            return inner.replace(os.sep, ".")
    return os.path.basename(file).removesuffix(".py")


def _owner(name: str) -> str:
    while _EXPRESSION.search(name):
        name = _EXPRESSION.sub("", name)
    return name


def _placed(frames: Sequence[str], *, own: bool, main: bool) -> tuple[str, list[str]] | None:
    """Role of a thread, and its frames from where the benchmark begins; None if it was not at work on it."""
    if own and main:
        return ("main", _below(frames, [REGION])) if REGION in frames else None
    for loop, role in _LOOPS.items():
        if loop in frames:
            return role, _below(frames, [loop])
    if _STATEMENT in frames:
        return "main", _below(frames, [_STATEMENT])
    if own:
        return "thread", _below(frames, _ENTRIES)
    return ("child", _below(frames, _ENTRIES)) if set(_ENTRIES) & set(frames) else None


def _below(frames: Sequence[str], marks: Iterable[str]) -> list[str]:
    """Frames below the innermost of some marks."""
    places = [place for place, frame in enumerate(frames) if frame in set(marks)]
    return list(frames[places[-1] + 1 :]) if places else list(frames)


def _folded(frames: Sequence[str]) -> list[str]:
    """Fold recursion: a frame, or a cycle of a few, that repeats itself at once counts as one."""
    folded: list[str] = []
    for frame in frames:
        folded.append(frame)
        for length in range(1, _LONGEST_CYCLE + 1):
            if folded[-length:] == folded[-2 * length : -length]:
                del folded[-length:]
                break
    return folded


def to_text(counts: Mapping[tuple[str, ...], int]) -> str:
    """Folded stacks, a line each; what separates frames or lines is replaced within their names."""
    lines = [f"{';'.join(map(_plain, stack))} {count}" for stack, count in sorted(counts.items())]
    return "".join(f"{line}\n" for line in lines)


def from_text(text: str) -> dict[tuple[str, ...], int]:
    """Read what `to_text` wrote; lines of another form are left out."""
    counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for line in text.split("\n"):
        path, _, count = line.rpartition(" ")
        if path and count.isdecimal():
            counts[tuple(path.split(";"))] += int(count)
    return dict(counts)


def _plain(frame: str) -> str:
    return " ".join(frame.replace(";", ",").split()) or "?"
