"""Steps on EC2's side: instances, Auto Scaling, and people who change things by hand."""

from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from spiderpool_aws.domain.instance import CLUSTER_TAG, MANAGED_TAG
from spiderpool_aws.local.ec2.autoscaling import AutoScalingGroup
from spiderpool_aws.local.ec2.errors import Ec2Error
from spiderpool_aws.local.ec2.fixtures import Network, SubnetPlan, create_network, launch, tag_list
from spiderpool_aws.local.ec2.state import Eni, Instance
from spiderpool_aws.local.invariants.truth import LIVE
from tests.simulation.policies import ROLE
from tests.simulation.script import step
from tests.simulation.stack import LAG_SECONDS
from tests.simulation.steps import Steps

TAGS = {CLUSTER_TAG: "prod"}
SUBNETS = {
    "nodes": SubnetPlan("10.0.0.0/24"),
    "pods": SubnetPlan("10.0.1.0/24", tags=ROLE),
}
SMALL = SUBNETS | {"nodes": SubnetPlan("10.0.0.0/26"), "pods": SubnetPlan("10.0.1.0/27", tags=ROLE)}
"""Subnets that six instances use up, and in which few blocks of 16 are whole."""
MOST_INSTANCES = 6


class Ec2Steps(Steps):
    """What happens in EC2 without the product. A number picks one of what there is, if there is one."""

    crowding: list[str]
    """NICs of others, which take up a subnet's addresses."""
    left_alone: set[str]
    """Instances that carry, or died with, the tag that says so."""

    def build_network(self, *, small: bool = False) -> None:
        """Make the subnets, and an Auto Scaling group that is empty yet."""
        self.model = self.stack.model
        self.network: Network = create_network(self.model, SMALL if small else SUBNETS)
        template = {
            "LaunchTemplateName": "workers",
            "LaunchTemplateData": {
                "ImageId": "ami-0123456789abcdef0",
                "InstanceType": "m5.large",
                "NetworkInterfaces": [self._nic("nodes", 0, 5), self._nic("pods", 1, 5)],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": tag_list(TAGS)}],
            },
        }
        self.model.call("CreateLaunchTemplate", template)
        where = [self.network.subnets["nodes"]]
        self.group = AutoScalingGroup(self.model, "workers", where, {"LaunchTemplateName": "workers"})
        self.stack.autoscaling.groups.append(self.group)

    def live(self) -> list[Instance]:
        """Return the instances that are not dead or dying, oldest first."""
        return [instance for instance in self.model.instances.values() if instance.state in LIVE]

    def _nic(self, subnet: str, index: int, filled: int = 0) -> dict[str, Any]:
        count = {"SecondaryPrivateIpAddressCount": filled} if filled else {}
        own = {"Ipv6AddressCount": 1, "PrimaryIpv6": True, "DeleteOnTermination": True}
        return {"DeviceIndex": index, "SubnetId": self.network.subnets[subnet]} | own | count

    def _instance(self, number: int) -> Instance | None:
        live = self.live()
        return live[number % len(live)] if live else None

    def nics(self, number: int) -> list[Eni]:
        """Return the NICs of a live instance."""
        instance = self._instance(number)
        return [self.model.enis[eni_id] for eni_id in instance.eni_ids] if instance else []

    def _by_hand(self, operation: str, params: dict[str, Any]) -> Any:
        """Make a call as a person; what EC2 refuses does not happen."""
        with suppress(Ec2Error):
            return self.model.call(operation, params)
        return None

    @step
    def launch(self, nics: int = 1, filled: int = 0, subnet: str = "nodes", kind: str = "m5.large") -> None:
        """Launch an instance by hand."""
        if len(self.live()) >= MOST_INSTANCES:
            return
        plans = [self._nic("pods" if index else subnet, index, filled) for index in range(nics)]
        with suppress(Ec2Error):
            launch(self.model, plans, tags=TAGS, instance_type=kind)

    @step
    def terminate(self, number: int) -> None:
        """Terminate an instance."""
        if instance := self._instance(number):
            self._by_hand("TerminateInstances", {"InstanceIds": [instance.id]})

    @step
    def stop(self, number: int) -> None:
        """Stop an instance."""
        if instance := self._instance(number):
            self._by_hand("StopInstances", {"InstanceIds": [instance.id]})

    @step
    def start(self, number: int) -> None:
        """Start an instance that is stopped."""
        if instance := self._instance(number):
            self._by_hand("StartInstances", {"InstanceIds": [instance.id]})

    @step
    def assign(self, number: int, nic: int, count: int, kind: str = "ipv4") -> None:
        """Assign addresses by hand."""
        nics = self.nics(number)
        if not nics:
            return
        eni_id = nics[nic % len(nics)].id
        if kind == "ipv6":
            self._by_hand("AssignIpv6Addresses", {"NetworkInterfaceId": eni_id, "Ipv6AddressCount": count})
        else:
            what = "Ipv4PrefixCount" if kind == "prefix" else "SecondaryPrivateIpAddressCount"
            self._by_hand("AssignPrivateIpAddresses", {"NetworkInterfaceId": eni_id, what: count})

    @step
    def unassign(self, number: int, nic: int, count: int) -> None:
        """Take addresses away by hand, whether or not a pod uses them: IPv4 singles, then prefixes."""
        nics = self.nics(number)
        if not nics:
            return
        eni = nics[nic % len(nics)]
        if eni.secondary_ips:
            what: dict[str, Any] = {"PrivateIpAddresses": list(eni.secondary_ips)[:count]}
        elif eni.ipv4_prefixes:
            what = {"Ipv4Prefixes": list(eni.ipv4_prefixes)[:count]}
        else:
            return
        self._by_hand("UnassignPrivateIpAddresses", {"NetworkInterfaceId": eni.id, **what})

    @step
    def attach(self, number: int, index: int = 1, filled: int = 0) -> None:
        """Create a NIC and attach it by hand."""
        instance = self._instance(number)
        if instance is None:
            return
        params = {"SubnetId": self.network.subnets["pods"], "Ipv6AddressCount": 1, "EnablePrimaryIpv6": True}
        if filled:
            params["SecondaryPrivateIpAddressCount"] = filled
        created = self._by_hand("CreateNetworkInterface", params)
        if created is None:
            return
        eni_id = created["NetworkInterface"]["NetworkInterfaceId"]
        where = {"NetworkInterfaceId": eni_id, "InstanceId": instance.id, "DeviceIndex": index}
        if self._by_hand("AttachNetworkInterface", where) is None:
            self._by_hand("DeleteNetworkInterface", {"NetworkInterfaceId": eni_id})

    @step
    def detach(self, number: int, nic: int = 1) -> None:
        """Detach a NIC by hand, whoever created it."""
        nics = [eni for eni in self.nics(number) if eni.attachment and eni.attachment.device_index]
        if nics and (attachment := nics[nic % len(nics)].attachment):
            self._by_hand("DetachNetworkInterface", {"AttachmentId": attachment.id})

    @step
    def crowd(self, subnet: str, free: int) -> None:
        """Let others take what is free in a subnet but so many addresses: NICs that are attached to nothing."""
        subnet_id = self.network.subnets[subnet]
        more = self.model.subnets[subnet_id].ipv4.free_count - free
        while more > 0:
            # The primary takes one of them.
            what = {"SubnetId": subnet_id, "SecondaryPrivateIpAddressCount": min(49, more - 1)}
            created = self._by_hand("CreateNetworkInterface", {k: v for k, v in what.items() if v})
            if created is None:
                return
            self.crowding.append(created["NetworkInterface"]["NetworkInterfaceId"])
            more = self.model.subnets[subnet_id].ipv4.free_count - free

    @step
    def fragment(self, subnet: str) -> None:
        """Let others take one address of each block of 16 of a subnet: many are free, and no prefix is to be had."""
        subnet_id = self.network.subnets[subnet]
        for block in ip_network(self.model.subnets[subnet_id].cidr).subnets(new_prefix=28):
            params = {"SubnetId": subnet_id, "PrivateIpAddress": str(block[7])}
            if created := self._by_hand("CreateNetworkInterface", params):
                self.crowding.append(created["NetworkInterface"]["NetworkInterfaceId"])

    @step
    def make_room(self) -> None:
        """Let those others leave again."""
        self._leave()

    def _leave(self) -> None:
        while self.crowding:
            self._by_hand("DeleteNetworkInterface", {"NetworkInterfaceId": self.crowding.pop()})

    @step
    def tag(self, number: int, kind: str) -> None:
        """Change an instance's tags by hand: leave it alone ("hands off"), or take care of it again ("ours")."""
        if instance := self._instance(number):
            value = "false" if kind == "hands off" else "true"
            (self.left_alone.add if kind == "hands off" else self.left_alone.discard)(instance.id)
            # The checker knows no old tags: so no describe may show them.
            factor, self.stack.staleness.factor = self.stack.staleness.factor, 0.0
            self._by_hand("CreateTags", {"Resources": [instance.id], "Tags": tag_list({MANAGED_TAG: value})})
            self.stack.bus.advance(LAG_SECONDS + 1)
            self.stack.staleness.factor = factor

    def _take_back(self) -> None:
        """Take care of every instance again."""
        for instance in self.live():
            self.left_alone.discard(instance.id)
            if MANAGED_TAG in instance.tags:
                self._by_hand("DeleteTags", {"Resources": [instance.id], "Tags": [{"Key": MANAGED_TAG}]})

    def _start_all(self) -> None:
        """Start what is stopped, also what is still stopping."""
        while any(instance.state in ("pending", "stopping") for instance in self.live()):
            self.stack.bus.advance(5)
        for instance in self.live():
            if instance.state == "stopped":
                self._by_hand("StartInstances", {"InstanceIds": [instance.id]})
