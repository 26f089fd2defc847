"""A server of our own as a child process: its log in a file, stopped by its own pid and nothing else's."""

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

STOP_SECONDS = 20
TAIL_CHARACTERS = 4000


class StartError(Exception):
    """A server did not start; the text ends with what it logged last."""


class Child:
    """A running program. `stop` asks it to end, and ends it when it does not."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as file:
            # Its own session: an interrupt at the terminal is ours to handle, not the server's.
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def require_alive(self) -> None:
        """Raise StartError when the program has ended."""
        code = self._process.poll()
        if code is not None:
            raise StartError(f"{self.name} ended with {code}; its log ends with\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of the log."""
        return self._log.read_text(errors="replace")[-TAIL_CHARACTERS:]

    def stop(self) -> None:
        """End the program; returns when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program at once, as a crash does."""
        self._process.kill()
        self._process.wait()


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody on this host listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
