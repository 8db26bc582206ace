"""A bisection in a terminal and as markdown."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from machmeter.report.labels import parameters, printable, short_commit
from machmeter.report.markdown import plain
from machmeter.report.verdict_text import change
from machmeter.results.bisections import Bisection, Commit, FoundStep, Visited

_HEADINGS = ("", "commit", "change", "95% interval", "pairs", "verdict")
_STYLES = {"slow": "red", "skipped": "yellow"}
#: Of more commits that one step may be, the first and the last are named.
_MOST_COMMITS = 8
#: A step that leaves more than this share of the slowdown is not the whole of it.
_MOST_LEFT = 0.15


def show(found: Bisection, on: Console) -> None:
    """Print the commits that were tested, and which one it was.

    Parameters
    ----------
    found : Bisection
        Of a bad commit that is slower.
    on : Console
        As `machmeter.report.text.console` makes it.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in {"", "change", "pairs"} else "left")
    for tested in found.tested:
        table.add_row(
            *(escape(printable(cell)) for cell in _cells(tested)), style=_STYLES.get(tested.word, "")
        )
    on.print(table)
    for line in sentences(found):
        on.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def markdown(found: Bisection) -> str:
    """Lay out the same for an issue."""
    rows = [
        _HEADINGS,
        ("---:", "---", "---:", "---", "---:", "---"),
        *(_cells(each) for each in found.tested),
    ]
    table = ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
    return "\n".join([*table, "", *(f"{plain(line.strip())}  " for line in sentences(found))]).rstrip() + "\n"


def sentences(found: Bisection) -> Iterator[str]:
    """Say which commit it was, who made it, how much it explains and what it took."""
    if found.ended:
        yield f"The search ended before it was sure: {found.ended}."
    title = "The first slow commit" if len(found.steps) == 1 else "The largest step"
    for step in found.steps:
        yield from _step(step, title, certain=not found.ended)
        title = "Another step"
    yield from _rest(found)
    for tested in found.tested:
        if tested.reason:
            yield f"{tested.commit[:12]} was passed over: {tested.reason}."
    yield (
        f"{_name(found)}: {change(found.ratio)} from {short_commit(found.good)} to {short_commit(found.bad)} "
        f"on {found.tag}; {found.commits} commits, {found.confirming_pairs} pairs to confirm and "
        f"{found.pairs} pairs of {len(found.tested)} commits to find it, {found.seconds:.0f} s"
    )


def _step(step: FoundStep, title: str, *, certain: bool) -> Iterator[str]:
    size = f"{change(step.ratio)} (95%: {change(step.low)} to {change(step.high)}), {_share(step.share)}"
    sure = f"{min(step.probability, 0.999):.1%} sure" if certain else f"{step.probability:.0%} likely"
    if len(step.commits) == 1:
        yield f"{title} is {step.commits[0].commit[:12]}: {size}; {sure}."
        yield from _described(step.commits[0])
        return
    yield f"{title} is one of these {len(step.commits)}: {size}; {sure}."
    shown = step.commits if len(step.commits) <= _MOST_COMMITS else (step.commits[0], step.commits[-1])
    for commit in shown:
        yield f"  {commit.commit[:12]} {commit.date[:10]} {commit.author}: {commit.subject}"


def _described(commit: Commit) -> Iterator[str]:
    yield f"  author {commit.author}"
    yield f"  date   {commit.date}"
    yield f"  {commit.subject}"


def _share(share: float) -> str:
    # An estimate of one step may exceed that of the whole.
    return f"{min(share, 1.0):.0%} of the slowdown"


def _rest(found: Bisection) -> Iterator[str]:
    """Say where what the steps do not explain may be."""
    left = 1 - sum(step.share for step in found.steps)
    if found.ended or found.ratio is None or not found.steps or left < _MOST_LEFT:
        return
    first = found.steps[0].commits
    yield (
        f"The other {left:.0%} of {change(found.ratio)} is not in there: smaller steps, before or after. "
        f'"machmeter bisect {short_commit(first[-1].commit)} {short_commit(found.bad)} …" looks after it.'
    )


def _name(found: Bisection) -> str:
    return f"{found.benchmark}({parameters(found.params)})" if found.params else found.benchmark


def _cells(tested: Visited) -> Sequence[str]:
    known = tested.low is not None and tested.high is not None and tested.low > 0
    interval = f"{change(tested.low)} … {change(tested.high)}" if known else ""
    figures = (change(tested.ratio), interval, str(tested.pairs))
    return (str(tested.position), tested.commit[:12], *figures, tested.word)
