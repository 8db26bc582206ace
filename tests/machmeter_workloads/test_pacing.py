import math
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machmeter_workloads.errors import UnfitSizeError
from machmeter_workloads.storage.pacing import SAVED_S, TokenBucket
from machmeter_workloads.storage.source import Source

# Newer versions of Python warn of every fork beside a thread, and numpy's libraries have some.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

RATE = 1000.0


class Clock:
    """Time that passes only by sleeping, or when told."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def bucket_and_clock() -> tuple[TokenBucket, Clock]:
    clock = Clock()
    return TokenBucket(RATE, clock, clock.sleep), clock


def test_the_first_read_waits_as_long_as_the_storage_would_take() -> None:
    """Nothing is saved up before the first byte."""
    bucket, clock = bucket_and_clock()
    bucket.charge(300)
    assert clock.now == pytest.approx(50.3)


def test_reads_queue_up() -> None:
    """Three readers at the same moment wait one, two and three turns."""
    waits: list[float] = []
    bucket = TokenBucket(RATE, Clock(), waits.append)
    for _ in range(3):
        bucket.charge(100)
    assert waits == pytest.approx([0.1, 0.2, 0.3])


def test_time_between_reads_counts_up_to_a_limit() -> None:
    """The storage goes on while a reader decodes, but has little room for what nobody fetches."""
    bucket, clock = bucket_and_clock()
    bucket.charge(100)
    clock.now += 0.06
    bucket.charge(100)
    assert clock.now == pytest.approx(50.2)
    clock.now += 1000
    bucket.charge(150)
    assert clock.now == pytest.approx(1050.2 + 0.15 - SAVED_S)


def test_a_new_count_forgets_what_was_saved() -> None:
    """An epoch begins without an allowance from the pause before it."""
    bucket, clock = bucket_and_clock()
    clock.now += 1000
    bucket.restart()
    bucket.charge(100)
    assert clock.now == pytest.approx(1050.1)
    assert bucket.achieved_bytes_per_s == pytest.approx(RATE)


def test_the_achieved_rate_is_that_of_the_readers_if_they_are_slower() -> None:
    """A slow reader does not get what the storage could give."""
    bucket, clock = bucket_and_clock()
    for _ in range(50):
        bucket.charge(100)
        clock.now += 0.9
    assert bucket.achieved_bytes_per_s == pytest.approx(100 / 0.9, rel=0.03)


def test_there_is_no_rate_before_anything_was_read() -> None:
    """Not zero, which would be a result."""
    assert math.isnan(bucket_and_clock()[0].achieved_bytes_per_s)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 3)), min_size=1, max_size=30))
def test_no_stretch_of_time_delivers_more_than_it_may(reads: list[tuple[int, float]]) -> None:
    """Between any two reads at most the rate and what could have been saved."""
    bucket, clock = bucket_and_clock()
    delivered = [(clock.now, 0)]
    for count, pause in reads:
        clock.now += pause
        bucket.charge(count)
        delivered.append((clock.now, delivered[-1][1] + count))
    for start, (begin, before) in enumerate(delivered):
        for end, after in delivered[start:]:
            assert after - before <= RATE * (end - begin + SAVED_S) + 1e-6


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """The error says how not to slow down at all."""
    with pytest.raises(UnfitSizeError, match=r"cannot give .* bytes a second\..*Leave bytes_per_s out"):
        TokenBucket(rate)


def test_threads_share_one_allowance() -> None:
    """Four threads get together what one would get."""
    waits: list[float] = []
    bucket = TokenBucket(RATE, Clock(), waits.append)
    threads = [threading.Thread(target=bucket.charge, args=(100,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([0.1, 0.2, 0.3, 0.4])


def charge_often(bucket: TokenBucket, times: int) -> None:
    for _ in range(times):
        bucket.charge(1)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_share_one_allowance(method: str) -> None:
    """However they are started, no byte of theirs is lost from the count."""
    bucket = TokenBucket(1e9)
    before = bucket.achieved_bytes_per_s
    context: Any = multiprocessing.get_context(method)
    workers = [context.Process(target=charge_often, args=(bucket, 200)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert math.isnan(before)
    assert bucket._update(lambda account: account).total == 400


def hold_for_ever(bucket: TokenBucket, ready: str) -> None:
    def never(account: object) -> object:
        Path(ready).touch()
        signal.pause()
        return account

    bucket._update(never)  # type: ignore[arg-type]


def test_a_worker_killed_within_the_lock_stops_nobody(tmp_path: Path) -> None:
    """The kernel gives the lock back, and the account is as it was."""
    bucket = TokenBucket(RATE, sleep=lambda _: None)
    bucket.charge(3)
    worker = multiprocessing.get_context("fork").Process(
        target=hold_for_ever, args=(bucket, str(tmp_path / "ready"))
    )
    worker.start()
    while not (tmp_path / "ready").exists():
        os.sched_yield()
    waiting = threading.Thread(target=bucket.charge, args=(4,))
    waiting.start()
    worker.kill()
    worker.join()
    waiting.join(timeout=60)
    assert not waiting.is_alive()
    assert bucket._update(lambda account: account).total == 7


def test_a_bucket_is_not_sent_through_a_queue() -> None:
    """It is inherited; the standard library's own words say so."""
    with pytest.raises(RuntimeError, match="should only be shared between processes through inheritance"):
        multiprocessing.reduction.ForkingPickler.dumps(TokenBucket(RATE))


def test_nothing_is_left_open() -> None:
    """A bucket that is not used any more closes what it opened."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        TokenBucket(RATE, sleep=lambda _: None).charge(1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_source_is_held_to_its_rate(tmp_path: Path) -> None:
    """Half a megabyte in pieces takes as long as it should by a real clock."""
    (tmp_path / "file").write_bytes(bytes(50_000))
    bucket = TokenBucket(2e6)
    source = Source(bucket)
    bucket.restart()
    begin = time.monotonic()
    for _ in range(10):
        source.read(tmp_path / "file")
    elapsed = time.monotonic() - begin
    assert elapsed >= 0.25
    assert 0.5 * 2e6 <= bucket.achieved_bytes_per_s <= 2e6 * 1.001
