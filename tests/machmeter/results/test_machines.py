import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from machmeter.errors import FingerprintDocumentError, UnknownTagError
from machmeter.machine import document
from machmeter.model import Fingerprint, RunRecord
from machmeter.results import layout, machines, runs

HERE = Fingerprint({"cpu": "one"}, {"kernel": "6.1"}, "one-1c")
THERE = Fingerprint({"cpu": "two"}, {"kernel": "6.1"}, "two-1c")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Give an empty results directory."""
    return tmp_path / "results"


def put_sidecar(results: Path, name: str, commit: str, day: int, node: str = "node1", text: str = "") -> Path:
    digest = hashlib.sha256(node.encode()).hexdigest()[:4]
    folder = layout.samples_dir(results, name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{commit:0<12}-0123abcd-202603{day:02}T080000Z-{digest}-77.jsonl"
    path.write_text(text or json.dumps({"node": node}) + "\n")
    return path


def put_document(results: Path, fingerprint: Fingerprint, name: str | None = None) -> Path:
    path = layout.fingerprint_path(results, name or fingerprint.tag)
    document.write(path, fingerprint)
    return path


def record(run: str, node: str) -> RunRecord:
    empty: dict[str, Any] = {}
    return RunRecord(run, HERE.tag, node, "2026-03-01T08:00:00+00:00", empty, empty, empty)


def test_nothing_is_known_in_an_empty_directory(results: Path) -> None:
    """A directory that does not exist holds no machine."""
    assert machines.known(results) == ()


def test_a_machine_is_described_by_names_of_files(results: Path) -> None:
    """Nodes, runs, commits and dates come from documents, records and names, not from samples."""
    put_document(results, HERE)
    put_sidecar(results, HERE.tag, "aaa", 2, text="not read, since its node has a record\n")
    put_sidecar(results, HERE.tag, "aaa", 5)
    put_sidecar(results, HERE.tag, "bbb", 5, node="node2")
    runs.write(results, record("earlier", "node1"))
    (found,) = machines.known(results)
    assert (found.name, found.fingerprint, found.why_unknown) == (HERE.tag, HERE, "")
    assert found.nodes == ("node1", "node2")
    assert len(found.runs) == 4
    assert found.commits == ("aaa000000000", "bbb000000000")
    assert (found.first, found.last) == ("2026-03-02T08:00:00+00:00", "2026-03-05T08:00:00+00:00")
    assert found.problems == ()


def test_a_broken_document_is_told_and_hides_nobody(results: Path) -> None:
    """The reason stands beside the machine; its neighbours are listed as ever."""
    put_document(results, HERE)
    broken = put_document(results, THERE)
    broken.write_text(broken.read_text().replace("two", "six", 1))
    one, two = machines.known(results)
    assert one.fingerprint == HERE
    assert two.fingerprint is None
    assert str(broken) in two.why_unknown


def test_results_without_a_document_are_listed(results: Path) -> None:
    """A folder of plain asv is a machine of which nothing is known."""
    (results / "old-box").mkdir(parents=True)
    (results / "old-box" / "machine.json").write_text("{}")
    (found,) = machines.known(results)
    assert (found.name, found.fingerprint) == ("old-box", None)
    assert "missing" in found.why_unknown


@pytest.mark.parametrize("name", ["merged.jsonl", "aaa-0123abcd-20269903T080000Z-12ab-7.jsonl.part.jsonl"])
def test_a_stranger_among_the_sidecars_is_named(results: Path, name: str) -> None:
    """A file with another name is no reason to stop, and not passed over in silence."""
    put_sidecar(results, HERE.tag, "aaa", 2).with_name(name).touch()
    (found,) = machines.known(results)
    assert found.commits == ("aaa000000000",)
    assert name in found.problems[0]


@pytest.mark.parametrize(
    "text", ["{", "[]\n", '{"node": 3}\n', "\udcff\n".encode(errors="surrogateescape").decode("latin1")]
)
def test_a_sidecar_that_names_no_node(results: Path, text: str) -> None:
    """The node is called by the digest in the file's name."""
    put_sidecar(results, HERE.tag, "aaa", 2, text=text)
    digest = hashlib.sha256(b"node1").hexdigest()[:4]
    assert machines.known(results)[0].nodes == (f"node {digest}",)


def test_an_impossible_date_is_none(results: Path) -> None:
    """A name with a 13th month counts as a run without a date."""
    put_sidecar(results, HERE.tag, "aaa", 2).rename(
        layout.samples_dir(results, HERE.tag) / "aaa-0123abcd-20261301T080000Z-12ab-7.jsonl"
    )
    (found,) = machines.known(results)
    assert (len(found.runs), found.first) == (1, None)


def test_a_machine_is_found_by_name_and_by_tag(results: Path) -> None:
    """A name that a person chose and the tag behind it are the same machine."""
    put_document(results, HERE, "lab")
    assert machines.find(results, "lab") == HERE
    assert machines.find(results, HERE.tag) == HERE


def test_this_machine_is_known_without_results(results: Path) -> None:
    """Its own tag needs no document."""
    assert machines.find(results, HERE.tag, HERE) == HERE


def test_an_unknown_tag_names_the_known_ones(results: Path) -> None:
    """The message lists what may be typed instead."""
    put_document(results, HERE)
    with pytest.raises(UnknownTagError, match=f"Known here: {HERE.tag}, {THERE.tag}") as caught:
        machines.find(results, "tpyo", THERE)
    assert '"tpyo"' in caught.value.fact


def test_a_tag_with_a_broken_document_says_so(results: Path) -> None:
    """It is known, and its document cannot be used."""
    put_document(results, HERE).write_text("{")
    with pytest.raises(FingerprintDocumentError, match="not complete JSON"):
        machines.find(results, HERE.tag)
