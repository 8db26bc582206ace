"""Writing the site's files: a reader sees the old file or the new one, never half of it."""

import os
from pathlib import Path


def write(path: Path, content: str) -> None:
    """Write text under a temporary name, flush it, and rename it.

    Parameters
    ----------
    path : Path
        Its folder exists.
    content : str
        Written as UTF-8.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="xmlcharrefreplace", newline="\n") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
