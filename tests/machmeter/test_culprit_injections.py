import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def package() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import culprit_injections  # type: ignore[import-not-found]

        yield culprit_injections


def defined(files: dict[str, str]) -> set[str]:
    """Return every function of the project as ``module:qualname``, and every module's own code."""
    found = set()
    for file, text in files.items():
        if file.startswith("tinyscope/"):
            module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            found |= {f"{module}:<module>"} | {f"{module}:{name}" for name in names(ast.parse(text))}
    return found


def names(node: ast.AST, prefix: str = "") -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield prefix + child.name
            yield from names(child, f"{prefix}{child.name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from names(child, f"{prefix}{child.name}.")


def test_every_head_parses(package: Any) -> None:
    """Injections and decoys find each text once, alone and together, and leave valid Python."""
    for injection in (*package.injections(), *package.unchanged()):
        package.apply(package.BASE, injection.edits)
        for file, text in package.head_files(injection).items():
            if file.endswith(".py"):
                compile(text, file, "exec")
    for decoy in package.DECOYS:
        package.apply(package.BASE, [decoy.edit])


def test_the_right_answers_exist(package: Any) -> None:
    """Each injection has answers, and its head defines them."""
    for injection in package.injections():
        assert set(injection.right) <= defined(package.head_files(injection))
        assert injection.right


def test_the_edited_function_is_never_alone(package: Any) -> None:
    """Three to six decoys stand beside each injection, at least two in functions that its benchmark runs."""
    for injection in (*package.injections(), *package.unchanged()):
        decoys = package.draw(injection)
        assert len({decoy.function for decoy in decoys}) in {3, 4, 5, 6}
        assert sum(injection.benchmark in decoy.benchmarks for decoy in decoys) >= 2
        assert not {decoy.function for decoy in decoys} & set(injection.right)


def test_decoys_name_what_they_edit(package: Any) -> None:
    """A decoy's function is defined once it is applied, and its benchmarks are those of the suite."""
    for decoy in package.DECOYS:
        assert decoy.function in defined(package.apply(package.BASE, [decoy.edit]))
        assert set(decoy.benchmarks) <= set(package.BENCHMARKS)


def test_each_half_covers_kinds_and_sizes(package: Any) -> None:
    """Thirty injections a half with names of their own, of every kind, a third of them small."""
    everything = package.injections()
    assert max(Counter(injection.identifier for injection in everything).values()) == 1
    for half in package.HALVES:
        found = package.injections(half)
        assert len(found) >= 30
        assert {injection.kind for injection in found} == set(package.KINDS)
        assert {injection.benchmark for injection in found} <= set(package.BENCHMARKS)
        assert 9 <= sum(injection.size == package.SMALL for injection in found) <= 12
