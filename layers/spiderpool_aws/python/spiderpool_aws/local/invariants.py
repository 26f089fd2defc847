"""The invariants of the product (docs/architecture.md), judged on the EC2 model and the cluster double together.

Invariants 1-7 judge the system's own writes against the truth at the moment of the write: the checker listens to both
sides. What somebody else does may break the state; that the system mends it is 8, which `assert_idle` asks for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, parse_network, vpc_gateway
from spiderpool_aws.domain.pool import Pool, SpiderIPPool
from spiderpool_aws.local.cluster import ClusterDouble, ClusterWrite
from spiderpool_aws.local.ec2 import Ec2Call, Ec2Model
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.state import Eni

STALENESS = timedelta(seconds=30)
"""How long a describe may show what is no longer so (EC2 API guide, "Eventual consistency": seconds; we allow 30)."""
LIVE = {"pending", "running", "stopping", "stopped"}
TAKING = {
    "UnassignPrivateIpAddresses",
    "UnassignIpv6Addresses",
    "DetachNetworkInterface",
    "DeleteNetworkInterface",
    "TerminateInstances",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A write that should not have been made."""

    invariant: int
    message: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.message}"


class InvariantError(AssertionError):
    """At least one invariant was broken; the message has a line for each."""


class InvariantChecker:
    """Listens to every write of the system, and says at each step whether one broke an invariant."""

    def __init__(
        self, model: Ec2Model, double: ClusterDouble, roles: Iterable[str], user: str = "spiderpool-aws"
    ) -> None:
        self._model = model
        self._double = double
        self._roles = frozenset(roles)
        self._user = user
        self._taken: dict[str, datetime] = {}
        self._created: set[str] = set()
        self.violations: list[Violation] = []
        self.judged = 0
        """How many writes were judged."""
        model.observe(self._on_ec2)
        double.observe(self._on_cluster)

    def check(self) -> None:
        """Raise InvariantError when a write since the start broke an invariant, or the pools of the system overlap."""
        problems = [str(violation) for violation in self.violations]
        problems += [f"invariant 4: {message}" for message in self._overlaps()]
        if problems:
            raise InvariantError("\n".join(problems))

    def assert_idle(self, run: Callable[[], object]) -> None:
        """Run something on a converged system; raise InvariantError when it wrote anything (invariant 8)."""
        before = self.judged
        run()
        self.check()
        if self.judged != before:
            raise InvariantError(f"invariant 8: {self.judged - before} writes to a converged system")

    # --- what the system does to the cluster

    def _on_cluster(self, write: ClusterWrite) -> None:
        if write.user != self._user or write.status >= 400:
            return
        self.judged += 1
        if write.resource == "spiderippools":
            self._judge_pool(write)
        elif write.resource == "nodes" and write.verb == "delete":
            self._judge_node_deletion(write)

    def _judge_pool(self, write: ClusterWrite) -> None:
        before, after = _pool(write.before), _pool(write.after)
        if before is not None and before.identity is None:
            self._broken(7, f"pool {write.name} is not ours and was written ({write.verb})")
        if after is None or write.verb == "delete":
            return
        if after.identity is None:
            self._broken(7, f"pool {write.name} was written without the labels that say whose it is")
            return
        eni = self._model.enis.get(after.identity.eni_id)
        held = _assigned(eni, after.family) if eni else EMPTY[after.family]
        old = before.spec.ips if before else EMPTY[after.family]
        unproved = after.spec.ips - old - held
        if unproved and not self._was_just_taken(after.identity.eni_id):
            self._broken(1, f"pool {write.name} got {unproved}, which EC2 has not assigned to {after.identity.eni_id}")
        dropped = (old - after.spec.ips) & (before.allocated if before else EMPTY[after.family])
        if dropped:
            self._broken(3, f"pool {write.name} dropped {dropped}, which pods use")
        if eni is not None:
            self._judge_network(write.name, after, eni)

    def _judge_network(self, name: str, pool: Pool, eni: Eni) -> None:
        subnet = self._model.subnets[eni.subnet_id]
        cidr = subnet.cidr if pool.family is IPFamily.IPV4 else subnet.ipv6_cidr
        if cidr is None or pool.spec.subnet != cidr:
            self._broken(4, f"pool {name} has subnet {pool.spec.subnet}, its NIC's is {cidr}")
        elif pool.spec.gateway not in (None, vpc_gateway(parse_network(cidr))):
            self._broken(4, f"pool {name} has gateway {pool.spec.gateway}, which is not that of {cidr}")
        own = pool.spec.ips & _host_addresses(eni, pool.family)
        if own:
            self._broken(4, f"pool {name} lists the host's own address {own}")
        if not pool.spec.node_name or not pool.spec.multus_name:
            self._broken(4, f"pool {name} has an empty nodeName or multusName and fits every pod")

    def _judge_node_deletion(self, write: ClusterWrite) -> None:
        addresses = {a["address"] for a in (write.before or {}).get("status", {}).get("addresses", [])}
        provider_id = (write.before or {}).get("spec", {}).get("providerID", "")
        for instance in self._model.instances.values():
            if instance.state not in LIVE:
                continue
            if instance.private_ip in addresses or instance.private_dns_name == write.name:
                self._broken(7, f"Node {write.name} was deleted, and live {instance.id} has its name or address")
            if provider_id.endswith(f"/{instance.id}"):
                self._broken(7, f"Node {write.name} was deleted, and its instance {instance.id} lives")

    # --- what the system does to EC2

    def _on_ec2(self, call: Ec2Call) -> None:
        if not call.took_effect:
            return
        if call.operation in TAKING:
            self._note_taken(call)
        if call.caller not in self._roles or call.operation.startswith("Describe"):
            return
        self.judged += 1
        if call.operation.startswith("Unassign"):
            self._judge_unassign(call.params)
        elif call.operation.startswith("Assign"):
            self._judge_limits(str(call.params["NetworkInterfaceId"]))
        elif call.operation == "CreateNetworkInterface":
            self._created.add(str((call.answer or {}).get("NetworkInterface", {}).get("NetworkInterfaceId")))
            if not call.params.get("TagSpecifications"):
                self._broken(6, "a NIC was created without tags")
        elif call.operation == "DeleteNetworkInterface" and call.params["NetworkInterfaceId"] not in self._created:
            self._broken(7, f"{call.params['NetworkInterfaceId']} was not created by the system, which deleted it")

    def _judge_unassign(self, params: Mapping[str, Any]) -> None:
        texts = [*params.get("PrivateIpAddresses", []), *params.get("Ipv6Addresses", [])]
        prefixes = [parse_network(p) for p in (*params.get("Ipv4Prefixes", []), *params.get("Ipv6Prefixes", []))]
        for family in IPFamily:
            singles = AddressSet.of(family, [text for text in texts if (":" in text) == (family is IPFamily.IPV6)])
            of_family = [prefix for prefix in prefixes if prefix.version == family]
            gone = singles | AddressSet.from_networks(family, of_family)
            for pool in self._pools():
                if pool.family is family and pool.spec.ips & gone:
                    self._broken(2, f"{pool.spec.ips & gone} was unassigned while pool {pool.name} lists it")
                if pool.family is family and pool.allocated & gone:
                    self._broken(3, f"{pool.allocated & gone} was unassigned while pods use it")

    def _judge_limits(self, eni_id: str) -> None:
        eni = self._model.enis[eni_id]
        if eni.attachment is None:
            return
        kind = self._model.instances[eni.attachment.instance_id].instance_type
        allowed = limits(kind)
        if eni.ipv4_slots > allowed.ipv4_addresses or eni.ipv6_slots > allowed.ipv6_addresses:
            self._broken(5, f"{eni_id} holds more than {kind} allows")

    def _note_taken(self, call: Ec2Call) -> None:
        named = call.params.get("NetworkInterfaceId")
        if named:
            self._taken[str(named)] = call.time
            return
        for eni_id in self._model.enis:
            self._taken[eni_id] = call.time

    # --- the state

    def _pools(self) -> list[Pool]:
        return [pool for stored in self._double.objects("spiderippools") if (pool := _pool(stored)) is not None]

    def _overlaps(self) -> Iterable[str]:
        for family in IPFamily:
            ours = [pool for pool in self._pools() if pool.family is family and pool.identity is not None]
            spans = sorted((first, last, pool.name) for pool in ours for first, last in (pool.spec.ips).spans)
            for (_, last, name), (first, _, other) in pairwise(spans):
                if first <= last:
                    yield f"{family.address(first)} is in {name} and in {other}"

    def _was_just_taken(self, eni_id: str) -> bool:
        at = self._taken.get(eni_id)
        return at is not None and self._model.clock.now() - at <= STALENESS

    def _broken(self, invariant: int, message: str) -> None:
        self.violations.append(Violation(invariant, message))


def _pool(stored: Mapping[str, Any] | None) -> Pool | None:
    return None if stored is None else SpiderIPPool.model_validate(stored).to_pool()


def _assigned(eni: Eni, family: IPFamily) -> AddressSet:
    """Return all that EC2 has assigned to a NIC beside its primary IPv4 address."""
    if family is IPFamily.IPV4:
        singles, prefixes = eni.secondary_ips, eni.ipv4_prefixes
    else:
        singles, prefixes = [known.address for known in eni.ipv6_addresses], eni.ipv6_prefixes
    networks = [parse_network(prefix) for prefix in prefixes]
    return AddressSet.of(family, singles) | AddressSet.from_networks(family, networks)


def _host_addresses(eni: Eni, family: IPFamily) -> AddressSet:
    if family is IPFamily.IPV4:
        return AddressSet.of(family, [eni.primary_ip])
    return AddressSet.of(family, [known.address for known in eni.ipv6_addresses if known.is_primary])
