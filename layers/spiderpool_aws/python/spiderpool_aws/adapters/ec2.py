"""EC2 over boto3: the `Ec2Port`.

Everything is looked up by filter, never by id: with ids one that is gone fails the others, and `MaxResults` is refused
beside them. Reads come in pages of 1,000 and are retried by botocore. Writes have no client token, so they are sent
once; when nobody knows whether one took effect, it is `RetryLater` with 30 s, and then EC2 is described again.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.ec2_parse import parse_eni, parse_instance, parse_limits, parse_subnet, with_described_enis
from spiderpool_aws.domain.addresses import AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.instance import CLUSTER_TAG, InstanceState
from spiderpool_aws.ports import Assigned

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from boto3 import Session
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef, NetworkInterfaceTypeDef

    from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, ObservedInstance, Subnet

PAGE = 1000
# DescribeInstanceTypes alone takes at most 100.
TYPES_PAGE = 100
# "A request can have at most 200 filter values" (EC2 user guide, "Using filtering").
FILTER_VALUES = 200
_LIVE = (InstanceState.PENDING, InstanceState.RUNNING, InstanceState.STOPPING, InstanceState.STOPPED)


class Ec2Adapter:
    """Implements `Ec2Port`. Instance types and subnets are remembered for as long as the adapter lives.

    `reads` may retry; `writes` must send each request once (see `from_session`).
    """

    def __init__(self, reads: EC2Client, writes: EC2Client) -> None:
        self._reads = reads
        self._writes = writes
        self._limits: dict[str, InstanceTypeLimits] = {}
        self._subnets: dict[str, Subnet] = {}

    @classmethod
    def from_session(cls, session: Session) -> Ec2Adapter:
        """Return an adapter with two clients of a session; the second costs milliseconds, the model is loaded once."""
        # Three attempts that all time out, and the rest of a pass, fit into the functions' 60 s.
        reads = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
        writes = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1})
        return cls(session.client("ec2", config=reads), session.client("ec2", config=writes))

    def observe_instances(self, instance_ids: Sequence[str]) -> Mapping[str, ObservedInstance]:
        """Return those that EC2 knows, whatever their tags: one call each of two kinds per 200 ids."""
        observed: dict[str, ObservedInstance] = {}
        for ids in _chunks(instance_ids):
            instances = [parse_instance(document) for document in self._instances([_filter("instance-id", ids)])]
            enis = self._enis_by_instance([_filter("attachment.instance-id", ids)]) if instances else {}
            observed |= {i.instance_id: with_described_enis(i, enis.get(i.instance_id, {})) for i in instances}
        return observed

    def list_instances(self, cluster: str) -> Sequence[ObservedInstance]:
        """Return all instances with the cluster's tag; their NICs are read by VPC, in pages of 1,000."""
        instances, vpcs = {}, set()
        for document in self._instances([_filter(f"tag:{CLUSTER_TAG}", [cluster])]):
            instances[document["InstanceId"]] = parse_instance(document)
            vpcs.add(document.get("VpcId", ""))
        enis: dict[str, dict[str, Eni]] = {}
        for ids in _chunks(sorted(vpcs - {""})):
            for owner, found in self._enis_by_instance([_filter("vpc-id", ids)], instances).items():
                enis.setdefault(owner, {}).update(found)
        return [with_described_enis(instance, enis.get(name, {})) for name, instance in instances.items()]

    def live_instances(
        self, names: Sequence[str], addresses: Sequence[str], cluster: str
    ) -> Sequence[ObservedInstance]:
        """Return who is alive and has one of the names or primary addresses; their NICs come without tags.

        `private-ip-address` "can only be used to filter by the primary IP address of the network interface attached to
        the instance" (DescribeInstances), of any of its NICs: so what is another NIC's is left out here.
        """
        alive = _filter("instance-state-name", _LIVE)
        found: dict[str, tuple[ObservedInstance, str]] = {}
        for chunk in _chunks(names):
            for document in self._instances([_filter("private-dns-name", chunk), alive]):
                found[document["InstanceId"]] = parse_instance(document), document.get("VpcId", "")
        for chunk in _chunks(addresses):
            for document in self._instances([_filter("private-ip-address", chunk), alive]):
                instance = parse_instance(document)
                if instance.private_ipv4 in chunk:
                    found[instance.instance_id] = instance, document.get("VpcId", "")
        if all(instance.tags.get(CLUSTER_TAG) == cluster for instance, _ in found.values()):
            return [instance for instance, _ in found.values()]
        vpcs = self._vpcs(cluster)
        return [i for i, vpc in found.values() if i.tags.get(CLUSTER_TAG) == cluster or not vpcs or vpc in vpcs]

    def _vpcs(self, cluster: str) -> set[str]:
        """Return the VPCs of a cluster's instances; none when EC2 lists no live one, and then nobody is ruled out."""
        tagged = self._instances([_filter(f"tag:{CLUSTER_TAG}", [cluster])])
        return {document.get("VpcId", "") for document in tagged} - {""}

    def instances_of_enis(self, eni_ids: Sequence[str]) -> Mapping[str, str]:
        """Return ENI id -> instance id for those that are attached to an instance, or are being."""
        owners = {}
        for ids in _chunks(eni_ids):
            for document in self._enis([_filter("network-interface-id", ids)]):
                owner = document.get("Attachment", {}).get("InstanceId")
                if owner:
                    owners[document["NetworkInterfaceId"]] = owner
        return owners

    def type_limits(self, instance_types: Sequence[str]) -> Mapping[str, InstanceTypeLimits]:
        """Return the limits of types; one that EC2 does not know is left out."""
        paginator = self._reads.get_paginator("describe_instance_types")
        for types in _chunks(name for name in instance_types if name not in self._limits):
            with aws_errors("ec2:DescribeInstanceTypes"):
                for page in paginator.paginate(
                    Filters=[_filter("instance-type", types)], PaginationConfig={"PageSize": TYPES_PAGE}
                ):
                    for document in page["InstanceTypes"]:
                        self._limits[document["InstanceType"]] = parse_limits(document)
        return {name: self._limits[name] for name in instance_types if name in self._limits}

    def subnets(self, subnet_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Subnet]:
        """Return subnets; with `fresh` all are read, and only then `available_ipv4` is set."""
        read: dict[str, Subnet] = {}
        paginator = self._reads.get_paginator("describe_subnets")
        for ids in _chunks(name for name in subnet_ids if fresh or name not in self._subnets):
            with aws_errors("ec2:DescribeSubnets"):
                for page in paginator.paginate(
                    Filters=[_filter("subnet-id", ids)], PaginationConfig={"PageSize": PAGE}
                ):
                    read |= {document["SubnetId"]: parse_subnet(document) for document in page["Subnets"]}
        self._subnets |= {name: replace(subnet, available_ipv4=None) for name, subnet in read.items()}
        source = read if fresh else self._subnets
        return {name: source[name] for name in subnet_ids if name in source}

    def assign(self, eni_id: str, family: IPFamily, count: int, *, prefixes: bool) -> Assigned:
        """Let EC2 choose addresses or prefixes for a NIC: sent once, and the answer has only what is new."""
        if family is IPFamily.IPV4:
            ask = "Ipv4PrefixCount" if prefixes else "SecondaryPrivateIpAddressCount"
            return self._assign_ipv4(eni_id, {ask: count})
        ask = "Ipv6PrefixCount" if prefixes else "Ipv6AddressCount"
        return self._assign_ipv6(eni_id, {ask: count})

    def reassign(self, eni_id: str, addresses: AddressSet) -> Assigned:
        """Assign these very addresses. `AllowReassignment` is left out, so EC2 refuses one that another NIC holds."""
        if addresses.family is IPFamily.IPV4:
            return self._assign_ipv4(eni_id, {"PrivateIpAddresses": list(addresses)})
        return self._assign_ipv6(eni_id, {"Ipv6Addresses": list(addresses)})

    def holders(self, addresses: AddressSet, vpc_id: str) -> Mapping[str, str]:
        """Return address -> ENI id for those that a NIC of the VPC holds singly; EC2 has no filter for its prefixes."""
        ipv4 = addresses.family is IPFamily.IPV4
        name = "addresses.private-ip-address" if ipv4 else "ipv6-addresses.ipv6-address"
        found: dict[str, str] = {}
        for chunk in _chunks(addresses):
            for document in self._enis([_filter("vpc-id", [vpc_id]), _filter(name, chunk)]):
                singles = document.get("PrivateIpAddresses", []) if ipv4 else document.get("Ipv6Addresses", [])
                held = {item.get("PrivateIpAddress") or item.get("Ipv6Address") for item in singles}
                found |= {address: document["NetworkInterfaceId"] for address in chunk if address in held}
        return found

    def _assign_ipv4(self, eni_id: str, what: dict[str, Any]) -> Assigned:
        with aws_errors("ec2:AssignPrivateIpAddresses", eni_id, once=True):
            answer = self._writes.assign_private_ip_addresses(NetworkInterfaceId=eni_id, **what)
        new = [item["PrivateIpAddress"] for item in answer.get("AssignedPrivateIpAddresses", [])]
        return Assigned(
            AddressSet.of(IPFamily.IPV4, new),
            tuple(parse_network(item["Ipv4Prefix"]) for item in answer.get("AssignedIpv4Prefixes", [])),
        )

    def _assign_ipv6(self, eni_id: str, what: dict[str, Any]) -> Assigned:
        with aws_errors("ec2:AssignIpv6Addresses", eni_id, once=True):
            answer = self._writes.assign_ipv6_addresses(NetworkInterfaceId=eni_id, **what)
        return Assigned(
            AddressSet.of(IPFamily.IPV6, answer.get("AssignedIpv6Addresses", [])),
            tuple(parse_network(prefix) for prefix in answer.get("AssignedIpv6Prefixes", [])),
        )

    def _instances(self, filters: Sequence[FilterTypeDef]) -> Iterator[InstanceTypeDef]:
        paginator = self._reads.get_paginator("describe_instances")
        with aws_errors("ec2:DescribeInstances"):
            for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": PAGE}):
                for reservation in page["Reservations"]:
                    yield from reservation.get("Instances", [])

    def _enis(self, filters: Sequence[FilterTypeDef]) -> Iterator[NetworkInterfaceTypeDef]:
        paginator = self._reads.get_paginator("describe_network_interfaces")
        with aws_errors("ec2:DescribeNetworkInterfaces"):
            for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": PAGE}):
                yield from page["NetworkInterfaces"]

    def _enis_by_instance(
        self, filters: Sequence[FilterTypeDef], wanted: Container[str] | None = None
    ) -> dict[str, dict[str, Eni]]:
        """Return instance id -> ENI id -> NIC, of the wanted instances."""
        found: dict[str, dict[str, Eni]] = {}
        for document in self._enis(filters):
            owner = document.get("Attachment", {}).get("InstanceId", "")
            if (
                owner
                and (wanted is None or owner in wanted)
                and (eni := parse_eni(document, document.get("TagSet", ())))
            ):
                found.setdefault(owner, {})[eni.eni_id] = eni
        return found


def _filter(name: str, values: Iterable[str]) -> FilterTypeDef:
    return {"Name": name, "Values": list(values)}


def _chunks(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, FILTER_VALUES)):
        yield chunk
