from pathlib import Path

import pytest

from machmeter.machine import cgroups

V2 = "30 23 0:26 {root} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "32 31 0:29 {root} {point} rw,relatime - cgroup cgroup rw,{names}\n"


def build(folder: Path, groups: str, mounts: str, files: dict[str, str]) -> dict[str, str | None]:
    """Lay out a /proc/self and the files of the groups, and read them."""
    for name, text in {"proc/cgroup": groups, "proc/mountinfo": mounts, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return cgroups.read(folder / "proc")


def test_v2_limits_from_the_own_group_up_to_the_root(tmp_path: Path) -> None:
    """Every level gives a line, the own group first; a level without the file gives none."""
    files = {
        "cg/a.slice/job/cpu.max": "max 100000\n",
        "cg/a.slice/cpu.max": "150000 100000\n",
        "cg/a.slice/memory.max": "4294967296\n",
        "cg/cpuset.cpus.effective": "0-7\n",
    }
    read = build(tmp_path, "0::/a.slice/job\n", V2.format(root="/", point=tmp_path / "cg"), files)
    expected = {
        "cgroup.cpu": "max 100000\n150000 100000\n",
        "cgroup.memory": "4294967296\n",
        "cgroup.cpuset": "0-7\n",
    }
    assert read == expected


def test_v1_limits(tmp_path: Path) -> None:
    """Quota and period of v1 make one line; each controller is looked for in its own hierarchy."""
    mounts = V1.format(root="/", point=tmp_path / "cpu", names="cpu,cpuacct") + V1.format(
        root="/", point=tmp_path / "mem", names="memory"
    )
    files = {
        "cpu/job/cpu.cfs_quota_us": "50000\n",
        "cpu/job/cpu.cfs_period_us": "100000\n",
        "mem/other/memory.limit_in_bytes": "536870912\n",
    }
    read = build(tmp_path, "5:memory:/other\n4:cpu,cpuacct:/job\n", mounts, files)
    assert (read["cgroup.cpu"], read["cgroup.memory"]) == ("50000 100000\n", "536870912\n")


@pytest.mark.parametrize("root", ["/docker/c0ffee", "/"])
def test_container_that_sees_its_group_as_the_root(root: str, tmp_path: Path) -> None:
    """In a container the path of the group is not below the mount point, but its limits are there."""
    mounts = V1.format(root=root, point=tmp_path / "cpu", names="cpu")
    files = {"cpu/cpu.cfs_quota_us": "250000\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert build(tmp_path, "4:cpu:/docker/c0ffee\n", mounts, files)["cgroup.cpu"] == "250000 100000\n"


def test_mixed_hierarchies_look_at_both(tmp_path: Path) -> None:
    """Where v1 controllers and an empty v2 hierarchy are mounted, the v1 limits count."""
    mounts = V2.format(root="/", point=tmp_path / "v2") + V1.format(
        root="/", point=tmp_path / "mem", names="memory"
    )
    files = {"mem/memory.limit_in_bytes": "1073741824\n"}
    assert build(tmp_path, "4:memory:/\n0::/\n", mounts, files)["cgroup.memory"] == "1073741824\n"


def test_machine_without_limits(tmp_path: Path) -> None:
    """The root group of v2 has no limit files: nothing is limited, and that is known."""
    read = build(tmp_path, "0::/\n", V2.format(root="/", point=tmp_path), {})
    assert set(read.values()) == {""}


@pytest.mark.parametrize("mounts", ["", "garbage\n", "1 2 - cgroup2\n"])
def test_nothing_mounted_is_unknown(mounts: str, tmp_path: Path) -> None:
    """Without a mounted hierarchy nobody knows whether there are limits."""
    assert set(build(tmp_path, "0::/\n", mounts, {}).values()) == {None}


def test_no_proc_is_unknown(tmp_path: Path) -> None:
    """Without /proc/self/cgroup nobody knows either."""
    assert set(cgroups.read(tmp_path / "absent").values()) == {None}


def test_usage_of_each_group_is_a_paragraph(tmp_path: Path) -> None:
    """What the groups have used is told beside their limits, the own group first."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cgroup").write_text("0::/job\n", encoding="utf-8")
    (tmp_path / "proc/mountinfo").write_text(V2.format(root="/", point=tmp_path / "cg"), encoding="utf-8")
    files = {"memory.max": "1000", "memory.current": "900", "memory.stat": "anon 1\ninactive_file 2"}
    for folder in (tmp_path / "cg/job", tmp_path / "cg"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**files, "cpu.stat": "nr_periods 5\nnr_throttled 1"}.items():
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
    assert cgroups.read_usage(tmp_path / "proc") == {
        "cgroup.cpu.stat": "nr_periods 5\nnr_throttled 1\n\nnr_periods 5\nnr_throttled 1\n",
        "cgroup.memory.usage": "1000 900 anon 1\ninactive_file 2\n\n1000 900 anon 1\ninactive_file 2\n",
    }


def test_usage_without_groups_is_unknown(tmp_path: Path) -> None:
    """A process that cannot read its groups knows nothing of their use."""
    assert set(cgroups.read_usage(tmp_path).values()) == {None}
