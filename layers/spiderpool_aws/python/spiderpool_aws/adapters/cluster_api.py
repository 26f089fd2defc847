"""Requests to the API server over the `kubernetes` package's client, without its generated API classes.

Those cost half a second of import (`CoreV1Api`), and their PATCH answered 201, which is how server-side apply says that
it has created something, returns None. Requests and answers are plain JSON documents.
"""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError

from spiderpool_aws.adapters.cluster_errors import (
    ChangedSinceReadError,
    Operation,
    of_answer,
    of_refused_login,
    of_transport,
)
from spiderpool_aws.domain.cluster.pool import FIELD_MANAGER
from spiderpool_aws.domain.errors import Code, Refused, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kubernetes.client.api_client import ApiClient

    from spiderpool_aws.adapters.credentials import ClusterCredentials

Json = dict[str, Any]
_T = TypeVar("_T")

PAGE = 500
TIMEOUTS_SECONDS = (5, 20)
"""To connect, and to read: together well below the functions' 60 s."""
LISTINGS = 3
"""How often a listing is begun anew when its continue token has expired."""
NOTHING_THERE = "1"
"""A resourceVersion that no object has: etcd counts from 1 and gives 2 to its first write."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_JSON = "application/json"
_OK, _REDIRECT, _UNAUTHORIZED, _NOT_FOUND, _GONE = 200, 300, 401, 404, 410


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, by its place in the API."""

    prefix: str
    """`/api/v1`, `/apis/spiderpool.spidernet.io/v2beta1`."""
    plural: str

    @property
    def rbac_name(self) -> str:
        """The name that a ClusterRole has for it, with the group."""
        group = self.prefix.removeprefix("/api/v1").removeprefix("/apis/").split("/")[0]
        return f"{self.plural}.{group}" if group else self.plural

    def path(self, name: str = "", namespace: str = "") -> str:
        """Return the path of the collection, or of one object."""
        scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{self.prefix}{scope}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    operation: Operation
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    content_type: str = _JSON


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _ListingExpired(Exception):  # noqa: N818 - 410 is an answer, not a fault
    """The continue token of a listing is too old."""


class ClusterApi:
    """Sends requests. Raises `RetryLater` and `Refused` as `cluster_errors` says.

    After a 401 the credentials are renewed once and the request is sent again: the API server did nothing with it.
    """

    def __init__(self, credentials: ClusterCredentials) -> None:
        self._credentials = credentials

    def get(self, resource: Resource, name: str) -> Json | None:
        """Return an object; None when there is none."""
        request = _Request("GET", resource.path(name), Operation("get", resource.rbac_name, name))
        answer = self._send(request)
        return None if answer.status == _NOT_FOUND else self._document(request, answer)

    def list_all(self, resource: Resource, parse: Callable[[Json], _T], field_selector: str = "") -> list[_T]:
        """Return all objects, parsed page by page; begun anew when the API server has forgotten its place (410)."""
        for _ in range(LISTINGS):
            try:
                with _without_collector():
                    return self._list_once(resource, parse, field_selector)
            except _ListingExpired:
                continue
        raise RetryLater(f"list {resource.rbac_name}: the API server forgot its place {LISTINGS} times (410)")

    def create(self, resource: Resource, manifest: Json, *, dry_run: bool = False) -> Json:
        """Create an object and return the answer; Refused `Conflict` when there is one of that name.

        A dry run goes through admission and stores nothing (Kubernetes, "Dry-run").
        """
        metadata = manifest.get("metadata", {})
        operation = Operation("create", resource.rbac_name, metadata.get("name", ""))
        path = resource.path(namespace=metadata.get("namespace", ""))
        query = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        request = _Request("POST", path, operation, query, manifest)
        return self._document(request, self._send(request))

    def apply(self, resource: Resource, manifest: Json) -> Json:
        """Apply a manifest (server-side) and return the object as stored.

        With a uid, the object is written, and fields that others took become ours again. Without one it is created,
        and Refused `Conflict` says that there is an object of that name: it is not touched, whatever it holds
        (docs/adr/0007-create-only-what-is-not-there.md).
        """
        metadata = manifest["metadata"]
        path = resource.path(metadata["name"], metadata.get("namespace", ""))
        operation = Operation("patch", resource.rbac_name, metadata["name"])
        query = {"fieldManager": FIELD_MANAGER}
        if metadata.get("uid"):
            request = _Request("PATCH", path, operation, query | {"force": "true"}, manifest, APPLY)
            return self._document(request, self._send(request))
        fresh = {**manifest, "metadata": {**metadata, "resourceVersion": NOTHING_THERE}}
        request = _Request("PATCH", path, operation, query, fresh, APPLY)
        try:
            return self._document(request, self._send(request))
        except ChangedSinceReadError as exists:
            reason = f"{operation}: there is one of that name that was not listed: it is left alone"
            raise Refused(reason, Code.CONFLICT) from exists

    def merge(self, resource: Resource, name: str, patch: Json, namespace: str = "") -> Json:
        """Send a merge patch; with a uid and a resourceVersion in it, a concurrent change is `RetryLater`."""
        query = {"fieldManager": FIELD_MANAGER}
        operation = Operation("patch", resource.rbac_name, name)
        request = _Request("PATCH", resource.path(name, namespace), operation, query, patch, MERGE)
        return self._document(request, self._send(request))

    def delete(
        self, resource: Resource, name: str, uid: str, namespace: str = "", grace_seconds: int | None = None
    ) -> None:
        """Delete the object of that uid; gone already is success, another of that name is Refused `Conflict`."""
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        operation = Operation("delete", resource.rbac_name, name)
        request = _Request("DELETE", resource.path(name, namespace), operation, body=options)
        answer = self._send(request)
        if answer.status != _NOT_FOUND:
            self._document(request, answer)

    def _list_once(self, resource: Resource, parse: Callable[[Json], _T], field_selector: str) -> list[_T]:
        items: list[_T] = []
        query = {"limit": str(PAGE)} | ({"fieldSelector": field_selector} if field_selector else {})
        while True:
            request = _Request("GET", resource.path(), Operation("list", resource.rbac_name), query)
            answer = self._send(request)
            if answer.status == _GONE:
                raise _ListingExpired
            document = self._document(request, answer)
            if not str(document.get("kind", "")).endswith("List"):
                # Taken for an empty listing, it would make every pool and Node missing.
                raise RetryLater(f"{request.operation}: the answer is no list: does a proxy answer?")
            items.extend(parse(item) for item in document.get("items") or ())
            token = (document.get("metadata") or {}).get("continue")
            if not token:
                return items
            query = query | {"continue": token}

    def _send(self, request: _Request) -> _Answer:
        client = self._client(renew=False)
        answer = self._exchange(client, request)
        if answer.status == _UNAUTHORIZED and (renewed := self._client(renew=True)) is not client:
            client, answer = renewed, self._exchange(renewed, request)
        if answer.status == _UNAUTHORIZED:
            raise of_refused_login(request.operation, client.configuration.host, self._credentials.hints)
        return answer

    def _client(self, *, renew: bool) -> ApiClient:
        try:
            return self._credentials.renew() if renew else self._credentials.client()
        except Refused as refused:
            # Nothing can be read without them, so every message must wait until somebody has mended them.
            raise RetryLater(refused.reason) from refused

    def _exchange(self, client: ApiClient, request: _Request) -> _Answer:
        serialized = client.param_serialize(
            request.method,
            request.path,
            query_params=dict(request.query),
            header_params={"Accept": _JSON, "Content-Type": request.content_type},
            body=request.body,
            auth_settings=["BearerToken"],
        )

        def call() -> _Answer:
            response: Any = client.call_api(*serialized, _request_timeout=TIMEOUTS_SECONDS)
            return _Answer(response.status, dict(response.headers or {}), response.read() or b"")

        try:
            return _once_more_if_cut(call, is_read=request.method == "GET")
        except (HTTPError, ApiException) as error:
            self._credentials.doubt()
            raise of_transport(request.operation, error, client.configuration.host, self._credentials.hints) from error

    def _document(self, request: _Request, answer: _Answer) -> Json:
        if not _OK <= answer.status < _REDIRECT:
            raise of_answer(request.operation, answer.status, answer.headers, answer.body)
        try:
            document = json.loads(answer.body)
        except ValueError as error:
            raise RetryLater(f"{request.operation}: the answer is no JSON: does a proxy answer?") from error
        if not isinstance(document, dict):
            raise RetryLater(f"{request.operation}: the answer is no object: does a proxy answer?")
        return document


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's collector of cycles from running: a listing of 20,000 pools would set it off again and again.

    Each time it walks over all that the process keeps, and finds nothing: JSON has no cycles and goes with its page.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _once_more_if_cut(call: Callable[[], _Answer], *, is_read: bool) -> _Answer:
    """Send a request, and a read once more when the connection is cut.

    A load balancer forgets a connection that was idle between two batches, and its reset comes only with the next
    request. A write may have had its effect: it is not sent twice. A time-out is no cut, and has cost its 20 s.
    """
    try:
        return call()
    except (MaxRetryError, ProtocolError) as error:
        cause = error.reason if isinstance(error, MaxRetryError) else error
        if not (is_read and isinstance(cause, ProtocolError)):
            raise
    return call()
