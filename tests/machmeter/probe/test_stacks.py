"""Canonical stacks from py-spy's raw output."""

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter.probe import stacks

FILES = {"/env/site/pkg/rings.py": "pkg.rings", "/env/probe/spy.py": "machmeter.probe.spy"}
MAIN = 'process 7:"python run.py";thread (7): MainThread;<module> (/x/run.py);'
REGION = "region (/env/probe/spy.py)"
LOOP = "_worker_loop (/env/site/torch/utils/data/_utils/worker.py)"


def canonical(*lines: str, everything: bool = True) -> Counter[tuple[str, ...]]:
    files = FILES | {"/env/site/torch/utils/data/_utils/worker.py": "torch.utils.data._utils.worker"}
    return stacks.canonical("\n".join(lines), 7, files, everything=everything)


def test_names_are_modules_and_qualnames() -> None:
    """What lies above the marked call, the environment's path and line numbers are gone."""
    found = canonical(f"{MAIN}{REGION};Ring._decode (/env/site/pkg/rings.py) 3")
    assert found == {("main", "pkg.rings:Ring._decode"): 3}


def test_what_lies_outside_the_marked_call_does_not_count() -> None:
    """The measuring process itself is not the benchmark."""
    assert canonical(f"{MAIN}wait (/env/site/pkg/rings.py) 3") == {}


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("f.<locals>.<listcomp>", "f"),
        ("f.<locals>.<lambda>.<locals>.<genexpr>", "f"),
        ("C.f.<locals>.g.<locals>.<dictcomp>", "C.f.<locals>.g"),
        ("<lambda>", "<lambda>"),
    ],
)
def test_expressions_belong_to_their_function(name: str, owner: str) -> None:
    """Python 3.12 inlines comprehensions; profiles of 3.11 must look the same."""
    found = canonical(f"{MAIN}{REGION};f (/env/site/pkg/rings.py);{name} (/env/site/pkg/rings.py) 1")
    assert next(iter(found))[-1] == f"pkg.rings:{owner}"


@pytest.mark.parametrize(
    ("frames", "folded"),
    [("aaa", "a"), ("abab", "ab"), ("abcabcd", "abcd"), ("aba", "aba"), ("abcdeabcde", "abcdeabcde")],
)
def test_recursion_is_folded(frames: str, folded: str) -> None:
    """A frame, or a cycle of up to four, that repeats itself counts as one."""
    line = ";".join(f"{letter} (/env/site/pkg/rings.py)" for letter in frames)
    (found,) = canonical(f"{MAIN}{REGION};{line} 1")
    assert [each.removeprefix("pkg.rings:") for each in found[1:]] == list(folded)


def test_workers_are_cut_at_their_loop() -> None:
    """Start-up of a spawned worker is no work, and what a forked one inherited is its parent's."""
    child = 'process 7:"a;b";process 9:"c";thread (9): MainThread;'
    work = canonical(
        f"{child}{REGION};start (/x/process.py);{LOOP};load (/env/site/pkg/rings.py) 2",
        f"{child}main (/x/spawn.py);import_torch (/x/torch.py) 5",
    )
    assert work == {("worker", "pkg.rings:load"): 2}


def test_ranks_are_numbered_by_process() -> None:
    """In the order in which they are seen."""
    files = {"/t/spawn.py": "torch.multiprocessing.spawn"}
    text = "\n".join(
        f'process 7:"x";process {pid}:"y";thread ({pid}): MainThread;_wrap (/t/spawn.py);step (/x/net.py) 1'
        for pid in (12, 11)
    )
    found = stacks.canonical(text, 7, files, everything=True)
    assert sorted(stack[0] for stack in found) == ["rank 0", "rank 1"]


def test_only_the_main_thread_counts_by_wall_time() -> None:
    """Threads that wait for each other would be counted several times."""
    other = 'process 7:"p";thread (8): pool;run (/env/site/pkg/rings.py) 4'
    assert canonical(other, everything=False) == {}
    assert canonical(other) == {("thread", "pkg.rings:run"): 4}


def test_a_statement_in_an_interpreter_of_its_own() -> None:
    """``timeraw_*``: from timeit's loop on."""
    line = 'process 9:"";thread (9);<module> (<string>);inner (<timeit-src>);load (/env/site/pkg/rings.py) 1'
    assert stacks.canonical(line, 0, FILES, everything=True) == {("main", "pkg.rings:load"): 1}


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ("f (/a;b/c (1).py)", "c (1):f"),
        ("operator() (libtorch_cpu.so)", "libtorch_cpu.so:operator()"),
        ("at::f(int) (/lib/libtorch.so)", "libtorch.so:at::f(int)"),
        ("find (<frozen importlib._bootstrap>)", "importlib._bootstrap:find"),
        ("<script>alert(1)</script> (/env/site/pkg/rings.py)", "pkg.rings:<script>alert(1)</script>"),
    ],
)
def test_odd_names_survive(frame: str, named: str) -> None:
    """Semicolons and brackets in names and files break nothing."""
    (found,) = canonical(f"{MAIN}{REGION};{frame} 1")
    assert found[-1] == named


def test_modules_that_the_process_did_not_import_are_found_on_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A spawned worker imports what its parent did not."""
    monkeypatch.setattr(sys, "path", ["", "/env/site", "/env"])
    (found,) = canonical(f"{MAIN}{REGION};f (/env/site/deep/er/__init__.py) 1")
    assert found[-1] == "deep.er:f"


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Lines of another form are left out, whatever they hold."""
    assert sum(stacks.canonical(text, 7, FILES, everything=True).values()) >= 0


@given(st.dictionaries(st.lists(st.text(), min_size=1).map(tuple), st.integers(1, 10**6)))
def test_written_stacks_keep_their_counts(counts: dict[tuple[str, ...], int]) -> None:
    """Names lose what separates them, but no stack is lost."""
    assert sum(stacks.from_text(stacks.to_text(counts)).values()) == sum(counts.values())
