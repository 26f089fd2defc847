"""Spiderpool's webhooks in front of a real API server: the double's rules, asked by AdmissionReview over HTTPS."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from spiderpool_aws.local.cluster.admission import (
    MULTUS_WEBHOOK,
    POOL_WEBHOOK,
    RESERVED_WEBHOOK,
    Admission,
)
from spiderpool_aws.local.cluster.answers import Answer, ApiError, Json
from spiderpool_aws.local.cluster.faults import UnavailableError
from spiderpool_aws.local.cluster.pool_index import PoolIndex
from spiderpool_aws.local.cluster.resources import MULTUS, POOLS, RESERVED, RESOURCES, SPIDERPOOL
from spiderpool_aws.local.cluster.server import ClusterServer
from tests.e2e import api
from tests.e2e.apiserver import SEEDER
from tests.e2e.given import UnusableError

_NAMES = {POOLS: POOL_WEBHOOK, MULTUS: MULTUS_WEBHOOK, RESERVED: RESERVED_WEBHOOK}
_NAME = "spiderpool-e2e"
_REGISTRATIONS = "/apis/admissionregistration.k8s.io/v1"


class Webhook:
    """Answers reviews. What it looks up it reads from the API server at each review, so it knows what is stored.

    `up` false is Spiderpool's controller being down: nobody answers.
    """

    token = ""

    def __init__(self, admin: api.Api) -> None:
        self._admin = admin
        self._versions: dict[str, str] = {}
        self._pools = PoolIndex()
        self._admission = Admission(self._pools)
        self._lock = threading.Lock()
        self._answers = threading.Event()
        self._answers.set()
        self.up = True

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take reviews and do not answer them, within the `with` block."""
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()

    def request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        """Answer one review: `/mutate` or `/validate`."""
        if not self.up:
            raise UnavailableError("the controller is down")
        self._answers.wait()
        review = json.loads(body)
        request = review["request"]
        response: Json = {"uid": request["uid"], "allowed": True}
        with self._lock:
            try:
                response |= self._mutate(request) if path == "/mutate" else self._validate(request)
            except ApiError as error:
                response |= {"allowed": False, "status": _bare(error)}
        return Answer(200, {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    def _mutate(self, request: Json) -> Json:
        old = request["object"]
        new = self._admission.mutate(RESOURCES[request["resource"]["resource"]], old)
        patch = list(_json_patch(old, new))
        if not patch:
            return {}
        return {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}

    def _validate(self, request: Json) -> Json:
        resource = RESOURCES[request["resource"]["resource"]]
        if resource.plural == POOLS:
            self._read_pools()
        if request["operation"] == "CREATE":
            self._admission.validate_create(resource, request["object"])
        elif request["operation"] == "UPDATE":
            self._admission.validate_update(resource, request["oldObject"], request["object"])
        else:
            self._admission.validate_delete(resource, request["oldObject"])
        return {}

    def _read_pools(self) -> None:
        stored = {pool["metadata"]["name"]: pool for pool in self._admin.items(api.POOLS)}
        for name in self._versions.keys() - stored.keys():
            self._pools.update(name, None)
        for name, pool in stored.items():
            if self._versions.get(name) != pool["metadata"]["resourceVersion"]:
                self._pools.update(name, pool)
        self._versions = {name: pool["metadata"]["resourceVersion"] for name, pool in stored.items()}


def _bare(error: ApiError) -> Json:
    """Return the Status as a webhook gives it: the API server itself says who denied the request."""
    body = dict(error.answer.body)
    for name in _NAMES.values():
        body["message"] = body["message"].removeprefix(f'admission webhook "{name}" denied the request: ')
    return body


def _json_patch(old: Json, new: Json, path: str = "") -> Iterator[Json]:
    """Yield the steps from one object to another; a list is replaced whole."""
    for name in old.keys() - new.keys():
        yield {"op": "remove", "path": f"{path}/{_pointer(name)}"}
    for name, value in new.items():
        at, before = f"{path}/{_pointer(name)}", old.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            yield from _json_patch(before, value, at)
        elif name not in old or before != value:
            yield {"op": "add", "path": at, "value": value}


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


class WebhookServer:
    """The webhooks served and registered at an API server; `stop` ends both.

    Raises UnusableError, and leaves nothing, when the API server does not reach them: while they are registered, it
    refuses every write of Spiderpool's objects.
    """

    def __init__(self, admin: api.Api) -> None:
        self._admin = admin
        self.webhook = Webhook(admin)
        with ExitStack() as undo:
            self._server = undo.enter_context(ClusterServer(self.webhook))
            for kind, path, operations in _REGISTERED:
                collection = f"{_REGISTRATIONS}/{kind.lower()}s"
                undo.callback(admin.request, "DELETE", f"{collection}/{_NAME}")
                admin.apply(collection, self._registration(kind, path, operations))
            try:
                api.wait_until("the webhooks are asked", self._are_asked)
            except TimeoutError as error:
                raise self._unreached(str(error)) from error
            self._undo = undo.pop_all()

    def _unreached(self, said: str) -> UnusableError:
        return UnusableError(
            f"{self._admin.url} has no Spiderpool, and does not reach the webhooks that stand in for it at "
            f"{self._server.url}: its API server has to run on this host ({said})"
        )

    def _registration(self, kind: str, path: str, operations: list[str]) -> Json:
        authority = base64.b64encode(self._server.ca_pem.encode()).decode()
        webhooks = [
            {
                "name": name,
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": {"url": f"{self._server.url}{path}", "caBundle": authority},
                "rules": [
                    {
                        "apiGroups": [SPIDERPOOL],
                        "apiVersions": ["*"],
                        "resources": [plural],
                        "operations": [*operations, *(["DELETE"] if plural == POOLS and path == "/validate" else [])],
                    }
                ],
                "matchConditions": [{"name": "not-seeded", "expression": f"request.userInfo.username != '{SEEDER}'"}],
            }
            for plural, name in _NAMES.items()
        ]
        registration = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
        return {**registration, "metadata": {"name": _NAME}, "webhooks": webhooks}

    def _are_asked(self) -> bool:
        """Say whether the API server, which hears of registrations by a watch, asks both webhooks."""
        bad: Json = {"apiVersion": f"{SPIDERPOOL}/v2beta1", "kind": "SpiderIPPool", "metadata": {"name": "probe"}}
        good = {**bad, "spec": {"subnet": "10.255.255.0/24"}}
        refused = self._admin.request("POST", api.POOLS, {**bad, "spec": {"subnet": "none"}}, dryRun="All")
        said = str(refused.body.get("message", ""))
        if "failed calling webhook" in said and "connection refused" in said:
            # They were served before they were registered, so nobody is there whom it could reach later.
            raise self._unreached(said)
        mutated = self._admin.request("POST", api.POOLS, good, dryRun="All")
        return refused.status == 422 and "finalizers" in mutated.body.get("metadata", {})

    def stop(self) -> None:
        """Take the registrations away and stop serving."""
        self._undo.close()


_REGISTERED = (
    ("MutatingWebhookConfiguration", "/mutate", ["CREATE", "UPDATE"]),
    ("ValidatingWebhookConfiguration", "/validate", ["CREATE", "UPDATE"]),
)
