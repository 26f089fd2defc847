"""What the nodes of the bursts and of the resync are like: two dual-stack NICs each, spread over eight subnets."""

from typing import Any

from spiderpool_aws.domain.policy.model import Policy

SUBNETS = 8
ROLE = {"spiderpool-aws/role": "secondary-nic"}
IPV4, IPV6 = 5, 3
"""Addresses of each NIC."""
POOLS_OF_A_NODE = 4


def policy() -> Policy:
    """Return a policy of two dual-stack NICs, the second of which is created."""
    interfaces: list[dict[str, Any]] = [
        {"deviceIndex": i, "host": f"ens{5 + i}", "multus": f"kube-system/ipvlan-ens{5 + i}"}
        | {"ipv4": {"addresses": IPV4}, "ipv6": {"addresses": IPV6}}
        for i in range(2)
    ]
    interfaces[1] |= {"subnets": {"tags": ROLE}}
    groups = [{"name": "workers", "interfaces": interfaces}]
    return Policy.model_validate({"version": 1, "cluster": "prod", "groups": groups})
