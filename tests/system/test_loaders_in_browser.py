"""The Loaders page in a real browser, opened from a file, without a network."""

import json
import shutil
from pathlib import Path

import asv
import pytest
from browser import Opened, open_page

from machmeter.model import Limit, LimitsRecord
from machmeter.probe.sidecar import Context, Sidecar
from machmeter.report import site as pages
from machmeter.results import health_records, layout

pytestmark = pytest.mark.system

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
TAGS = ("epyc-2c-24g-3fa91c2e", "h200x1-16c-128g-9bd2aa10")
BENCHMARK = "loaders.Loaders.timeitem_epoch"
CPU_S = {"'original'": 0.044, "'fp16'": 0.028, "'mapped'": 0.0014, HOSTILE: 0.1}
RATES = {"page_cache_read": 30.0, "decode_zstd9_f16": 4.0, "widen_f16_f32_torch": 25.0}


def write_results(results_dir: Path) -> None:
    for tag in TAGS:
        path = layout.samples_dir(results_dir, tag) / "run.jsonl"
        context = Context(str(path), "c0ffee" * 6 + "c0ff", "py3.11", tag, "node01", "run-1")
        for strategy, cpu_s in CPU_S.items():
            row = {
                "started_at": "2026-03-01T08:00:00+00:00",
                "items": 4,
                "bytes": 4 * 30_720_000,
                "wall_s": 2 * cpu_s,
                "cpu_s": 4 * cpu_s,
                "run_delay_s": 0.0,
                "pressure": {},
                "path": {"decode_zstd9_f16": 15_360_000.0, "widen_f16_f32_torch": 30_720_000.0},
            }
            Sidecar(context, BENCHMARK, [strategy, "2"]).append([row] * 6)
    limits = tuple(Limit(name, "GB/s", rate, rate, rate, 9) for name, rate in RATES.items())
    when = "2026-02-01T07:30:00+00:00"
    health_records.write(results_dir, LimitsRecord(TAGS[0], "node01", "run-0", when, 20.0, limits))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("suite")
    write_results(root / "results")
    shutil.copytree(Path(asv.__file__).parent / "www", root / "html")
    pages.write_pages(root / "results", root / "html", {}, {BENCHMARK: ["strategy", "workers"]})
    return root / "html"


@pytest.fixture(scope="module")
def opened(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page((site / "loaders.html").as_uri(), tmp_path_factory.mktemp("profile"))


def act(site: Path, profile: Path, script: str) -> Opened:
    """Open a copy of the page that a script of ours uses like a person once it is filled."""
    page = (site / "loaders.html").read_text(encoding="utf-8")
    (site / "act.js").write_text(script, encoding="utf-8")
    (site / "act.html").write_text(page.replace("</head>", '<script src="act.js" defer></script></head>'))
    return open_page((site / "act.html").as_uri(), profile)


def test_the_page_lists_the_strategies_of_one_machine(opened: Opened) -> None:
    """CPU time, wall time, rates, Mach and bottleneck; the other machine's rows are not among them."""
    wanted = ("4 of 8 rows", "28.0 ms", "14.0 ms", "71.4", "0.14", "decode_zstd9_f16", "15.4 MB", "3.84 ms")
    assert [word for word in wanted if word not in opened.text] == []
    assert f"{TAGS[0]}, commit c0ffeec0, limits of 2026-02-01 07:30 UTC" in opened.text
    assert opened.console == []


def test_rows_are_sorted_by_mach(site: Path, tmp_path: Path) -> None:
    """Pressed twice, the heading puts the one that is nearest to its limit on top."""
    script = """
        const headings = [...document.querySelectorAll("thead button")];
        const heading = headings.find((one) => one.textContent === "Mach");
        heading.click();
        heading.click();
        const rows = [...document.querySelectorAll("#rows tr")];
        document.body.dataset.order = JSON.stringify(rows.map((row) => Number(row.cells[6].textContent)));
    """
    shown = act(site, tmp_path / "profile", script)
    order = json.loads(shown.dom.partition('data-order="')[2].partition('"')[0])
    assert order == sorted(order, reverse=True) == [2.74, 0.14, 0.09, 0.04]


def test_a_choice_shows_the_path_of_another_strategy(site: Path, tmp_path: Path) -> None:
    """And another machine its own rows, which have no limits yet; a hostile name stays text."""
    script = """
        const machine = document.getElementById("machine");
        machine.value = "1";
        machine.dispatchEvent(new Event("change"));
        const box = document.getElementById("filter");
        box.value = "ONERROR";
        box.dispatchEvent(new Event("input"));
        document.querySelector("#rows button").click();
    """
    shown = act(site, tmp_path / "profile", script)
    assert "1 of 8 rows" in shown.text
    assert f"{HOSTILE} (workers=2)" in shown.text
    assert f"{TAGS[1]}, commit c0ffeec0, no limits on record: run machmeter limits" in shown.text
    assert "<img" not in shown.dom
    assert "<title>Loaders, machmeter</title>" in shown.dom
    assert shown.console == []
