"""A rest client that answers from a list and remembers what it was asked, and a reporter that remembers."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from spiderpool_aws.about import About

HOST = "https://10.0.0.10:6443"


@dataclass
class Sent:
    method: str
    path: str
    query: dict[str, str]
    content_type: str
    authorization: str | None
    body: Any
    timeouts: Any


@dataclass
class Reply:
    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()


class RecordingRest:
    """Stands where `ApiClient.rest_client` stands; an exception among the replies is raised."""

    def __init__(self, replies: Sequence[Reply | Exception]) -> None:
        self.replies = list(replies)
        self.sent: list[Sent] = []

    def request(
        self, method: str, url: str, headers: Any = None, body: Any = None, _request_timeout: Any = None, **_: Any
    ) -> Reply:
        parts = urlsplit(url)
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.sent.append(
            Sent(
                method,
                parts.path,
                dict(parse_qsl(parts.query)),
                headers.get("content-type", ""),
                headers.get("authorization"),
                body,
                _request_timeout,
            )
        )
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def api_client(*replies: Reply | Exception) -> tuple[ApiClient, RecordingRest]:
    client = ApiClient(Configuration(host=HOST, api_key={"authorization": "Bearer t"}))
    rest: Any = RecordingRest(replies)
    client.rest_client = rest
    return client, rest


def status(code: int, message: str, reason: str = "", headers: dict[str, str] | None = None) -> Reply:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return Reply(code, document | ({"reason": reason} if reason else {}), headers or {})


class RecordingReporter:
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []
        self.counts: dict[str, int] = {}
        self.counts_of: dict[tuple[str, str], int] = {}

    def about(self, _: About) -> AbstractContextManager[None]:
        return nullcontext()

    def measure(self, metric: str, value: float, *, of: str = "") -> None:
        """No adapter measures anything."""

    def info(self, message: str, **_: object) -> None:
        self.messages.append(message)

    def warning(self, message: str, **_: object) -> None:
        self.warnings.append(message)

    def count(self, metric: str, value: int = 1, *, of: str = "") -> None:
        self.counts[metric] = self.counts.get(metric, 0) + value
        self.counts_of[metric, of] = self.counts_of.get((metric, of), 0) + value


class FlushedReporter(RecordingReporter):
    def begin(self, request_id: str) -> None:
        """No line has its id."""

    def flush(self) -> None:
        """Nothing is gathered."""
