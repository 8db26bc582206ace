"""A page in Chromium that is used like a person does, over the DevTools protocol on two pipes."""

import base64
import fcntl
import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import FLAGS, browser

_PATIENCE_S = 60.0
_KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "ArrowLeft": ("", 37), "ArrowUp": ("", 38)}
_KEYS |= {"ArrowRight": ("", 39), "ArrowDown": ("", 40), "Home": ("", 36), "Tab": ("", 9)}


class Page:
    """An open page.

    Parameters
    ----------
    receiver, sender : int
        Descriptors of the browser's answers and of our commands.
    """

    def __init__(self, receiver: int, sender: int) -> None:
        self._receiver, self._sender = receiver, sender
        self._unread, self._sent, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []

    def open(self, address: str, width: int, height: int, *, dark: bool) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height)
        self.send("Emulation.setScrollbarsHidden", hidden=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url=address)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._read()

    def resize(self, width: int, height: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self._sent += 1
        session = {"sessionId": self._session} if self._session else {}
        command = json.dumps({"id": self._sent, "method": method, "params": params, **session})
        os.write(self._sender, command.encode() + b"\0")
        while (answer := self._read()).get("id") != self._sent:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def value(self, expression: str) -> Any:
        """Evaluate a script's expression; a promise is waited for."""
        told = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression holds."""
        look = f"const look = () => (({expression}) ? done() : setTimeout(look, 10)); look();"
        self.value(f"new Promise((done) => {{ {look} }})")

    def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def point(self, x: float, y: float) -> None:
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, *keys: str) -> None:
        for key in keys:
            text, code = _KEYS.get(key) or (key, ord(key.upper()) if key.isalnum() else 0)
            about = {"key": key, "windowsVirtualKeyCode": code}
            self.send("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
            self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def write(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        """Keep the whole page as a picture."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def requests(self) -> list[str]:
        """Every address that was asked for."""
        asked = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in asked]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What the console shows: errors, refusals and everything that was logged."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [event["params"] for event in self.events if event["method"] in kinds]

    def _read(self) -> dict[str, Any]:
        """Read one message and keep it if it is an event."""
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._receiver], [], [], _PATIENCE_S)
            assert ready, f"the browser said nothing for {_PATIENCE_S} s"
            piece = os.read(self._receiver, 1 << 20)
            assert piece, "the browser is gone"
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        if "method" in told:
            self.events.append(told)
        return told


@contextmanager
def open_page(
    address: str, profile: Path, *, width: int = 1280, height: int = 900, dark: bool = False
) -> Iterator[Page]:
    """Open an address in a browser of its own.

    Parameters
    ----------
    address : str
        Of the page.
    profile : Path
        The browser's own folder.
    width, height : int, pixels
        Of the page's window.
    dark : bool
        The preferred colour scheme.
    """
    flags = [flag for flag in FLAGS if not flag.startswith("--virtual-time")]
    command = [browser(), *flags, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    commands, answers = _pipe(), _pipe()
    actions = [
        *((os.POSIX_SPAWN_DUP2, commands[0], 3), (os.POSIX_SPAWN_DUP2, answers[1], 4)),
        (os.POSIX_SPAWN_OPEN, 2, str(profile.with_suffix(".log")), os.O_WRONLY | os.O_CREAT, 0o600),
    ]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(commands[0])
    os.close(answers[1])
    try:
        page = Page(answers[0], commands[1])
        page.open(address, width, height, dark=dark)
        yield page
    finally:
        os.close(commands[1])
        os.close(answers[0])
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def _pipe() -> tuple[int, int]:
    """Open a pipe far from the two numbers that the browser's ends get."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
