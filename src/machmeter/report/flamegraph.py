"""The flame graph of a difference, or of one commit, as a page that needs nothing beside it."""

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Final

from machmeter.profiles import Change, Difference, Node, Profile, ProfileFacts, Stack
from machmeter.report import culprit_text, flamegraph_facts, flamegraph_table, labels
from machmeter.report.flamegraph_data import Drawing, collect
from machmeter.report.flamegraph_parts import graph, left_out, notes
from machmeter.report.frame_names import shown
from machmeter.report.markup import Markup, element, join
from machmeter.report.speedscope import seconds_by_stack

#: Bytes of a page, whatever it shows.
LIMIT: Final = 500_000

VIEWS: Final = ("before", "after", "difference")


def render(difference: Difference) -> str:
    """Render the page of a difference.

    Parameters
    ----------
    difference : Difference
        Of any size: the smallest call paths are left out until the page takes `LIMIT` bytes at most.
    """
    title = _title(difference.benchmark, difference.params)
    commits = f"{_commit(difference.base)}..{_commit(difference.head)}"
    top = join(
        _heading(title, commits, (*difference.base, *difference.head)),
        _verdict(difference),
        notes(difference.notes),
    )
    sides = {"Before": difference.base, "After": difference.head}
    below = join(
        element("section", element("h2", "Functions that changed"), flamegraph_table.render(difference)),
        _facts(sides),
    )
    edited = {function.name for function in difference.functions if function.edited}
    page = _Page(f"{title}: {commits}", top, VIEWS, below)
    return page.fitted(difference.nodes, edited)


def render_profile(*profiles: Profile, project: Callable[[str], bool] | None = None) -> str:
    """Render the page of one commit.

    Parameters
    ----------
    *profiles : Profile
        At least one; several of one benchmark and commit are averaged.
    project : callable, optional
        Whether a frame belongs to the project or the suite; by the facts' own `project` unless given.
    """
    facts = [profile.facts for profile in profiles]
    title = _title(facts[0].benchmark, facts[0].params)
    top = _heading(title, _commit(facts), facts)
    page = _Page(f"{title}: {_commit(facts)}", top, (), _facts({"Profile": facts}))
    return page.fitted(_nodes(profiles, project or _of_project(facts)), ())


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page holds besides its call paths.

    Parameters
    ----------
    title : str
        Of its window.
    top, below : Markup
        Before and after the graph.
    views : tuple of str
        What one may switch between; none for a single profile.
    """

    title: str
    top: Markup
    views: tuple[str, ...]
    below: Markup

    def fitted(self, nodes: Sequence[Node], edited: Collection[str]) -> str:
        """Spell the page with as many call paths as it may hold."""
        most = 10**9
        empty = Drawing("", paths=most, left_out=most, significant_left_out=most)
        return self.spelled(collect(nodes, edited, LIMIT - len(self.spelled(empty).encode())))

    def spelled(self, drawing: Drawing) -> str:
        script, style = _static("flamegraph.js"), _static("flamegraph.css")
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_policy(script, style)),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", f"{self.title}, machmeter"),
            element("link", rel="icon", href="data:,"),
            element("style", style),
        )
        bar = element("header", element("strong", "machmeter"), element("span", "flame graph"))
        main = element("main", self.top, graph(self.views, drawing), left_out(drawing), self.below)
        data = element("script", Markup(drawing.text), id="data", type="application/json")
        body = element("body", bar, main, data, element("script", script))
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _policy(script: str, style: str) -> str:
    """Allow this script and this style, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _static(name: str) -> Markup:
    return Markup((resources.files("machmeter.report") / "static" / name).read_text(encoding="utf-8"))


def _title(benchmark: str, params: Sequence[str]) -> str:
    return shown(f"{benchmark}({', '.join(params)})" if params else benchmark)


def _commit(side: Sequence[ProfileFacts]) -> str:
    return shown(labels.short_commit(side[0].commit)) if side else labels.NOTHING


def _heading(title: str, commits: str, facts: Sequence[ProfileFacts]) -> Markup:
    machines = " and ".join(dict.fromkeys(shown(each.tag, 80) for each in facts[:100]))
    where = f" on {shown(machines)}" if machines else ""
    return join(
        element("h1", element("bdi", title)), element("p", element("code", commits), where, class_="note")
    )


def _verdict(difference: Difference) -> Markup:
    """Say who did it, and what it is a part of."""
    told = culprit_text.sentence(difference)
    culprit = difference.culprit
    name = shown(culprit.name) if culprit else ""
    kind = "" if culprit is None else "slower" if culprit.share > 0 else "faster"
    clock = flamegraph_facts.CLOCKS.get(difference.clock, "cost")
    change = culprit_text.percent(difference.ratio - 1)
    spread = culprit_text.interval(difference.low - 1, difference.high - 1)
    whole = f"The {shown(clock)} of an iteration changed by {change} (95%: {spread})."
    button = element("button", element("code", name), type="button", data_find="", class_="find")
    sentence = join(button, told.removeprefix(name)) if name else told
    return element(
        "div",
        element("p", sentence, class_="sentence"),
        element("p", whole, class_="note"),
        class_=f"verdict {kind}".strip(),
    )


def _facts(sides: Mapping[str, Sequence[ProfileFacts]]) -> Markup:
    table = element("div", flamegraph_facts.table(sides), class_="scroll")
    return element("section", element("h2", "How the profiles were taken"), table)


def _of_project(facts: Sequence[ProfileFacts]) -> Callable[[str], bool]:
    modules = {module for each in facts for module in each.project}
    return lambda frame: frame.partition(":")[0].partition(".")[0] in modules


def _nodes(profiles: Sequence[Profile], project: Callable[[str], bool]) -> list[Node]:
    """Turn stacks into call paths that cost the same before and after."""
    costs: dict[Stack, float] = {}
    for stack, seconds in seconds_by_stack(profiles).items():
        for length in range(1, len(stack) + 1):
            costs[stack[:length]] = costs.get(stack[:length], 0.0) + seconds
    return [
        Node(stack, project(stack[-1]), Change(cost, cost, 0.0, 0.0, 1.0, significant=False))
        for stack, cost in costs.items()
    ]
