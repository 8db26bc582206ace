"""The readable part of a machine's name, such as "epyc7451-96c-256g" or "h200x1-16c-128g"."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from machmeter.machine import arm

_LONGEST_PART: Final = 24
_BRANDS: Final = (
    "epyc",
    "threadripper",
    "ryzen",
    "xeon",
    "ultra",
    "core",
    "atom",
    "pentium",
    "celeron",
    "opteron",
    "athlon",
    "neoverse",
    "cortex",
    "graviton",
    "grace",
    "ampere",
    "kunpeng",
    "power",
)
_APPLE: Final = re.compile(r"\bm\d+\b")
_NOISE: Final = re.compile(r"\([^)]*\)|@.*|\bcpu\b|\b\d+-core\b|\b\d+(st|nd|rd|th) gen\b", re.ASCII)
_GPU_NOISE: Final = re.compile(
    r"nvidia|geforce|tesla|quadro|graphics|device|pcie|nvl\b|sxm\d?|hbm\w*|\d+ ?gb\b|-.*", re.ASCII
)
_FIRST_DIGITS: Final = 2


def label(identity: Mapping[str, Any]) -> str:
    """Name a machine by its GPU or CPU, the CPUs that may be used, and the memory that may be used.

    Parameters
    ----------
    identity : mapping of str to JSON value
        Facts of `machmeter.machine.fingerprint.fingerprint`.

    Returns
    -------
    str
        Only a-z, 0-9 and "-", at most about 40 characters: a safe name of a folder. An unknown number is "x".
    """
    cpus = _least(identity["usable_cpus"], identity["cpu_quota"])
    memory = _least(identity["ram_gib"], identity["memory_limit_gib"])
    return f"{_gpus(identity['gpus']) or _cpu(identity)}-{cpus}c-{memory}g"


def _least(*amounts: object) -> str:
    numbers = [amount for amount in amounts if isinstance(amount, int | float)]
    return str(math.ceil(min(numbers))) if numbers else "x"


def _gpus(gpus: object) -> str | None:
    """Give "h100x8"; GPUs of several kinds together are "gpux3"."""
    if not isinstance(gpus, list) or not gpus:
        return None
    kinds = {_gpu(gpu) for gpu in gpus}
    return f"{kinds.pop() if len(kinds) == 1 else 'gpu'}x{len(gpus)}"


def _gpu(gpu: Mapping[str, Any]) -> str:
    name = _plain(_GPU_NOISE.sub(" ", gpu["name"].lower()), "") or "gpu"
    profile = gpu["mig_profile"]
    return name if profile in {"none", "unknown"} else f"{name}-{_plain(profile.lower(), '')}"


def _cpu(identity: Mapping[str, Any]) -> str:
    """Give brand and model, such as "ryzen7950x"; else the maker's first word, else the architecture."""
    names = arm.names(identity) or identity["cpu_name"]
    first = names[0] if isinstance(names, list) else names
    known = "" if first == "unknown" else str(first)
    words = _NOISE.sub(" ", known.lower().replace("(r)", " ").replace("(tm)", " ")).split()
    apple = _APPLE.search(known.lower().replace("-", " "))
    branded = apple[0] if apple and _is_apple(identity) else _branded(words)
    named = [word for word in words[:1] if re.search("[a-z]", word)]
    fallbacks = (branded, *named, str(identity["architecture"]))
    return next(filter(None, (_plain(text, "-") for text in fallbacks)), "machine")


def _is_apple(identity: Mapping[str, Any]) -> bool:
    vendor = str(identity["cpu_vendor"]).lower()
    return "apple" in vendor or "0x61" in vendor


def _branded(words: list[str]) -> str:
    index, brand = next(((i, b) for b in _BRANDS for i, w in enumerate(words) if w.startswith(b)), (0, ""))
    if not brand:
        return ""
    model = next((w for w in words[index:] if len(re.findall(r"\d", w)) >= _FIRST_DIGITS), "")
    if not model or model == words[index]:
        return words[index]
    if brand == "core":
        return model
    return f"{brand}{'' if model[0].isdigit() else '-'}{model}"


def _plain(text: str, glue: str) -> str:
    return re.sub(r"[^a-z0-9]+", glue, text.lower())[:_LONGEST_PART].strip("-")
