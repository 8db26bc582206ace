"""Qualified names of functions, for profilers that tell a bare name, a file and a line."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Span:
    """A function or a class in its file: first and last line, from 1."""

    first: int
    last: int
    name: str
    qualname: str
    is_class: bool


class Qualnames:
    """Finds qualified names by the source; a file is read once.

    Examples
    --------
    >>> Qualnames().of("<module>", __file__, 1)
    '<module>'
    """

    def __init__(self) -> None:
        self._spans: dict[str, tuple[_Span, ...]] = {}

    def of(self, name: str, file: str, line: int) -> str:
        """Find the qualified name of the function that executes a line.

        Parameters
        ----------
        name : str
            ``co_name``, or ``co_qualname`` already; that of an expression, such as "<lambda>", is replaced by
            the function's around it.
        file : str
            Path of its source.
        line : int
            From 1.

        Returns
        -------
        str
            The given name where the source does not tell.
        """
        if "." in name:
            return name
        if file not in self._spans:
            self._spans[file] = tuple(_read(file))
        around = [span for span in self._spans[file] if span.first <= line <= span.last]
        if name.startswith("<"):
            fitting = [span for span in around if not span.is_class]
        else:
            fitting = [span for span in around if span.name == name]
        return max(fitting, key=lambda span: span.first).qualname if fitting else name


def _read(file: str) -> Iterator[_Span]:
    try:
        with open(file, "rb") as stream:
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError, RecursionError):  # gone, generated, or no Python
        return
    yield from _within(tree, "")


def _within(node: ast.AST, prefix: str) -> Iterator[_Span]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):  # holds no definitions
            continue
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _within(child, prefix)
            continue
        is_class = isinstance(child, ast.ClassDef)
        qualname = prefix + child.name
        first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
        yield _Span(first, child.end_lineno or first, child.name, qualname, is_class)
        yield from _within(child, f"{qualname}." if is_class else f"{qualname}.<locals>.")
