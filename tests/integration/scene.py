"""A small cluster on the local stack: a network, some nodes, and the checker of the invariants."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool
from spiderpool_aws.local.ec2 import Ec2Options
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch
from spiderpool_aws.local.iam import Policies
from spiderpool_aws.local.invariants import InvariantChecker
from spiderpool_aws.local.kubelet import Kubelets
from spiderpool_aws.local.stack import LocalStack

SUBNETS = {"nodes": SubnetPlan("10.0.0.0/24"), "pods": SubnetPlan("10.0.1.0/24")}
TAGS = {"spiderpool-aws/cluster": "prod"}


def policy_text(*, nics: int = 2, ipv6: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a policy's file: so many NICs with five IPv4 addresses each, IPv6 when it is given."""
    interfaces = [
        {"deviceIndex": i, "host": f"ens{5 + i}", "multus": f"kube-system/ipvlan-ens{5 + i}", "ipv4": {"addresses": 5}}
        | ({"ipv6": ipv6} if ipv6 else {})
        for i in range(nics)
    ]
    document = {"version": 1, "cluster": "prod", "groups": [{"name": "workers", "interfaces": interfaces}]}
    return yaml.safe_dump(document | changes)


@dataclass
class Scene:
    stack: LocalStack
    network: Network
    checker: InvariantChecker
    kubelets: Kubelets

    def launch(
        self,
        *,
        nics: int = 2,
        tags: dict[str, str] | None = None,
        nic_tags: dict[str, str] | None = None,
        instance_type: str = "m5.large",
        **nic: Any,
    ) -> str:
        """Launch a node whose NICs hold nothing beside their primary addresses."""
        subnets = [self.network.subnets[name] for name in ("nodes", "pods")[:nics]]
        plans = [
            {"SubnetId": s, "Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True} | nic
            for s in subnets
        ]
        own = TAGS if tags is None else tags
        return launch(self.stack.model, plans, tags=own, nic_tags=nic_tags, instance_type=instance_type)

    def run(self, seconds: float) -> None:
        """Let time pass, with the invariants checked on the way."""
        for _ in range(max(1, int(seconds // 5))):
            self.stack.bus.advance(5)
            self.checker.check()

    def pools(self, instance_id: str = "") -> list[Pool]:
        read = [SpiderIPPool.model_validate(p).to_pool() for p in self.stack.cluster.objects("spiderippools")]
        return [p for p in read if not instance_id or (p.identity and p.identity.instance_id == instance_id)]

    def writes(self) -> int:
        return self.checker.judged

    def ec2_reads(self) -> list[str]:
        """Return the product's describes of instances and NICs since the calls were cleared."""
        roles = self.stack.role_arns
        return [
            call.operation
            for call in self.stack.model.calls
            if call.caller in roles and call.operation in ("DescribeInstances", "DescribeNetworkInterfaces")
        ]

    def addresses(self, instance_id: str) -> set[str]:
        enis = (e for e in self.stack.model.enis.values() if e.attachment and e.attachment.instance_id == instance_id)
        return {address for eni in enis for address in eni.secondary_ips}


@contextmanager
def scene(
    policy: str | None = None,
    *,
    options: Ec2Options | None = None,
    policies: Policies | None = None,
    subnets: Mapping[str, SubnetPlan] | None = None,
) -> Iterator[Scene]:
    """Return a local stack with a network and no node; at the end the invariants are checked once more."""
    with LocalStack(policy or policy_text(), options=options, policies=policies) as stack:
        checker = InvariantChecker(stack.model, stack.cluster, stack.role_arns, stack.policy)
        kubelets = Kubelets(stack.model, stack.cluster, stack.agent)
        built = Scene(stack, create_network(stack.model, subnets or SUBNETS), checker, kubelets)
        yield built
        checker.check()
        assert [m.body for m in stack.dead_requests.messages] == []
