import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from machmeter.machine import document
from machmeter.model import Fingerprint, Sample
from machmeter.report import records
from machmeter.results import layout, sidecars

MakeSample = Callable[..., Sample]
MACHINE = Fingerprint({"cpu_name": "EPYC"}, {"kernel": "6.1"}, "epyc-2c-24g")


def put(results_dir: Path, machine: str, *samples: Sample, **changes: Any) -> None:
    folder = layout.samples_dir(results_dir, machine)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"schema": sidecars.SCHEMA, **asdict(sample), **changes}) for sample in samples]
    with (folder / "run.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


@pytest.fixture
def results_dir(tmp_path: Path) -> Path:
    """Make a results directory with one machine whose fingerprint is on record."""
    folder = tmp_path / "results"
    folder.mkdir()
    document.write(layout.fingerprint_path(folder, MACHINE.tag), MACHINE)
    return folder


def test_samples_and_fingerprint_of_a_machine_come_together(results_dir: Path, sample: MakeSample) -> None:
    """The ordinary case: one machine, its samples, no problem."""
    mine = sample(tag=MACHINE.tag)
    put(results_dir, MACHINE.tag, mine)
    found = records.read(results_dir)
    assert found.machines == (records.MachineRecord(MACHINE.tag, MACHINE, "", (mine,)),)
    assert found.problems == ()


def test_nothing_on_record_is_no_error(tmp_path: Path) -> None:
    """A results directory that does not exist yet holds nothing."""
    assert records.read(tmp_path / "results") == records.Records((), ())


def test_a_machine_without_fingerprint_says_why(results_dir: Path, sample: MakeSample) -> None:
    """Its samples are kept and its lost document is named."""
    put(results_dir, "lost", sample(tag="lost"))
    found = records.read(results_dir).machines[1]
    assert (found.name, found.fingerprint, len(found.samples)) == ("lost", None, 1)
    assert "lost.json is missing" in found.why_unknown


def test_a_changed_fingerprint_says_so_without_naming_folders_above(results_dir: Path) -> None:
    """A document that does not fit its hash is no identity; the pages show no path of this computer."""
    path = layout.fingerprint_path(results_dir, MACHINE.tag)
    path.write_text(path.read_text(encoding="utf-8").replace("EPYC", "Xeon"), encoding="utf-8")
    (found,) = records.read(results_dir).machines
    assert found.fingerprint is None
    assert found.why_unknown.startswith(f"results.machmeter/machines/{MACHINE.tag}.json is not a valid")


def test_broken_lines_and_files_are_named(results_dir: Path, sample: MakeSample) -> None:
    """Every problem says which file and line it is in, relative to the results."""
    put(results_dir, MACHINE.tag, sample(tag=MACHINE.tag))
    with (layout.samples_dir(results_dir, MACHINE.tag) / "run.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"half')
    (results_dir / "m").mkdir()
    (results_dir / "m" / "half.json").write_text("{", encoding="utf-8")
    broken_line, broken_file = records.read(results_dir).problems
    assert broken_line.startswith(f"results.machmeter/samples/{MACHINE.tag}/run.jsonl:2 ")
    assert broken_file.startswith("results/m/half.json ")


def test_samples_of_other_hardware_are_reported(results_dir: Path, sample: MakeSample) -> None:
    """A sample under a name that is not its tag is told about; it keeps its own tag."""
    put(results_dir, MACHINE.tag, sample(tag="h200x1-16c-128g-9bd2aa10"))
    found = records.read(results_dir)
    assert "1 samples of h200x1-16c-128g-9bd2aa10" in found.problems[0]
    assert found.samples[0].tag == "h200x1-16c-128g-9bd2aa10"


@pytest.mark.parametrize(
    "change",
    [{"benchmark": 3}, {"cpu_s": "1"}, {"wall_s": 1e300}, {"bytes": -1}, {"params": [1]}, {"node": None}],
)
def test_impossible_values_never_reach_a_page(
    results_dir: Path, sample: MakeSample, change: dict[str, Any]
) -> None:
    """A line of somebody else's program is left out and told about, whatever its types."""
    put(results_dir, MACHINE.tag, sample(tag=MACHINE.tag), **change)
    found = records.read(results_dir)
    assert found.samples == ()
    assert len(found.problems) == 1
