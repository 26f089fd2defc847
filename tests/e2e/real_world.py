"""The cluster of the adapter's tests, for real: Spiderpool's webhooks and controller, and a proxy before it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.local.cluster import Answer, ClusterServer
from spiderpool_aws.local.cluster.admission import POOL_WEBHOOK
from spiderpool_aws.local.cluster.resources import RESOURCES
from tests.e2e import api
from tests.e2e.cluster import Cluster
from tests.e2e.controller import Controller
from tests.e2e.install import Installation
from tests.e2e.proxy import FaultProxy
from tests.e2e.webhook import WebhookServer
from tests.integration.adapters.cluster_world import ClusterWorld, Hook, Json, adapter
from tests.integration.adapters.kubeconfigs import kubeconfig

_SPIDERPOOLS_OWN = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_MARK = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mark"}}
TOKEN = "product"
_THREADS = 8


class RealWorld(ClusterWorld):
    """A cluster with Spiderpool's rules on a real API server. `clear` empties it for the next test.

    Raises UnusableError or TimeoutError, and leaves nothing, where that cannot be had.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.admin = cluster.admin
        self.product = cluster.product
        self._seeder = cluster.seeder
        self._compact = cluster.compact
        self._put: set[str] = set()
        with ExitStack() as undo:
            undo.callback(Installation(self.admin).remove)
            self.webhooks = None if self._has_spiderpool() else WebhookServer(self.admin)
            if self.webhooks is not None:
                undo.callback(self.webhooks.stop)
            self.controller = Controller(self.admin)
            self.proxy = FaultProxy(cluster.product, TOKEN)
            self._proxy_server = undo.enter_context(ClusterServer(self.proxy))
            self.cluster = self.connect(TOKEN)
            undo.callback(self.clear)
            self._undo = undo.pop_all()

    def connect(self, token: str) -> ClusterAdapter:
        return adapter(kubeconfig(self._proxy_server.url, self._proxy_server.ca_pem, token))

    def as_admin(self, method: str, path: str, body: Json, content_type: str) -> Answer:
        return self.admin.request(method, path, body, content_type)

    def put(self, obj: Json) -> Json:
        path = _collection(obj)
        stored = self.admin.expect("POST", path, obj)
        self._put.add(f"{path}/{obj['metadata']['name']}")
        if "status" not in obj:
            return stored
        status = {"status": obj["status"]}
        return self.admin.expect("PATCH", f"{path}/{obj['metadata']['name']}/status", status, api.MERGE)

    def put_many(self, objects: Sequence[Json]) -> None:
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(lambda obj: self._seeder.expect("POST", _collection(obj), obj), objects))

    def objects(self, path: str) -> list[Json]:
        return self.admin.items(path)

    def settle(self) -> None:
        self.controller.settle()

    def _has_spiderpool(self) -> bool:
        """Say whether a real Spiderpool judges what is written."""
        hooks = (hook for one in self.admin.items(_SPIDERPOOLS_OWN) for hook in one.get("webhooks", ()))
        return any(hook["name"] == POOL_WEBHOOK for hook in hooks)

    def stop_controller(self) -> None:
        if self.webhooks is None:
            pytest.skip("the cluster's own Spiderpool is not ours to stop")
        self.webhooks.webhook.up = False

    def inject(self, hook: Hook) -> Callable[[], None]:
        return self.proxy.inject(hook)

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        return self.proxy.requests

    def list_token_expiry(self) -> Callable[[], None]:
        compact = self._compact
        if compact is None:
            pytest.skip("needs an etcd that can be compacted: run without KUBECONFIG")
        return lambda: self._expire_list_tokens(compact)

    def _expire_list_tokens(self, compact: Callable[[], None]) -> None:
        self._seeder.expect("POST", "/api/v1/namespaces/default/configmaps", _MARK)
        token = self.admin.expect("GET", api.POOLS, limit="1")["metadata"]["continue"]
        self._seeder.expect("DELETE", "/api/v1/namespaces/default/configmaps/mark")
        compact()
        # Newer than every token that was handed out: once this one has expired, they all have.
        api.wait_until(
            "the API server has forgotten its old versions",
            lambda: self.admin.request("GET", api.POOLS, **{"limit": "1", "continue": token}).status == 410,
        )

    def clear(self) -> None:
        """Delete whatever a test left, past admission, and let everything work again."""
        if self.webhooks is not None:
            self.webhooks.webhook.up = True
        self.proxy.clear()
        while self._put:
            # Gone is as good: some tests delete what they were given.
            self._seeder.request("DELETE", self._put.pop(), api.AT_ONCE)
        for path in api.CLEARED:
            self._seeder.expect("DELETE", path)
        for pool in self.admin.items(api.POOLS):
            free = {"metadata": {"finalizers": None}}
            self._seeder.request("PATCH", f"{api.POOLS}/{pool['metadata']['name']}", free, api.MERGE)

    def stop(self) -> None:
        """Stop everything but the API server, and leave nothing on it."""
        self._undo.close()


def _collection(obj: Json) -> str:
    resource = next(
        one for one in RESOURCES.values() if (one.api_version, one.kind) == (obj["apiVersion"], obj["kind"])
    )
    prefix = "/api/v1" if not resource.group else f"/apis/{resource.api_version}"
    scope = f"/namespaces/{obj['metadata']['namespace']}" if resource.namespaced else ""
    return f"{prefix}{scope}/{resource.plural}"
