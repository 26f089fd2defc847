"""The double of the API server: one function that answers requests, whoever carries them."""

import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spiderpool_aws.local.cluster.admission import Admission
from spiderpool_aws.local.cluster.answers import (
    Answer,
    ApiError,
    Json,
    method_not_allowed,
    not_found,
    unauthorized,
)
from spiderpool_aws.local.cluster.authorization import Authorizer
from spiderpool_aws.local.cluster.controller import Controller, Delays
from spiderpool_aws.local.cluster.faults import ConnectionCutError, Fault, Hook, UnavailableError
from spiderpool_aws.local.cluster.listing import Lister
from spiderpool_aws.local.cluster.pool_index import PoolIndex
from spiderpool_aws.local.cluster.requests import Request, write
from spiderpool_aws.local.cluster.resources import NAMESPACES, POOLS, RESOURCES, Target, parse_path
from spiderpool_aws.local.cluster.store import Store
from spiderpool_aws.local.cluster.writes import Caller, ClusterWrite, Writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spiderpool_aws.local.clock import Clock

PRODUCT = "spiderpool-aws"
ADMIN = "admin"
PRODUCT_TOKEN = "product-token"  # noqa: S105 (a double has no secrets)
ADMIN_TOKEN = "admin-token"  # noqa: S105
_VERSION: Json = {"major": "1", "minor": "34", "gitVersion": "v1.34.4", "platform": "linux/amd64"}
_WRITE_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


Observer = Callable[[ClusterWrite], None]


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What differs between clusters: the controllers' pace, the chart's deletion webhook, the life of list tokens."""

    delays: Delays = field(default_factory=Delays)
    protects_used_pools: bool = False
    list_token_seconds: float = 300.0
    namespaces: tuple[str, ...] = ("default", "kube-system")


class ClusterDouble:
    """A Kubernetes API server with Spiderpool's admission and controller, on a clock that tests may move.

    `requests` logs every request as (verb, resource, status); verbs are get, list, create, update, patch (an apply is
    one) and delete, and a sub-resource is part of the resource ("spiderippools/status"). Clear it with `.clear()`.
    """

    def __init__(self, clock: "Clock", *, token: str = PRODUCT_TOKEN, options: ClusterOptions | None = None) -> None:
        self.clock = clock
        self.token = token
        self.admin_token = ADMIN_TOKEN
        self.tokens: dict[str, str] = {token: PRODUCT, ADMIN_TOKEN: ADMIN}
        self.authorizer = Authorizer()
        self.requests: list[tuple[str, str, int]] = []
        self.lock = threading.RLock()
        chosen = options or ClusterOptions()
        self.store = Store()
        self.pools = PoolIndex()
        self._admission = Admission(self.pools, protects_used_pools=chosen.protects_used_pools)
        self.writes = Writes(self.store, self._admission, clock, self._notify)
        self._lister = Lister(self.store, clock, chosen.list_token_seconds)
        self._controller = Controller(self.store, self.writes, clock, chosen.delays, lambda: self.controller_up)
        self._watchers: list[Observer] = [self._index, self._controller.watch]
        self._observers: list[Observer] = []
        self._hooks: list[Hook] = []
        for name in chosen.namespaces:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    @property
    def controller_up(self) -> bool:
        """Whether Spiderpool's controller runs. Without it writes of its resources fail and nothing is finished."""
        return self._admission.controller_up

    @controller_up.setter
    def controller_up(self, value: bool) -> None:
        came_back = value and not self._admission.controller_up
        self._admission.controller_up = value
        if came_back:
            self._controller.catch_up()

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | Json | list[Any] | None = None,
    ) -> Answer:
        """Answer one request; failures are answers too. Raises TransportFaultError where a hook takes the answer."""
        with self.lock:
            self.clock.run_due()
            request = Request(method.upper(), path, query, {key.lower(): text for key, text in headers.items()}, body)
            fault = self._fault(request)
            if fault is not None and fault.kind == "unavailable":
                raise UnavailableError(f"{method} {path}: connection refused")
            try:
                if fault is not None and fault.kind == "status":
                    raise fault.error()
                answer = self._answer(request, self._authenticate(request))
            except ApiError as error:
                answer = error.answer
            self.requests.append((*_describe(request), answer.status))
            if fault is not None and fault.kind == "cut":
                raise ConnectionCutError(f"{method} {path}: connection reset by peer")
            return answer

    def _fault(self, request: Request) -> Fault | None:
        return next((fault for hook in self._hooks if (fault := hook(request.method, request.path))), None)

    def _authenticate(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return user

    def _answer(self, request: Request, user: str) -> Answer:
        if request.path == "/version":
            return Answer(200, _VERSION)
        target = parse_path(request.path)
        if request.method != "GET" and request.method not in _WRITE_VERBS:
            raise method_not_allowed()
        creates = request.is_apply and self.store.get(target.resource.plural, target.key) is None
        self.authorizer.check(user, request.method, target, creates=creates)
        if request.method == "GET":
            return self._read(target, request)
        try:
            return write(self.writes, target, request, user)
        except ApiError as error:
            self._tell_refused(target, request, user, error)
            raise

    def _tell_refused(self, target: Target, request: Request, user: str, error: ApiError) -> None:
        caller = request.caller(user)
        if caller.dry_run:
            return
        record = self.store.get(target.resource.plural, target.key)
        before, status = record.obj if record else None, error.answer.status
        verb, resource = _WRITE_VERBS[request.method], target.resource.plural
        self._show(
            ClusterWrite(verb, resource, *target.key, target.subresource, user, caller.manager, before, None, status)
        )

    def _read(self, target: Target, request: Request) -> Answer:
        if not target.name:
            if request.query.get("watch") in ("true", "1"):
                raise method_not_allowed()
            return Answer(200, self._lister.page(target, request.query))
        record = self.store.get(target.resource.plural, target.key)
        if record is None:
            raise not_found(target.resource.resource_name, target.name)
        return Answer(200, record.obj)

    def observe(self, observer: Observer) -> None:
        """Call the observer after every write, also the refused ones, the controllers' and the agent's own."""
        self._observers.append(observer)

    def watch(self, watcher: Observer) -> None:
        """Call a controller after every write that succeeded, before any observer."""
        self._watchers.append(watcher)

    def _notify(self, change: ClusterWrite) -> None:
        for watcher in tuple(self._watchers):
            watcher(change)
        self._show(change)

    def _show(self, change: ClusterWrite) -> None:
        for observer in tuple(self._observers):
            observer(change)

    def _index(self, change: ClusterWrite) -> None:
        if change.resource == POOLS:
            self.pools.update(change.name, change.after)

    def objects(self, resource: str) -> list[Json]:
        """Return all objects of a resource ("spiderippools") in order of name: the stored states, to be read only."""
        with self.lock:
            return self.store.objects(resource)

    def put(self, obj: Json, *, past_overlap_check: bool = False) -> Json:
        """Create or replace an object as an administrator, status included; through the same admission.

        A namespace that is missing is created. `past_overlap_check` is what two creates at the same moment can do:
        both pools overlap, both are accepted. Raises ApiError for what admission refuses. Returns what is stored.
        """
        resource = next(
            one for one in RESOURCES.values() if (one.api_version, one.kind) == (obj["apiVersion"], obj["kind"])
        )
        namespace = obj["metadata"].get("namespace", "default") if resource.namespaced else ""
        target = Target(resource, namespace, obj["metadata"]["name"])
        with self.lock:
            self.clock.run_due()
            if namespace and self.store.get(NAMESPACES, ("", namespace)) is None:
                self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            self._admission.checks_overlap = not past_overlap_check
            try:
                return self._put(target, _client_side(obj))
            finally:
                self._admission.checks_overlap = True

    def _put(self, target: Target, obj: Json) -> Json:
        caller = Caller(ADMIN, ADMIN)
        if self.store.get(target.resource.plural, target.key) is None:
            answer = self.writes.create(target, obj, caller)
        else:
            answer = self.writes.patch(target, lambda old: _replaced(old, obj), caller)
        if target.resource.has_status and "status" in obj:
            endpoint = replace(target, subresource="status")
            answer = self.writes.patch(endpoint, lambda old: {**old, "status": obj["status"]}, caller)
        return answer.body

    def inject(self, hook: Hook) -> Callable[[], None]:
        """Ask the hook before every request what is to go wrong with it. Returns the function that ends this."""
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    @contextmanager
    def failing(self, fault: Fault) -> "Iterator[None]":
        """Let every request fail like this, within the `with` block."""
        end = self.inject(lambda _method, _path: fault)
        try:
            yield
        finally:
            end()

    def expire_list_tokens(self) -> None:
        """Make every continue token handed out so far too old."""
        self._lister.expire_tokens()


def _client_side(obj: Json) -> Json:
    """Return an object without what only the server sets: it may come from `objects`, read some time ago."""
    metadata = {
        key: value for key, value in obj["metadata"].items() if key not in ("uid", "resourceVersion", "managedFields")
    }
    return {**obj, "metadata": metadata}


def _replaced(old: Json, obj: Json) -> Json:
    """Return the new state; finalizers stay unless the new state names them, as in a client's read and write."""
    finalizers = {"finalizers": old["metadata"]["finalizers"]} if "finalizers" in old["metadata"] else {}
    return {**obj, "metadata": {**finalizers, **obj["metadata"]}}


def _describe(request: Request) -> tuple[str, str]:
    """Return verb and resource for the log; of a path that is not served, the path."""
    verb = _WRITE_VERBS.get(request.method, request.method.lower())
    try:
        target = parse_path(request.path)
    except ApiError:
        return verb, request.path
    return ("get" if target.name else "list") if request.method == "GET" else verb, target.label
