"""The double over HTTP or HTTPS, for clients in other processes."""

import contextlib
import json
import socket
import ssl
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from spiderpool_aws.local.cluster.answers import Answer
from spiderpool_aws.local.cluster.certificates import make_server_context
from spiderpool_aws.local.cluster.faults import TransportFaultError


class Answering(Protocol):
    """What can be served: the double, or anything that answers requests as it does."""

    @property
    def token(self) -> str:
        """The token that clients are told to log in with."""

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Answer a request. Raises TransportFaultError where the connection is to end without an answer."""


class _Server(ThreadingHTTPServer):
    """One thread a connection; `close_all` ends the connections that clients keep alive."""

    # A thread that outlives `server_close` would be a leak: it is waited for.
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, double: Answering, context: ssl.SSLContext | None) -> None:
        self.double = double
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake is left to its own thread."""
        connection, address = self.socket.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or does not trust the certificate, is not the server's error."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close_all(self) -> None:
        """End every connection, so that no thread waits for a next request."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            answer = self.server.double.request(self.command, unquote(parts.path), query, dict(self.headers), body)
        except TransportFaultError:
            self.close_connection = True
            return
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are in the double's own log."""


class ClusterServer:
    """A served double: `url`, `token`, and for HTTPS `ca_file` and `ca_pem`. Use it as a context, or call `stop`."""

    def __init__(self, double: Answering, port: int = 0, *, tls: bool = True) -> None:
        self.token = double.token
        self._folder = tempfile.TemporaryDirectory(prefix="spiderpool-aws-")
        self.ca_file, self.ca_pem, context = "", "", None
        try:
            if tls:
                context, ca_file = make_server_context(Path(self._folder.name))
                self.ca_file, self.ca_pem = str(ca_file), ca_file.read_text()
            self._server = _Server(port, double, context)
        except OSError:
            self._folder.cleanup()
            raise
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="cluster-double")
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; returns when no thread and no socket is left."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()
        self._server.server_close()
        self._folder.cleanup()

    def __enter__(self) -> "ClusterServer":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def serve_cluster(double: Answering, port: int = 0, tls: bool = True) -> ClusterServer:
    """Serve the double on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
    return ClusterServer(double, port, tls=tls)
