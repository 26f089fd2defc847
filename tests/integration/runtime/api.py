"""Lambda's Runtime API on loopback: what the runtime client asks for its next event, and tells the answer.

Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01).
"""

import json
import queue
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime/"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:under-test"
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What the function answered: its result, or the error as Lambda shows it (`errorType`, `errorMessage`)."""

    document: Any
    failed: bool = False
    in_init: bool = False
    """Whether the function did not even start."""


class RuntimeApi(ThreadingHTTPServer):
    """A context manager. `invoke` hands an event to whoever asks next, and waits for the answer."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: queue.Queue[str | None] = queue.Queue()
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.address = f"127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="runtime-api")

    def __enter__(self) -> "RuntimeApi":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        # Whoever waits for an event is told that none comes.
        self.events.put(None)
        self.shutdown()
        self._thread.join()
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; without Nagle's algorithm, which costs 40 ms an answer."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was ended while it waited for an event is not the server's error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def invoke(self, event: Any, alive: Callable[[], bool]) -> Answer:
        """Return the function's answer. Raises AssertionError when its process ends, or does not answer in time."""
        self.events.put(json.dumps(event))
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            was_alive = alive()
            try:
                return self.answers.get(timeout=0.2)
            except queue.Empty:
                assert was_alive, "the function's process has ended without an answer"
        raise AssertionError(f"the function has not answered within {TIMEOUT_SECONDS} s")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: RuntimeApi

    def do_GET(self) -> None:
        assert self.path == f"{PREFIX}invocation/next"
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT_SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
        }
        self._send(200, event.encode(), headers)

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        step, _, what = self.path.removeprefix(PREFIX).rpartition("/")
        assert what in ("response", "error")
        self._send(202, b'{"status":"OK"}', {})
        self.server.answers.put(Answer(document, failed=what == "error", in_init=step == "init"))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The test's output is the function's."""
