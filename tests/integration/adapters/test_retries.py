"""What is repeated, on a server that counts: no answer, so that its Retry-After is the outcome's."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.adapters.cluster_errors import LONGEST_SECONDS
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.adapters.endpoint import configuration_for
from spiderpool_aws.domain.errors import RetryLater
from tests.unit.adapters.doubles import RecordingReporter
from tests.unit.adapters.pools import pool

HOUR = 3600


class BusyOnce(ThreadingHTTPServer):
    """Answers the first request with 429 and an hour's Retry-After, the others with an empty list.

    Of the first `cuts` requests it closes the connection without an answer.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.methods: list[str] = []
        self.cuts = 0


class _Handler(BaseHTTPRequestHandler):
    server: BusyOnce

    def do_GET(self) -> None:
        self.server.methods.append(self.command)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(self.server.methods) <= self.server.cuts:
            return
        is_first = len(self.server.methods) == 1
        answer: dict[str, Any] = {"message": "too many requests"} if is_first else {"kind": "List", "items": []}
        content = json.dumps(answer).encode()
        self.send_response(429 if is_first else 200)
        if is_first:
            self.send_header("Retry-After", str(HOUR))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PATCH = do_GET  # noqa: N815 - the base class's way to name a method

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[BusyOnce]:
    running = BusyOnce()
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), name="busy")
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def cluster(server: BusyOnce, monkeypatch: pytest.MonkeyPatch) -> ClusterAdapter:
    def refuse(seconds: float) -> None:
        raise AssertionError(f"it waits for {seconds} s")

    # Where urllib3 would wait for what an answer asks for.
    monkeypatch.setattr("urllib3.util.retry.time.sleep", refuse)
    return ClusterAdapter(FixedCredentials(ApiClient(configuration_for(server.url, ""))), RecordingReporter())


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_busy_servers_delay_is_the_outcomes_and_nobody_waits_in_the_function(
    server: BusyOnce, cluster: ClusterAdapter, method: str
) -> None:
    with pytest.raises(RetryLater, match="is busy \\(429\\)") as caught:
        cluster.list_pools() if method == "GET" else cluster.apply_pool(pool())
    assert caught.value.delay_seconds == LONGEST_SECONDS
    assert server.methods == [method]
    assert cluster.list_pools() == []


def test_a_read_whose_connection_is_cut_is_sent_once_more(server: BusyOnce, cluster: ClusterAdapter) -> None:
    server.cuts = 1
    assert cluster.list_pools() == []
    assert server.methods == ["GET", "GET"]


def test_a_read_that_is_cut_again_and_every_write_is_left_for_later(server: BusyOnce, cluster: ClusterAdapter) -> None:
    server.cuts = 9
    for send in (cluster.list_pools, lambda: cluster.apply_pool(pool())):
        with pytest.raises(RetryLater, match="cannot be reached"):
            send()
    assert server.methods == ["GET", "GET", "PATCH"]


def test_a_connection_that_cannot_be_made_is_tried_once_more(
    server: BusyOnce, cluster: ClusterAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0
    connect = urllib3.util.connection.create_connection

    def fail_once(*arguments: Any, **options: Any) -> socket.socket:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise ConnectionRefusedError(111, "Connection refused")
        return connect(*arguments, **options)

    monkeypatch.setattr("urllib3.util.connection.create_connection", fail_once)
    with pytest.raises(RetryLater, match="is busy"):
        cluster.apply_pool(pool())
    assert (tried, server.methods) == (2, ["PATCH"])
