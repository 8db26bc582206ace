import pytest

from machmeter.machine.parsing import GIB, listed, nominal_gib, size_kib


@pytest.mark.parametrize(
    ("kib", "expected"),
    [
        (24_684_092, 24),
        (263_855_488, 256),
        (528_015_360, 512),
        (32_468_184, 32),
        (16_186_028, 16),
        (8_000_000, 8),
        (985_064, 1),
        (81_559 * 1024, 80),
        (23_028 * 1024, 24),
        (15_109 * 1024, 15),
    ],
)
def test_nominal_memory(kib: int, expected: float) -> None:
    """What kernel or driver leave of the memory is rounded up to what was built in."""
    assert nominal_gib(kib * 1024) == expected


@pytest.mark.parametrize(
    "gib", [1, 2, 3, 4, 6, 8, 12, 15, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024]
)
@pytest.mark.parametrize("reserved", [0, 0.01, 0.03, 0.05])
def test_nominal_memory_does_not_depend_on_what_is_reserved(gib: int, reserved: float) -> None:
    """Up to a twentieth may be reserved without another number."""
    assert nominal_gib(gib * GIB * (1 - reserved)) == gib


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 1),
        ("0-5,48-53\n", 12),
        ("0,2,4", 3),
        ("", "unknown"),
        ("a-b", "unknown"),
        ("5-", "unknown"),
        (None, "unknown"),
    ],
)
def test_kernel_lists(text: str | None, expected: int | str) -> None:
    """The kernel's lists are counted without writing them out."""
    assert listed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48K", 48),
        ("1.5 MiB", 1536),
        ("32768K\n", 32768),
        ("2048", 2),
        ("-48K", "unknown"),
        ("0K", "unknown"),
        (None, "unknown"),
    ],
)
def test_sizes(text: str | None, expected: int | str) -> None:
    """Sizes of sysfs and lscpu are KiB; nothing is not a size."""
    assert size_kib(text) == expected
