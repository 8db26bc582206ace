import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from asv_results import commit_of, row, write_history, write_result

from machmeter.results import machine_files, result_file
from machmeter.results.machine_files import MachineFiles

VALUES = [1.0, 2.0, 3.0]


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once: no test waits."""
    monkeypatch.setattr(machine_files, "TOO_FRESH_NS", 0)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is decoded instead of being known."""
    seen: list[bytes] = []
    decode = result_file.decode

    def counted(content: bytes) -> result_file.ResultFile:
        seen.append(content)
        return decode(content)

    monkeypatch.setattr(result_file, "decode", counted)
    return seen


def shown(found: MachineFiles) -> list[tuple[str, list[float]]]:
    return sorted((file.commit, file.values.tolist()) for file in found.files)


def test_the_second_reading_decodes_nothing_and_says_the_same(tmp_path: Path, decoded: list[bytes]) -> None:
    """Values, layouts and dates come back as they were."""
    write_result(tmp_path / "r", 1, {"a": row([1.0, None], ["x", "y"]), "b": row([0.1])})
    write_result(tmp_path / "r", 2, {"b": row([0.2], version="v2")})
    first = machine_files.read(tmp_path / "r", "box")
    again = machine_files.read(tmp_path / "r", "box")
    assert len(decoded) == 2
    described = [
        [(file.commit, file.date, file.facts, file.layout) for file in each.files] for each in (first, again)
    ]
    assert described[0] == described[1]
    assert [file.values.tobytes() for file in first.files] == [file.values.tobytes() for file in again.files]


def test_only_what_is_new_is_decoded(tmp_path: Path, decoded: list[bytes]) -> None:
    """A file more is one file read; a file less is forgotten."""
    write_history(tmp_path / "r", VALUES)
    machine_files.read(tmp_path / "r", "box")
    decoded.clear()
    write_result(tmp_path / "r", 9, {"time_x": row([9.0])})
    next((tmp_path / "r" / "box").glob(f"{commit_of(0)[:8]}*")).unlink()
    found = machine_files.read(tmp_path / "r", "box")
    assert len(decoded) == 1
    assert sorted(value for _, (value,) in shown(found)) == [2.0, 3.0, 9.0]


def test_a_rewritten_file_is_read_again_even_if_its_time_and_size_are_the_same(tmp_path: Path) -> None:
    """As ``cp -p`` or ``rsync -t`` leave it."""
    path = write_result(tmp_path / "r", 1, {"time_x": row([1.5])})
    before = path.stat()
    machine_files.read(tmp_path / "r", "box")
    path.write_text(path.read_text().replace("1.5", "2.5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert shown(machine_files.read(tmp_path / "r", "box")) == [(commit_of(1), [2.5])]


def test_a_file_that_was_just_written_is_not_trusted(
    tmp_path: Path, decoded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may change again within the resolution of the file system's clock."""
    monkeypatch.setattr(machine_files, "TOO_FRESH_NS", 3_600 * 10**9)
    write_history(tmp_path / "r", VALUES)
    machine_files.read(tmp_path / "r", "box")
    machine_files.read(tmp_path / "r", "box")
    assert len(decoded) == 2 * len(VALUES)


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_cache_is_made_anew(damage: bytes | None, tmp_path: Path) -> None:
    """The answer is the same, and a note says what happened."""
    write_history(tmp_path / "r", VALUES)
    first = shown(machine_files.read(tmp_path / "r", "box"))
    path = machine_files.kept_path(tmp_path / "r", "box", "files")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    found = machine_files.read(tmp_path / "r", "box")
    assert shown(found) == first
    assert "damaged" in found.notes[0]
    assert path.read_bytes() == whole


def test_broken_and_foreign_files_are_named_every_time(tmp_path: Path) -> None:
    """And left alone; machine.json and hidden files are no results."""
    write_history(tmp_path / "r", VALUES)
    box = tmp_path / "r" / "box"
    (box / "half-env.json").write_text('{"commit_hash": "c0f')
    (box / "foreign.json").write_text('{"name": "package"}')
    (box / "machine.json").write_text('{"machine": "box"}')
    (box / ".part.json").write_text("{")
    (box / "folder.json").mkdir()
    odd = write_result(tmp_path / "r", 7, {"time_x": row([7.0]), "track_odd": [{"a": 1}, [], "v1"]})
    for _ in range(2):
        found = machine_files.read(tmp_path / "r", "box")
        named = {problem.partition(" ")[0].rpartition("/")[2] for problem in found.problems}
        assert named == {"half-env.json", "foreign.json", "folder.json", odd.name}
        assert len(found.files) == len(VALUES) + 1
    assert json.loads((box / "foreign.json").read_text()) == {"name": "package"}


def test_without_a_place_for_the_cache_everything_is_read_all_the_same(tmp_path: Path) -> None:
    """A note says that nothing could be kept."""
    write_history(tmp_path / "r", VALUES)
    (tmp_path / "r.machmeter").write_text("a file where the folder would be")
    found = machine_files.read(tmp_path / "r", "box")
    assert len(found.files) == len(VALUES)
    assert "could not be kept" in found.notes[0]


def test_a_folder_that_went_away_is_named(tmp_path: Path) -> None:
    """As one that cannot be read."""
    found = machine_files.read(tmp_path / "r", "gone")
    assert (found.files, ["gone cannot be read" in problem for problem in found.problems]) == ((), [True])


def test_several_processes_at_once_leave_a_whole_cache(tmp_path: Path) -> None:
    """Each sees the same, and so does the one after them."""
    results = tmp_path / "r"
    write_history(results, [float(value) for value in range(30)])
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(_values, [results] * 8))
    assert all(values == found[0] for values in found)
    assert _values(results) == found[0]


def _values(results_dir: Path) -> list[tuple[str, list[float]]]:
    machine_files.TOO_FRESH_NS = 0  # type: ignore[misc]
    return shown(machine_files.read(results_dir, "box"))
