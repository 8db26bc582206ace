"""Which CPU flags say what programs can use, and which only say how the kernel runs the CPU today."""

import re
from typing import Final

#: Beginnings of the x86 flags that compiled code and the C library choose their instructions by (names as in
#: Linux' arch/x86/include/asm/cpufeatures.h). Only these are identity; the others come and go on the same
#: hardware and are recorded as state:
#: mitigations and what microcode adds for them (pti, ibrs, ibpb, stibp, ssbd, md_clear, arch_capabilities);
#: what kernels switch off for errata (hle, rtm, rdrand, rdseed, pcid, invpcid, xsaves);
#: what the kernel uses for itself (smap, umip, pku, la57, user_shstk, split_lock_detect);
#: virtualisation, power and monitoring (vmx, hwp, cqm, arch_lbr);
#: what Linux makes up or renames between releases (cpuid, nopl, rep_good, invpcid_single, aperfmperf).
_X86: Final = re.compile(
    "3dnow|abm|adx|aes|amx|avx|bmi|clflush|clwb|clzero|cldemote|cmov|cmpccxadd|cx16|cx8|erms|f16c|fma|fpu|fsrc|fsrm|"
    "fsrs|fxsr|fzrm|gfni|lahf_lm|lm$|lzcnt|misalignsse|mmx|movbe|movdir|pclmulqdq|pdpe1gb|pni|popcnt|prefetchi|"
    "rao_int|rdpid|rdtscp|serialize|sha|sm3|sm4|sse|ssse3|tbm|vaes|vpclmulqdq|waitpkg|wbnoinvd|xop"
)
_X86_ARCHITECTURES: Final = frozenset({"x86_64", "i686", "i586", "i386"})

#: Arm's names (Linux' Documentation/arch/arm64/elf_hwcaps.rst), likewise. Left out: what the kernel switches
#: (bti, mte, paca, ssbs), what it makes up (cpuid, evtstrm), and what newer kernels learn to name on old
#: hardware (afp, dgh, ecv, rng, rpres, wfxt).
_ARM: Final = re.compile(
    "aes|asimd|atomics|bf16|crc32|fcma|fp$|fphp|frint|i8mm|ilrcpc|jscvt|lrcpc|neon|pmull|sha|sm3|sm4|sme|sve|vfp"
)
_ARM_ARCHITECTURES: Final = frozenset({"aarch64", "armv8l", "armv7l"})

_NAME: Final = re.compile(r"[a-z0-9_.+-]{1,40}", re.ASCII | re.IGNORECASE)


def split(text: str, architecture: str) -> tuple[list[str], list[str]] | None:
    """Part the flags of a CPU into those of the hardware and those of its present operation.

    Parameters
    ----------
    text : str
        Flags separated by blanks, from lscpu.
    architecture : str
        As in ``uname -m``.

    Returns
    -------
    tuple of two lists of str, or None
        Instruction sets and the rest, both sorted; None if the text is no list of flags.
    """
    flags = sorted(set(text.split()))
    if not flags or not all(map(_NAME.fullmatch, flags)):
        return None
    kept = [flag for flag in flags if _of_hardware(flag, architecture)]
    return kept, [flag for flag in flags if flag not in kept]


def _of_hardware(flag: str, architecture: str) -> bool:
    if architecture in _X86_ARCHITECTURES:
        return _X86.match(flag) is not None
    if architecture in _ARM_ARCHITECTURES:
        return _ARM.match(flag) is not None
    return True
