import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from asv_results import row, steps, write_history, write_result

from machmeter.report import changes_data, changes_page
from machmeter.results import changes, history
from machmeter.results.changes import Changes
from machmeter.results.history import History

HOSTILE = "</script><img src=x onerror=alert(1)>"


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


def found_in(results_dir: Path) -> tuple[History, Changes]:
    past = history.read(results_dir)
    return past, changes.find(results_dir, past)


def data_of(scripts: dict[str, str], name: str) -> Any:
    return json.loads(scripts[name].partition(" = ")[2].rstrip().rstrip(";"))


def test_a_hostile_name_is_text_and_data(tmp_path: Path) -> None:
    """Machine, environment, benchmark and parameter end neither an element nor a script."""
    machine = HOSTILE.replace("/", "")
    for number, value in enumerate(steps(1.0, 1.2)):
        results = {HOSTILE: row([value], [HOSTILE])}
        path = write_result(tmp_path / "r", number, results, machine=machine)
        path.write_text(path.read_text().replace('"py3.11"', json.dumps(HOSTILE)))
    past, found = found_in(tmp_path / "r")
    reader = Reader(changes_page.render(past, found, (HOSTILE,)))
    assert "img" not in reader.tags
    assert reader.text.count("onerror") == 2  # the machine's entry and the problem
    scripts = changes_data.scripts(past, found)
    assert [("</script" in text, "<img" in text) for text in scripts.values()] == [(False, False)] * 2
    assert data_of(scripts, "machmeter-changes.js")["changes"][0]["params"] == HOSTILE


def test_each_change_leads_to_its_series(tmp_path: Path) -> None:
    """File and place in it; levels, ranges and breaks are places in the drawn results."""
    for number, value in enumerate(steps(1.0, 1.2, 3.0)):
        version = "v2" if number >= 40 else "v1"
        write_result(tmp_path / "r", number, {"time_x": row([value], version=version), "time_y": row([1.0])})
    past, found = found_in(tmp_path / "r")
    scripts = changes_data.scripts(past, found)
    (change,) = data_of(scripts, "machmeter-changes.js")["changes"]
    file, place = change["series"]
    series = data_of(scripts, f"machmeter-series-{file}.js")[place]
    assert (change["benchmark"], change["at"], series["count"]) == ("time_x", 20, 60)
    assert [(start, end) for start, end, _ in series["levels"]] == [(0, 20), (20, 40), (40, 60)]
    assert [level for *_, level in series["levels"]] == pytest.approx([1.0, 1.2, 3.0], rel=0.01)
    assert (series["breaks"], series["points"][0][0]) == ([40], 20)
    assert (series["unit"], series["suffix"]) == ("seconds", "s")


def test_long_series_are_thinned_and_keep_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The level's edges follow the results that are left."""
    monkeypatch.setattr(changes_data, "MOST_POINTS", 30)
    write_history(tmp_path / "r", steps(1.0, 1.2, each=30))
    past, found = found_in(tmp_path / "r")
    (series,) = data_of(changes_data.scripts(past, found), "machmeter-series-0.js")
    assert (len(series["x"]), len(series["y"]), series["count"]) == (30, 30, 60)
    assert [(start, end) for start, end, _ in series["levels"]] == [(0, 15), (15, 30)]


def test_regressions_that_stand_come_before_what_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind so many; the page says how many are left out."""
    monkeypatch.setattr(changes_data, "MOST_CHANGES", {"regression": 1, "improvement": 0})
    write_history(tmp_path / "r", steps(1.0, 1.3, 1.0))
    write_history(tmp_path / "r", steps(1.0, 1.3, 1.3), environment="other")
    past, found = found_in(tmp_path / "r")
    assert [change.standing for change, _ in changes_data.choose(found.found)] == ["stands"]
    assert "2 more are smaller" in changes_page.render(past, found, ())


def test_a_page_without_changes_says_why(tmp_path: Path) -> None:
    """Nothing measured is not the same as nothing found."""
    empty = changes_page.render(*found_in(tmp_path / "r"), ())
    write_history(tmp_path / "r", steps(1.0))
    quiet = changes_page.render(*found_in(tmp_path / "r"), ())
    assert "No results are on record yet" in empty
    assert "None of 1 series changed its level" in quiet
    assert "<script" not in empty + quiet
