"""The Changes page in a real browser, opened from files, without a network."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import asv
import pytest
from asv_results import commit_of, row, steps, write_result, write_suite
from browser import Opened, open_page

from machmeter.model import RunRecord
from machmeter.probe.sidecar import Context, Sidecar
from machmeter.report import site as pages
from machmeter.results import changes, confirmations, history, profiles, runs
from machmeter.results.confirmations import Confirmation
from machmeter.results.layout import samples_dir

pytestmark = pytest.mark.system

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"


def write_results(results_dir: Path) -> None:
    """A regression with an event, one that recovered, a rate, a rewritten benchmark, and a hostile name."""
    rise, back = steps(0.01, 0.012, 0.012), steps(0.05, 0.06, 0.05)
    for number in range(60):
        results = {
            "loaders.time_epoch": row([rise[number], 0.02], ["'blosc'", "'memmap'"]),
            "loaders.time_back": row([back[number]]),
            "train.track_speed": row([1e4 * back[number]]),
            "time_rewritten": row([rise[number] * (3 if number >= 45 else 1)], version=f"v{number >= 45}"),
            HOSTILE: row([rise[number]], [HOSTILE]),
        }
        write_result(results_dir, number, results)
        write_result(
            results_dir, number, {"loaders.time_epoch": row([back[number]], ["'raw'"])}, machine="twin"
        )
    units = {"loaders.time_back": "seconds", "train.track_speed": "img/s", "time_rewritten": "seconds"}
    suite: dict[str, Any] = {name: {"unit": unit} for name, unit in {**units, HOSTILE: HOSTILE}.items()}
    suite["loaders.time_epoch"] = {"unit": "seconds", "param_names": ["strategy"]}
    write_suite(results_dir, **suite)
    write_runs(results_dir)


def write_runs(results_dir: Path) -> None:
    """The kernel changed where the first benchmark became slower, and is named as badly as can be."""
    for day, kernel in enumerate(("6.1", f"6.2 {HOSTILE}")):
        record = RunRecord(
            f"run{day}", "box", "node", f"2026-04-0{day + 1}T00:00:00", {"kernel": kernel}, {}, {}
        )
        runs.write(results_dir, record)
    for number in range(60):
        run = f"run{int(number >= 20)}"
        path = samples_dir(results_dir, "box") / f"{commit_of(number)[:12]}-0123abcd-{run}.jsonl"
        context = Context(str(path), commit_of(number), "py3.11", "box", "node", run)
        sample = {"started_at": "2026-04-01T00:00:00", "items": 1, "wall_s": 1.0, "pressure": {}}
        Sidecar(context, "loaders.time_back", []).append([sample])


def publish(results_dir: Path, html_dir: Path) -> None:
    shutil.copytree(Path(asv.__file__).parent / "www", html_dir)
    pages.write_pages(results_dir, html_dir, {}, {})
    pages.write_changes(results_dir, html_dir)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("suite")
    write_results(root / "results")
    publish(root / "results", root / "html")
    return root / "html"


@pytest.fixture(scope="module")
def opened(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page((site / "changes.html").as_uri(), tmp_path_factory.mktemp("profile"))


def act(site: Path, profile: Path, script: str, fragment: str = "") -> Opened:
    """Open a copy of the page that a script of ours uses like a person once it is filled."""
    page = (site / "changes.html").read_text(encoding="utf-8")
    (site / "act.js").write_text(script, encoding="utf-8")
    (site / "act.html").write_text(page.replace("</head>", '<script src="act.js" defer></script></head>'))
    return open_page((site / "act.html").as_uri() + fragment, profile)


def test_the_page_lists_regressions_and_draws_the_newest(opened: Opened) -> None:
    """Rows with size, commits, date, fate and status; a chart with levels and the shaded range."""
    assert "6 of 9 rows" in opened.text
    wanted = (
        "strategy='blosc'",
        "+20.0%",
        f"{commit_of(19)[:8]}..{commit_of(20)[:8]}",
        "2026-01-21",
        "stands",
    )
    more = ("recovered in", "benchmark changed", "suspected", "kernel from 6.1 to 6.2", "60 results")
    assert [word for word in (*wanted, *more) if word not in opened.text] == []
    assert opened.dom.count('class="legendtext"') == 2
    assert "shape-group" in opened.dom or "shapelayer" in opened.dom
    assert opened.console == []


def test_the_chart_marks_the_event(opened: Opened) -> None:
    """On the machine whose kernel changed."""
    assert ">event</text>" in opened.dom


def test_a_hostile_name_is_shown_and_not_obeyed(site: Path, tmp_path: Path) -> None:
    """Its row and its chart are text: benchmark, parameter, unit and event."""
    script = """
        const box = document.getElementById("filter");
        box.value = "ONERROR suspected";
        box.dispatchEvent(new Event("input"));
        document.querySelector("#rows tr:last-child button").click();
        document.body.dataset.title = document.getElementById("chart-title").textContent;
    """
    shown = act(site, tmp_path / "profile", script)
    assert HOSTILE in shown.text
    assert "<img" not in shown.dom
    assert "<title>Changes, machmeter</title>" in shown.dom
    assert shown.console == []


def test_the_filters_choose_rows(site: Path, tmp_path: Path) -> None:
    """By machine, kind, size and fate, together."""
    script = """
        const status = () => document.getElementById("status").textContent.split(" ")[0];
        const choose = (name, value) => {
          const field = document.getElementById(name);
          if (field.type === "checkbox") field.checked = value; else field.value = value;
          field.dispatchEvent(new Event("change"));
          return status();
        };
        document.body.dataset.counts = [
          choose("kind", ""), choose("kind", "improvement"), choose("machine", "twin"),
          choose("kind", "regression"), choose("machine", ""), choose("standing", true),
          choose("least", "0.25"),
        ].join(" ");
    """
    shown = act(site, tmp_path / "profile", script)
    assert re.search(r'data-counts="([^"]*)"', shown.dom)[1] == "9 3 1 1 6 3 0"  # type: ignore[index]


def test_a_link_leads_to_a_change(site: Path, tmp_path: Path) -> None:
    """Also to an improvement, which is not listed otherwise; choosing a row changes the address."""
    text = (site / "machmeter-changes.js").read_text(encoding="utf-8")
    data = json.loads(text.partition(" = ")[2].rstrip().rstrip(";"))
    improvement = next(change for change in data["changes"] if change["kind"] == "improvement")
    shown = act(site, tmp_path / "one", "", f"#{improvement['id']}")
    assert f">{improvement['benchmark']}</h2>" in shown.dom
    script = """
        document.querySelector("#rows tr:last-child button").click();
        document.body.dataset.at = location.hash;
    """
    shown = act(site, tmp_path / "two", script)
    ids = {f'data-at="#{change["id"]}"' for change in data["changes"]}
    assert any(each in shown.dom for each in ids)


def test_series_are_loaded_when_they_are_asked_for(site: Path, tmp_path: Path) -> None:
    """The page itself holds no series; a missing file is told."""
    page = (site / "changes.html").read_text(encoding="utf-8")
    assert "machmeter-series" not in page
    shutil.copytree(site, tmp_path / "copy")
    (tmp_path / "copy" / "machmeter-series-0.js").unlink()
    shown = open_page((tmp_path / "copy" / "changes.html").as_uri(), tmp_path / "profile")
    assert "machmeter-series-0.js is missing" in shown.text
    assert "6 of 9 rows" in shown.text


def test_the_page_asks_for_nothing_from_elsewhere(site: Path) -> None:
    """It names no address but files beside it."""
    for name in ("changes.html", "common.js", "changes.js"):
        text = (site / name).read_text(encoding="utf-8")
        assert re.findall(r"(?:https?:)?//[a-z]", text) == []


def test_five_hundred_changes_open(tmp_path: Path) -> None:
    """The first part of the table is shown, and only one series is drawn."""
    values = steps(1.0, 1.2, each=60)
    for number, value in enumerate(values):
        results = {f"many.time_{nth:03}": row([value * (1 + nth)]) for nth in range(500)}
        write_result(tmp_path / "r", number, results)
    publish(tmp_path / "r", tmp_path / "html")
    shown = open_page((tmp_path / "html" / "changes.html").as_uri(), tmp_path / "profile")
    assert "500 of 500 rows" in shown.text
    assert shown.dom.count("<script") == 5
    assert shown.console == []


def test_a_confirmed_change_leads_to_its_flame_graph(tmp_path: Path) -> None:
    """The page is part of the site, and the chart's caption names the function."""
    results, html = tmp_path / "results", tmp_path / "html"
    write_results(results)
    (change, *_) = [each for each, _ in changes.find(results, history.read(results)).found]
    cause = "pkg:<b>slow</b> explains +19.8% of +20.0%"
    answer = Confirmation(
        change.identifier,
        change.earliest,
        change.latest,
        "slower",
        1.2,
        1.19,
        1.21,
        pairs=12,
        tag="box",
        node="n",
        measured_at="2026-05-01T00:00:00+00:00",
        alpha=0.01,
        threshold=0.01,
        cause=cause,
        page="one.html",
    )
    confirmations.write(results, answer)
    profiles.save_page(results, "one.html", "<p>flames</p>")
    publish(results, html)
    assert (html / "flames" / "one.html").read_text() == "<p>flames</p>"
    shown = open_page((html / "changes.html").as_uri() + f"#{change.identifier}", tmp_path / "profile")
    assert cause in shown.text
    assert 'href="flames/one.html"' in shown.dom
    assert "<b>slow</b>" not in shown.dom
