from pathlib import Path

import pytest

from machmeter.gate import guards

GIB = 1 << 30


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node with 10 GiB, 5 of them available, in a control group without a limit."""
    group = tmp_path / "group"
    (tmp_path / "self").mkdir()
    group.mkdir()
    (tmp_path / "meminfo").write_text(
        f"MemTotal: {10 * GIB >> 10} kB\nMemAvailable: {5 * GIB >> 10} kB\nHugePages_Total: 0\n"
    )
    (tmp_path / "self" / "cgroup").write_text("0::/\n")
    (tmp_path / "self" / "mountinfo").write_text(f"30 23 0:26 / {group} rw - cgroup2 cgroup rw\n")
    limit(tmp_path, "max", GIB, 0)
    return tmp_path


def limit(node: Path, most: object, used: int, file_pages: int) -> None:
    group = node / "group"
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 1\nactive_file {file_pages}\ninactive_file 0\n")


def test_without_a_limit_the_node_counts(node: Path) -> None:
    """What the kernel says can be given out, of all there is."""
    assert guards._memory(node) == (5 * GIB, 10 * GIB)


def test_a_tighter_limit_counts(node: Path) -> None:
    """A container ends where its own memory ends."""
    limit(node, 4 * GIB, 3 * GIB, 0)
    assert guards._memory(node) == (GIB, 4 * GIB)


def test_file_pages_of_a_group_are_no_used_memory(node: Path) -> None:
    """A container that has read large files is not full: the kernel drops these pages when needed."""
    limit(node, 4 * GIB, 4 * GIB, GIB)
    assert guards._memory(node) == (GIB, 4 * GIB)


def test_a_limit_above_the_nodes_memory_is_none(node: Path) -> None:
    """The machine ends before such a group does."""
    limit(node, 100 * GIB, 50 * GIB, 0)
    assert guards._memory(node) == (5 * GIB, 10 * GIB)


def test_a_quiet_process_exceeds_nothing(tmp_path: Path) -> None:
    """Output that is not there yet is no output."""
    assert guards.exceeded(tmp_path / "none.txt") is None


def test_a_full_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark is ended before the kernel ends somebody else."""
    monkeypatch.setattr(guards, "_memory", lambda: (1 << 20, 100 << 20))
    assert (
        guards.exceeded(tmp_path / "none.txt") == "was ended: 1 MiB of 100 MiB memory were left on this node"
    )


def test_too_much_output_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark that fills the disk with output is ended."""
    monkeypatch.setattr(guards, "MOST_OUTPUT_BYTES", 2 << 20)
    output = tmp_path / "output.txt"
    output.write_bytes(bytes(3 << 20))
    assert guards.exceeded(output) == "was ended: it had printed 3 MiB"
