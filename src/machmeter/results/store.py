"""Files that can be made again: arrays and a description, whole or not there at all."""

import io
import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from machmeter.errors import UnwritableError
from machmeter.files import write_bytes

_DESCRIPTION: Final = "description"
_DIGEST_BYTES: Final = 16


def save(path: Path, description: Any, arrays: Mapping[str, NDArray[Any]]) -> str | None:  # noqa: ANN401 - JSON
    """Write a description (JSON's types) and arrays of numbers; the last of several writers wins.

    Returns
    -------
    str or None
        Why it could not be written: a store only saves time, so that is no error.
    """
    text = np.frombuffer(json.dumps(description, separators=(",", ":")).encode(), np.uint8)
    stream = io.BytesIO()
    members: dict[str, Any] = {_DESCRIPTION: text, **arrays}
    np.savez(stream, **members)
    content = stream.getvalue()
    try:
        write_bytes(path, _digest(content) + content, durable=False)
    except UnwritableError as error:
        return error.fact
    return None


def load(path: Path) -> tuple[Any, dict[str, NDArray[Any]]] | None:
    """Read what `save` wrote.

    Returns
    -------
    description, arrays
        None if there is no such file, or if it is not to the last bit what was written.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if _digest(content) != digest:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as members:
        arrays = {name: members[name] for name in members.files}
    return json.loads(arrays.pop(_DESCRIPTION).tobytes()), arrays


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGEST_BYTES).digest()
