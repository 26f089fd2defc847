"""The product as a user of the cluster that may do only what it needs."""

from typing import Any

from spiderpool_aws.local.cluster.double import PRODUCT
from spiderpool_aws.manifests.rbac import roles_and_bindings
from tests.integration.scene import Scene, policy_text, scene

ROLES = [manifest for manifest in roles_and_bindings([PRODUCT]) if "rules" in manifest]
RULES: list[dict[str, Any]] = [rule for role in ROLES for rule in role["rules"]]


def limit(s: Scene) -> None:
    """Give the product the printed rights and no other."""
    (everywhere,) = (role["rules"] for role in ROLES if role["kind"] == "ClusterRole")
    namespaced = {role["metadata"]["namespace"]: role["rules"] for role in ROLES if role["kind"] == "Role"}
    s.stack.cluster.authorizer.limit(PRODUCT, everywhere, **namespaced)


def life_of_a_node(s: Scene) -> None:
    """Launch a node, run a pod and have its address taken by another NIC, stop and start it, terminate it."""
    instance_id = s.launch()
    s.run(120)
    node = s.pools(instance_id)[0].spec.node_name[0]
    pods = [s.stack.agent.run_pod("default", name, node, "kube-system/ipvlan-ens5") for name in ("web", "db")]
    for pod in pods:
        # One after the other, so that the second changes what is kept back.
        take_over(s, pod.addresses[0])
        s.run(600)
    for operation in ("StopInstances", "StartInstances", "TerminateInstances"):
        s.stack.model.call(operation, {"InstanceIds": [instance_id]})
        s.run(120)


def take_over(s: Scene, address: str) -> None:
    """Assign an address that a pod uses to a NIC that is nobody's."""
    holder = next(eni for eni in s.stack.model.enis.values() if address in eni.secondary_ips)
    call = s.stack.model.call
    other = call("CreateNetworkInterface", {"SubnetId": holder.subnet_id})["NetworkInterface"]["NetworkInterfaceId"]
    for operation, nic in (("UnassignPrivateIpAddresses", holder.id), ("AssignPrivateIpAddresses", other)):
        call(operation, {"NetworkInterfaceId": nic, "PrivateIpAddresses": [address]})


def test_a_node_lives_and_dies_with_these_verbs_alone() -> None:
    with scene(policy_text(ipv6={"prefixes": 1})) as s:
        limit(s)
        life_of_a_node(s)
        assert [one for one in s.stack.cluster.requests if one[2] == 403] == []
        resources = ("spiderippools", "spiderreservedips", "nodes", "pods")
        assert {name: s.stack.cluster.objects(name) for name in resources} == {name: [] for name in resources}


def test_none_of_these_verbs_is_given_in_vain() -> None:
    with scene(policy_text(ipv6={"prefixes": 1})) as s:
        s.stack.cluster.requests.clear()
        life_of_a_node(s)
        given = {(verb, one["resources"][0]) for one in RULES for verb in one["verbs"]}
        # Of these every object is made by an apply, which asks for `create` as well: the log calls it a patch.
        given -= {("create", name) for name in ("spiderippools", "spiderreservedips", "spidermultusconfigs")}
        assert given - {(verb, resource) for verb, resource, _ in s.stack.cluster.requests} == set()
