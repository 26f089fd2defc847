"""A proxy before an API server that logs requests and lets them fail: what the double can do by itself."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

from spiderpool_aws.local.cluster.answers import Answer, ApiError
from spiderpool_aws.local.cluster.faults import ConnectionCutError, Fault, Hook, UnavailableError
from spiderpool_aws.local.cluster.resources import parse_path
from tests.e2e.api import Api

_FORWARDED = ("content-type", "accept", "user-agent")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class FaultProxy:
    """Forwards requests; every hook is asked first. Serve it with `ClusterServer`.

    Who logs in with `token` is `user`; any other token is the API server's to judge.
    """

    def __init__(self, user: Api, token: str) -> None:
        self.token = token
        self._user = user
        self._lock = threading.Lock()
        self.requests: list[tuple[str, str, int]] = []
        self.hooks: list[Hook] = []

    def inject(self, hook: Hook) -> Callable[[], None]:
        """Ask the hook before every request. Returns the function that ends this."""
        self.hooks.append(hook)
        return lambda: self.hooks.remove(hook)

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        """Answer one request, as the double does."""
        fault = next((fault for hook in tuple(self.hooks) if (fault := hook(method, path))), None)
        answer = self._answer(fault, method, path, query, headers, body)
        with self._lock:
            self.requests.append((_verb(method, path), parse_path(path).label, answer.status))
        if fault is not None and fault.kind == "cut":
            raise ConnectionCutError("cut by the proxy")
        return answer

    def _answer(
        self,
        fault: Fault | None,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
    ) -> Answer:
        if fault is not None and fault.kind == "unavailable":
            raise UnavailableError("refused by the proxy")
        if fault is not None and fault.kind == "status":
            try:
                raise fault.error()
            except ApiError as error:
                return error.answer
        sent = {name: text for name, text in headers.items() if name.lower() in _FORWARDED}
        authorization = {name.lower(): text for name, text in headers.items()}.get("authorization", "")
        if authorization != f"Bearer {self.token}":
            sent["Authorization"] = authorization
        try:
            return self._user.forward(method, path, query, sent, body or None)
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(str(error)) from error


def _verb(method: str, path: str) -> str:
    if method == "GET":
        return "get" if parse_path(path).name else "list"
    return _VERBS[method]
