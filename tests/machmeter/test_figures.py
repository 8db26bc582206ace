import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
Draw = Callable[[Sequence[Mapping[str, Any]]], dict[str, str]]

VALUES = 240 * 320 * 100
PATHS = {
    "original": {"page_cache_read": 4.0 * VALUES, "memcpy": 4.0 * VALUES},
    "fp16": {
        "page_cache_read": 1.2 * VALUES,
        "decode_zstd9_f16": 2.0 * VALUES,
        "widen_f16_f32_torch": 4.0 * VALUES,
    },
    "mapped": {"widen_f16_f32_torch": 4.0 * VALUES},
}


def cubes(name: str, cpu_s: float, **changes: Any) -> dict[str, Any]:
    """A row as measure_loaders.py writes it."""
    return {
        "name": name,
        "round": 0,
        "wall_s": cpu_s / 2,
        "cpu_s": cpu_s,
        "first_s": 0.05,
        "lifetime": "owned",
        "pss_bytes": 2**28,
        "private_child_bytes": 2**24,
        "threads": 2,
        "path": PATHS.get(name, {}),
        "tag": "box-2c-4g-00000000",
        "size": "240x320x100",
        "count": 24,
        "workers": 2,
        "batch": 4,
        "bytes": 4 * VALUES,
        **changes,
    }


def limit(name: str, kernel: str, rate: float) -> dict[str, Any]:
    """A limit, measured beside the strategies: so many bytes a CPU second."""
    row = cubes(name, 4.0 * VALUES / rate, limit={kernel: 4.0 * VALUES})
    del row["lifetime"], row["path"]
    return row


def photos(name: str, workers: int, rate: float, **changes: Any) -> dict[str, Any]:
    """A row as measure_photos.py writes it."""
    row = {"name": name, "workers": workers, "storage": "default", "encoding": "jpeg95", "cache": 0}
    return {**row, "cold": False, "images_per_s": rate, "cpu_s": 0.002, **changes}


STRATEGIES = [
    cubes(name, cpu_s * (1 + 0.02 * number), round=number)
    for name, cpu_s in [("original", 0.044), ("fp16", 0.028), ("mapped", 0.0015), ("spdl_lent", 0.006)]
    for number in range(3)
]
LIMITS = [
    limit("read raw16", "page_cache_read", 20e9),
    limit("decode fp16", "decode_zstd9_f16", 2e9),
    limit("widen float16", "widen_f16_f32_torch", 25e9),
    limit("memcpy ring", "memcpy", 10e9),
]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in ("drawing", "figures_loaders")]:
        del sys.modules[name]


@pytest.fixture
def draw(scripts: None, tmp_path: Path) -> Draw:
    """Draw rows; return the texts of every figure by its name, and see that PNG lies beside SVG."""
    import argparse

    import figures_loaders  # type: ignore[import-not-found]

    def drawn(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        file, out = tmp_path / "rows.jsonl", tmp_path / "out"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"name": "cut o', encoding="utf-8")
        assert figures_loaders.run(argparse.Namespace(rows=[file], out=out)) == 0
        pictures = {path.stem for path in out.glob("*.png") if path.read_bytes()[:4] == b"\x89PNG"}
        texts = {path.stem: texts_of(path) for path in out.glob("*.svg")}
        assert pictures == set(texts)
        return texts

    return drawn


def texts_of(path: Path) -> str:
    """Every text of an SVG, a line each."""
    return "\n".join(
        unescape(text) for text in re.findall(r">([^<>]+)</t(?:ext|span)>", path.read_text("utf-8"))
    )


def test_the_bars_name_strategies_speeds_and_htcs_own_seconds(draw: Draw) -> None:
    """240x320x100 at 22.4 ms a cube is HTC's epoch in 66.4 s; theirs took 58.5; peers are not in it."""
    paced = cubes("fp16", 0.03, io_speed="1000mb", path={**PATHS["fp16"], "pace": 0.01})
    texts = draw([*STRATEGIES, *LIMITS, paced])["loaders-epochs-240x320x100-2w-b4-box-2c-4g-00000000"]
    for wanted in ("original", "mapped", "58.5", "50.3", "66.4", "I/O speed: unlimited", "I/O speed: 1000mb"):
        assert wanted in texts
    assert "Mach 0.67 storage" in texts
    assert "loading alone, not augmented, scaled from cubes of 240x320x100" in texts
    assert "spdl" not in texts


def test_cpu_time_has_every_strategy_its_mach_and_the_limits(draw: Draw) -> None:
    """Decoding 15 MB at 2 GB a CPU second is 7.7 ms of the 28.6: Mach 0.27."""
    texts = draw([*STRATEGIES, *LIMITS])["loaders-cpu-240x320x100-2w-b4-box-2c-4g-00000000"]
    for wanted in ("original", "fp16", "mapped", "spdl_lent", "decode fp16", "memcpy ring"):
        assert wanted in texts
    assert "Mach 0.27 decode" in texts
    assert "Mach 0.80 widening" in texts
    assert "cubes of 240x320x100, batches of 4, 2 workers, box-2c-4g-00000000" in texts


def test_rows_without_a_path_are_drawn_without_mach(draw: Draw) -> None:
    """Earlier recordings have neither a path nor a tag."""
    old = [
        {key: value for key, value in row.items() if key not in ("path", "tag", "threads")}
        for row in STRATEGIES
    ]
    texts = draw(old)
    assert set(texts) == {"loaders-epochs-240x320x100-2w-b4", "loaders-cpu-240x320x100-2w-b4"}
    assert not any("Mach" in each for each in texts.values())


def test_other_hardware_and_other_settings_have_their_own_figures(draw: Draw) -> None:
    """Never two machines in one figure, nor two numbers of workers."""
    others = [cubes("fp16", 0.01, tag="big-64c-1t-11111111"), cubes("fp16", 0.01, workers=0)]
    stems = {
        stem.removeprefix("loaders-cpu-240x320x100-")
        for stem in draw([*STRATEGIES, *others])
        if "cpu" in stem
    }
    assert stems == {"2w-b4-box-2c-4g-00000000", "2w-b4-big-64c-1t-11111111", "0w-b4-box-2c-4g-00000000"}


def test_throughput_has_a_panel_for_each_encoding_and_storage(draw: Draw) -> None:
    """Lines by loader and cache, the limit among them; what has no files is told instead of drawn."""
    rows = [
        photos(name, workers, rate * max(1, workers), encoding=encoding, storage=storage)
        for name, rate in [("pytorch", 480.0), ("dali_cpu", 700.0), ("decode", 900.0), ("synthetic", 2e6)]
        for workers in (0, 1, 2)
        for encoding in ("jpeg95", "webp50")
        for storage in ("default", "hdd")
    ]
    rows.append(photos("pytorch", 1, 600.0, cache=2**26, storage="hdd", cold=True))
    texts = draw(rows)["loaders-photos"]
    for wanted in ("pytorch", "dali_cpu", "limit: ", "webp50, storage hdd", "cold page cache"):
        assert wanted in texts
    assert "pytorch, cache of 64 MiB" in texts
    assert re.search(r"synthetic, without files and not drawn: \d,000,000 images/s", texts)


def test_utilisation_is_drawn_where_it_was_sampled(draw: Draw) -> None:
    """A curve a repetition, its mean beside HTC's."""
    curve = {"every_s": 0.15, "percent": [80, 90, 100]}
    rows = [*STRATEGIES, cubes("ring_buffer", 0.01, utilisation=curve)]
    texts = draw(rows)["loaders-utilisation-240x320x100-2w-b4-box-2c-4g-00000000"]
    assert "ring_buffer: mean 90%, HTC's 94%" in texts
    assert "original" not in texts


def test_the_same_rows_give_the_same_figures(draw: Draw, tmp_path: Path) -> None:
    """No dates, no random identifiers."""
    contents = []
    for _ in range(2):
        draw([*STRATEGIES, *LIMITS])
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()})
    assert contents[0] == contents[1]


def figures(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "figures"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_draws_and_names_its_files(tmp_path: Path) -> None:
    """As a person types it."""
    (tmp_path / "rows").write_text("".join(json.dumps(row) + "\n" for row in STRATEGIES))
    done = figures("loaders", "--rows", str(tmp_path / "rows"), "--out", str(tmp_path / "new" / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.split()) == sorted(map(str, (tmp_path / "new" / "out").iterdir()))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no measured row. A figure is drawn from rows. Measure some"),
        ('{"name": "fp16", "failed": "no file"}\nnot JSON\n[]\n', "no measured row."),
        (json.dumps(LIMITS[0]), "no row of a loading strategy. Limits alone make no figure. Measure"),
        (None, "cannot be read: No such file or directory. A figure is drawn from rows. Name"),
    ],
)
def test_without_rows_it_refuses(content: str | None, said: str, tmp_path: Path) -> None:
    """The fact with the file's name, the reason, the next command; exit code 2, and nothing is written."""
    rows = tmp_path / "rows.jsonl"
    if content is not None:
        rows.write_text(content)
    done = figures("loaders", "--rows", str(rows), "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{rows}")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "rows").write_text(json.dumps(STRATEGIES[0]))
    (tmp_path / "out").write_text("")
    done = figures("loaders", "--rows", str(tmp_path / "rows"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert f"{tmp_path / 'out'} cannot be written: " in done.stderr
