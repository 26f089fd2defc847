"""What is read from EC2: the `Ec2Reads`.

Everything is looked up by filter, never by id: with ids one that is gone fails the others, and `MaxResults` is refused
beside them. Reads come in pages of 1,000 and are retried by botocore.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from spiderpool_aws.adapters.aws_errors import aws_errors
from spiderpool_aws.adapters.ec2_parse import (
    parse_eni,
    parse_instance,
    parse_limits,
    parse_own,
    parse_spare,
    parse_subnet,
    with_described_enis,
)
from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG, InstanceState
from spiderpool_aws.ports import InstanceListing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef, NetworkInterfaceTypeDef

    from spiderpool_aws.domain.instance import Eni, InstanceTypeLimits, ObservedInstance, Subnet

PAGE = 1000
# DescribeInstanceTypes alone takes at most 100.
TYPES_PAGE = 100
# A request takes 200 filter values, of all its filters together (EC2 user guide, "Using filtering"): some are for the
# filters beside the one with the many values.
FILTER_VALUES = 180
_THERE = tuple(state for state in InstanceState if state is not InstanceState.TERMINATED)


class Ec2Reader:
    """Implements `Ec2Reads`. Instance types and subnets are remembered for as long as the reader lives."""

    def __init__(self, client: EC2Client) -> None:
        self._reads = client
        self._limits: dict[str, InstanceTypeLimits] = {}
        self._subnets: dict[str, Subnet] = {}

    def observe_instances(self, instance_ids: Sequence[str]) -> Mapping[str, ObservedInstance]:
        """Return those that EC2 knows, whatever their tags: one call each of two kinds per 180 ids."""
        observed: dict[str, ObservedInstance] = {}
        for ids in _chunks(instance_ids):
            instances = [parse_instance(document) for document in self._instances([_filter("instance-id", ids)])]
            enis = self._enis_by_instance([_filter("attachment.instance-id", ids)]) if instances else {}
            observed |= {i.instance_id: with_described_enis(i, enis.get(i.instance_id, {})) for i in instances}
        return observed

    def list_instances(self, cluster: str) -> InstanceListing:
        """Return all instances with the cluster's tag; their NICs, and spare ones, are read by VPC, 1,000 a page."""
        instances, vpcs = {}, set()
        for document in self._instances([_filter(f"tag:{CLUSTER_TAG}", [cluster])]):
            instances[document["InstanceId"]] = parse_instance(document)
            vpcs.add(document.get("VpcId", ""))
        enis: dict[str, dict[str, Eni]] = {}
        spares: dict[str, list[Eni]] = {}
        for nic in self._enis_of_cluster(vpcs - {""}, cluster):
            owner = _owner(nic)
            if spare := parse_spare(nic, cluster):
                spares.setdefault(spare.tags[INSTANCE_TAG], []).append(spare)
            elif owner in instances and (eni := parse_eni(nic, nic.get("TagSet", ()))):
                enis.setdefault(owner, {})[eni.eni_id] = eni
        listed = [with_described_enis(instance, enis.get(name, {})) for name, instance in instances.items()]
        return InstanceListing(listed, spares)

    def _enis_of_cluster(self, vpcs: set[str], cluster: str) -> Iterator[NetworkInterfaceTypeDef]:
        """Return the NICs of the VPCs; when no instance is left that would name one, those that we created."""
        if not vpcs:
            yield from self._enis([_filter(f"tag:{CLUSTER_TAG}", [cluster]), _filter("tag-key", [INSTANCE_TAG])])
        for ids in _chunks(sorted(vpcs)):
            yield from self._enis([_filter("vpc-id", ids)])

    def own_nics(self, instance_ids: Sequence[str], cluster: str) -> Mapping[str, Sequence[Eni]]:
        """Return the NICs that we created for the instances and that nobody else has, by instance.

        Not by `status`: right after its creation a NIC is `pending`, while it is detached a stale answer has it
        `in-use`, and one that is not seen is created again.
        """
        found: dict[str, list[Eni]] = {}
        for ids in _chunks(instance_ids):
            ours = [_filter(f"tag:{INSTANCE_TAG}", ids), _filter(f"tag:{CLUSTER_TAG}", [cluster])]
            for document in self._enis(ours):
                if own := parse_own(document, cluster):
                    found.setdefault(own.tags[INSTANCE_TAG], []).append(own)
        return found

    def namesakes(self, names: Sequence[str], addresses: Sequence[str], cluster: str) -> Sequence[ObservedInstance]:
        """Return who is not terminated and has one of the names or primary addresses; their NICs come without tags.

        `private-ip-address` "can only be used to filter by the primary IP address of the network interface attached to
        the instance" (DescribeInstances), of any of its NICs: so what is another NIC's is left out here.
        """
        there = _filter("instance-state-name", _THERE)
        found: dict[str, tuple[ObservedInstance, str]] = {}
        for chunk in _chunks(names):
            for document in self._instances([_filter("private-dns-name", chunk), there]):
                found[document["InstanceId"]] = parse_instance(document), document.get("VpcId", "")
        for chunk in _chunks(addresses):
            for document in self._instances([_filter("private-ip-address", chunk), there]):
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
                if owner := _owner(document):
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
        for ids in _chunks(name for name in subnet_ids if fresh or name not in self._subnets):
            read |= self._described_subnets([_filter("subnet-id", ids)])
        source = read if fresh else self._subnets
        return {name: source[name] for name in subnet_ids if name in source}

    def find_subnets(self, vpc_id: str, tags: Mapping[str, str], ids: Sequence[str]) -> Sequence[Subnet]:
        """Return the subnets that fit all that is given, with the free addresses that EC2 counts at this moment."""
        common = [_filter("vpc-id", [vpc_id])] if vpc_id else []
        common += [_filter(f"tag:{key}", [value]) for key, value in tags.items()]
        found: dict[str, Subnet] = {}
        for chunk in _chunks(ids):
            found |= self._described_subnets([*common, _filter("subnet-id", chunk)])
        if not ids:
            found = self._described_subnets(common)
        return list(found.values())

    def _described_subnets(self, filters: Sequence[FilterTypeDef]) -> dict[str, Subnet]:
        read: dict[str, Subnet] = {}
        paginator = self._reads.get_paginator("describe_subnets")
        with aws_errors("ec2:DescribeSubnets"):
            for page in paginator.paginate(Filters=filters, PaginationConfig={"PageSize": PAGE}):
                read |= {document["SubnetId"]: parse_subnet(document) for document in page["Subnets"]}
        self._subnets |= {name: replace(subnet, available_ipv4=None) for name, subnet in read.items()}
        return read

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

    def _enis_by_instance(self, filters: Sequence[FilterTypeDef]) -> dict[str, dict[str, Eni]]:
        """Return instance id -> ENI id -> NIC."""
        found: dict[str, dict[str, Eni]] = {}
        for document in self._enis(filters):
            owner = _owner(document)
            if owner and (eni := parse_eni(document, document.get("TagSet", ()))):
                found.setdefault(owner, {})[eni.eni_id] = eni
        return found


def _owner(document: NetworkInterfaceTypeDef) -> str:
    """Return the instance that a NIC is attached to, or is being; empty when there is none."""
    return document.get("Attachment", {}).get("InstanceId", "")


def _filter(name: str, values: Iterable[str]) -> FilterTypeDef:
    return {"Name": name, "Values": list(values)}


def _chunks(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, FILTER_VALUES)):
        yield chunk
