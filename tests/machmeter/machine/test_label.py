from typing import Any

import pytest

from machmeter.machine.label import label

MACHINE: dict[str, Any] = {
    "cpu_name": "AMD EPYC",
    "cpu_vendor": "AuthenticAMD",
    "architecture": "x86_64",
    "usable_cpus": 2,
    "cpu_quota": "unlimited",
    "ram_gib": 24,
    "memory_limit_gib": "unlimited",
    "gpus": [],
}


def gpu(name: str, profile: str = "none") -> dict[str, str]:
    """Make a GPU of that name."""
    return {"name": name, "mig_profile": profile}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AMD EPYC", "epyc"),
        ("AMD EPYC 9R14", "epyc9r14"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "ryzen7950x"),
        ("AMD Ryzen Threadripper 3960X 24-Core Processor", "threadripper3960x"),
        ("Intel Xeon Processor (Skylake, IBRS)", "xeon"),
        ("Intel(R) Xeon(R) Platinum 8488C", "xeon8488c"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "xeon-e5-2686"),
        ("13th Gen Intel(R) Core(TM) i9-12900K", "i9-12900k"),
        ("Intel(R) Core(TM) Ultra 7 155H", "ultra155h"),
        ("Neoverse-V2", "neoverse-v2"),
        (["Cortex-A510", "Cortex-X3"], "cortex-a510"),
        ("POWER9, altivec supported", "power9"),
        ("QEMU Virtual CPU version 2.5+", "qemu"),
        ("unknown", "x86-64"),
        ("龍芯", "x86-64"),
    ],
)
def test_cpu(name: object, expected: str) -> None:
    """The brand and the model of the CPU name a machine without GPU."""
    assert label({**MACHINE, "cpu_name": name}) == f"{expected}-2c-24g"


def test_apple() -> None:
    """Apple's cores are named after their chip."""
    name = ["Blizzard-M2", "Avalanche-M2"]
    assert label({**MACHINE, "cpu_name": name, "cpu_vendor": "Apple"}) == "m2-2c-24g"


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ([gpu("NVIDIA H200")], "h200x1"),
        ([gpu("NVIDIA H100 80GB HBM3")] * 8, "h100x8"),
        ([gpu("Tesla V100-SXM2-16GB")] * 4, "v100x4"),
        ([gpu("NVIDIA GeForce RTX 3090 Ti")], "rtx3090tix1"),
        ([gpu("NVIDIA RTX A6000")] * 2, "rtxa6000x2"),
        ([gpu("NVIDIA A100-SXM4-40GB", "1g.5gb")], "a100-1g5gbx1"),
        ([gpu("NVIDIA H100 PCIe"), gpu("NVIDIA A30")], "gpux2"),
        ([gpu("unknown", "unknown")], "unknownx1"),
    ],
)
def test_gpus(gpus: list[dict[str, str]], expected: str) -> None:
    """Kind and number of the GPUs name a machine that has some."""
    assert label({**MACHINE, "gpus": gpus}) == f"{expected}-2c-24g"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"usable_cpus": 8, "cpu_quota": 1.5}, "epyc-2c-24g"),
        ({"usable_cpus": 1, "cpu_quota": 1.5}, "epyc-1c-24g"),
        ({"usable_cpus": "unknown"}, "epyc-xc-24g"),
        ({"memory_limit_gib": 3.5}, "epyc-2c-4g"),
        ({"ram_gib": "unknown"}, "epyc-2c-xg"),
        ({"gpus": "unknown"}, "epyc-2c-24g"),
    ],
)
def test_capacity(change: dict[str, Any], expected: str) -> None:
    """CPUs and memory are those that may be used, rounded up."""
    assert label({**MACHINE, **change}) == expected
