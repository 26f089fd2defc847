"""A proxy before an API server that logs requests and lets them fail: what the double can do by itself."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import urllib3

from spiderpool_aws.local.cluster.answers import Answer, ApiError
from spiderpool_aws.local.cluster.faults import ConnectionCutError, Fault, Hook, UnavailableError
from spiderpool_aws.local.cluster.resources import parse_path
from tests.e2e.api import Api

_FORWARDED = ("content-type", "accept", "user-agent")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class FaultProxy:
    """Forwards requests; every hook is asked first, every late hook after the effect. Serve it with `ClusterServer`.

    Who logs in with `token` is `user`; any other token is the API server's to judge.
    """

    def __init__(self, user: Api, token: str) -> None:
        self.token = token
        self._user = user
        self._lock = threading.Lock()
        self.requests: list[tuple[str, str, int]] = []
        self.hooks: list[Hook] = []
        self.late_hooks: list[Hook] = []

    def inject(self, hook: Hook) -> Callable[[], None]:
        """Ask the hook before every request. Returns the function that ends this."""
        self.hooks.append(hook)
        return lambda: self.hooks.remove(hook)

    def inject_late(self, hook: Hook) -> None:
        """Ask the hook when the API server has answered and the product has not heard of it; it may only cut."""
        self.late_hooks.append(hook)

    def clear(self) -> None:
        """Forget all hooks and requests."""
        for one in (self.hooks, self.late_hooks, self.requests):
            one.clear()

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        """Answer one request, as the double does."""
        fault = _first(self.hooks, method, path)
        answer = self._answer(fault, method, path, query, headers, body)
        fault = fault or _first(self.late_hooks, method, path)
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


def _first(hooks: Sequence[Hook], method: str, path: str) -> Fault | None:
    return next((fault for hook in tuple(hooks) if (fault := hook(method, path))), None)


def _verb(method: str, path: str) -> str:
    if method == "GET":
        return "get" if parse_path(path).name else "list"
    return _VERBS[method]
