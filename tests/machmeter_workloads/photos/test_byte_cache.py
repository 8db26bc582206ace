import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter_workloads.errors import UnfitSizeError
from machmeter_workloads.photos.byte_cache import ByteCache, CacheStatistics

FORK = multiprocessing.get_context("fork")
FILES = 40

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def content(index: int) -> bytes:
    """A pattern in which any byte of another file, and any missing one, shows."""
    return np.random.default_rng(index).bytes(1000 + 37 * index)


TOTAL = sum(len(content(index)) for index in range(FILES))


def never() -> bytes:
    pytest.fail("the file should have been in the cache")


def run(*targets: Callable[[], object]) -> list[int | None]:
    """Run functions in processes at the same time, and give their exit codes."""
    processes = [FORK.Process(target=target) for target in targets]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        process.kill()
    return [process.exitcode for process in processes]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60),
    st.integers(1, 150),
)
def test_a_cache_is_a_dictionary_that_stops_growing(reads: list[tuple[int, int]], capacity: int) -> None:
    """Against a plain model: what is delivered, what is kept, and what is counted."""
    cache = ByteCache(10, capacity)
    kept: dict[int, bytes] = {}
    hits = 0
    for index, size in reads:
        fresh = bytes([index]) * size
        expected = kept.get(index, fresh)
        hits += index in kept
        assert cache.read(index, partial(bytes, fresh)) == expected
        if index not in kept and sum(map(len, kept.values())) + size <= capacity:
            kept[index] = fresh
    used = sum(map(len, kept.values()))
    assert cache.statistics() == CacheStatistics(hits, len(reads) - hits, len(kept), used, capacity)
    cache.close()


def test_what_one_process_read_another_finds() -> None:
    """A file read by a process is there for its siblings and for its parent."""
    cache = ByteCache(FILES, TOTAL)
    assert run(lambda: cache.read(3, partial(content, 3))) == [0]
    assert run(lambda: cache.read(3, never)) == [0]
    assert cache.read(3, never) == content(3)


def test_processes_that_read_the_same_files_keep_each_once() -> None:
    """Four of them, each in another order, and every byte is right."""
    cache = ByteCache(FILES, 2 * TOTAL)

    def read_all(seed: int) -> None:
        for epoch in range(5):
            for index in np.random.default_rng((seed, epoch)).permutation(FILES).tolist():
                assert cache.read(index, partial(content, index)) == content(index)

    codes = run(*(partial(read_all, seed) for seed in range(4)))
    found = cache.statistics()
    assert codes == [0, 0, 0, 0]
    assert (found.files, found.bytes) == (FILES, TOTAL)
    assert (found.hits + found.misses, found.misses >= FILES) == (4 * 5 * FILES, True)


def test_two_that_read_the_same_file_at_the_same_time_keep_it_once() -> None:
    """Both find that it is not there, and both read it; the second one finds that it is there now."""
    cache = ByteCache(FILES, 2 * TOTAL)
    both_missed = FORK.Barrier(2)

    def read() -> bytes:
        both_missed.wait(30)
        return content(1)

    assert run(*[partial(cache.read, 1, read)] * 2) == [0, 0]
    assert cache.statistics() == CacheStatistics(0, 2, 1, len(content(1)), 2 * TOTAL)


class WatchedWriter(ByteCache):
    """Notes whether other threads of its process are kept out while a file is copied."""

    kept_out = False

    def _copy(self, start: int, content: bytes | bytearray) -> None:
        self.kept_out = self._locks[os.getpid()].locked()
        super()._copy(start, content)


def test_threads_are_kept_out_by_a_lock_of_their_own() -> None:
    """To the operating system's lock all threads of a process are the same; in a child it is another one."""
    cache = WatchedWriter(FILES, TOTAL)

    def copies_alone() -> None:
        cache.read(2, partial(content, 2))
        assert cache.kept_out

    with cache._locked():
        child = FORK.Process(target=copies_alone)
        child.start()
    child.join(30)
    child.kill()
    cache.read(3, partial(content, 3))
    assert (child.exitcode, cache.kept_out) == (0, True)


def test_threads_share_it_too() -> None:
    """The lock of the operating system does not know threads, and another does."""
    cache = ByteCache(FILES, 2 * TOTAL)
    wrong: list[int] = []

    def read_all(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(FILES).tolist() * 3
        wrong.extend(i for i in order if cache.read(i, partial(content, i)) != content(i))

    threads = [threading.Thread(target=read_all, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (cache.statistics().files, cache.statistics().bytes) == (FILES, TOTAL)


class DyingWriter(ByteCache):
    """Can be killed when half of a file has been copied, while it holds the lock."""

    dying = False

    def _copy(self, start: int, content: bytes | bytearray) -> None:
        if self.dying:
            super()._copy(start, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        super()._copy(start, content)


def test_a_killed_writer_leaves_neither_half_a_file_nor_a_lock() -> None:
    """Nobody finds the file, the next one reads and keeps it, and its room was not lost."""
    cache = DyingWriter(FILES, TOTAL)

    def die() -> None:
        cache.dying = True
        cache.read(0, partial(content, 0))

    assert run(die) == [-signal.SIGKILL]
    assert cache.statistics() == CacheStatistics(0, 1, 0, 0, TOTAL)
    for index in range(FILES):
        assert cache.read(index, partial(content, index)) == content(index)
    assert cache.statistics().bytes == TOTAL
    assert all(cache.read(index, never) == content(index) for index in range(FILES))


def test_writers_killed_anywhere_leave_only_whole_files() -> None:
    """Ten processes are killed while they write; whatever is found afterwards is as it should be."""
    cache = ByteCache(FILES, 2 * TOTAL)
    rng = np.random.default_rng(0)

    def read_all(seed: int) -> None:
        for index in np.random.default_rng(seed).permutation(FILES).tolist():
            cache.read(index, partial(content, index))

    for seed in range(10):
        goal = cache.statistics().misses + int(rng.integers(0, 6))
        writer = FORK.Process(target=read_all, args=(seed,))
        writer.start()
        while writer.is_alive() and cache.statistics().misses < goal:
            pass
        writer.kill()
        writer.join()
        known = {index for index in range(FILES) if cache._places[index, 1]}
        assert all(cache.read(index, never) == content(index) for index in known)
    read_all(0)
    assert all(cache.read(index, never) == content(index) for index in range(FILES))


def test_a_file_that_cannot_be_read_is_not_kept() -> None:
    """The error is passed on, and the next one tries again."""
    cache = ByteCache(1, 100)

    def refuse() -> bytes:
        raise OSError("no such luck")

    with pytest.raises(OSError, match="no such luck"):
        cache.read(0, refuse)
    assert cache.read(0, lambda: b"there") == b"there"
    assert cache.statistics() == CacheStatistics(0, 2, 1, 5, 100)


def test_an_empty_file_is_kept_like_any_other() -> None:
    """It is not taken for one that is not there."""
    cache = ByteCache(2, 10)
    assert (cache.read(0, lambda: b""), cache.read(0, never)) == (b"", b"")


def test_a_copy_belongs_to_the_reader() -> None:
    """What is delivered stays when the memory is given back."""
    cache = ByteCache(1, 100)
    cache.read(0, lambda: b"content")
    copy = cache.read(0, never)
    cache.close()
    cache.close()
    assert copy == b"content"


def test_nothing_is_left_behind() -> None:
    """The memory has no name in the file system, and closing gives the descriptor back."""
    names, descriptors = set(Path("/dev/shm").iterdir()), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    cache = ByteCache(10, 1000)
    assert set(Path("/dev/shm").iterdir()) == names
    cache.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_memory_is_taken_only_for_what_is_kept() -> None:
    """A cache may be larger than the machine's memory, as long as the files are not."""
    cache = ByteCache(1, 2**40)
    cache.read(0, lambda: bytes(5000))
    assert cache.statistics().bytes == 5000
    cache.close()


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_cache_has_room(capacity: int) -> None:
    """Without any it is refused."""
    with pytest.raises(UnfitSizeError, match=rf"cache of {capacity} bytes"):
        ByteCache(1, capacity)
