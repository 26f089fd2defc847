"""A product that has gone wrong: it writes as the product does, with its user and its role."""

from typing import Any

from tests.integration.scene import Scene

API = "/apis/spiderpool.spidernet.io/v2beta1"
POOLS = f"{API}/spiderippools"
APPLY = {"fieldManager": "spiderpool-aws", "force": "true"}


def write(s: Scene, verb: str, path: str, body: Any = None, *, kind: str = "merge-patch+json") -> None:
    """Write to the cluster as the product's user; it must succeed."""
    headers = {"authorization": f"Bearer {s.stack.cluster.token}", "content-type": f"application/{kind}"}
    query = APPLY if kind == "apply-patch+yaml" else {}
    answer = s.stack.cluster.request(verb, path, query, headers, body)
    assert answer.status in (200, 201), answer.body


def apply(s: Scene, obj: dict[str, Any]) -> None:
    """Apply a pool or a reservation."""
    where = POOLS if obj["kind"] == "SpiderIPPool" else f"{API}/spiderreservedips"
    write(s, "PATCH", f"{where}/{obj['metadata']['name']}", obj, kind="apply-patch+yaml")


def call(s: Scene, operation: str, **params: Any) -> dict[str, Any]:
    """Call EC2 in the role of the worker."""
    return s.stack.model.call(operation, params, s.stack.role_arns[1])


def manifest(s: Scene, **spec: Any) -> dict[str, Any]:
    """Return the first NIC's pool as it is, with some fields changed."""
    stored = s.stack.cluster.objects("spiderippools")[0]
    metadata = {"name": stored["metadata"]["name"], "labels": stored["metadata"]["labels"]}
    return {k: stored[k] for k in ("apiVersion", "kind")} | {"metadata": metadata, "spec": stored["spec"] | spec}


def relabelled(pool: dict[str, Any], name: str = "", **labels: str) -> dict[str, Any]:
    """Return a pool with other labels, and another name when one is given."""
    metadata = pool["metadata"]
    changed = metadata["labels"] | {f"spiderpool-aws/{key}": value for key, value in labels.items()}
    return pool | {"metadata": {"name": name or metadata["name"], "labels": changed}}


def path(s: Scene) -> str:
    return f"{POOLS}/{manifest(s)['metadata']['name']}"


def nic(s: Scene, index: int = 0) -> str:
    enis = s.stack.model.enis.values()
    return next(eni.id for eni in enis if eni.attachment and eni.attachment.device_index == index)


def create_nic(s: Scene, *tags: str, **params: Any) -> str:
    """Create a NIC with these tags, `key=value`; by default those that say whose it is."""
    given = tags or (f"spiderpool-aws/instance={next(iter(s.stack.model.instances))}", "spiderpool-aws/cluster=prod")
    pairs = [{"Key": key, "Value": value} for key, _, value in (tag.partition("=") for tag in given if tag)]
    specifications = [{"ResourceType": "network-interface", "Tags": pairs}]
    answer = call(
        s, "CreateNetworkInterface", SubnetId=s.network.subnets["pods"], TagSpecifications=specifications, **params
    )
    return str(answer["NetworkInterface"]["NetworkInterfaceId"])
