"""An API server's listings from memory, for the product's own adapter: what is left is what the reader computes."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from kubernetes.client.api_client import ApiClient

from spiderpool_aws.adapters.cluster import MULTUS, NODES, POOLS, RESERVED, ClusterAdapter
from spiderpool_aws.adapters.cluster_api import PAGE
from spiderpool_aws.adapters.credentials import FixedCredentials
from spiderpool_aws.domain.cluster.pool import FIELD_MANAGER, Pool, pool_manifest
from tests.unit.world import SmallReporter

Json = dict[str, Any]
_LABELS = [f"f:spiderpool-aws/{name}" for name in ("cluster", "instance", "eni", "attachment", "family")]
_SPEC = [f"f:{name}" for name in ("default", "gateway", "ipVersion", "ips", "multusName", "nodeName", "subnet")]
_TIME = "2026-01-01T00:00:45Z"
_OWNERS = [
    {
        "f:metadata": {"f:annotations": {"f:spiderpool-aws/state": {}}, "f:labels": {label: {} for label in _LABELS}},
        "f:spec": {name: {} for name in _SPEC},
    },
    {"f:status": {"f:allocatedIPCount": {}, "f:totalIPCount": {}, ".": {}}},
]
_IMAGES, _IMAGE_BYTES = 50, 160
"""What a kubelet tells of the images on its node by default, with a digest and a tag of each."""


def pool_document(pool: Pool, version: int) -> Json:
    """Return a pool as an API server stores it, its managed fields and Spiderpool's status included: some 1.8 kB."""
    manifest = pool_manifest(pool)
    managers = zip((FIELD_MANAGER, "spiderpool-controller"), ("Apply", "Update"), _OWNERS, strict=True)
    manifest["metadata"] |= {
        "uid": f"uid-{pool.name}",
        "resourceVersion": str(version),
        "generation": version,
        "creationTimestamp": _TIME,
        "finalizers": ["spiderpool.spidernet.io"],
        "managedFields": [
            {"manager": who, "operation": how, "time": _TIME, "fieldsType": "FieldsV1", "fieldsV1": fields}
            for who, how, fields in managers
        ],
    }
    return manifest | {"status": {"allocatedIPCount": 0, "totalIPCount": pool.spec.ips.count()}}


def node_document(name: str) -> Json:
    """Return a Node with a kubelet's status: some 10 kB, of which the images are most."""
    images = [{"names": [f"registry/{'x' * _IMAGE_BYTES}:{i}"], "sizeBytes": i} for i in range(_IMAGES)]
    addresses = [{"type": "InternalIP", "address": "10.0.0.4"}, {"type": "Hostname", "address": name}]
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "1", "creationTimestamp": _TIME}
    return {"metadata": metadata, "spec": {}, "status": {"addresses": addresses, "images": images}}


class ListingApi:
    """Answers lists by pages, as bytes; stands for the `kubernetes` package's client."""

    configuration = SimpleNamespace(host="https://memory")

    def __init__(self) -> None:
        self._items: dict[str, list[bytes]] = {kind.path(): [] for kind in (POOLS, NODES, RESERVED, MULTUS)}

    def fill(self, path: str, documents: list[Json]) -> None:
        """Take the place of a collection."""
        self._items[path] = [json.dumps(document).encode() for document in documents]

    def change(self, path: str, place: int, document: Json) -> None:
        """Take the place of one object."""
        self._items[path][place] = json.dumps(document).encode()

    def param_serialize(self, method: str, path: str, *, query_params: Mapping[str, str], **_: Any) -> tuple[Any, ...]:
        """Return what `call_api` is given."""
        return method, path, int(query_params.get("continue", 0))

    def call_api(self, _method: str, path: str, start: int, **_: Any) -> Any:
        """Return one page; of a single object that there is none."""
        items = self._items.get(path)
        if items is None:
            return SimpleNamespace(status=404, headers={}, read=lambda: b"{}")
        token = str(start + PAGE) if start + PAGE < len(items) else ""
        head = json.dumps({"kind": "List", "metadata": {"continue": token}}).encode()
        body = head[:-1] + b', "items": [' + b", ".join(items[start : start + PAGE]) + b"]}"
        return SimpleNamespace(status=200, headers={}, read=lambda: body)

    def adapter(self) -> ClusterAdapter:
        """Return the product's adapter on it."""
        return ClusterAdapter(FixedCredentials(cast("ApiClient", self)), SmallReporter())
