"""One name, one hardware: results of different machines never lie under the same name."""

from pathlib import Path

from machmeter.errors import MachineMismatchError, UnknownMachineError
from machmeter.machine import document
from machmeter.model import Fingerprint
from machmeter.results import asv_files
from machmeter.results.layout import fingerprint_path


def claim(results_dir: Path, name: str, fingerprint: Fingerprint) -> None:
    """Make sure that results of this machine may be filed under a name, and put its hardware on record.

    Parameters
    ----------
    results_dir : Path
        asv's results directory.
    name : str
        asv's machine name: the tag, or what the user gave with ``--machine``.
    fingerprint : Fingerprint
        Of this machine.

    Raises
    ------
    MachineMismatchError
        If the name holds results of other hardware.
    UnknownMachineError
        If it holds results of hardware that is not on record. A tag carries its hash and needs no record.
    UnwritableError, HalfWrittenResultError, FingerprintDocumentError
        If results could not be kept, or are damaged.
    """
    folder = results_dir / name
    had_results = any(path.name != "machine.json" for path in folder.glob("*.json"))
    asv_files.check(folder)
    record = fingerprint_path(results_dir, name)
    if record.exists():
        stored = document.read(record)
        if stored.digest != fingerprint.digest:
            raise MachineMismatchError(name, stored.tag, fingerprint.tag)
    elif had_results and name != fingerprint.tag:
        raise UnknownMachineError(name, folder)
    document.write(record, fingerprint)
