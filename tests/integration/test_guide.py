"""The Spiderpool guide's own cluster: two nodes with two NICs give the four pools that its reader writes by hand."""

from typing import Any

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, addresses, create_network, launch
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.local.stack import LocalStack

POLICY = """
version: 1
cluster: guide
nodeName: tag:Name
groups:
  - name: all
    interfaces:
      - {deviceIndex: 0, host: ens5, multus: default/ipvlan-ens5, ipv4: {addresses: 5}}
      - {deviceIndex: 1, host: ens6, multus: default/ipvlan-ens6, ipv4: {addresses: 5}}
"""
SUBNETS = {
    "master-ens5": SubnetPlan("172.31.16.0/20"),
    "worker1-ens5": SubnetPlan("180.17.16.0/24"),
    "master-ens6": SubnetPlan("210.22.16.0/24"),
    "worker1-ens6": SubnetPlan("210.22.32.0/24"),
}
# node and NIC -> primary address, first and last secondary of the guide's screenshots, the subnet's gateway
GUIDE = {
    ("master", "ens5"): ("172.31.22.228", "172.31.16.4", "172.31.16.8", "172.31.16.1"),
    ("master", "ens6"): ("210.22.16.10", "210.22.16.11", "210.22.16.15", "210.22.16.1"),
    ("worker1", "ens5"): ("180.17.16.17", "180.17.16.11", "180.17.16.15", "180.17.16.1"),
    ("worker1", "ens6"): ("210.22.32.10", "210.22.32.11", "210.22.32.15", "210.22.32.1"),
}


def nic_of(subnet_id: str, primary: str, first: str, last: str) -> dict[str, Any]:
    return {"SubnetId": subnet_id, **addresses(primary, *AddressSet.parse(IPFamily.IPV4, [f"{first}-{last}"]))}


def first_address(spec: dict[str, Any]) -> str:
    return str(spec["ips"])


def test_the_guides_cluster_gives_exactly_the_four_pools_that_a_person_would_write() -> None:
    with LocalStack(POLICY) as stack:
        checker = InvariantChecker(stack.model, stack.cluster, stack.role_arns, stack.policy)
        network = create_network(
            stack.model, SUBNETS, cidrs=("172.31.0.0/16", "180.17.0.0/16", "210.22.0.0/16"), ipv6=False
        )
        for node in ("master", "worker1"):
            nics = [nic_of(network.subnets[f"{node}-{nic}"], *GUIDE[node, nic][:3]) for nic in ("ens5", "ens6")]
            launch(stack.model, nics, tags={"spiderpool-aws/cluster": "guide", "Name": node})
        stack.bus.advance(60)
        checker.check()
        written = [pool["spec"] for pool in stack.cluster.objects("spiderippools")]
        assert sorted(written, key=first_address) == sorted(
            (
                {
                    "default": True,
                    "disable": False,
                    "ipVersion": 4,
                    "subnet": SUBNETS[f"{node}-{nic}"].cidr,
                    "ips": [f"{first}-{last}"],
                    "gateway": gateway,
                    "nodeName": [node],
                    "multusName": [f"default/ipvlan-{nic}"],
                }
                for (node, nic), (_, first, last, gateway) in GUIDE.items()
            ),
            key=first_address,
        )
        assert not any(call.operation.startswith("Assign") for call in stack.model.calls)
        masters = {
            (config["metadata"]["namespace"], config["metadata"]["name"]): config["spec"]["ipvlan"]["master"]
            for config in stack.cluster.objects("spidermultusconfigs")
        }
        assert masters == {("default", "ipvlan-ens5"): ["ens5"], ("default", "ipvlan-ens6"): ["ens6"]}
