"""What a flame graph draws: call paths as JSON, the smallest left out until the rest fits."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from machmeter.profiles import Node, Stack
from machmeter.report.frame_names import shown

#: Share of the whole below which a call path is not drawn, unless it or something below it is significant.
SMALLEST: Final = 0.0005

#: Bits of a row.
PROJECT, SIGNIFICANT, EDITED = 1, 2, 4

#: Bytes of a row besides its figures: two numbers of up to six digits, the bits, commas and brackets.
_ROW: Final = 20


@dataclass(frozen=True, slots=True)
class Drawing:
    """Call paths as ``flamegraph.js`` reads them.

    Parameters
    ----------
    text : str
        JSON that cannot end the script element it stands in.
    paths, left_out, significant_left_out : int
        Call paths, all and those that are not drawn.
    largest_left_out : float
        The largest share of either side's whole that one of them has.
    """

    text: str
    paths: int = 0
    left_out: int = 0
    significant_left_out: int = 0
    largest_left_out: float = 0.0


@dataclass(frozen=True, slots=True)
class _Tree:
    """Call paths with what decides whether they are drawn.

    Parameters
    ----------
    nodes : sequence of Node
        In any order.
    parents : list of int
        Place of the caller; -1 for a role.
    whole : tuple of float, seconds an iteration
        What the roles take together at the base and at the head.
    shares : list of float
        The larger one of both sides' shares; never below that of a callee.
    marked : list of bool
        Whether it or something below it is significant.
    """

    nodes: Sequence[Node]
    parents: list[int]
    whole: tuple[float, float]
    shares: list[float]
    marked: list[bool]

    def rank(self, place: int) -> tuple[float, int]:
        """Sort large ones first, and callers before their callees."""
        return -self.shares[place], len(self.nodes[place].stack)


def collect(nodes: Sequence[Node], edited: Collection[str], room: int) -> Drawing:
    """Choose and spell the call paths.

    Parameters
    ----------
    nodes : sequence of Node
        All call paths.
    edited : collection of str
        Functions whose code differs between the commits.
    room : int, bytes
        What the text may take.

    Returns
    -------
    Drawing
        Significant paths and their callers go before all others, then the largest.
    """
    tree = _grown([node for node in nodes if node.stack])
    chosen, names = _chosen(tree, room)
    kept = set(chosen)
    rest = [place for place in range(len(tree.nodes)) if place not in kept]
    return Drawing(
        text=_spelled(tree, chosen, names, edited),
        paths=len(tree.nodes),
        left_out=len(rest),
        significant_left_out=sum(tree.nodes[place].total.significant for place in rest),
        largest_left_out=max((tree.shares[place] for place in rest), default=0.0),
    )


def _grown(nodes: Sequence[Node]) -> _Tree:
    place = {node.stack: index for index, node in enumerate(nodes)}
    parents = [_parent(node.stack, place) for node in nodes]
    roles = [node.total for node, parent in zip(nodes, parents, strict=True) if parent < 0]
    whole = (sum(_finite(role.base_s) for role in roles), sum(_finite(role.head_s) for role in roles))
    shares = [_share(node, whole) for node in nodes]
    marked = [node.total.significant for node in nodes]
    for index in sorted(range(len(nodes)), key=lambda each: -len(nodes[each].stack)):
        parent = parents[index]
        if parent >= 0:
            shares[parent] = max(shares[parent], shares[index])
            marked[parent] = marked[parent] or marked[index]
    return _Tree(nodes, parents, whole, shares, marked)


def _parent(stack: Stack, place: Mapping[Stack, int]) -> int:
    """Find the nearest caller that is known."""
    found = (place.get(stack[:length]) for length in range(len(stack) - 1, 0, -1))
    return next((index for index in found if index is not None), -1)


def _share(node: Node, whole: tuple[float, float]) -> float:
    costs = (_finite(node.total.base_s), _finite(node.total.head_s))
    return max(cost / total if total > 0 else 0.0 for cost, total in zip(costs, whole, strict=True))


def _chosen(tree: _Tree, room: int) -> tuple[list[int], dict[str, str]]:
    """Choose as many paths as there is room for, and spell each of their names once."""
    chosen: list[int] = []
    names: dict[str, str] = {}
    left = room - 200
    for place in sorted(range(len(tree.nodes)), key=lambda each: (not tree.marked[each], *tree.rank(each))):
        name = tree.nodes[place].stack[-1]
        spelled = names.get(name) or quoted(shown(name))
        left -= _ROW + len(_figures(tree.nodes[place])) + (name not in names) * (len(spelled.encode()) + 1)
        if left < 0 or not (tree.marked[place] or tree.shares[place] >= SMALLEST):
            break
        names[name] = spelled
        chosen.append(place)
    return sorted(chosen, key=tree.rank), names


def _spelled(tree: _Tree, chosen: Sequence[int], names: Mapping[str, str], edited: Collection[str]) -> str:
    """Spell the chosen paths below a root of their own; the JSON's figures are seconds an iteration."""
    row_of = {place: number for number, place in enumerate(chosen, 1)} | {-1: 0}
    name_of = {name: number for number, name in enumerate(names, 1)}
    whole = f"{_number(tree.whole[0])},{_number(tree.whole[1])}"
    rows = [f"[-1,0,{PROJECT},{whole},null,null]"]
    for place in chosen:
        node = tree.nodes[place]
        name = node.stack[-1]
        bits = PROJECT * node.project | SIGNIFICANT * node.total.significant | EDITED * (name in edited)
        rows.append(f"[{row_of[tree.parents[place]]},{name_of[name]},{bits},{_figures(node)}]")
    spelled = ",".join([quoted("all"), *names.values()])
    return f'{{"names":[{spelled}],"nodes":[{",".join(rows)}]}}'


def _figures(node: Node) -> str:
    total = node.total
    costs = (_finite(total.base_s), _finite(total.head_s), total.low_s, total.high_s)
    return ",".join(map(_number, costs))


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "null"


def _finite(value: float) -> float:
    return value if math.isfinite(value) and value > 0 else 0.0


def quoted(text: str) -> str:
    """Spell a text as JSON in which nothing can end a script element or begin a comment."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
