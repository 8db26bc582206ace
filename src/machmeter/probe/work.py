"""The digest of what a benchmark computed: two commits that did other work are not compared."""

import hashlib
import struct
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def digest(result: object) -> str:
    """Digest a result independently of memory addresses and of the order of a mapping's keys.

    Parameters
    ----------
    result : None, bool, int, float, str, bytes, array, sequence or mapping of these
        An array is anything with ``dtype``, ``shape`` and either ``tobytes()`` (numpy) or
        ``detach()`` (torch, copied to the CPU). Floats count by their bits: round what may vary.

    Returns
    -------
    str
        "sha256:" and 64 hex digits.

    Raises
    ------
    TypeError
        If a part of the result is of another type.
    """
    state = hashlib.sha256()
    for chunk in _chunks(result):
        # Lengths in front keep ("ab", "c") apart from ("a", "bc").
        state.update(len(chunk).to_bytes(8, "little"))
        state.update(chunk)
    return f"sha256:{state.hexdigest()}"


def _chunks(value: object) -> Iterable[bytes]:
    match value:
        case None | bool() | int():
            yield repr(value).encode()
        case float():
            yield b"f" + struct.pack("<d", value)
        case str():
            yield b"s" + value.encode()
        case bytes():
            yield b"b" + value
        case Mapping():
            yield b"m%d" % len(value)
            for key in sorted(value, key=repr):
                yield from _chunks(key)
                yield from _chunks(value[key])
        case list() | tuple():
            yield b"l%d" % len(value)
            for item in value:
                yield from _chunks(item)
        case _:
            yield from _array_chunks(value)


def _array_chunks(value: Any) -> Iterable[bytes]:  # noqa: ANN401 - duck-typed: numpy and torch are not imported
    if hasattr(value, "detach"):  # torch; by its bytes, since numpy does not know bfloat16
        tensor = value.detach().cpu().contiguous()
        yield f"t{tensor.dtype}{tuple(tensor.shape)}".encode()
        yield bytes(tensor.flatten().view(sys.modules["torch"].uint8).numpy().tobytes())
        return
    if (
        not (hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "tobytes"))
        or value.dtype == object
    ):
        msg = (
            f"A benchmark returned {type(value).__name__!r} as its result. Only numbers, text, bytes, "
            "arrays, sequences and mappings have a digest. Return one of these, or None."
        )
        raise TypeError(msg)
    yield f"a{value.dtype}{tuple(value.shape)}".encode()
    yield value.tobytes()
