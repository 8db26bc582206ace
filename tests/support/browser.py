"""Pages in a real browser: Chromium, as Debian has it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--window-size=1280,900"),
)


@dataclass(frozen=True)
class Opened:
    """A page as the browser has it after its scripts ran.

    Parameters
    ----------
    dom : str
        The document as HTML.
    console : list of str
        Every message of the page, errors included.
    """

    dom: str
    console: list[str]

    @property
    def text(self) -> str:
        """The DOM without its tags."""
        return unescape(re.sub(r"<[^>]+>", " ", self.dom.replace("<wbr>", "")))


def browser() -> str:
    """Find Chromium; only who says so in the environment goes without."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and "MACHMETER_WITHOUT_BROWSER" in os.environ:
        pytest.skip("MACHMETER_WITHOUT_BROWSER is set and none of " + ", ".join(names) + " is on PATH")
    assert found, f"none of {names} is on PATH: install one, or set MACHMETER_WITHOUT_BROWSER=1"
    return found


def open_page(address: str, profile: Path) -> Opened:
    """Open an address and wait for its scripts."""
    command = [browser(), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return Opened(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])
