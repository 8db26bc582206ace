"""The page that says what each machine is, and what was measured on it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from machmeter.model import Event, Sample
from machmeter.report import labels
from machmeter.report.facts import facts, groups
from machmeter.report.markup import POLICY_WITHOUT_SCRIPT, Markup, element, join, page
from machmeter.report.navigation import PAGES
from machmeter.report.records import MachineRecord, Records
from machmeter.report.summary import commit_order

_TITLES: Final = (
    ("Commit", "fixed"),
    ("Environment", "fixed"),
    ("Benchmarks", "number"),
    ("Samples", "number"),
    ("Contended", "number"),
    ("First (UTC)", "fixed"),
    ("Last (UTC)", "fixed"),
)


def render(records: Records, revisions: Mapping[str, int], pages: Mapping[str, str] = PAGES) -> str:
    """Render the page.

    Parameters
    ----------
    records : Records
        What is shown.
    revisions : mapping of str to int
        asv's revision number of a commit hash, for the order of the commits.
    pages : mapping of str to str
        Titles of all pages by their files.
    """
    machines = [_machine(machine, revisions) for machine in records.machines]
    nothing = element("p", 'No machine is on record yet. "asv run" writes the first.', class_="note")
    body = join(problem_box(records.problems), *(machines or [nothing]))
    return page("Machines", POLICY_WITHOUT_SCRIPT, body, pages=pages)


def problem_link(problems: Sequence[str]) -> Markup:
    """Say in one line that something could not be read, and lead to what."""
    if not problems:
        return Markup()
    link = element("a", "the Machines page names them", href="machines.html")
    text = f"{_count(len(problems), 'problem')} while reading results: "
    return element("p", text, link, ".", class_="warning")


def problem_box(problems: Sequence[str]) -> Markup:
    """Show what could not be read, file and line; nothing if all is well."""
    if not problems:
        return Markup()
    lines = [element("li", problem) for problem in problems]
    heading = element("h2", f"{_count(len(problems), 'problem')} while reading results")
    return element("section", heading, element("ul", *lines), class_="problems", role="alert")


def _machine(machine: MachineRecord, revisions: Mapping[str, int]) -> Markup:
    return element(
        "section",
        element("h2", machine.name, class_="tag"),
        _identity(machine),
        _nodes(machine.samples),
        _runs(machine.samples, revisions),
        _events(machine.events),
        class_="machine",
    )


def _identity(machine: MachineRecord) -> Markup:
    fingerprint = machine.fingerprint
    if fingerprint is None:
        return element(
            "p", element("strong", "No valid fingerprint. "), machine.why_unknown, class_="warning"
        )
    named = "" if fingerprint.tag == machine.name else f"Hardware tag {fingerprint.tag}. "
    digest = element("p", named, "Digest ", element("code", fingerprint.digest), class_="digest")
    hashed = [
        element("section", element("h3", title), facts(members), class_="facts")
        for title, members in groups(fingerprint.identity).items()
    ]
    state = element(
        "section",
        element("h3", "State"),
        element("p", "May change on the same hardware; not part of the tag.", class_="note"),
        facts(fingerprint.state),
        class_="facts",
    )
    return join(digest, element("div", *hashed, state, class_="columns"))


def _nodes(samples: Sequence[Sample]) -> Markup:
    counts = Counter(sample.node for sample in samples)
    items = [
        element("li", element("strong", node), f" {_count(count, 'sample')}")
        for node, count in sorted(counts.items())
    ]
    return join(element("h3", "Nodes"), element("ul", *items, class_="nodes")) if items else Markup()


def _events(events: Sequence[Event]) -> Markup:
    """List what changed on the same hardware: candidate causes beside the commits."""
    if not events:
        return Markup()
    items = [
        element(
            "li", element("strong", labels.moment(event.at)), f" on {event.node}: ", labels.changes(event)
        )
        for event in events
    ]
    note = element("p", "Changes around the measurements on the same hardware (UTC).", class_="note")
    return join(element("h3", "Events"), note, element("ul", *items, class_="events"))


def _runs(samples: Sequence[Sample], revisions: Mapping[str, int]) -> Markup:
    heading = element("h3", "What was measured")
    if not samples:
        return join(heading, element("p", "No samples are on record.", class_="note"))
    members: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        members[sample.commit, sample.environment].append(sample)
    commits = commit_order(samples, revisions)
    position = {commit: index for index, commit in enumerate(commits)}
    order = sorted(members, key=lambda place: (position[place[0]], place[1]))
    rows = [_run(*place, members[place], on_record=place[0] in revisions) for place in order]
    head = element(
        "thead", element("tr", *(element("th", title, scope="col", class_=kind) for title, kind in _TITLES))
    )
    table = element("table", head, element("tbody", *rows))
    return join(
        heading, element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Runs")
    )


def _run(commit: str, environment: str, samples: Sequence[Sample], *, on_record: bool) -> Markup:
    contended = sum(sample.contended for sample in samples)
    starts = [sample.started_at for sample in samples]
    unknown = Markup() if on_record else element("span", " not in asv's history", class_="mark")
    return element(
        "tr",
        element("th", element("code", labels.short_commit(commit)), unknown, scope="row", title=commit),
        element("td", environment),
        *_numbers(str(len({(s.benchmark, s.params) for s in samples})), str(len(samples))),
        *_numbers(f"{contended / len(samples):.0%}"),
        element("td", labels.moment(min(starts))),
        element("td", labels.moment(max(starts))),
    )


def _numbers(*values: str) -> Iterable[Markup]:
    return [element("td", value, class_="number") for value in values]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
