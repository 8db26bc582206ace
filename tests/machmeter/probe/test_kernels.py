import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from machmeter.probe.kernels import storage, timing
from machmeter.probe.kernels.__main__ import result
from machmeter.probe.kernels.catalogue import KERNELS, kernels_for
from machmeter.probe.kernels.timing import Request, Step, measure

PLAIN = ["matrix_product_f32", "memcpy", "interpreter", "page_cache_read", "widen_f16_f32_numpy"]
COMMAND = [sys.executable, "-m", "machmeter.probe.kernels"]
DEADLINE_S = 30


def run(*arguments: str, **options: Any) -> dict[str, dict[str, Any]]:
    """Run the command and give its lines by name."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=True, **options)
    return {row.pop("name"): row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def request_here(tmp_path: Path) -> Request:
    return Request(str(tmp_path), seconds=0.001, threads=1)


def test_every_kernel_that_numpy_suffices_for_gives_rates(tmp_path: Path) -> None:
    """A line has the unit, a rate a repetition, and the rate over all of them between the extremes."""
    found = run(*PLAIN, "--seconds", "0.01", "--directory", str(tmp_path))
    assert list(found) == PLAIN
    for row in found.values():
        assert len(row["rates"]) >= 3
        assert 0 < min(row["rates"]) <= row["sustained"] <= max(row["rates"])
        assert row["unit"] in {"GB/s", "GFLOP/s", "iterations/s"}


def test_memory_is_copied_by_one_to_all_threads() -> None:
    """The counts are the powers of two and the most."""
    assert [name for name, _ in kernels_for("memcpy_threads", 6)] == [
        "memcpy_threads_1",
        "memcpy_threads_2",
        "memcpy_threads_4",
        "memcpy_threads_6",
    ]
    assert list(run("memcpy_threads", "--threads", "2", "--seconds", "0.01")) == [
        "memcpy_threads_1",
        "memcpy_threads_2",
    ]


def test_a_stop_between_quick_repetitions_lowers_the_sustained_rate_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Repetitions of 1 ms, every fifth of which is stopped for 5 ms: half the rate, the same median."""
    now, calls = [0.0], [0]
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def work() -> None:
        calls[0] += 1
        now[0] += 0.006 if calls[0] % 5 == 0 else 0.001

    timed = measure(Step(work, amount=1.0, conditions=""), seconds=1.0)
    assert timed.sustained == pytest.approx(500, rel=0.02)
    assert sorted(timed.rates)[len(timed.rates) // 2] == pytest.approx(1000)


def test_preparation_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens before a repetition takes no part in its rate; three repetitions are made at least."""
    now = [0.0]
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def advance(seconds: float) -> Callable[[], None]:
        return lambda: now.__setitem__(0, now[0] + seconds)

    timed = measure(Step(advance(2.0), 4.0, "", before=advance(100.0)), seconds=1.0)
    assert timed.rates == pytest.approx([2.0, 2.0, 2.0])


def test_nothing_but_the_standard_library_is_imported() -> None:
    """A benchmark environment needs no package for the kernels to be known."""
    code = (
        "import machmeter.probe.kernels.__main__, sys; print({'numpy', 'torch', 'blosc2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("memcpy", "numpy"),
        ("decode_lz4_f16", "blosc2"),
        ("widen_f16_f32_torch", "torch"),
        ("product_bf16", "torch"),
    ],
)
def test_a_missing_library_is_a_reason(
    name: str, package: str, request_here: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is unavailable and names what is not installed."""
    monkeypatch.setitem(sys.modules, package, None)
    assert result(KERNELS[name], request_here) == {
        "unavailable": f"{package} is not installed in this environment"
    }


def test_no_gpu_is_a_reason(request_here: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that finds no GPU is named with its version."""
    cuda = SimpleNamespace(is_available=lambda: False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, __version__="2.0"))
    assert result(KERNELS["host_to_device"], request_here) == {
        "unavailable": "torch 2.0 finds no GPU that it can use"
    }


def test_a_library_that_fails_is_a_reason(request_here: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver's own error is kept in one line, and the command goes on."""
    cuda = SimpleNamespace(is_available=lambda: 1 / 0)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, __version__="2.0"))
    found = result(KERNELS["device_copy"], request_here)
    assert found["unavailable"].startswith("ZeroDivisionError")


@pytest.mark.parametrize(
    "codec", ["decode_zstd9_f32", "decode_zstd9_f16", "decode_lz4_f32", "decode_lz4_f16"]
)
def test_codecs_decode(codec: str, request_here: Request) -> None:
    """Where blosc2 is installed, each codec gives its rate and how far it compressed."""
    pytest.importorskip("blosc2")
    found = result(KERNELS[codec], request_here)
    assert found["sustained"] > 0
    assert "compressed to 0." in found["conditions"]


@pytest.mark.parametrize("kernel", ["page_cache_read", "cold_read"])
@pytest.mark.parametrize("directory", ["missing", "file"])
def test_a_folder_that_cannot_be_written_is_named(kernel: str, directory: str, tmp_path: Path) -> None:
    """The reason names the folder and what the system said."""
    (tmp_path / "file").touch()
    here = str(tmp_path / directory)
    found = result(KERNELS[kernel], Request(here, seconds=0.001, threads=1))
    assert found["unavailable"].startswith(f"cannot make a scratch file in {here}: ")


@pytest.mark.parametrize("kernel", ["page_cache_read", "cold_read"])
def test_a_full_disk_is_named(kernel: str, tmp_path: Path) -> None:
    """The kernel's limit on a file's size answers as a full disk does; nothing is left behind."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))

    found = run(kernel, "--directory", str(tmp_path), preexec_fn=limit)
    assert found[kernel]["unavailable"].startswith("cannot write ")
    assert f"MiB in {tmp_path}: " in found[kernel]["unavailable"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_file_outlives_a_kernel_that_is_killed(how: signal.Signals, tmp_path: Path) -> None:
    """The scratch file has no name at any time, so that even SIGKILL leaves nothing."""
    command = [*COMMAND, "page_cache_read", "--directory", str(tmp_path), "--seconds", "300"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            until(lambda: any(str(tmp_path) in target for target in open_files(child.pid)))
            child.send_signal(how)
            assert child.wait(DEADLINE_S) != 0
        finally:
            child.kill()
    assert list(tmp_path.iterdir()) == []


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "the condition never held"
        os.sched_yield()


def open_files(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(link.readlink())
        except FileNotFoundError:
            continue


def test_a_cold_file_is_not_in_the_page_cache(tmp_path: Path) -> None:
    """What was written is resident; after fsync and DONTNEED it is not."""
    if storage.filesystem(str(tmp_path)) not in {"ext4", "xfs", "btrfs"}:
        pytest.skip("the folder of the tests lies on a file system of another kind")
    with (tmp_path / "file").open("wb+") as stream:
        stream.write(os.urandom(2**22))
        stream.flush()
        assert storage.resident_share(stream.fileno(), 2**22) == 1.0
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert storage.resident_share(stream.fileno(), 2**22) < 0.1


def test_a_file_system_in_memory_has_no_cold_reads() -> None:
    """It is said so instead of measuring memory."""
    if not os.path.isdir("/dev/shm") or storage.filesystem("/dev/shm") != "tmpfs":  # noqa: PTH112
        pytest.skip("no tmpfs here")
    found = result(KERNELS["cold_read"], Request("/dev/shm", seconds=0.001, threads=1))
    assert found == {"unavailable": "/dev/shm lies on tmpfs, which keeps files in memory"}


@pytest.mark.parametrize(
    ("directory", "expected"),
    [("/", "ext4"), ("/data", "nfs4"), ("/data/deep", "nfs4"), ("/database", "ext4"), ("/my data/x", "xfs")],
)
def test_the_innermost_mount_names_the_file_system(directory: str, expected: str, tmp_path: Path) -> None:
    """A folder beside a mount is not below it, blanks are escaped, and a later mount hides an earlier one."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(
        "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n"
        "2 1 8:2 / /data rw - ext3 /dev/b rw\n"
        "3 1 0:9 / /data rw - nfs4 server:/x rw\n"
        "4 1 8:3 / /my\\040data rw - xfs /dev/c rw\n"
    )
    assert storage.filesystem(directory, str(mountinfo)) == expected


def test_an_unreadable_mountinfo_leaves_the_file_system_unknown(tmp_path: Path) -> None:
    """As in a sandbox without /proc."""
    assert storage.filesystem("/", str(tmp_path / "missing")) == "unknown"


def test_an_unknown_kernel_is_refused() -> None:
    """The message lists those that exist."""
    done = subprocess.run([*COMMAND, "warp_drive"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "matrix_product_f32" in done.stderr
