"""Which functions of a source differ in what they do, by their names."""

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: The code outside all functions.
_MODULE = "<module>"


@dataclass(frozen=True, slots=True)
class Edits:
    """What a commit edited.

    Parameters
    ----------
    changed, added, removed : frozenset of str
        Functions as ``dotted.path:qualname``; the path is that of the file in the repository.
    unknown : tuple of str
        Files that could not be parsed, or that no Python source could be found for.
    """

    changed: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    @classmethod
    def between(cls, sources: Mapping[str, tuple[str | None, str | None]]) -> "Edits":
        """Compare the sources of two commits.

        Parameters
        ----------
        sources : mapping of str to (str or None, str or None)
            Text at the base and at the head of each file that differs; None where it does not exist.
        """
        changed, added, removed, unknown = set(), set(), set(), []
        for path, (old, new) in sources.items():
            try:
                before, after = _functions(old or ""), _functions(new or "")
            except (SyntaxError, ValueError, RecursionError):
                unknown.append(path)
                continue
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            added |= {f"{module}:{name}" for name in after.keys() - before.keys()}
            removed |= {f"{module}:{name}" for name in before.keys() - after.keys()}
            shared = before.keys() & after.keys()
            changed |= {f"{module}:{name}" for name in shared if before[name] != after[name]}
        return cls(frozenset(changed), frozenset(added), frozenset(removed), tuple(unknown))

    @property
    def known(self) -> bool:
        """Whether anything is known to be edited."""
        return bool(self.changed or self.added or self.removed)

    def of(self, name: str) -> str:
        """Tell what happened to a function: "changed", "added", "removed", or nothing.

        Parameters
        ----------
        name : str
            ``module:qualname`` as it is imported: its file may lie below folders that are no packages.
        """
        for word in ("changed", "added", "removed"):
            if any(_is_same(place, name) for place in getattr(self, word)):
                return word
        return ""


def _is_same(place: str, name: str) -> bool:
    return place == name or place.endswith(f".{name}")


def _functions(source: str) -> dict[str, str]:
    """Each function of a source, and its code outside of them, in a form that only what runs decides."""
    tree = ast.parse(source)
    found = dict(_walk(tree, ""))
    found[_MODULE] = _dump(_without_functions(tree))
    return found


def _walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            name = f"{prefix}{child.name}"
            yield name, _dump(_renamed(_without_functions(child)))
            yield from _walk(child, f"{name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from _walk(child, f"{prefix}{child.name}.")
        else:
            yield from _walk(child, prefix)


def _without_functions(node: ast.AST) -> ast.AST:
    """Copy a function or a module without the bodies of the functions in it, which are looked at alone."""
    emptied = _Emptied(node)
    return emptied.generic_visit(copy.deepcopy(node))


class _Emptied(ast.NodeTransformer):
    """Removes inner functions' bodies, docstrings and annotations."""

    def __init__(self, root: ast.AST) -> None:
        self._is_module = isinstance(root, ast.Module)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Keep the name alone: a function's decorators and defaults belong to it."""
        return ast.Expr(ast.Constant(f"def {node.name}"))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Keep the name alone."""
        return ast.Expr(ast.Constant(f"def {node.name}"))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Drop the annotation; in a class it may be a field, whose type does not run either."""
        if node.value is None:
            return node if self._is_module else None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Drop the annotation."""
        node.annotation = None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop texts that stand alone: docstrings."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)


def _renamed(node: ast.AST) -> ast.AST:
    """Replace local variables by numbers, in the order of their appearance."""
    if not isinstance(node, _FUNCTIONS):
        return node
    node.returns = None
    fixed = _fixed_names(node)
    numbers: dict[str, str] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and inner.id not in fixed:
            numbers.setdefault(inner.id, f"local {len(numbers)}")
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in numbers:
            inner.id = numbers[inner.id]
    return node


def _fixed_names(node: ast.AST) -> set[str]:
    """Names that mean something outside: arguments, globals, what inner functions may use."""
    fixed: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            fixed.add(inner.arg)
        elif isinstance(inner, ast.Global | ast.Nonlocal):
            fixed.update(inner.names)
        elif isinstance(inner, ast.Constant) and str(inner.value).startswith("def "):
            return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return fixed


def _dump(node: ast.AST) -> str:
    return ast.dump(node, annotate_fields=False, include_attributes=False)
