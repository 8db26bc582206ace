"""The flame graph in a real browser: opened from a file, used with mouse and keys, without a network."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from devtools import Page, open_page
from differences import HOSTILE, LOADER, RINGS, SCRIPT, nodes, profile, slower

from machmeter.report import flamegraph

pytestmark = pytest.mark.system

DECODE = f"{RINGS}:Ring._decode"
SAME, GONE = f"{RINGS}:Ring.__getitem__", f"{RINGS}:Ring._cached"
COUNT = "document.querySelectorAll('#graph .frame').length"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "flame.html"
    path.write_text(flamegraph.render(slower()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(address: str, tmp_path: Path) -> Iterator[Page]:
    """Whatever a test does, the page asks for nothing and complains about nothing."""
    with open_page(address, tmp_path / "browser") as opened:
        yield opened
        assert opened.requests == [address]
        assert opened.complaints == []


def frame(name: str) -> str:
    """A script's expression for the frame of a function."""
    return (
        f"[...document.querySelectorAll('#graph .frame')].find((box) => box.ariaLabel.startsWith('{name},'))"
    )


def style(page: Page, name: str, wanted: str) -> str:
    return str(page.value(f"getComputedStyle({frame(name)})['{wanted}']"))


def colour(page: Page, name: str) -> list[int]:
    """Red, green and blue of a frame."""
    found = style(page, name, "backgroundColor").removeprefix("rgb(").removesuffix(")")
    return [int(part) for part in found.split(",")]


def click(page: Page, expression: str) -> None:
    box = page.value(
        f"(() => {{ const at = ({expression}).getBoundingClientRect(); return [at.x + 5, at.y + 5]; }})()"
    )
    page.click(*box)


def width(page: Page, name: str) -> float:
    """A frame's part of the graph's width."""
    whole = "document.getElementById('graph').clientWidth"
    return float(page.value(f"{frame(name)}.getBoundingClientRect().width / {whole}"))


def text(page: Page, identifier: str) -> str:
    return str(page.value(f"document.getElementById('{identifier}').innerText"))


def test_the_difference_is_drawn(page: Page) -> None:
    """Red what became slower, blue what became faster, grey what did not change; the gone one hatched."""
    red, green, blue = colour(page, DECODE)
    assert red > green + 40 > blue
    cold = colour(page, f"{RINGS}:Ring._copy")
    assert cold[2] > cold[0] + 20
    grey = colour(page, SAME)
    assert max(grey) - min(grey) < 16
    assert "repeating-linear-gradient" in style(page, GONE, "backgroundImage")
    assert width(page, GONE) == pytest.approx(0.002 / 0.1185, rel=0.1)


def test_a_script_in_a_name_is_text(page: Page) -> None:
    """It is on the page, in the graph and in the table, and did not run."""
    assert page.value(f"{frame(SCRIPT)}.innerText") == SCRIPT
    assert SCRIPT in text(page, "functions")
    assert page.value("document.scripts.length") == 2


def test_a_click_zooms_and_escape_shows_all(page: Page) -> None:
    """The callers stay above it over the whole width."""
    everything = page.value(COUNT)
    click(page, frame(DECODE))
    assert width(page, DECODE) == pytest.approx(1.0, abs=0.01)
    assert width(page, LOADER[1]) == pytest.approx(1.0, abs=0.01)
    assert page.value(COUNT) < everything
    click(page, frame(LOADER[1]))
    assert width(page, DECODE) < 0.9
    page.press("Escape")
    assert page.value(COUNT) == everything


def test_keys_move_zoom_and_switch(page: Page) -> None:
    """Arrows along the tree, Enter, Escape, digits."""
    click(page, frame(LOADER[0]))
    page.press("Escape", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    assert page.value("document.activeElement.ariaLabel").startswith(f"{DECODE},")
    page.press("ArrowRight", "ArrowLeft", "Enter")
    assert width(page, DECODE) == pytest.approx(1.0, abs=0.01)
    page.press("1")
    assert page.value("document.getElementById('graph').dataset.view") == "before"
    page.press("Escape", "2")
    assert page.value(f"Boolean({frame(GONE)})") is False
    page.press("3")
    assert page.value(f"Boolean({frame(GONE)})") is True


def test_the_search_tells_the_share(page: Page) -> None:
    """A path below another that matches counts once; others fade."""
    page.press("/")
    page.write("ring")
    assert text(page, "status") == "6 frames match, 100% of the time before, 100% after"
    page.write("._decode")
    assert text(page, "status") == "1 frame matches, 41.1% of the time before, 45.3% after"
    assert "match" in page.value(f"{frame(DECODE)}.className").split()
    assert float(style(page, SAME, "opacity")) < 0.5
    page.press("Escape")
    assert text(page, "status") == ""


def test_pointing_at_a_frame_tells_its_figures(page: Page) -> None:
    """Name, seconds on both sides, difference with interval and share, significance."""
    place = page.value(
        f"(() => {{ const at = {frame(DECODE)}.getBoundingClientRect(); return [at.x + 9, at.y + 9]; }})()"
    )
    page.point(*place)
    told = text(page, "detail")
    wanted = (
        "46.0 ms (41.1%)",
        "52.8 ms (45.3%)",
        "+6.80 ms, +6.1% of the whole (95%: 5.4\N{EN DASH}6.7)",
        "code changed",
    )
    assert [each for each in (DECODE, *wanted, "significant") if each not in told] == []
    assert "library" not in told


def test_the_table_sorts_and_leads_to_the_graph(page: Page) -> None:
    """By any column; a function's name searches for it."""
    first = "document.querySelector('#functions tbody tr').cells[0].innerText"
    click(page, "document.querySelectorAll('#functions thead button')[3]")
    assert page.value(first).startswith(DECODE)
    click(page, "document.querySelectorAll('#functions thead button')[3]")
    assert page.value(first).startswith(f"{RINGS}:Ring._copy")
    page.value("document.querySelector('#functions [data-find]').click()")
    assert "match" in page.value(f"{frame(RINGS + ':Ring._copy')}.className").split()
    click(page, "document.querySelector('.sentence button')")
    assert text(page, "status").startswith("1 frame matches, 41.1%")
    assert page.value("document.activeElement.ariaLabel").startswith(f"{DECODE},")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_narrow_window_holds_everything(address: str, tmp_path: Path, dark: bool) -> None:  # noqa: FBT001
    """At 400 pixels nothing sticks out, and it follows the window when that grows."""
    with open_page(address, tmp_path / "browser", width=400, dark=dark) as narrow:
        assert narrow.value("document.documentElement.scrollWidth") <= 400
        assert narrow.value("matchMedia('(prefers-color-scheme: dark)').matches") is dark
        before = narrow.value(COUNT)
        narrow.resize(1280, 900)
        narrow.until(f"{COUNT} >= {before} && document.getElementById('graph').clientWidth > 1000")
        assert narrow.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_can_be_read(address: str, tmp_path: Path, dark: bool) -> None:  # noqa: FBT001
    """Every frame's text stands out from its ground by 4.5 to 1, as WCAG asks, in both schemes."""
    contrast = """
        (() => {
          const light = (colour) => {
            const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const found = [];
          for (const kind of ['project', 'library', 'unchanged project', 'unchanged library',
            ...[1, 2, 3, 4, 5].flatMap((step) => [`slower-${step}`, `faster-${step}`])]) {
            const box = document.getElementById('stage').appendChild(document.createElement('div'));
            box.className = `frame ${kind}`;
            const { color, backgroundColor } = getComputedStyle(box);
            const [one, other] = [light(color), light(backgroundColor)];
            const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            if (ratio < 4.5) found.push(`${kind} ${ratio.toFixed(2)}`);
          }
          return found;
        })()
    """
    with open_page(address, tmp_path / "browser", dark=dark) as page:
        assert page.value(contrast) == []


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    """Ten thousand characters, surrogates, escapes, text from right to left."""
    own = {("main", *HOSTILE[:nth], name): (1.0, 1.0) for nth, name in enumerate(HOSTILE)}
    path = tmp_path / "page.html"
    path.write_text(flamegraph.render(replace(slower(), nodes=nodes(own))), encoding="utf-8")
    with open_page(path.as_uri(), tmp_path / "browser", width=400) as page:
        assert page.value(COUNT) == len(HOSTILE) + 2
        assert page.value("document.title").endswith("machmeter")
        assert page.value("document.documentElement.scrollWidth") <= 400
        assert page.complaints == []


def test_five_thousand_paths_stay_quick(tmp_path: Path) -> None:
    """Only what is wider than a pixel is an element; a view is drawn within two seconds on a busy machine."""
    own = {
        ("main", f"m:f{nth % 70}", f"m:g{nth % 350}", f"m:h{nth % 1_400}"): (1.0, 1.0 + nth % 3)
        for nth in range(5_600)
    }
    deep = {(*stack, f"m:{each}"): costs for stack, costs in own.items() for each in "ab"}
    path = tmp_path / "page.html"
    path.write_text(flamegraph.render(replace(slower(), nodes=nodes(deep))), encoding="utf-8")
    with open_page(path.as_uri(), tmp_path / "browser") as page:
        assert page.value("JSON.parse(document.getElementById('data').textContent).nodes.length") > 1_000
        assert page.value(COUNT) <= 4 * 1280
        seconds = page.value(
            "(() => { const from = performance.now(); document.querySelector('[data-view=before]').click(); "
            "document.body.offsetWidth; return (performance.now() - from) / 1000; })()"
        )
        assert seconds < 2.0


def test_a_single_profile_is_one_graph(tmp_path: Path) -> None:
    """Without views and without the colours of a difference."""
    path = tmp_path / "page.html"
    told = flamegraph.render_profile(profile({LOADER: 30, (*LOADER, "numpy:stack"): 10}))
    path.write_text(told, encoding="utf-8")
    with open_page(path.as_uri(), tmp_path / "browser") as page:
        assert page.value(COUNT) == 5
        assert "120 ms (100%)" in text(page, "detail")
        assert "project" in page.value(f"{frame('main')}.className").split()
        assert "library" in page.value(f"{frame('numpy:stack')}.className").split()
        page.press("3")
        click(page, frame("numpy:stack"))
        assert width(page, "numpy:stack") == pytest.approx(1.0, abs=0.01)
        assert page.complaints == []
