import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter.errors import FingerprintDocumentError, UnwritableError
from machmeter.machine import document
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.sources import Sources, read_record
from machmeter.model import Fingerprint

RECORDED = Path(__file__).parent / "recorded"
MACHINE = fingerprint(read_record(RECORDED / "h100x8-64c.json"))
OTHER = fingerprint(read_record(RECORDED / "epyc-7451-2x24c.json"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a document goes."""
    return tmp_path / "results" / MACHINE.tag / "machmeter.json"


@pytest.mark.parametrize("record", sorted(RECORDED.glob("*.json")), ids=lambda record: record.stem)
def test_round_trip(record: Path, path: Path) -> None:
    """What is written is what is read, with its tag."""
    machine = fingerprint(read_record(record))
    document.write(path, machine)
    assert document.read(path) == machine


def test_second_writer_leaves_the_first_document(path: Path) -> None:
    """The same hardware in another state does not rewrite the document."""
    document.write(path, MACHINE)
    before = path.read_bytes()
    document.write(path, Fingerprint(MACHINE.identity, {"kernel": "another"}, MACHINE.label))
    assert path.read_bytes() == before


def test_document_of_other_hardware_is_not_overwritten(path: Path) -> None:
    """Another machine's document stops the writer, who names both."""
    document.write(path, OTHER)
    before = path.read_bytes()
    with pytest.raises(FingerprintDocumentError, match=f"{OTHER.tag}, and {MACHINE.tag}"):
        document.write(path, MACHINE)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"machine": "node7", "version": 1}', "[" * 100_000]
)
def test_foreign_file(content: str, path: Path) -> None:
    """A file of something else is reported by name and left alone, by reader and writer."""
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FingerprintDocumentError, match=str(path)):
        document.read(path)
    with pytest.raises(FingerprintDocumentError, match=str(path)):
        document.write(path, MACHINE)
    assert path.read_text(encoding="utf-8") == content


@settings(max_examples=60, deadline=None)
@given(kept=st.integers(0, len(document.to_json(MACHINE)) - 3))
def test_truncated_document(kept: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A document that ends early is never a fingerprint."""
    path = tmp_path_factory.mktemp("cut") / "document.json"
    path.write_text(document.to_json(MACHINE)[:kept], encoding="utf-8")
    with pytest.raises(FingerprintDocumentError):
        document.read(path)


def _more_memory(body: dict[str, object]) -> None:
    body["identity"] = {**MACHINE.identity, "ram_gib": 1024}


def _other_kernel(body: dict[str, object]) -> None:
    body["state"] = {**MACHINE.state, "kernel": "6.6.6"}


def _other_tag(body: dict[str, object]) -> None:
    body["tag"] = OTHER.tag


def _other_label(body: dict[str, object]) -> None:
    body["label"] = "../up"


@pytest.mark.parametrize("tamper", [_more_memory, _other_kernel, _other_tag, _other_label])
def test_tampered_document(tamper: Callable[[dict[str, object]], None], path: Path) -> None:
    """A change by hand, of a hashed fact or any other, is found."""
    body = json.loads(document.to_json(MACHINE))
    tamper(body)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(FingerprintDocumentError, match="does not fit its checksum"):
        document.read(path)


@pytest.mark.parametrize("tamper", [_more_memory, _other_tag, _other_label])
def test_tampered_document_with_a_new_checksum(
    tamper: Callable[[dict[str, object]], None], path: Path
) -> None:
    """Facts that do not fit the digest or the tag are found also behind a fitting checksum."""
    body = json.loads(document.to_json(MACHINE))
    del body["checksum"]
    tamper(body)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**body, "checksum": document._checksum(body)}), encoding="utf-8")
    with pytest.raises(FingerprintDocumentError):
        document.read(path)


def test_document_of_another_schema(path: Path) -> None:
    """A document of a later version says so."""
    path.parent.mkdir(parents=True)
    path.write_text(document.to_json(MACHINE).replace('"schema": 1', '"schema": 2'), encoding="utf-8")
    with pytest.raises(FingerprintDocumentError, match="its schema is 2"):
        document.read(path)


def test_missing_document(path: Path) -> None:
    """A document that is not there is reported by name."""
    with pytest.raises(FingerprintDocumentError, match=r"machmeter\.json"):
        document.read(path)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is an error that names the path."""
    (tmp_path / "results").touch()
    with pytest.raises(UnwritableError, match="results"):
        document.write(tmp_path / "results" / "document.json", MACHINE)


def test_failed_write_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full leaves neither half a document nor a temporary file."""

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UnwritableError, match="No space left"):
        document.write(path, MACHINE)
    assert list(path.parent.iterdir()) == []


def test_fingerprint_of_nothing_is_a_document_too(path: Path) -> None:
    """A machine of unknown facts can be kept like any other."""
    document.write(path, fingerprint(Sources({})))
    assert document.read(path).label == "unknown-xc-xg"
