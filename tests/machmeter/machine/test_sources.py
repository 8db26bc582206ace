import json
import os
import re
import socket
from pathlib import Path

import pytest

from machmeter.errors import MachmeterError
from machmeter.machine import sources
from machmeter.machine.fingerprint import fingerprint
from machmeter.machine.sources import FACTS_FILE_VARIABLE, Sources, collect, read_record

RECORD = Path(__file__).parent / "recorded" / "epyc-7451-2x24c.json"


def test_record_named_by_the_environment_replaces_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """MACHMETER_FACTS_FILE makes this machine another one."""
    monkeypatch.setenv(FACTS_FILE_VARIABLE, str(RECORD))
    assert fingerprint().label == "epyc7451-96c-256g"


def test_recorded_machine_is_replayed_exactly(tmp_path: Path) -> None:
    """What was collected here gives the same fingerprint from its record."""
    here = collect()
    path = tmp_path / "here.json"
    path.write_text(here.to_json("this machine, for a test"), encoding="utf-8")
    assert fingerprint(read_record(path)) == fingerprint(here)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"sources": []}', '{"sources": {"lscpu": 1}}', '{"sources": null}', "[" * 100_000],
)
def test_malformed_record_is_named(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no record stops with its name and the way out."""
    path = tmp_path / "broken.json"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(FACTS_FILE_VARIABLE, str(path))
    with pytest.raises(MachmeterError) as caught:
        collect()
    assert str(path) in caught.value.fact
    assert FACTS_FILE_VARIABLE in caught.value.next_command


def test_missing_record_is_named(tmp_path: Path) -> None:
    """A record that is not there is an error too, not this machine."""
    with pytest.raises(MachmeterError, match=r"absent\.json"):
        read_record(tmp_path / "absent.json")


def test_record_that_is_no_text_is_named(tmp_path: Path) -> None:
    """A binary file is no record."""
    path = tmp_path / "binary.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MachmeterError, match=r"binary\.json"):
        read_record(path)


def test_sources_are_frozen() -> None:
    """The texts of a machine cannot be changed behind its back."""
    texts = {"lscpu": "{}"}
    frozen = Sources(texts)
    texts["lscpu"] = "[]"
    assert frozen["lscpu"] == "{}"
    assert not hasattr(frozen, "__setitem__")


def test_without_lscpu_its_facts_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without lscpu has a fingerprint; what only lscpu knows is unknown."""
    monkeypatch.setenv("PATH", "")
    found = fingerprint()
    assert found.identity["cpu_name"] == "unknown"
    assert found.identity["usable_cpus"] != "unknown"


def test_collected_texts_name_nobody() -> None:
    """No source holds the host's name, and no file is kept with more lines than its facts need."""
    here = collect()
    assert socket.gethostname() not in re.findall(r"[\w.-]+", json.dumps(dict(here)))
    assert len((here["/proc/meminfo"] or "").splitlines()) <= 1


def test_usable_cpus_follow_the_affinity() -> None:
    """A process that is bound to one CPU has one usable CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert fingerprint().identity["usable_cpus"] == 1
    finally:
        os.sched_setaffinity(0, before)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is read without an error."""
    path = tmp_path / "file"
    path.write_bytes(b"48K\xff\x00")
    assert sources._text(path) == "48K\ufffd\x00"


def test_equal_caches_are_read_once_each(tmp_path: Path) -> None:
    """A cache that two CPUs share is one line, private ones are one line each."""
    for cpu, level, shared in [(0, 1, "0"), (1, 1, "1"), (0, 3, "0-1"), (1, 3, "0-1")]:
        folder = tmp_path / f"cpu{cpu}" / "cache" / f"index{level}"
        folder.mkdir(parents=True)
        for name, text in {
            "level": level,
            "type": "Unified",
            "size": "48K",
            "shared_cpu_list": shared,
        }.items():
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
    lines = (sources._caches(tmp_path) or "").splitlines()
    assert sorted(lines) == ["1 Unified 48K 0", "1 Unified 48K 1", "3 Unified 48K 0-1"]


def test_unreadable_sysfs(tmp_path: Path) -> None:
    """A cache whose files cannot be read is a cache of unknown facts, not an error and not no cache."""
    for name in ("level", "type", "size", "shared_cpu_list"):
        (tmp_path / "cpu0" / "cache" / "index0" / name).mkdir(parents=True)
    text = sources._caches(tmp_path)
    caches = fingerprint(Sources({"caches": text})).identity["caches"]
    assert caches == [{"level": "unknown", "type": "-", "kib": "unknown", "shared_by": "unknown", "count": 1}]


def test_missing_sysfs(tmp_path: Path) -> None:
    """Without the folder of the CPUs the caches are those of lscpu, or unknown."""
    assert sources._caches(tmp_path / "absent") is None
