"""A small client for these tests: one method for each kind of request, on a double whose clock stands still."""

import json
from collections.abc import Mapping
from typing import Any

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.cluster import Answer, ClusterDouble, ClusterOptions

GROUP = "/apis/spiderpool.spidernet.io/v2beta1"
POOLS = f"{GROUP}/spiderippools"
NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
Json = dict[str, Any]


def pool(
    name: str, *ips: str, subnet: str = "10.0.1.0/24", labels: Mapping[str, str] | None = None, **spec: Any
) -> Json:
    """Return a pool as a client sends it."""
    metadata: Json = {"name": name, **({"labels": dict(labels)} if labels else {})}
    body = {"subnet": subnet, "ips": list(ips), **spec}
    return {
        "apiVersion": "spiderpool.spidernet.io/v2beta1",
        "kind": "SpiderIPPool",
        "metadata": metadata,
        "spec": {"ipVersion": 6 if ":" in subnet else 4, **body},
    }


def node(name: str, **spec: Any) -> Json:
    """Return a Node with an address."""
    status = {"addresses": [{"type": "InternalIP", "address": "10.0.1.4"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec, "status": status}


def pod(name: str, node_name: str = "n1") -> Json:
    """Return a Pod bound to a node."""
    spec: Json = {"containers": [{"name": "main", "image": "app"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {**spec, **({"nodeName": node_name} if node_name else {})},
    }


class Client:
    """Requests to a double, as the product unless another token is given."""

    def __init__(self, options: ClusterOptions | None = None) -> None:
        self.clock = ManualClock()
        self.double = ClusterDouble(self.clock, options=options)
        self.headers: dict[str, str] = {"User-Agent": "tests/1"}

    def send(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Send one request."""
        headers = {"Authorization": f"Bearer {self.double.token}", "Content-Type": content_type, **self.headers}
        return self.double.request(method, path, query, headers, body)

    def get(self, path: str) -> Answer:
        """GET an object."""
        return self.send("GET", path)

    def names(self, path: str, **query: str) -> list[str]:
        """LIST, and return the names."""
        answer = self.send("GET", path, **query)
        assert answer.status == 200, answer.body
        return [item["metadata"]["name"] for item in answer.body["items"]]

    def apply(self, obj: Json, manager: str = "spiderpool-aws", path: str = POOLS, **query: str) -> Answer:
        """Apply an object of the collection at the path."""
        name = obj["metadata"]["name"]
        return self.send("PATCH", f"{path}/{name}", obj, APPLY, fieldManager=manager, **query)

    def merge(self, path: str, body: Json, **query: str) -> Answer:
        """Send a merge patch."""
        return self.send("PATCH", path, body, MERGE, **query)

    def allocate(self, name: str, *addresses: str) -> Answer:
        """Write addresses into a pool's status, as an agent does."""
        records = {ip: {"pod": f"default/pod-{ip}", "podUid": f"uid-{ip}"} for ip in addresses}
        text = json.dumps(records) if records else None
        return self.merge(
            f"{POOLS}/{name}/status", {"status": {"allocatedIPs": text, "allocatedIPCount": len(records)}}
        )

    def spec(self, name: str) -> Json:
        """Return a pool's spec."""
        spec: Json = self.get(f"{POOLS}/{name}").body["spec"]
        return spec


def causes(answer: Answer) -> list[str]:
    """Return the fields that an Invalid answer names."""
    return [cause["field"] for cause in answer.body["details"]["causes"]]
