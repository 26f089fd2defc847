"""A headless Chromium, driven by its own protocol over two pipes: nothing to install beside the browser."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 60.0
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def installed() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """One browser. It reads commands from its file 3 and writes answers and events to its file 4, each ended by 0."""

    def __init__(self, program: str, profile: Path) -> None:
        commands, self._to = map(_high, os.pipe())
        self._from, answers = map(_high, os.pipe())
        # Chromium's sandbox refuses to run for root, and the pages are our own.
        flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={profile}"]
        silent = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
        pipes = [(os.POSIX_SPAWN_DUP2, commands, 3), (os.POSIX_SPAWN_DUP2, answers, 4)]
        self._pid = os.posix_spawn(program, [program, *flags], os.environ, file_actions=[*silent, *pipes], setpgroup=0)
        os.close(commands)
        os.close(answers)
        self._rest, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Have the browser do something and return its answer."""
        self._number += 1
        command = {
            "id": self._number,
            "method": method,
            "params": params,
            **({"sessionId": session} if session else {}),
        }
        os.write(self._to, json.dumps(command).encode() + b"\0")
        while (message := self._read()).get("id") != self._number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    def wait_for(self, method: str, session: str) -> dict[str, Any]:
        """Return the first event of a kind, also one that came already."""
        while True:
            for event in self.events:
                if event["method"] == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event
            self.events.append(self._read())

    def close(self) -> None:
        """End the browser and all its processes."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)

    def _read(self) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE_SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, ends - time.monotonic()))
            some = os.read(self._from, 1 << 20) if ready else b""
            if not some:
                raise RuntimeError("Chromium has ended" if ready else f"no answer in {PATIENCE_SECONDS:.0f} s")
            self._rest += some
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@dataclass
class Tab:
    """One page, with everything that it complained of and asked the network for."""

    browser: Chromium
    session: str
    target: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Chromium, *, width: int = 1400, height: int = 900) -> Tab:
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = cls(browser, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.resize(width, height)
        return tab

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        answer = self.browser.call(method, self.session, **params)
        self._collect()
        return answer

    def go(self, url: str) -> None:
        """Load a page and wait until its scripts have run."""
        self.call("Page.navigate", url=url)
        self.browser.wait_for("Page.loadEventFired", self.session)
        self._collect()

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        """Have the system be light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", expression))
        return answer["result"].get("value")

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press and release a key; `code` is its virtual key code."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        self.call("Input.dispatchKeyEvent", type="keyDown", **known)
        self.call("Input.dispatchKeyEvent", type="keyUp", **known)

    def photograph(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        self.browser.call("Target.closeTarget", targetId=self.target)

    def _collect(self) -> None:
        for event in self.browser.events:
            params = event.get("params", {})
            match event["method"] if event.get("sessionId") == self.session else "":
                case "Runtime.exceptionThrown":
                    self.complaints.append(str(params["exceptionDetails"]))
                case "Runtime.consoleAPICalled":
                    self.complaints.append(f"{params['type']}: {params['args']}")
                case "Log.entryAdded":
                    self.complaints.append(params["entry"]["text"])
                case "Network.requestWillBeSent":
                    self.requests.append(params["request"]["url"])
        kept = ("Page.loadEventFired",)
        self.browser.events = [event for event in self.browser.events if event["method"] in kept]


def _high(descriptor: int) -> int:
    """Return the same file under a number that 3 and 4 cannot be."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return high
