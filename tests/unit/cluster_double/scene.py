"""A double on a clock that stands still, and a client that sends requests to it."""

from typing import Any

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import Answer, ClusterDouble, ClusterOptions, PodResult, SpiderpoolAgent

GROUP = "/apis/spiderpool.spidernet.io/v2beta1"
POOLS = f"{GROUP}/spiderippools"
RESERVED = f"{GROUP}/spiderreservedips"
NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"
MULTUS = f"{GROUP}/namespaces/kube-system/spidermultusconfigs"
ATTACHMENTS = "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
NETWORK = "kube-system/ipvlan-ens5"


def pool(name: str, *ips: str, **spec: Any) -> dict[str, Any]:
    """A pool of node n1 and network ens5, default, in 10.0.1.0/24 unless the spec says otherwise."""
    defaults = {"ipVersion": 4, "subnet": "10.0.1.0/24", "nodeName": ["n1"], "multusName": [NETWORK], "default": True}
    return {
        "apiVersion": "spiderpool.spidernet.io/v2beta1",
        "kind": "SpiderIPPool",
        "metadata": {"name": name},
        "spec": {**defaults, "ips": list(ips), **spec},
    }


def pool6(name: str, *ips: str, **spec: Any) -> dict[str, Any]:
    return pool(name, *ips, **{"ipVersion": 6, "subnet": "2001:db8:1:1::/64", **spec})


def node(name: str = "n1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}


def reserved(name: str, *ips: str) -> dict[str, Any]:
    return {
        "apiVersion": "spiderpool.spidernet.io/v2beta1",
        "kind": "SpiderReservedIP",
        "metadata": {"name": name},
        "spec": {"ipVersion": 4, "ips": list(ips)},
    }


class Scene:
    """One double, its clock, and requests as the product or as somebody else."""

    def __init__(self, options: ClusterOptions | None = None) -> None:
        self.clock = ManualClock()
        self.double = ClusterDouble(self.clock, options=options)

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self.double.token}", "Content-Type": content_type}
        return self.double.request(method, path, query, headers, body)

    def apply(self, obj: dict[str, Any], manager: str = "spiderpool-aws", **query: str) -> Answer:
        return self.send("PATCH", f"{POOLS}/{obj['metadata']['name']}", obj, APPLY, fieldManager=manager, **query)

    def merge(self, path: str, patch: Any, **query: str) -> Answer:
        return self.send("PATCH", path, patch, MERGE, **query)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        answer = self.send("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    def allocated(self, name: str) -> set[str]:
        """The addresses that the pool's status says are in use."""
        entry = self.double.pools.get(name)
        return set(entry.allocations) if entry else set()

    def owners(self, name: str) -> dict[str, list[str]]:
        """Who owns which fields of a pool's spec."""
        entries = self.get(f"{POOLS}/{name}")["metadata"]["managedFields"]
        return {entry["manager"]: sorted(entry["fieldsV1"].get("f:spec", {})) for entry in entries}


class PodScene(Scene):
    """A scene with node n1, its pool of three addresses, and an agent."""

    def __init__(self) -> None:
        super().__init__()
        self.agent = SpiderpoolAgent(self.double, needs_networks=False)
        self.double.put(node())
        self.double.put(pool("a", "10.0.1.10-10.0.1.12"))
        self.clock.advance(1)

    def run(self, name: str = "web", node_name: str = "n1", network: str = NETWORK) -> PodResult:
        return self.agent.run_pod("default", name, node_name, network)

    def seconds_until_released(self, pool_name: str = "a", limit: int = 1200) -> float:
        """Move the clock on in steps until the pool's status names nobody; return how long that took."""
        start = self.clock.now()
        while self.allocated(pool_name):
            waited = (self.clock.now() - start).total_seconds()
            assert waited < limit, "never released"
            self.clock.advance(0.5)
        return (self.clock.now() - start).total_seconds()
