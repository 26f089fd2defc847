"""The real `kubernetes` package on the double, without a socket: its own REST layer, another transport."""

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from kubernetes.client import ApiClient
from kubernetes.client.rest import RESTClientObject
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from spiderpool_aws.local.cluster.answers import Json
from spiderpool_aws.local.cluster.double import ClusterDouble
from spiderpool_aws.local.cluster.faults import ConnectionCutError, UnavailableError

_REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 415: "Unsupported Media Type",
            422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error",
            503: "Service Unavailable", 504: "Gateway Timeout"}  # fmt: skip


class _Transport:
    """Stands where the REST layer has its connection pool. It never retries by itself, and never sleeps."""

    def __init__(self, double: ClusterDouble) -> None:
        self._double = double
        self._texts: dict[tuple[str, str, str], tuple[Json, str]] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> HTTPResponse:
        """Answer as urllib3 does; raise its own exceptions where a fault takes the answer away."""
        parts = urlsplit(url)
        sent = body.encode() if isinstance(body, str) else body
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            answer = self._double.request(method, unquote(parts.path), query, dict(headers or {}), sent)
        except UnavailableError as error:
            refused = NewConnectionError(HTTPConnection("cluster.local"), str(error))
            raise MaxRetryError(HTTPConnectionPool("cluster.local"), url, refused) from error
        except ConnectionCutError as error:
            raise ProtocolError("Connection aborted.", error) from error
        content = self._text(answer.body).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
        return HTTPResponse(
            io.BytesIO(content), headers=fields, status=answer.status, reason=_REASONS.get(answer.status),
            preload_content=False, request_method=method,
        )  # fmt: skip

    def clear(self) -> None:
        """Nothing is open."""

    def _text(self, body: Json) -> str:
        """Return an answer as JSON. A stored state never changes, so each is encoded once for all lists."""
        if "items" not in body:
            return json.dumps(body)
        items = [self._item_text(item) if "kind" in item else json.dumps(item) for item in body["items"]]
        rest = json.dumps({key: value for key, value in body.items() if key != "items"})
        return f'{rest[:-1]}, "items": [{", ".join(items)}]}}'

    def _item_text(self, item: Json) -> str:
        key = (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
        known = self._texts.get(key)
        if known is None or known[0] is not item:
            known = self._texts[key] = (item, json.dumps(item))
        return known[1]


class _InProcessRest(RESTClientObject):
    """The REST layer of the client, from which only the sockets are gone."""

    def __init__(self, transport: _Transport, configuration: Any) -> None:
        self.configuration = configuration
        self.pool_manager: Any = transport


def connect_in_process(api_client: ApiClient, double: ClusterDouble, token: str | None = None) -> None:
    """Let a client of the `kubernetes` package talk to the double. Errors are ApiException, as from a server.

    The client logs in as the product, or with the token given; a token in its own configuration goes before both.
    """
    client: Any = api_client
    client.rest_client.close()
    client.rest_client = _InProcessRest(_Transport(double), client.configuration)
    client.set_default_header("authorization", f"Bearer {token or double.token}")
