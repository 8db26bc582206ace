"""Where machmeter keeps its files: beside asv's results, never among them."""

from pathlib import Path


def companion_dir(results_dir: Path) -> Path:
    """Folder of machmeter's own files for a results directory.

    asv walks its results directory and skips regressions when it meets files it does not know, so
    ours stand beside it: ``.asv/results`` has ``.asv/results.machmeter``.
    """
    return results_dir.with_name(results_dir.name + ".machmeter")


def samples_dir(results_dir: Path, machine: str) -> Path:
    """Folder of the sidecars of one machine."""
    return companion_dir(results_dir) / "samples" / machine


def fingerprint_path(results_dir: Path, machine: str) -> Path:
    """File that holds the fingerprint behind a machine name."""
    return companion_dir(results_dir) / "machines" / f"{machine}.json"
