import json
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asv
import pytest

from machmeter.model import Limit, LimitsRecord, Pressure, Sample
from machmeter.report import chart_data, loaders_data, loaders_page
from machmeter.report.records import MachineRecord, Records
from machmeter.report.site import MachmeterPages
from machmeter.results import health_records, layout, sidecars

MakeSample = Callable[..., Sample]
TAG = "epyc-2c-24g-3fa91c2e"
HOSTILE = "</script><img src=x onerror=alert(1)>"
PATH = {"page_cache_read": 0.6e6, "decode_zstd9_f16": 1e6, "widen_f16_f32_torch": 2e6}
RATES = {"page_cache_read": 30.0, "decode_zstd9_f16": 4.0, "widen_f16_f32_torch": 20.0}
LIMITS = LimitsRecord(
    TAG,
    "node01",
    "r0",
    "2026-02-01T07:30:00+00:00",
    20.0,
    tuple(Limit(name, "GB/s", rate, rate, rate, 9) for name, rate in RATES.items()),
)
NAMES = {"loaders.time_epoch": ["strategy", "workers"]}


class Reader(HTMLParser):
    """Collects the tags that a browser would see, and where they lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]


def records(samples: Sequence[Sample], limits: Sequence[LimitsRecord] = (LIMITS,)) -> Records:
    return Records((MachineRecord(TAG, None, "why", tuple(samples), (), tuple(limits)),), ())


def collect(samples: Sequence[Sample], limits: Sequence[LimitsRecord] = (LIMITS,)) -> dict[str, Any]:
    return loaders_data.collect(records(samples, limits), {}, NAMES)


def test_a_row_has_its_rates_its_mach_and_its_bottleneck(sample: MakeSample) -> None:
    """Decoding 1 MB takes a quarter of a millisecond at least, of the half that was spent."""
    taken = sample(params=("'fp16'", "2"), items=10, wall_s=0.01, cpu_s=0.005, bytes=2e7, path=PATH)
    (row,) = collect([taken])["rows"]
    assert (row["strategy"], row["params"]) == ("fp16", "workers=2")
    assert (row["cpu"], row["wall"]) == ([0.0005, "500 µs"], [0.001, "1.00 ms"])
    assert (row["items"], row["bytes"]) == ([1000.0, "1.00 k"], [2e9, "2.00 GB"])
    assert (row["mach"], row["stage"], row["limit"]) == ([0.5, "0.50"], "decode", "decode_zstd9_f16")


def test_the_path_is_shown_step_by_step(sample: MakeSample) -> None:
    """What is needed, what the machine can do, and the time that follows; a pace is a time already."""
    (row,) = collect([sample(path=PATH | {"pace": 0.002})])["rows"]
    assert row["path"] == [
        ["storage", "page_cache_read", "600 kB", "30.0 GB/s", "20.0 µs"],
        ["decode", "decode_zstd9_f16", "1.00 MB", "4.00 GB/s", "250 µs"],
        ["widening", "widen_f16_f32_torch", "2.00 MB", "20.0 GB/s", "100 µs"],
        ["storage", "pace", "-", "-", "2.00 ms"],
    ]


def test_what_is_waited_for_can_be_the_bottleneck(sample: MakeSample) -> None:
    """A throttled storage that explains 0.8 of the wall time is nearer than the processor's limits."""
    taken = sample(wall_s=0.0025, cpu_s=0.0005, path=PATH | {"pace": 0.002})
    (row,) = collect([taken])["rows"]
    assert (row["mach"][1], row["stage"], row["limit"]) == ("0.80", "storage", "pace")


def test_without_a_limit_there_is_no_mach(sample: MakeSample) -> None:
    """Another one's would be too low; the row says which is missing."""
    (row,) = collect([sample(path=PATH, cpu_s=1.0)], limits=())["rows"]
    assert row["mach"] == [None, "-"]
    assert row["limit"] == f"not measured: {', '.join(PATH)}"


def test_the_newest_commit_of_each_machine_is_shown(sample: MakeSample) -> None:
    """Newest along the history, not by the time of the measurement; commits asv does not know come last."""
    samples = [
        sample(commit=commit, tag=tag, path=PATH, started_at=f"2026-03-0{day}T08:00:00+00:00")
        for commit, tag, day in [("old", "m1", 3), ("new", "m1", 2), ("stray", "m1", 4), ("stray", "m2", 1)]
    ]
    data = loaders_data.collect(records(samples), {"old": 1, "new": 2}, {})
    shown = [(machine["tag"], machine["commit"]) for machine in data["machines"]]
    assert shown == [("m1", "new"), ("m2", "stray")]
    assert [row["machine"] for row in data["rows"]] == [0, 1]


def test_limits_of_other_hardware_do_not_count(sample: MakeSample) -> None:
    """A machine without limits has no Mach, whatever its neighbours reach."""
    data = collect([sample(path=PATH, cpu_s=1.0), sample(path=PATH, cpu_s=1.0, tag="m2")])
    assert [row["mach"][0] is None for row in data["rows"]] == [False, True]


def test_a_benchmark_without_a_strategy_stands_for_itself(sample: MakeSample) -> None:
    """Its name takes the place, all its parameters stay."""
    (row,) = collect([sample(benchmark="other.time_x", params=("1", "2"), path=PATH)])["rows"]
    assert (row["strategy"], row["params"]) == ("other.time_x", "1, 2")


def test_disturbed_samples_are_marked(sample: MakeSample) -> None:
    """As on the other pages: the figures rest on the others where there are any."""
    samples = [sample(path=PATH, index=0), sample(path=PATH, index=1, pressure=Pressure(cpu_s=9.0))]
    (row,) = collect(samples)["rows"]
    assert "contended 1/2" in row["marks"]


def test_samples_without_a_path_are_passed_over(sample: MakeSample) -> None:
    """A plain benchmark has no place among the loaders."""
    assert collect([sample()]) == {"machines": [], "rows": []}


def test_a_hostile_name_is_data_and_text(sample: MakeSample) -> None:
    """Tag, benchmark, parameter, commit, environment and limit end neither an element nor the script."""
    taken = sample(
        benchmark=HOSTILE,
        params=(HOSTILE,),
        commit=HOSTILE,
        environment=HOSTILE,
        tag=HOSTILE,
        path={HOSTILE: 1.0},
    )
    data = collect([taken])
    script = chart_data.script(data, "machmeterLoaders")
    assert "<" not in script
    assert json.loads(script.partition(" = ")[2].removesuffix(";\n"))["rows"][0]["strategy"] == HOSTILE
    page = loaders_page.render(data, (HOSTILE,))
    assert "img" not in Reader(page).tags
    assert "unsafe-inline" not in page


def write_samples(results_dir: Path, path: object) -> None:
    row = {
        "schema": sidecars.SCHEMA,
        "started_at": "2026-03-01T08:00:00+00:00",
        "benchmark": "loaders.time_epoch",
        "params": ["'fp16'", "2"],
        "commit": "a" * 40,
        "environment": "py3.11",
        "tag": TAG,
        "node": "node01",
        "run": "r1",
        "round": 1,
        "index": 0,
        "items": 1,
        "wall_s": 0.001,
        "cpu_s": 0.0005,
        "pressure": {},
        **({"path": path} if path is not None else {}),
    }
    folder = layout.samples_dir(results_dir, TAG)
    folder.mkdir(parents=True)
    (folder / "one.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")


def publish(folder: Path) -> Path:
    html = folder / "html"
    html.mkdir()
    index = (Path(asv.__file__).parent / "www" / "index.html").read_text(encoding="utf-8")
    (html / "index.html").write_text(index, encoding="utf-8")
    conf = SimpleNamespace(results_dir=str(folder / "results"), html_dir=str(html), repo=".")
    names = {name: {"param_names": found} for name, found in NAMES.items()}
    MachmeterPages.publish(conf, None, names, None, {"a" * 40: 1})
    return html


def test_the_page_is_published_and_linked_from_all_others(tmp_path: Path) -> None:
    """Sidecars and stored limits are read; every page and asv's own lead there."""
    write_samples(tmp_path / "results", PATH)
    health_records.write(tmp_path / "results", LIMITS)
    html = publish(tmp_path)
    script = (html / "machmeter-loaders.js").read_text(encoding="utf-8")
    (row,) = json.loads(script.partition(" = ")[2].removesuffix(";\n"))["rows"]
    assert (row["mach"][1], row["stage"]) == ("0.50", "decode")
    pages = ("index.html", "changes.html", "machines.html", "samples.html", "loaders.html")
    linked = [Reader((html / page).read_text(encoding="utf-8")).links.count("loaders.html") for page in pages]
    assert linked == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("path", [None, {"decode_zstd9_f16": 0}, {"decode_zstd9_f16": "much"}, ["memcpy"]])
def test_without_a_path_there_is_no_page(path: object, tmp_path: Path) -> None:
    """Neither the page nor a link to it; an impossible path is named among the problems."""
    write_samples(tmp_path / "results", path)
    html = publish(tmp_path)
    assert not (html / "loaders.html").exists()
    assert "loaders.html" not in (html / "index.html").read_text(encoding="utf-8")
    named = "one.jsonl:1 is not a sample" in (html / "machines.html").read_text(encoding="utf-8")
    assert named == (path is not None)
