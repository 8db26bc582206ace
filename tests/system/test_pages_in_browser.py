"""The Machines and Samples pages in a real browser, opened from files, without a network."""

import json
import re
import shutil
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import asv
import numpy as np
import pytest
from browser import Opened, open_page

from machmeter.machine import document
from machmeter.model import Fingerprint, Pressure, RunRecord, Sample
from machmeter.report.site import MachmeterPages
from machmeter.results import layout, runs, sidecars

pytestmark = pytest.mark.system

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
COMMITS = ("1f0c" * 10, "a9b3" * 10, "77de" * 10)


def fingerprint(label: str, cpu: str) -> Fingerprint:
    caches = [
        {"level": 1, "type": "Data", "kib": 32, "shared_by": 2, "count": 8},
        {"level": 3, "type": "Unified", "kib": 32768, "shared_by": 16, "count": 1},
    ]
    gpu = {
        "name": "NVIDIA H200",
        "memory_gib": 141,
        "power_limit_w": 700,
        "pcie": "5 x16",
        "mig": "none",
        "count": 1,
    }
    identity = {
        "architecture": "x86_64",
        "cpu_vendor": "AuthenticAMD",
        "cpu_name": cpu,
        "cores_per_socket": 8,
        "cpu_flags": [f"flag{number}" for number in range(80)],
        "caches": caches,
        "ram_gib": 128,
        "numa_nodes": 1,
        "hypervisor": "none",
        "gpus": [gpu] if "h200" in label else [],
    }
    return Fingerprint(identity, {"kernel": "6.1.0-40", "governor": "performance", "boost": "on"}, label)


def series(tag: str, benchmark: str, params: tuple[str, ...], seed: int) -> list[Sample]:
    """Three commits of three processes with eight samples; the last commit is 12% slower."""
    random = np.random.default_rng(seed)
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    made = []
    for place in range(72):
        commit, number, index = place // 24, place % 24 // 8, place % 8
        contended = bool(random.random() < 0.1)
        cpu_s = 0.25 * (1 + 0.3 * seed) * (1.12 if commit == 2 else 1.0) * random.normal(1, 0.01)
        made.append(
            Sample(
                started_at=(start + timedelta(days=commit, minutes=place)).isoformat(),
                benchmark=benchmark,
                params=params,
                commit=COMMITS[commit],
                environment="virtualenv-py3.11-torch2.6",
                tag=tag,
                node=f"node{number % 2 + 1:02d}",
                run=f"run-{commit}",
                round=number + 1,
                index=index,
                items=64,
                bytes=64 * 150_528,
                wall_s=cpu_s * random.normal(1.08, 0.015) * (1.6 if contended else 1.0),
                cpu_s=cpu_s,
                run_delay_s=0.3 * cpu_s if contended else 0.001,
                pressure=Pressure(cpu_s=0.0),
                work="digest-b" if commit == 2 and seed == 1 else "digest-a",
            )
        )
    return made


def write_samples(folder: Path, samples: list[Sample]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"schema": sidecars.SCHEMA, **asdict(sample)}) for sample in samples]
    (folder / "run.jsonl").write_text("\n".join([*lines, '{"half": writ']) + "\n", encoding="utf-8")


def write_runs(results_dir: Path, tag: str) -> None:
    """The run of the last commit met another kernel, named as badly as a kernel can be."""
    for commit, kernel in enumerate(("6.1", "6.1", f"6.2 {HOSTILE}")):
        started_at = f"2026-03-0{commit + 1}T08:00:00+00:00"
        record = RunRecord(f"run-{commit}", tag, "node01", started_at, {"kernel": kernel}, {}, {})
        runs.write(results_dir, record)


def publish(results_dir: Path, html_dir: Path) -> None:
    shutil.copytree(Path(asv.__file__).parent / "www", html_dir)
    conf = SimpleNamespace(results_dir=str(results_dir), html_dir=str(html_dir), repo=".")
    names = {"loaders.Throughput.time_epoch": {"param_names": ["strategy", "workers"]}}
    revisions = {commit: 10 + 3 * place for place, commit in enumerate(COMMITS)}
    MachmeterPages.publish(conf, None, names, None, revisions)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish 504 samples of two machines, one hostile name, broken lines and a lost fingerprint."""
    root = tmp_path_factory.mktemp("suite")
    results_dir = root / "results"
    results_dir.mkdir()
    for label, cpu in (("epyc-8c-128g", "AMD EPYC 9354P"), ("h200x1-16c-128g", "Xeon Platinum 8480")):
        machine = fingerprint(label, cpu)
        document.write(layout.fingerprint_path(results_dir, machine.tag), machine)
        samples = series(machine.tag, "loaders.Throughput.time_epoch", ("'blosc2'", "4"), 1)
        samples += series(machine.tag, "loaders.Throughput.time_epoch", ("'memmap'", "4"), 2)
        samples += series(machine.tag, "synthesis.time_metamer", (), 3)
        write_samples(layout.samples_dir(results_dir, machine.tag), samples)
        write_runs(results_dir, machine.tag)
    write_samples(layout.samples_dir(results_dir, "lost-2c"), series("lost-2c", HOSTILE, (HOSTILE,), 4))
    (results_dir / "lost-2c").mkdir()
    (results_dir / "lost-2c" / "1f0c-env.json").write_text('{"results": ', encoding="utf-8")
    publish(results_dir, root / "html")
    return root / "html"


@pytest.fixture(scope="module")
def machines(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page((site / "machines.html").as_uri(), tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def samples(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page((site / "samples.html").as_uri(), tmp_path_factory.mktemp("profile"))


def test_machines_page_names_hardware_nodes_and_commits(machines: Opened) -> None:
    """A reader finds what each machine is, which nodes took how many samples, and which commits ran."""
    text = machines.text
    wanted = ("epyc-8c-128g-", "h200x1-16c-128g-", "AMD EPYC 9354P", "node01", "1f0c1f0c", "Contended")
    assert [word for word in wanted if word not in text] == []


def test_machines_page_shows_what_could_not_be_read(machines: Opened) -> None:
    """Broken lines and files are named, and a machine without fingerprint says so."""
    text = machines.text
    wanted = ("run.jsonl:217", "1f0c-env.json", "No valid fingerprint", "lost-2c.json is missing")
    assert [word for word in wanted if word not in text] == []


def test_samples_page_lists_every_row(samples: Opened) -> None:
    """The script fills the table: 7 series at 3 commits, with parameter names and marks."""
    assert samples.dom.count("<tr data-key=") + samples.dom.count('<tr class="') == 21
    wanted = ("strategy='blosc2', workers=4", "work changed", "21 of 21 rows", "contended ")
    assert [word for word in wanted if word not in samples.text] == []


def test_both_pages_show_the_event(machines: Opened, samples: Opened) -> None:
    """A changed kernel is listed with its date, and marked in the chart before its first commit."""
    assert "2026-03-03 08:00" in machines.text
    assert "kernel from 6.1 to 6.2" in machines.text
    assert ">event</text>" in samples.dom


def test_samples_page_draws_contended_samples_apart(samples: Opened) -> None:
    """The chart is drawn, and its legend tells contended samples from the others."""
    wanted = ("wall, sample", "wall, contended sample", "CPU, sample", "wall, median with 95% interval")
    assert [word for word in wanted if word not in samples.text] == []
    assert "seconds per item" in samples.text


@pytest.mark.parametrize("opened", ["machines", "samples"])
def test_the_browser_has_nothing_to_complain_about(opened: str, request: pytest.FixtureRequest) -> None:
    """No script fails, and the pages' own policy blocks nothing that they need."""
    assert request.getfixturevalue(opened).console == []


def test_a_hostile_name_is_shown_and_not_obeyed(samples: Opened) -> None:
    """A benchmark named like markup appears as text; no element comes of it, no handler runs."""
    assert HOSTILE in samples.text
    assert "<img" not in samples.dom
    assert "<title>Samples, machmeter</title>" in samples.dom


def test_the_chart_offers_no_upload(samples: Opened) -> None:
    """Plotly's button that sends a chart to its makers is not there."""
    assert "modebar-btn" in samples.dom
    assert "Share chart" not in samples.dom


def act(site: Path, profile: Path, script: str) -> Opened:
    """Open a copy of the Samples page that a script of ours uses like a person once it is filled."""
    page = (site / "samples.html").read_text(encoding="utf-8")
    (site / "act.js").write_text(script, encoding="utf-8")
    (site / "act.html").write_text(page.replace("</head>", '<script src="act.js" defer></script></head>'))
    return open_page((site / "act.html").as_uri(), profile)


def test_a_hostile_row_can_be_found_and_drawn(site: Path, tmp_path: Path) -> None:
    """Filtering for the hostile benchmark and choosing it draws its chart, and still nothing of it runs."""
    script = """
        const box = document.getElementById("filter");
        box.value = "ONERROR 77de";
        box.dispatchEvent(new Event("input"));
        document.querySelector("#rows button").click();
    """
    opened = act(site, tmp_path / "profile", script)
    assert "1 of 21 rows" in opened.text
    assert f"{HOSTILE} ({HOSTILE}): seconds per item" in opened.text
    assert "lost-2c, virtualenv-py3.11-torch2.6, 72 samples" in opened.text
    assert ("<img" in opened.dom, opened.console) == (False, [])


def test_rows_are_sorted_by_their_values(site: Path, tmp_path: Path) -> None:
    """A second press on a heading turns the order round: the slowest row comes first."""
    script = """
        const headings = [...document.querySelectorAll("thead button")];
        const heading = headings.find((one) => one.textContent === "s/item");
        heading.click();
        heading.click();
        const rows = [...document.querySelectorAll("#rows tr")];
        const values = rows.map((row) => parseFloat(row.cells[3].textContent));
        document.body.dataset.sorted = values.every((value, nth) => nth === 0 || values[nth - 1] >= value);
    """
    opened = act(site, tmp_path / "profile", script)
    assert 'data-sorted="true"' in opened.dom
    assert 'aria-sort="descending"' in opened.dom


def test_pages_ask_for_nothing_from_elsewhere(site: Path) -> None:
    """Our pages name no address but files beside them."""
    for name in ("machines.html", "samples.html", "machmeter.css", "machmeter.js"):
        text = (site / name).read_text(encoding="utf-8")
        assert re.findall(r"(?:https?:)?//[a-z]", text) == []


def test_fifty_thousand_samples_still_open(tmp_path: Path) -> None:
    """A large history stays below 10 MB and is drawn."""
    results_dir = tmp_path / "results"
    results_dir.mkdir()
    many = [
        sample for seed in range(700) for sample in series("big-1c", f"many.time_{seed:03d}", (), seed % 7)
    ]
    write_samples(layout.samples_dir(results_dir, "big-1c"), many)
    publish(results_dir, tmp_path / "html")
    assert (tmp_path / "html" / "machmeter-data.js").stat().st_size < 10_000_000
    opened = open_page((tmp_path / "html" / "samples.html").as_uri(), tmp_path / "profile")
    assert "2100 of 2100 rows" in opened.text
    assert opened.console == []
