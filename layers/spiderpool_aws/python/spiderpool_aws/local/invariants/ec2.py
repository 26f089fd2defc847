"""Invariants 2, 3, 5, 6 and 7: what the system does to EC2."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, parse_network
from spiderpool_aws.domain.instance import CLUSTER_TAG, INSTANCE_TAG
from spiderpool_aws.local.ec2 import Ec2Call
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.state import Eni
from spiderpool_aws.local.invariants.amounts import COUNTS, NAMED, AmountRules
from spiderpool_aws.local.invariants.releases import ReleaseRules
from spiderpool_aws.local.invariants.truth import Truth

ASSIGN = {"AssignPrivateIpAddresses", "AssignIpv6Addresses"}
UNASSIGN = {"UnassignPrivateIpAddresses", "UnassignIpv6Addresses"}
# To be made on NICs only that the system created itself; the field of the call that says which.
OF_OWN_NICS = {
    "AttachNetworkInterface": "NetworkInterfaceId",
    "DeleteNetworkInterface": "NetworkInterfaceId",
    "DetachNetworkInterface": "AttachmentId",
    "ModifyNetworkInterfaceAttribute": "NetworkInterfaceId",
    "CreateTags": "Resources",
}
MAY_BE_CALLED = {*ASSIGN, *UNASSIGN, *OF_OWN_NICS, "CreateNetworkInterface"}
OWNERSHIP_TAGS = (CLUSTER_TAG, INSTANCE_TAG)
"""What a NIC is found by when the worker died between its creation and its attachment."""


class Ec2Rules:
    """Judges one call of the system at a time, also one that EC2 refused: trying is wrong enough."""

    def __init__(self, truth: Truth, amounts: AmountRules, releases: ReleaseRules) -> None:
        self._truth = truth
        self._broken = truth.report
        self._amounts = amounts
        self._releases = releases
        self.created: set[str] = set()
        """The NICs that the system created."""
        self.refused: Counter[str] = Counter()
        """The refusals of the system's calls, by code."""

    def judge(self, call: Ec2Call, new_nics: Iterable[str]) -> None:
        """Report what a call broke; `new_nics` are those that it made, also when its answer was lost."""
        if call.error is not None and not call.took_effect:
            self.refused[getattr(call.error, "code", type(call.error).__name__)] += 1
        if call.operation not in MAY_BE_CALLED:
            self._broken(7, f"{call.operation} is not a call of ours")
        elif call.operation == "CreateNetworkInterface":
            self._judge_create(call, set(new_nics))
        elif call.operation in ASSIGN:
            self._judge_assign(call)
        elif call.operation in UNASSIGN:
            named = _named(call.params)
            self._judge_freed(str(call.params.get("NetworkInterfaceId")), named, "was unassigned")
            self._amounts.judge_unassign(call, named)
            self._releases.judge_unassign(call, named)
        else:
            self._judge_own(call)

    def leaks(self) -> Iterable[str]:
        """Name each NIC that the system created and that would outlive its instance (invariant 6)."""
        for eni_id in sorted(self.created & self._truth.model.enis.keys()):
            attachment = self._truth.model.enis[eni_id].attachment
            if attachment is None or attachment.status == "detaching":
                yield f"{eni_id}, which the system created, is attached to nothing"
            elif not attachment.delete_on_termination:
                yield f"{eni_id}, which the system created, stays when {attachment.instance_id} is terminated"

    def _judge_create(self, call: Ec2Call, new: set[str]) -> None:
        self.created |= new
        tags = {
            tag["Key"]: tag.get("Value", "")
            for specification in call.params.get("TagSpecifications", [])
            if specification.get("ResourceType") == "network-interface"
            for tag in specification.get("Tags", [])
        }
        missing = [key for key in OWNERSHIP_TAGS if not tags.get(key)]
        if missing:
            self._broken(6, f"a NIC was created without the tags {', '.join(missing)}")
        elif tags[CLUSTER_TAG] != self._truth.policy().cluster:
            self._broken(6, f"a NIC was created with the tag {CLUSTER_TAG}={tags[CLUSTER_TAG]}, which is not ours")
        if call.took_effect:
            self._judge_reserve(str(call.params["SubnetId"]), None)
            self._amounts.judge_create(tags, new)

    def _judge_assign(self, call: Ec2Call) -> None:
        eni = self._truth.model.enis.get(str(call.params.get("NetworkInterfaceId")))
        if eni is None:
            return
        if eni.id not in self.created and eni.attachment and self._truth.interface_of(eni) is None:
            self._broken(7, f"{call.operation} on {eni.id}, which the policy leaves alone")
        if call.params.get("AllowReassignment"):
            self._broken(7, f"{call.operation} with AllowReassignment takes addresses from others")
        self._judge_named(call, eni)
        self._amounts.judge_assign(call, eni)
        if call.took_effect:
            self._judge_limits(eni)
            if call.operation == "AssignPrivateIpAddresses":
                self._judge_reserve(eni.subnet_id, eni)
        elif not self._truth.history.changed_lately(eni.id):
            # Nobody changed the NIC for longer than a describe may lag: so the system knew, and asked for too much.
            self._judge_limits(eni, call)

    def _judge_named(self, call: Ec2Call, eni: Eni) -> None:
        """Who asks for an address by name has looked up first who holds it."""
        for address in (*call.params.get("PrivateIpAddresses", ()), *call.params.get("Ipv6Addresses", ())):
            holder = self._truth.model.holder_of(address)
            if holder and holder != eni.id and not self._truth.history.changed_lately(holder):
                self._broken(7, f"{call.operation} asked for {address}, which {holder} has")

    def _judge_limits(self, eni: Eni, asking: Ec2Call | None = None) -> None:
        if eni.attachment is None:
            return
        kind = self._truth.model.instances[eni.attachment.instance_id].instance_type
        allowed, more = limits(kind), _slots(asking.params) if asking else 0
        ipv6 = asking is not None and asking.operation == "AssignIpv6Addresses"
        ipv4_slots, ipv6_slots = eni.ipv4_slots + (0 if ipv6 else more), eni.ipv6_slots + (more if ipv6 else 0)
        if ipv4_slots > allowed.ipv4_addresses or ipv6_slots > allowed.ipv6_addresses:
            verb = "would hold" if asking else "holds"
            self._broken(5, f"{eni.id} {verb} {ipv4_slots} IPv4 and {ipv6_slots} IPv6, more than {kind} allows")

    def _judge_reserve(self, subnet_id: str, eni: Eni | None) -> None:
        subnet = self._truth.model.subnets[subnet_id]
        reserve, free = self._truth.reserve(subnet, eni), subnet.ipv4.free_count
        if free < reserve:
            self._broken(5, f"{subnet_id} has {free} free addresses left, its reserve is {reserve}")

    def _judge_own(self, call: Ec2Call) -> None:
        named = call.params.get(OF_OWN_NICS[call.operation], "")
        nics = [str(thing) for thing in (named if isinstance(named, list | tuple) else [named])]
        if call.operation == "DetachNetworkInterface":
            nics = [self._truth.history.eni_of_attachment(nic) for nic in nics]
        for nic in nics:
            if nic not in self.created:
                self._broken(7, f"{nic} was not created by the system, which called {call.operation} on it")
        eni = self._truth.model.enis.get(nics[0]) if nics else None
        if call.operation == "AttachNetworkInterface":
            self._amounts.judge_attach(call)
        if call.operation == "DeleteNetworkInterface":
            freed = {family: self._truth.history.last_held(nics[0], family) for family in IPFamily}
            self._judge_freed(nics[0], freed, "was freed with its NIC")
            if call.took_effect and nics[0] in self.created:
                self._amounts.judge_delete(nics[0], *self._truth.history.born(nics[0]))
        elif call.operation == "AttachNetworkInterface" and call.took_effect and eni is not None:
            self._judge_limits(eni)

    def _judge_freed(self, eni_id: str, gone: Mapping[IPFamily, AddressSet], how: str) -> None:
        for pool in self._truth.pools():
            freed = gone[pool.family]
            # What another NIC's pool excludes is none of its addresses (recorded answers: any other pool may list it).
            own = pool.identity is not None and pool.identity.eni_id == eni_id
            if listed := (pool.spec.ips if own else pool.offered) & freed:
                self._broken(2, f"{listed} {how} while pool {pool.name} lists it")
            if pool.allocated & freed:
                self._broken(3, f"{pool.allocated & freed} {how} while pods use it")


def _named(params: Mapping[str, Any]) -> Mapping[IPFamily, AddressSet]:
    """Return the addresses that an Unassign names, prefixes whole."""
    texts = [*params.get("PrivateIpAddresses", []), *params.get("Ipv6Addresses", [])]
    prefixes = [parse_network(p) for p in (*params.get("Ipv4Prefixes", []), *params.get("Ipv6Prefixes", []))]
    named = dict(EMPTY)
    for family in IPFamily:
        singles = AddressSet.of(family, [text for text in texts if (":" in text) == (family is IPFamily.IPV6)])
        of_family = [prefix for prefix in prefixes if prefix.version == family]
        named[family] = singles | AddressSet.from_networks(family, of_family)
    return named


def _slots(params: Mapping[str, Any]) -> int:
    """Return how many slots of a NIC an Assign asks for; a prefix takes one."""
    return sum(params.get(name) or 0 for name in COUNTS) + sum(len(params.get(name) or ()) for name in NAMED)
