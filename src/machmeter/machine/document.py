"""The document that keeps a fingerprint beside the results: written once, verified whenever it is read."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from machmeter import files
from machmeter.errors import FingerprintDocumentError
from machmeter.model import Fingerprint

#: Goes up when the fields of the document change their meaning.
SCHEMA: Final = 1

_LABEL: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_FIELDS: Final = frozenset({"schema", "tag", "digest", "label", "identity", "state", "checksum"})


def write(path: Path, fingerprint: Fingerprint) -> None:
    """Keep a fingerprint at `path`, once.

    Parameters
    ----------
    path : Path
        Its folder is made if needed. A document of the same hardware that lies there is left as it is,
        also if its state is another: what changed in between is told by the runs.
    fingerprint : Fingerprint

    Raises
    ------
    FingerprintDocumentError
        If something else lies there; it is not overwritten.
    UnwritableError
        If the folder or the file cannot be written.
    """
    if path.exists():
        _refuse_another(path, read(path), fingerprint)
        return
    files.write_text(path, to_json(fingerprint))


def read(path: Path) -> Fingerprint:
    """Read the fingerprint kept at `path`.

    Raises
    ------
    FingerprintDocumentError
        If it cannot be read, is no such document, or does not fit its own hashes.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise FingerprintDocumentError(path, f"it cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise FingerprintDocumentError(path, "it is not complete JSON") from error
    return _verified(path, document)


def to_json(fingerprint: Fingerprint) -> str:
    """Give the text of the document: schema, tag, digest, label, identity, state, checksum over all."""
    body = {
        "schema": SCHEMA,
        "tag": fingerprint.tag,
        "digest": fingerprint.digest,
        "label": fingerprint.label,
        "identity": dict(fingerprint.identity),
        "state": dict(fingerprint.state),
    }
    return json.dumps({**body, "checksum": _checksum(body)}, indent=1) + "\n"


def _verified(path: Path, document: Any) -> Fingerprint:  # noqa: ANN401  (anything may lie there)
    if not isinstance(document, dict) or set(document) != _FIELDS:
        raise FingerprintDocumentError(path, "it has not the fields of one")
    if document["schema"] != SCHEMA:
        raise FingerprintDocumentError(
            path, f"its schema is {document['schema']!r}, and this version reads {SCHEMA}"
        )
    checksum = document.pop("checksum")
    if checksum != _checksum(document):
        raise FingerprintDocumentError(
            path, "its content does not fit its checksum, so it was changed by hand"
        )
    sound = isinstance(document["identity"], dict) and isinstance(document["state"], dict)
    if not sound or not isinstance(document["label"], str) or not _LABEL.fullmatch(document["label"]):
        raise FingerprintDocumentError(path, "its fields are of other types")
    found = Fingerprint(document["identity"], document["state"], document["label"])
    if (found.digest, found.tag) != (document["digest"], document["tag"]):
        raise FingerprintDocumentError(
            path, f"its facts are those of {found.tag}, not of {document['tag']!r}"
        )
    return found


def _refuse_another(path: Path, stored: Fingerprint, current: Fingerprint) -> None:
    if stored.digest != current.digest:
        raise FingerprintDocumentError(
            path, f"it describes {stored.tag}, and {current.tag} should be kept there"
        )


def _checksum(body: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of everything but the checksum itself."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
