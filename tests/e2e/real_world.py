"""The cluster of the adapter's tests, for real: Spiderpool's webhooks and controller, and a proxy before it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from spiderpool_aws.adapters.cluster import ClusterAdapter
from spiderpool_aws.local.cluster import Answer, ClusterServer
from spiderpool_aws.local.cluster.resources import RESOURCES
from tests.e2e import api
from tests.e2e.cluster import Cluster
from tests.e2e.controller import Controller
from tests.e2e.proxy import FaultProxy
from tests.e2e.webhook import WebhookServer
from tests.integration.adapters.cluster_world import ClusterWorld, Hook, Json, adapter
from tests.integration.adapters.kubeconfigs import kubeconfig

MANIFESTS = Path(__file__).parent / "crds"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
_CLEARED = (
    api.POOLS,
    f"{api.SPIDERPOOL}/spiderreservedips",
    f"{api.SPIDERPOOL}/namespaces/kube-system/spidermultusconfigs",
    "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions",
)
_NOW = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
_TOKEN = "product"
_THREADS = 8


def install_crds(admin: api.Api, manifests: Iterable[Json]) -> None:
    """Apply CustomResourceDefinitions and wait until they are served."""
    names = [admin.apply(CRDS, manifest)["metadata"]["name"] for manifest in manifests]

    def are_served() -> bool:
        for name in names:
            spec = admin.expect("GET", f"{CRDS}/{name}")["spec"]
            version = spec["versions"][0]["name"]
            if admin.request("GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}").status != 200:
                return False
        return True

    api.wait_until("the CRDs are served", are_served)


def own_crds() -> list[Json]:
    """Return the project's own CustomResourceDefinitions."""
    return [yaml.safe_load(file.read_text()) for file in sorted(MANIFESTS.glob("*.yaml"))]


class RealWorld(ClusterWorld):
    """A cluster with Spiderpool's rules on a real API server. `clear` empties it for the next test."""

    def __init__(self, cluster: Cluster) -> None:
        self.admin = cluster.admin
        self._seeder = cluster.seeder
        self._put: set[str] = set()
        install_crds(self.admin, own_crds())
        for kind, manifest in product_rights():
            self.admin.apply(f"{RBAC}/{kind}", manifest)
        self.webhooks = WebhookServer(self.admin)
        self.controller = Controller(self.admin)
        self.proxy = FaultProxy(cluster.product, _TOKEN)
        self._proxy_server = ClusterServer(self.proxy)
        self.cluster = self.connect(_TOKEN)

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

    def stop_controller(self) -> None:
        self.webhooks.webhook.up = False

    def inject(self, hook: Hook) -> Callable[[], None]:
        return self.proxy.inject(hook)

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        return self.proxy.requests

    def expire_list_tokens(self) -> None:
        raise NotImplementedError("the API server expires tokens after five minutes, when it compacts etcd")

    def clear(self) -> None:
        """Delete whatever a test left, past admission, and let everything work again."""
        self.webhooks.webhook.up = True
        self.proxy.hooks.clear()
        self.proxy.requests.clear()
        while self._put:
            # Gone is as good: some tests delete what they were given.
            self._seeder.request("DELETE", self._put.pop(), _NOW)
        for path in _CLEARED:
            self._seeder.expect("DELETE", path)
        for pool in self.admin.items(api.POOLS):
            free = {"metadata": {"finalizers": None}}
            self._seeder.request("PATCH", f"{api.POOLS}/{pool['metadata']['name']}", free, api.MERGE)

    def stop(self) -> None:
        """Stop everything but the API server."""
        self.clear()
        self._proxy_server.stop()
        self.webhooks.stop()


def _collection(obj: Json) -> str:
    resource = next(
        one for one in RESOURCES.values() if (one.api_version, one.kind) == (obj["apiVersion"], obj["kind"])
    )
    prefix = "/api/v1" if not resource.group else f"/apis/{resource.api_version}"
    scope = f"/namespaces/{obj['metadata']['namespace']}" if resource.namespaced else ""
    return f"{prefix}{scope}/{resource.plural}"


def product_rights() -> list[tuple[str, Json]]:
    """Return the ClusterRole and the binding of the user that the product logs in as: the verbs that it uses."""
    group = "spiderpool.spidernet.io"
    rules = [
        {"apiGroups": [group], "resources": ["spiderippools"], "verbs": ["list", "create", "patch", "delete"]},
        {"apiGroups": [group], "resources": ["spidermultusconfigs"], "verbs": ["list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "patch", "delete"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "delete"]},
    ]
    name, rbac = "spiderpool-aws", "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{rbac}/v1", "metadata": {"name": name}}
    subject = {"apiGroup": rbac, "kind": "User", "name": "spiderpool-aws"}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    return [
        ("clusterroles", {**head, "kind": "ClusterRole", "rules": rules}),
        ("clusterrolebindings", {**head, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role}),
    ]
