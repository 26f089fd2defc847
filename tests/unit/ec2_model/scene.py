"""A small network to make calls in."""

from typing import Any

from spiderpool_aws.local.clock import ManualClock
from spiderpool_aws.local.ec2 import Ec2Model, Ec2Options
from spiderpool_aws.local.ec2.fixtures import SubnetPlan, create_network, launch

PLANS = {
    "a": SubnetPlan("10.0.0.0/24", "a", {"role": "nodes"}),
    "a2": SubnetPlan("10.0.1.0/24", "a", {"role": "pods"}),
    "tiny": SubnetPlan("10.0.2.0/28", "a"),
    "b": SubnetPlan("10.0.3.0/24", "b"),
}


class Scene:
    """One model with four subnets, a running m5.large (3 NICs, 10 addresses a NIC) with one NIC, and a spare NIC."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.model = Ec2Model(self.clock, options=Ec2Options(**options))
        self.network = create_network(self.model, PLANS)
        self.a, self.a2 = self.network.subnets["a"], self.network.subnets["a2"]
        self.tiny, self.b = self.network.subnets["tiny"], self.network.subnets["b"]
        self.instance = self.launch()
        self.nic0 = self.model.instances[self.instance].eni_ids[0]
        self.spare = self.create_eni(SubnetId=self.a2)
        self.clock.advance(60)

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.model.call(operation, params)

    def launch(self, *nics: dict[str, Any], **how: Any) -> str:
        return launch(self.model, list(nics) or [{"SubnetId": self.a}], **how)

    def create_eni(self, **params: Any) -> str:
        identifier: str = self.call("CreateNetworkInterface", **params)["NetworkInterface"]["NetworkInterfaceId"]
        return identifier

    def attach(self, eni: str, instance: str | None = None, index: int = 1, **params: Any) -> str:
        identifier: str = self.call(
            "AttachNetworkInterface",
            NetworkInterfaceId=eni,
            InstanceId=instance or self.instance,
            DeviceIndex=index,
            **params,
        )["AttachmentId"]
        return identifier

    def attachment_of(self, eni: str) -> str:
        attachment = self.model.enis[eni].attachment
        assert attachment is not None
        return attachment.id

    def addresses(self, eni: str) -> list[str]:
        return [self.model.enis[eni].primary_ip, *self.model.enis[eni].secondary_ips]
