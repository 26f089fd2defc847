"""What is changed in EC2: the `Ec2Writes`.

Each request is sent once. Only CreateNetworkInterface has a client token. It is not sent again either: the token stands
for one request, and a plan that is made anew may ask for another (the subnet has less room since), so what saves from
a second NIC is to wait until EC2 shows the first. So it is for all that adds something: when nobody knows whether it
took effect, it is `RetryLater` with 30 s, and then EC2 is described. What may be done twice is tried again at once.

No request is sent before its turn (`pacing`): a call that EC2's request rate has no room for is `Paced`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spiderpool_aws.adapters.aws_errors import NOTHING_SPECIAL, Call, Meanings, aws_errors
from spiderpool_aws.adapters.ec2_parse import parse_unattached
from spiderpool_aws.adapters.pacing import Pace, Unpaced, Urgency
from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network
from spiderpool_aws.ports import Assigned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import TagTypeDef

    from spiderpool_aws.domain.actions.nics import CreateNic
    from spiderpool_aws.domain.addresses import Network
    from spiderpool_aws.domain.instance import Eni

# (family, prefixes) -> the parameter that says how many; the same names in Assign* and CreateNetworkInterface.
_COUNTS = {
    (IPFamily.IPV4, False): "SecondaryPrivateIpAddressCount",
    (IPFamily.IPV4, True): "Ipv4PrefixCount",
    (IPFamily.IPV6, False): "Ipv6AddressCount",
    (IPFamily.IPV6, True): "Ipv6PrefixCount",
}
# Pods wait for none of these; every other action belongs to a launch, or to a pool that grows.
_CLEAN_UP = {"UnassignPrivateIpAddresses", "UnassignIpv6Addresses", "DeleteNetworkInterface", "CreateTags"}
_NO_NIC = "InvalidNetworkInterfaceID.NotFound"
_NIC_IN_USE = "InvalidNetworkInterface.InUse"
# "Some of the specified addresses are not assigned to interface eni-…" (Netflix/titus-executor and others compare it).
_NOT_ASSIGNED = "InvalidParameterValue: not assigned"
# A create names only what others made: it is not too new to be found, but wrong in the policy. It knows no instance
# type, either, so that a limit is one of the request. The same token with another request: our first one has succeeded.
_CREATE = Meanings(passing=("IdempotentParameterMismatch",), refused=("PrivateIpAddressLimitExceeded", "*.NotFound"))
# An over-filled NIC is refused when it is attached, and will be again. One in use may be where it belongs already.
_ATTACH = Meanings(passing=(_NIC_IN_USE,), refused=("PrivateIpAddressLimitExceeded",))
# "If a network interface is in use, you may also receive the InvalidParameterValue error" (Error codes); its text is
# "Network interface 'eni-…' is currently in use." (aws/amazon-vpc-cni-k8s#1399).
_DELETE = Meanings(done=(_NO_NIC,), passing=(_NIC_IN_USE, "InvalidParameterValue: currently in use"))


class Ec2Writer:
    """Implements `Ec2Writes`. The client must send each request once."""

    def __init__(self, client: EC2Client, pace: Pace | None = None) -> None:
        self._writes = client
        self._pace = pace or Unpaced()

    @contextmanager
    def _call(
        self, action: str, subject: str, call: Call, *, meanings: Meanings = NOTHING_SPECIAL, urgent: bool = False
    ) -> Iterator[None]:
        """Let the block make its call when it is its turn, and turn boto3's errors into outcomes."""
        self._pace.take(action, Urgency.CLEAN_UP if action in _CLEAN_UP and not urgent else Urgency.LAUNCH)
        with aws_errors(f"ec2:{action}", subject, call, meanings=meanings):
            yield

    def assign(self, eni_id: str, family: IPFamily, count: int, *, prefixes: bool) -> Assigned:
        """Let EC2 choose addresses or prefixes for a NIC: sent once, and the answer has only what is new."""
        asked = {_COUNTS[family, prefixes]: count}
        return self._assign_ipv4(eni_id, asked) if family is IPFamily.IPV4 else self._assign_ipv6(eni_id, asked)

    def reassign(self, eni_id: str, addresses: AddressSet) -> Assigned:
        """Assign these very addresses. `AllowReassignment` is left out, so EC2 refuses one that another NIC holds."""
        if addresses.family is IPFamily.IPV4:
            return self._assign_ipv4(eni_id, {"PrivateIpAddresses": list(addresses)})
        return self._assign_ipv6(eni_id, {"Ipv6Addresses": list(addresses)})

    def _assign_ipv4(self, eni_id: str, what: dict[str, Any]) -> Assigned:
        with self._call("AssignPrivateIpAddresses", eni_id, Call.ADDING):
            answer = self._writes.assign_private_ip_addresses(NetworkInterfaceId=eni_id, **what)
        new = [item["PrivateIpAddress"] for item in answer.get("AssignedPrivateIpAddresses", [])]
        return Assigned(
            AddressSet.of(IPFamily.IPV4, new),
            tuple(parse_network(item["Ipv4Prefix"]) for item in answer.get("AssignedIpv4Prefixes", [])),
        )

    def _assign_ipv6(self, eni_id: str, what: dict[str, Any]) -> Assigned:
        with self._call("AssignIpv6Addresses", eni_id, Call.ADDING):
            answer = self._writes.assign_ipv6_addresses(NetworkInterfaceId=eni_id, **what)
        return Assigned(
            AddressSet.of(IPFamily.IPV6, answer.get("AssignedIpv6Addresses", [])),
            tuple(parse_network(prefix) for prefix in answer.get("AssignedIpv6Prefixes", [])),
        )

    def unassign(self, eni_id: str, addresses: AddressSet, prefixes: Sequence[Network]) -> None:
        """Give addresses or prefixes back, all or none of them: so EC2 does it.

        When it says that some are not assigned, it does not say which. Of a single one that is success. Of several it
        is RetryLater: the next look shows which ones are left, and only they are asked for again.
        """
        single = addresses.count() + len(prefixes) == 1
        meanings = Meanings(done=(_NO_NIC, _NOT_ASSIGNED)) if single else Meanings((_NO_NIC,), (_NOT_ASSIGNED,))
        blocks = [str(prefix) for prefix in prefixes]
        if addresses.family is IPFamily.IPV4:
            what: dict[str, Any] = {"Ipv4Prefixes": blocks} if blocks else {"PrivateIpAddresses": list(addresses)}
            with self._call("UnassignPrivateIpAddresses", eni_id, Call.IDEMPOTENT, meanings=meanings):
                self._writes.unassign_private_ip_addresses(NetworkInterfaceId=eni_id, **what)
        else:
            what = {"Ipv6Prefixes": blocks} if blocks else {"Ipv6Addresses": list(addresses)}
            with self._call("UnassignIpv6Addresses", eni_id, Call.IDEMPOTENT, meanings=meanings):
                self._writes.unassign_ipv6_addresses(NetworkInterfaceId=eni_id, **what)

    def create_nic(self, nic: CreateNic) -> Eni:
        """Create a NIC with its addresses and tags in one call; return it as EC2's answer has it."""
        what: dict[str, Any] = {_COUNTS[family, a.prefixes]: a.count for family, a in nic.amounts.items()}
        if "Ipv6AddressCount" in what:
            # One of them is the host's own: marked, so that it stays, and no pod gets it.
            what["EnablePrimaryIpv6"] = True
        if nic.groups:
            what["Groups"] = list(nic.groups)
        where = f"{nic.subnet_id} for {nic.instance_id}"
        with self._call("CreateNetworkInterface", where, Call.ADDING, meanings=_CREATE):
            answer = self._writes.create_network_interface(
                SubnetId=nic.subnet_id,
                Description=f"spiderpool-aws: device index {nic.device_index} of {nic.instance_id}",
                TagSpecifications=[{"ResourceType": "network-interface", "Tags": _tag_list(nic.tags)}],
                ClientToken=nic.token,
                **what,
            )
        return parse_unattached(answer["NetworkInterface"], dict(nic.tags))

    def attach_nic(self, eni_id: str, instance_id: str, device_index: int) -> str:
        """Attach a NIC at a device index of network card 0; return the attachment's id.

        Refused for good: a device index that is taken, more NICs than the type takes, another zone or VPC, addresses
        or prefixes beyond the type. An instance that is not running yet, or a NIC that is too new, passes.
        """
        with self._call("AttachNetworkInterface", f"{eni_id} to {instance_id}", Call.ADDING, meanings=_ATTACH):
            answer = self._writes.attach_network_interface(
                NetworkInterfaceId=eni_id, InstanceId=instance_id, DeviceIndex=device_index, NetworkCardIndex=0
            )
        return answer["AttachmentId"]

    def keep_with_instance(self, eni_id: str, attachment_id: str) -> None:
        """Have the NIC deleted with its instance; an attachment that EC2 does not know yet is RetryLater."""
        with self._call("ModifyNetworkInterfaceAttribute", eni_id, Call.IDEMPOTENT):
            self._writes.modify_network_interface_attribute(
                NetworkInterfaceId=eni_id, Attachment={"AttachmentId": attachment_id, "DeleteOnTermination": True}
            )

    def mark_primary_ipv6(self, eni_id: str) -> None:
        """Have the first IPv6 address of a NIC marked as primary (ModifyNetworkInterfaceAttribute, EnablePrimaryIpv6).

        Which one that is EC2 does not answer. The mark stays until the NIC is detached.
        """
        with self._call("ModifyNetworkInterfaceAttribute", eni_id, Call.IDEMPOTENT):
            self._writes.modify_network_interface_attribute(NetworkInterfaceId=eni_id, EnablePrimaryIpv6=True)

    def tag_nic(self, eni_id: str, tags: Mapping[str, str]) -> None:
        """Write tags of a NIC; those that are not named stay."""
        with self._call("CreateTags", eni_id, Call.IDEMPOTENT):
            self._writes.create_tags(Resources=[eni_id], Tags=_tag_list(tags))

    def delete_nic(self, eni_id: str, *, at_once: bool = False) -> None:
        """Delete a NIC that is attached to nothing; EC2 itself refuses one that is in use: RetryLater."""
        with self._call("DeleteNetworkInterface", eni_id, Call.IDEMPOTENT, meanings=_DELETE, urgent=at_once):
            self._writes.delete_network_interface(NetworkInterfaceId=eni_id)


def _tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
