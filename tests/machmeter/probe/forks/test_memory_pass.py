"""The memory pass: where stacks begin without memray, and what real memray tells where it is installed."""

import sys
import threading
from typing import Any

import pytest

from machmeter.probe import stacks
from machmeter.probe.forks import kinds, memory_pass

MIB = 1 << 20


class Benchmark:
    """What the pass asks of asv_runner's."""

    _setups = ()

    def __init__(self, func: Any) -> None:
        self.func = func

    def _build_params(self) -> tuple[int, ...]:
        return (3,)


class Holder:
    def fill(self, size: int) -> bytearray:
        return bytearray(size * MIB)


def holds(size: int) -> None:
    kept = [Holder().fill(size)]
    kept += [bytearray(MIB) for _ in range(2)]
    del kept


def taken(func: Any) -> dict[str, Any]:
    benchmark = Benchmark(func)
    return memory_pass.take(kinds.Kind(benchmark), benchmark, {__name__.partition(".")[0]})


def test_a_stack_begins_below_the_benchmark() -> None:
    """Whatever calls it is ours."""
    frames = ["machmeter.probe.forks.memory_pass:take", stacks.REGION, "bench:time_x", "toy:f", "toy:f"]
    assert memory_pass.placed(frames) == ("main", "bench:time_x", "toy:f")


@pytest.mark.parametrize(
    ("frames", "stack"),
    [
        (["threading:Thread.run", "toy:f"], ("thread", "threading:Thread.run", "toy:f")),
        ([], ("thread",)),
        (["machmeter.probe.forks.memory_pass:take", "memray:Tracker.__exit__"], None),
    ],
)
def test_other_stacks_are_threads_or_ours(frames: list[str], stack: tuple[str, ...] | None) -> None:
    """What memray itself allocates is left out; threads that Python does not know count."""
    assert memory_pass.placed(frames) == stack


def test_without_memray_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback of an import."""
    monkeypatch.setitem(sys.modules, "memray", None)
    assert taken(holds)["refused"].startswith("memray cannot be imported in the benchmark environment")


def test_an_interpreter_of_its_own_is_refused() -> None:
    """Its allocations are in another process."""
    raw = kinds.Raw.__new__(kinds.Raw)
    assert "interpreter of their own" in memory_pass.take(raw, None, ())["refused"]


def test_bytes_are_those_of_the_peak_by_call_path() -> None:
    """Each function with its qualified name, an expression with its owner's."""
    pytest.importorskip("memray")
    rows = {tuple(stack): (size, number) for stack, size, number in taken(holds)["rows"]}
    module = stacks.named("holds", __file__, stacks.module_names({__name__: __file__}))
    fill = module.replace(":holds", ":Holder.fill")
    assert rows["main", module, fill][0] == pytest.approx(3 * MIB, rel=0.001)
    assert rows["main", module][0] == pytest.approx(2 * MIB, rel=0.01)


def test_two_calls_tell_the_same() -> None:
    """Python's own objects are followed one by one: arenas would make this a matter of chance."""
    pytest.importorskip("memray")

    def churns(size: int) -> int:
        return len({str(number): [number] for number in range(size * 1000)})

    one, other = (sum(row[1] for row in taken(churns)["rows"]) for _ in range(2))
    assert one == pytest.approx(other, rel=0.001)
    assert one > 3000 * (50 + 56)


def test_threads_of_the_benchmark_count() -> None:
    """In a role of their own."""
    pytest.importorskip("memray")

    def spreads(size: int) -> None:
        worker = threading.Thread(target=lambda: Holder().fill(size))
        worker.start()
        worker.join()

    rows = taken(spreads)["rows"]
    threads = [(stack, size) for stack, size, _ in rows if stack[0] == "thread"]
    assert sum(size for _, size in threads) > 2.9 * MIB
    assert any(stack[-1].endswith(":Holder.fill") for stack, _ in threads)
