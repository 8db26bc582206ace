import gc
import os
from types import SimpleNamespace

import pytest
import torch

from machmeter_workloads.loaders.slots import SlotLayout, Slots

LAYOUT = SlotLayout(count=3, batch_size=2, cube=(4, 5, 6))
LAST = SlotLayout(count=3, batch_size=2, cube=(4, 5, 6), dtype=torch.float16, channels_last=True)


class FakeRuntime:
    """Stands for CUDA's runtime, and remembers what is locked."""

    def __init__(self) -> None:
        self.locked: dict[int, int] = {}
        self.answer = 0

    def cudaHostRegister(self, pointer: int, size: int, flags: int) -> int:  # noqa: N802 - CUDA's name
        self.locked[pointer] = size
        return self.answer

    def cudaHostUnregister(self, pointer: int) -> int:  # noqa: N802 - CUDA's name
        del self.locked[pointer]
        return 0


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    fake = FakeRuntime()

    def check_error(code: int) -> None:
        if code:
            raise RuntimeError(f"CUDA error {code}")

    cuda = SimpleNamespace(cudart=lambda: fake, check_error=check_error, synchronize=lambda: None)
    monkeypatch.setattr(torch, "cuda", cuda)
    return fake


@pytest.mark.parametrize("memory", ["private", "shared"])
@pytest.mark.parametrize("layout", [LAYOUT, LAST])
def test_slots_have_the_shapes_of_the_contract(layout: SlotLayout, memory: str) -> None:
    """Whatever the order in memory, a slot shows (B, bands, H, W) cubes, (B, H, W) masks and (B,) indices."""
    slots = Slots(layout, shared=memory == "shared")
    assert (slots.cubes.shape, slots.cubes.dtype) == ((3, 2, 4, 5, 6), layout.dtype)
    assert (slots.masks.shape, slots.masks.dtype) == ((3, 2, 5, 6), torch.int64)
    assert (slots.indices.shape, slots.indices.dtype) == ((3, 2), torch.int64)


def test_a_decoder_writes_pixels_in_the_order_of_its_files() -> None:
    """What is written as (H, W, bands) is seen as (bands, H, W), without a copy."""
    slots = Slots(LAST)
    array = slots.cube_array(2, 1)
    array[:] = torch.arange(5 * 6 * 4).reshape(5, 6, 4).numpy()
    assert array.flags.c_contiguous
    assert slots.batch(2, 2).cubes[1, 3, 4, 5] == array[4, 5, 3]
    assert slots.batch(2, 2).cubes.is_contiguous(memory_format=torch.channels_last)


def test_a_partial_batch_shows_what_was_filled() -> None:
    """A slot looked at with fewer cubes is the beginning of the same memory."""
    slots = Slots(LAYOUT)
    batch = slots.batch(1, 1)
    assert [len(batch.cubes), len(batch.masks), len(batch.indices)] == [1, 1, 1]
    assert batch.cubes.data_ptr() == slots.cubes[1].data_ptr()


def test_slots_do_not_overlap() -> None:
    """Filling one leaves the others."""
    slots = Slots(LAYOUT, shared=True)
    for slot in range(3):
        slots.cubes[slot] = slot
    assert [slots.cubes[slot].unique().tolist() for slot in range(3)] == [[0], [1], [2]]


def test_a_forked_process_fills_shared_slots() -> None:
    """What it writes is seen here."""
    slots = Slots(LAYOUT, shared=True)
    pid = os.fork()
    if not pid:
        slots.cube_array(1, 0).fill(7)
        os._exit(0)
    os.waitpid(pid, 0)
    assert slots.cubes[1, 0].unique().tolist() == [7]


def test_shared_memory_has_no_name_and_goes_with_the_slots() -> None:
    """Nothing appears under /dev/shm, and no file stays open."""
    gc.collect()  # what other tests have left
    names, handles = set(os.listdir("/dev/shm")), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    slots = Slots(LAYOUT, shared=True)
    assert set(os.listdir("/dev/shm")) == names  # noqa: PTH208
    del slots
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == handles  # noqa: PTH208


def test_pinning_locks_all_of_the_memory_once(runtime: FakeRuntime) -> None:
    """Each tensor from its first byte to its last, and unpinning twice gives all of it back."""
    slots = Slots(LAYOUT, shared=True)
    slots.pin()
    slots.pin()
    expected = {each.data_ptr(): each.nbytes for each in (slots.memory, slots.masks, slots.indices)}
    assert runtime.locked == expected
    slots.unpin()
    slots.unpin()
    assert runtime.locked == {}


def test_memory_that_cannot_be_locked_is_reported(runtime: FakeRuntime) -> None:
    """CUDA's answer is not ignored."""
    runtime.answer = 2
    with pytest.raises(RuntimeError, match="CUDA error 2"):
        Slots(LAYOUT).pin()
