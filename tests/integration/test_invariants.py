"""The checker of the invariants can fail: each rule is broken once, by a product that has gone wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from spiderpool_aws.local.invariants import InvariantError
from tests.integration.scene import Scene, policy_text, scene

POOLS = "/apis/spiderpool.spidernet.io/v2beta1/spiderippools"


def apply(s: Scene, manifest: dict[str, Any]) -> None:
    """Write a pool as the product does."""
    headers = {"authorization": f"Bearer {s.stack.cluster.token}", "content-type": "application/apply-patch+yaml"}
    query = {"fieldManager": "spiderpool-aws", "force": "true"}
    answer = s.stack.cluster.request("PATCH", f"{POOLS}/{manifest['metadata']['name']}", query, headers, manifest)
    assert answer.status in (200, 201), answer.body


def delete(s: Scene, path: str) -> None:
    headers = {"authorization": f"Bearer {s.stack.cluster.token}"}
    assert s.stack.cluster.request("DELETE", path, {}, headers).status == 200


def manifest(s: Scene, **spec: Any) -> dict[str, Any]:
    """Return the node's pool as it is, with some fields changed."""
    (stored,) = s.stack.cluster.objects("spiderippools")
    metadata = {"name": stored["metadata"]["name"], "labels": stored["metadata"]["labels"]}
    return {k: stored[k] for k in ("apiVersion", "kind")} | {"metadata": metadata, "spec": stored["spec"] | spec}


def nic(s: Scene) -> str:
    return next(eni.id for eni in s.stack.model.enis.values() if eni.attachment)


def call(s: Scene, operation: str, **params: Any) -> None:
    s.stack.model.call(operation, params, s.stack.role_arns[1])


def list_what_is_not_assigned(s: Scene) -> None:
    apply(s, manifest(s, ips=["10.0.0.5-10.0.0.9", "10.0.0.77"]))


def list_the_hosts_address(s: Scene) -> None:
    apply(s, manifest(s, ips=["10.0.0.4-10.0.0.9"]))


def unassign_what_is_listed(s: Scene) -> None:
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=["10.0.0.9"])


def unassign_what_is_used(s: Scene) -> None:
    call(s, "UnassignPrivateIpAddresses", NetworkInterfaceId=nic(s), PrivateIpAddresses=["10.0.0.5"])


def write_another_gateway(s: Scene) -> None:
    apply(s, manifest(s, gateway="10.0.0.2"))


def write_no_node_name(s: Scene) -> None:
    apply(s, manifest(s, nodeName=[]))


def create_a_nic_without_tags(s: Scene) -> None:
    call(s, "CreateNetworkInterface", SubnetId=s.network.subnets["pods"])


def delete_somebodys_nic(s: Scene) -> None:
    params = {"SubnetId": s.network.subnets["pods"]}
    answer = s.stack.model.call("CreateNetworkInterface", params)
    call(s, "DeleteNetworkInterface", NetworkInterfaceId=answer["NetworkInterface"]["NetworkInterfaceId"])


def write_somebodys_pool(s: Scene) -> None:
    spec = {"subnet": "10.0.9.0/24", "ips": ["10.0.9.5"], "nodeName": ["n"], "multusName": ["a/b"]}
    kind = {"apiVersion": "spiderpool.spidernet.io/v2beta1", "kind": "SpiderIPPool"}
    stored = s.stack.cluster.put({**kind, "metadata": {"name": "hand-made"}, "spec": spec})
    apply(s, {**kind, "metadata": {"name": stored["metadata"]["name"]}, "spec": spec | {"default": True}})


def delete_a_live_node(s: Scene) -> None:
    (node,) = s.stack.cluster.objects("nodes")
    delete(s, f"/api/v1/nodes/{node['metadata']['name']}")


@pytest.mark.parametrize(
    ("invariant", "break_it"),
    [
        (1, list_what_is_not_assigned),
        (2, unassign_what_is_listed),
        (3, unassign_what_is_used),
        (4, list_the_hosts_address),
        (4, write_another_gateway),
        (4, write_no_node_name),
        (6, create_a_nic_without_tags),
        (7, delete_somebodys_nic),
        (7, write_somebodys_pool),
        (7, delete_a_live_node),
    ],
)
def test_a_product_that_breaks_an_invariant_is_caught(invariant: int, break_it: Callable[[Scene], None]) -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        (node,) = s.stack.cluster.objects("nodes")
        s.stack.agent.run_pod("default", "web", node["metadata"]["name"], "kube-system/ipvlan-ens5")
        s.checker.check()
        break_it(s)
        with pytest.raises(InvariantError, match=f"invariant {invariant}"):
            s.checker.check()
        s.checker.violations.clear()


def test_a_write_to_a_converged_system_is_caught() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        with pytest.raises(InvariantError, match="invariant 8: 1 writes"):
            s.checker.assert_idle(lambda: apply(s, manifest(s, default=False)))


def test_two_pools_with_one_address_are_caught() -> None:
    with scene(policy_text(nics=1)) as s:
        s.launch(nics=1)
        s.run(120)
        twin = manifest(s) | {"metadata": manifest(s)["metadata"] | {"name": "twin"}}
        s.stack.cluster.put(twin, past_overlap_check=True)
        with pytest.raises(InvariantError, match=r"invariant 4: 10\.0\.0\.5 is in"):
            s.checker.check()
        s.stack.cluster.store.remove("spiderippools", ("", "twin"))
