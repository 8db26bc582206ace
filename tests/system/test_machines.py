"""Results never meet across machines: real asv on this machine and on pretended ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy import Suite

from machmeter.machine import sources
from machmeter.machine.fingerprint import fingerprint

pytestmark = pytest.mark.system


@pytest.fixture
def other_machine(tmp_path: Path) -> tuple[str, str]:
    """The record of a machine with another CPU model, and its tag."""
    here = sources.collect()
    changed = here.changed({"lscpu": (here["lscpu"] or "").replace('"CPU family:"', '"CPU kindred:"')})
    record = tmp_path / "other-machine.json"
    record.write_text(changed.to_json("this machine, pretending"))
    return str(record), fingerprint(changed).tag


def quick(suite: Suite, *arguments: str, expect: int = 0, **variables: str) -> str:
    return suite.asv(
        "run", "HEAD^!", "--quick", "--bench", "track_value", *arguments, expect=expect, **variables
    )


def test_a_second_machine_files_under_another_tag(suite: Suite, other_machine: tuple[str, str]) -> None:
    """The same clone on two machines has two folders of results, each with its own record."""
    record, tag = other_machine
    quick(suite)
    quick(suite, MACHMETER_FACTS_FILE=record)
    here = fingerprint().tag
    assert here != tag
    assert {machine: len(files) for machine, files in suite.results().items()} == {here: 1, tag: 1}
    for machine in (here, tag):
        asv_record = json.loads((suite.folder / "results" / machine / "machine.json").read_text())
        assert asv_record["machine"] == machine


def test_sidecars_of_two_machines_are_apart(suite: Suite, other_machine: tuple[str, str]) -> None:
    """Every sidecar line carries the tag of the folder that it lies in."""
    record, tag = other_machine
    suite.asv("run", "HEAD^!", "--quick", "--bench", "time_spin")
    suite.asv("run", "HEAD^!", "--quick", "--bench", "time_spin", MACHMETER_FACTS_FILE=record)
    folder = suite.folder / "results.machmeter" / "samples"
    found = {
        path.parent.name: json.loads(path.read_text().splitlines()[0])["tag"]
        for path in folder.rglob("*.jsonl")
    }
    assert found == {tag: tag, fingerprint().tag: fingerprint().tag}


def test_a_foreign_entry_in_the_home_directory_is_not_believed(suite: Suite) -> None:
    """A shared home with one other host's entry: no question, own tag, and the file stays as it is."""
    shared = suite.home / ".asv-machine.json"
    text = '{"somewhere": {"machine": "somewhere", "cpu": "Z80", "ram": "64k"}, "version": 1}'
    shared.write_text(text)
    quick(suite)
    assert list(suite.results()) == [fingerprint().tag]
    assert shared.read_text() == text


def test_a_name_taken_by_other_hardware_is_refused_before_the_build(
    suite: Suite, other_machine: tuple[str, str]
) -> None:
    """`--machine` with a name that holds another machine's results stops with both tags named."""
    record, tag = other_machine
    quick(suite, "--machine", "lab", MACHMETER_FACTS_FILE=record)
    environments = suite.folder / "env"
    environments.rename(suite.folder / "env-away")
    output = quick(suite, "--machine", "lab", expect=1)
    assert f'Refusing to file results of {fingerprint().tag} under "lab"' in output
    assert tag in output
    assert "Traceback" not in output
    assert not environments.exists()
    assert len(suite.results()["lab"]) == 1


def test_results_without_a_known_machine_are_not_added_to(suite: Suite) -> None:
    """A name that plain asv has used before machmeter came stands for unknown hardware: refused."""
    quick(suite, "--machine", "old-box")
    for record in (suite.folder / "results.machmeter" / "machines").iterdir():
        record.unlink()
    output = quick(suite, "--machine", "old-box", expect=1)
    assert "hardware is not on record" in output


def test_a_tampered_fingerprint_is_named_and_left_alone(suite: Suite) -> None:
    """A document whose hash no longer fits stops the run, and is not overwritten."""
    quick(suite)
    document = suite.folder / "results.machmeter" / "machines" / f"{fingerprint().tag}.json"
    tampered = document.read_text().replace('"ram_gib": ', '"ram_gib": 1')
    document.write_text(tampered)
    output = quick(suite, expect=1)
    assert str(document.name) in output
    assert "Traceback" not in output
    assert document.read_text() == tampered


def test_a_malformed_facts_file_is_reported(suite: Suite, tmp_path: Path) -> None:
    """A record that is no record stops with its name instead of a traceback."""
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    output = quick(suite, expect=1, MACHMETER_FACTS_FILE=str(broken))
    assert str(broken) in output
    assert "Traceback" not in output


def test_a_copied_results_directory_stays_the_other_machines(
    suite: Suite, other_machine: tuple[str, str], tmp_path: Path
) -> None:
    """Results copied from elsewhere keep their tag; a run here neither adds to them nor changes a byte."""
    record, tag = other_machine
    quick(suite, MACHMETER_FACTS_FILE=record)
    copied = {
        path: path.read_bytes()
        for path in (suite.folder / "results").rglob("*.json")
        if path.name != "benchmarks.json"
    }
    quick(suite)
    assert set(suite.results()) == {tag, fingerprint().tag}
    assert {path: path.read_bytes() for path in copied} == copied
    suite.asv("publish")
    page = (suite.folder / "html" / "machines.html").read_text()
    assert tag in page
    assert fingerprint().tag in page


@pytest.mark.skipif(
    subprocess.run(["unshare", "-u", "true"], check=False, capture_output=True).returncode != 0,
    reason="this user may not make a UTS namespace",
)
def test_a_renamed_host_is_the_same_machine(suite: Suite) -> None:
    """With a shared home and another host name, results go on under the same tag."""
    quick(suite)
    (first,) = suite.results()
    command = [sys.executable, "-m", "asv", "run", "HEAD^!", "--quick", "--bench", "time_spin"]
    subprocess.run(
        ["unshare", "-u", "sh", "-c", 'hostname pretender && exec "$@"', "sh", *command],
        cwd=suite.folder,
        env=suite.environ(),
        check=True,
        capture_output=True,
    )
    assert list(suite.results()) == [first]
    assert {row["node"] for row in suite.rows()} == {"pretender"}
    assert {row["tag"] for row in suite.rows()} == {first}
