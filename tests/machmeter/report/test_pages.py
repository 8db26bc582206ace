from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import asv
import pytest
from asv.publishing import OutputPublisher
from asv.util import iter_subclasses

from machmeter.model import Fingerprint, Pressure, Sample
from machmeter.report import chart_data, facts, machines_page, markup, navigation, samples_page
from machmeter.report.records import MachineRecord, Records
from machmeter.report.site import MachmeterPages

MakeSample = Callable[..., Sample]
HOSTILE = "</script><img src=x onerror=alert(1)>"
ASV_INDEX = (Path(asv.__file__).parent / "www" / "index.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects what a browser would see: tags, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_elements_escape_text_and_attributes() -> None:
    """Only what was built as markup passes; quotes in attributes do not end them."""
    built = markup.element("p", "a<b", markup.element("b", "&"), title='"x"', class_="c")
    assert built == '<p title="&quot;x&quot;" class="c">a&lt;b<b>&amp;</b></p>'


def test_a_hostile_name_is_text_wherever_it_appears(sample: MakeSample) -> None:
    """Host, environment, commit, machine, fact and problem are shown, never obeyed."""
    hostile = sample(benchmark=HOSTILE, node=HOSTILE, environment=HOSTILE, commit=HOSTILE, tag=HOSTILE)
    machine = Fingerprint({HOSTILE: HOSTILE}, {HOSTILE: [HOSTILE]}, HOSTILE)
    records = Records((MachineRecord(HOSTILE, machine, "", (hostile,)),), (HOSTILE,))
    reader = Reader(machines_page.render(records, {}))
    assert "img" not in reader.tags
    assert reader.text.count(HOSTILE) >= 7


def test_machines_page_counts_what_was_measured(sample: MakeSample) -> None:
    """A commit's line holds benchmarks, samples and the contended share; an unknown commit is marked."""
    samples = (sample(), sample(benchmark="b", pressure=Pressure(cpu_s=9.0)))
    text = Reader(machines_page.render(Records((MachineRecord("m", None, "why", samples),), ()), {})).text
    assert "aaaaaaaa not in asv's historypy3.112250%2026-03-01 08:00" in text


def test_empty_records_say_what_to_do() -> None:
    """Pages without data name the next command instead of staying blank."""
    machines = machines_page.render(Records((), ()), {})
    samples = samples_page.render(chart_data.collect([], {}, {}), ())
    assert [page.count("asv run") for page in (machines, samples)] == [1, 1]


def test_facts_stand_under_the_heading_they_belong_to() -> None:
    """Grouped by their names, the rest under Other, headings without facts left out."""
    identity = {"gpu_count": 1, "cpu_name": "x", "caches": [], "ram_gib": 2, "numa_nodes": 1, "colour": "red"}
    groups = {title: list(members) for title, members in facts.groups(identity).items()}
    assert groups == {
        "CPU": ["cpu_name"],
        "Caches": ["caches"],
        "Memory": ["ram_gib", "numa_nodes"],
        "GPUs": ["gpu_count"],
        "Other": ["colour"],
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (True, "yes"),
        (1, "1"),
        ([], "none"),
        (["a", 2], "a, 2"),
        ({"kib": 3}, "1 entriesKiB: 3"),
        ([{"level": 1, "kib": 32}], "level 1, KiB 32"),
        ([str(number) for number in range(13)], "13 entries" + ", ".join(map(str, range(13)))),
    ],
)
def test_facts_of_any_json_shape_are_readable(value: object, shown: str) -> None:
    """Each of JSON's types has a spelling; a long list is folded."""
    assert Reader(facts.facts({"f": value})).text == f"f{shown}"


def test_links_are_added_to_asvs_navigation_once() -> None:
    """Each page is linked exactly once, also when the page is patched again."""
    once = navigation.add_links(ASV_INDEX)
    assert once is not None
    assert [once.count(f'href="{page}"') for page in navigation.PAGES] == [1, 1, 1]
    assert navigation.add_links(once) == once


def test_an_unknown_navigation_is_left_alone() -> None:
    """If asv's markup has changed nothing is guessed."""
    assert navigation.add_links(ASV_INDEX.replace("nav-li-graphdisplay", "renamed")) is None


def test_asvs_error_page_leads_to_the_pages_that_work_offline() -> None:
    """The links are there once, however often the site is written."""
    once = navigation.add_offline_links("<html><body><h1>no network</h1></body></html>")
    assert once.count('href="machines.html"') == once.count('href="samples.html"') == 1
    assert navigation.add_offline_links(once) == once


def test_asv_finds_the_publisher() -> None:
    """Contract with asv 0.6.6: subclasses are publishers, and these attributes go into its index."""
    assert MachmeterPages in set(iter_subclasses(OutputPublisher))
    assert all((MachmeterPages.name, MachmeterPages.button_label, MachmeterPages.description))


def test_publishing_twice_writes_the_same_files(tmp_path: Path) -> None:
    """The output depends on the results alone."""
    (tmp_path / "index.html").write_text(ASV_INDEX, encoding="utf-8")
    conf = SimpleNamespace(results_dir=str(tmp_path / "results"), html_dir=str(tmp_path), repo=".")
    contents = []
    for _ in range(2):
        MachmeterPages.publish(conf, None, {}, None, {})
        contents.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    assert contents[0] == contents[1]
    ours = {"machmeter.css", "common.js", "machmeter.js", "machmeter-data.js", "plotly.min.js"}
    ours |= {"changes.js", "machmeter-changes.js"}
    assert set(contents[0]) == {"index.html", *navigation.PAGES, *ours}


def test_a_missing_navigation_warns_and_keeps_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are still written, and the warning says which to open."""
    warnings: list[str] = []
    monkeypatch.setattr("machmeter.report.site.log.warning", warnings.append)
    conf = SimpleNamespace(results_dir=str(tmp_path / "results"), html_dir=str(tmp_path), repo=".")
    MachmeterPages.publish(conf, None, {}, None, {})
    assert (tmp_path / "machines.html").exists()
    assert ["machines.html" in warning for warning in warnings] == [True]
