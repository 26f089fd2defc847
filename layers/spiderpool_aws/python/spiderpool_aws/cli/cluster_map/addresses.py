"""How each address of a NIC is: free, used, drifting, quarantined. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from ipaddress import ip_address
from itertools import islice
from operator import or_
from typing import TYPE_CHECKING, Any

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spiderpool_aws.cli.planning import PlannedInstance
    from spiderpool_aws.domain.cluster.pool import Pool
    from spiderpool_aws.domain.instance import Eni
    from spiderpool_aws.domain.policy.model import Interface

SHOWN = 512
"""So many addresses of a NIC and family are shown that nobody uses; a pool edited by hand may list a whole /64."""


class AddressState(StrEnum):
    """What an address is, as the map shows it."""

    USED = "used"
    FREE = "free"
    DRIFTING = "drifting"
    """EC2 and the pools do not agree on it."""
    QUARANTINED = "quarantined"
    WITHHELD = "withheld"
    """Listed, and given to no pod: excluded, or its pool is disabled or terminating."""
    OUTSIDE = "outside"
    """Assigned to a NIC that the policy does not have."""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """What EC2 and the cluster say of the addresses of one NIC and family."""

    family: IPFamily
    assigned: AddressSet
    """In EC2, prefixes whole; empty for a NIC that is gone."""
    for_pods: AddressSet
    """Of these, what a pool should list: without the host's own, and of an IPv6 prefix the policy's part."""
    pools: Sequence[Pool]
    reserved: AddressSet
    managed: bool
    """The policy has such a NIC."""

    @property
    def listed(self) -> AddressSet:
        """Return what the pools list."""
        return _union(self.family, (pool.spec.ips for pool in self.pools))

    @property
    def users(self) -> Mapping[str, str]:
        """Return the pods by their address."""
        return {address: user for pool in self.pools for address, user in pool.users.items()}

    def to_documents(self) -> list[dict[str, Any]]:
        """Return each address with its state, why it is so, and its pod; the lowest first."""
        users, listed = self.users, self.listed
        must = AddressSet.of(self.family, users) | self.reserved
        rest = (listed | self.for_pods) - must
        shown = sorted([*must, *islice(rest, SHOWN)], key=ip_address)
        return [self._document(address, listed, users) for address in shown]

    def omitted(self) -> int:
        """Return how many addresses are not among the documents."""
        must = AddressSet.of(self.family, self.users) | self.reserved
        return max(0, ((self.listed | self.for_pods) - must).count() - SHOWN)

    def _document(self, address: str, listed: AddressSet, users: Mapping[str, str]) -> dict[str, Any]:
        state, why = self._judged(address, listed, users)
        document: dict[str, Any] = {"address": address, "state": str(state), "listed": address in listed}
        if address in users:
            document["pod"] = users[address]
        if why:
            document["why"] = why
        return document

    def _judged(self, address: str, listed: AddressSet, users: Mapping[str, str]) -> tuple[AddressState, str]:
        if address in self.reserved:
            return AddressState.QUARANTINED, "a SpiderReservedIP keeps it back: another NIC holds it"
        if address not in self.assigned:
            return AddressState.DRIFTING, "in a pool, but EC2 has not assigned it to this NIC"
        if address in users:
            return AddressState.USED, ""
        if address not in listed:
            return self._unlisted(address)
        for pool in self.pools:
            if address in pool.spec.ips and (why := _withheld(pool, address)):
                return AddressState.WITHHELD, why
        return AddressState.FREE, ""

    def _unlisted(self, address: str) -> tuple[AddressState, str]:
        if not self.managed:
            return AddressState.OUTSIDE, "the policy does not have this NIC"
        for pool in self.pools:
            for since, addresses in pool.memory.released:
                if address in addresses:
                    return AddressState.DRIFTING, f"left its pool at {since:%H:%M:%S} UTC to be unassigned"
        return AddressState.DRIFTING, "assigned by EC2, but in no pool"


def book_of(
    planned: PlannedInstance, eni: Eni, family: IPFamily, pools: Sequence[Pool], wanted: Interface | None
) -> AddressBook:
    """Return what is known of a NIC's addresses of a family."""
    managed = wanted is not None and wanted.size(family) is not None and not eni.why_left_alone
    singles = eni.addresses(family)
    if family is IPFamily.IPV6:
        # As the planner has it: without knowing the host's own address none of the single ones is a pod's.
        host = hosts_ipv6(planned, eni)
        singles = singles - host if host else EMPTY[family]
    for_pods = singles | _offered(eni, family, wanted)
    return AddressBook(family, eni.assigned(family), for_pods, pools, reserved_of(planned, eni.eni_id, family), managed)


def leftover_book(planned: PlannedInstance, pool: Pool) -> AddressBook:
    """Return what is known of the addresses of a pool whose NIC is gone: EC2 has assigned none of them to it."""
    reserved = reserved_of(planned, pool.identity.eni_id, pool.family) if pool.identity else EMPTY[pool.family]
    return AddressBook(pool.family, EMPTY[pool.family], EMPTY[pool.family], [pool], reserved, managed=True)


def hosts_ipv6(planned: PlannedInstance, eni: Eni) -> AddressSet:
    """Return the host's own IPv6 addresses on a NIC: the one marked primary, else the Node's InternalIP."""
    if eni.primary_ipv6:
        return AddressSet.of(IPFamily.IPV6, [eni.primary_ipv6])
    node = planned.model.node
    return AddressSet.of(IPFamily.IPV6, [ip for ip in node.internal_ips if ":" in ip] if node else []) & eni.ipv6


def reserved_of(planned: PlannedInstance, eni_id: str, family: IPFamily) -> AddressSet:
    """Return what is quarantined of a NIC and family."""
    known = (r for r in planned.model.reservations if r.identity.eni_id == eni_id and r.identity.family is family)
    return _union(family, (reservation.addresses for reservation in known))


def _offered(eni: Eni, family: IPFamily, wanted: Interface | None) -> AddressSet:
    size = wanted.size(family) if wanted is not None else None
    # Of a prefix that the policy does not ask for, the pool decides what is shown: a /80 is never counted out.
    each = None if family is IPFamily.IPV4 else (size.per_prefix if size is not None and size.per_prefix else 0)
    return AddressSet.from_networks(family, eni.prefixes(family), limit_each=each) if each != 0 else EMPTY[family]


def _withheld(pool: Pool, address: str) -> str:
    if pool.terminating:
        return "its pool is terminating"
    if pool.spec.disable:
        return "its pool is disabled"
    return "in excludeIPs of its pool" if address in pool.excluded else ""


def _union(family: IPFamily, sets: Iterable[AddressSet]) -> AddressSet:
    return reduce(or_, sets, EMPTY[family])
