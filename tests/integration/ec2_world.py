"""The product's `Ec2Port` on the EC2 model: what a Reconciler is given where NICs are created, attached and deleted."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import boto3

from spiderpool_aws.adapters.ec2 import Ec2Adapter
from spiderpool_aws.domain.actions.nics import Amount, CreateNic
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.instance import CLUSTER_TAG, INDEX_TAG, INSTANCE_TAG
from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import Ec2Model, Ec2Options, connect_in_process
from spiderpool_aws.local.ec2.calls import Fault
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch

TAGS = {CLUSTER_TAG: "prod", "role": "worker"}
ROLE = {"spiderpool-aws/role": "secondary-nic"}
PLANS = {
    "a": SubnetPlan("10.0.0.0/20"),
    "tiny": SubnetPlan("10.0.16.0/28", tags=ROLE),
    "b": SubnetPlan("10.0.17.0/24", tags=ROLE),
    "zone-b": SubnetPlan("10.0.18.0/24", "b", ROLE),
}
ACCESS_KEY = "AKIAWORKER"


def session_of(model: Ec2Model) -> boto3.Session:
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key="b", region_name=model.region)


def connected(model: Ec2Model) -> Ec2Adapter:
    """Return the product's adapter, answered by the model inside the process."""
    session = session_of(model)
    connect_in_process(session, model)
    return Ec2Adapter.from_session(session)


class Ec2World:
    """A VPC with four subnets (a roomy, a tiny, a second one, one of another zone); the adapter's calls are counted."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.model = Ec2Model(self.clock, options=Ec2Options(**options))
        network = create_network(self.model, PLANS)
        self.vpc, self.subnets, self.group = network.vpc_id, network.subnets, network.group_id
        self.ec2 = connected(self.model)
        self.calls: Counter[str] = Counter()
        self.model.observe(lambda call: self.calls.update([call.operation]))

    def launch(self, *subnets: str, nic: Mapping[str, Any] | None = None, **how: Any) -> str:
        nics = [{"SubnetId": self.subnets[name], **(nic or {})} for name in subnets or ("a",)]
        instance = launch(self.model, nics, tags=how.pop("tags", TAGS), **how)
        self.clock.advance(60)
        self.calls.clear()
        return instance

    def eni(self, instance: str, index: int = 0) -> str:
        return self.model.instances[instance].eni_ids[index]

    def fail(self, operation: str, fault: Fault) -> None:
        def hook(called: str, _: Mapping[str, Any]) -> Fault | None:
            return fault if called == operation else None

        self.model.inject(hook)

    def fail_once(self, operation: str, fault: Fault) -> None:
        faults = iter([fault])
        self.model.inject(lambda called, _: next(faults, None) if called == operation else None)

    def wanted(self, instance: str, subnet: str = "b", **changes: Any) -> CreateNic:
        """Return a NIC to be created for device index 1: two secondary IPv4 and two IPv6 addresses."""
        amounts = {IPFamily.IPV4: Amount(2), IPFamily.IPV6: Amount(2)}
        tags = {CLUSTER_TAG: "prod", INSTANCE_TAG: instance, INDEX_TAG: "1"}
        given: dict[str, Any] = {"amounts": amounts, "tags": tags, "token": "token-1", "groups": (self.group,)}
        return CreateNic(instance, 1, self.subnets[subnet], **(given | changes))
