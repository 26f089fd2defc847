"""Invariants 4, 5, 7, 8 and 10: whether what the system asks of EC2 is no more and no less than the policy asks for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import INDEX_TAG, INSTANCE_TAG, MANAGED_TAG
from spiderpool_aws.domain.policy.model import Elastic, Size
from spiderpool_aws.domain.rules.desired import PREFIX_ADDRESSES
from spiderpool_aws.local.ec2 import Ec2Call
from spiderpool_aws.local.ec2.instance_types import limits
from spiderpool_aws.local.ec2.state import Eni
from spiderpool_aws.local.invariants.history import STALENESS
from spiderpool_aws.local.invariants.truth import LIVE, Truth, is_chosen

PREFIX_COUNTS = ("Ipv4PrefixCount", "Ipv6PrefixCount")
COUNTS = ("SecondaryPrivateIpAddressCount", "Ipv6AddressCount", *PREFIX_COUNTS)
PREFIXES = ("Ipv4Prefixes", "Ipv6Prefixes")
NAMED = ("PrivateIpAddresses", "Ipv6Addresses", *PREFIXES)
OLD_LOOKS = 4 * STALENESS
"""What was lost and came back by chance may be missing in two old looks, and the second one may be some time ago."""
ORPHANED = timedelta(minutes=10)
"""How old a NIC of ours is at least that nobody needs and that goes (docs/architecture.md#invariants, 6)."""


class AmountRules:
    """Judges calls that make a NIC, fill it, empty it or take it away."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._broken = truth.report
        self._unattachable: set[str] = set()
        self._got_of_two: set[str] | None = None
        """The NICs that got something since two workers began to be at one instance; None: there is one worker."""

    @contextmanager
    def two_workers(self) -> Iterator[None]:
        """Excuse what each of two workers assigns to a NIC to which both have: there is no token."""
        self._got_of_two = set()
        try:
            yield
        finally:
            self._got_of_two = None

    def judge_create(self, tags: Mapping[str, str], new: set[str]) -> None:
        """Report a NIC that its instance has already, or that it can never carry."""
        instance = self._truth.model.instances.get(tags.get(INSTANCE_TAG, ""))
        index = tags.get(INDEX_TAG, "")
        if instance is None or instance.state not in LIVE or not index or not new:
            # With a client token that EC2 knows already nothing is made: the answer is the NIC of then.
            return
        enis = [eni for eni in self._truth.model.enis.values() if eni.id not in new]
        made = [eni for eni in self._truth.model.enis.values() if eni.id in new]
        spare = [e for e in enis if not e.attachment and e.tags.get(INSTANCE_TAG) == instance.id]
        spare = [e for e in spare if all(self._would_do(e, eni) for eni in made)]
        twins = [eni.id for eni in spare if eni.tags.get(INDEX_TAG) == index]
        there = [e for e in enis if e.attachment and e.attachment.instance_id == instance.id]
        settled = (e for e in there if not self._truth.history.changed_lately(e.id) or e.tags.get(INSTANCE_TAG))
        twins += [e.id for e in settled if e.attachment and str(e.attachment.device_index) == index]
        if twins:
            self._broken(8, f"a second NIC was made for index {index} of {instance.id}: {', '.join(twins)} is there")
        allowed = limits(instance.instance_type).interfaces_of_card[0]
        if len(there) >= allowed or int(index) >= allowed:
            self._broken(5, f"a NIC was made for index {index} of {instance.id}, whose type carries {allowed}")

    def _would_do(self, spare: Eni, made: Eni) -> bool:
        """Say whether a spare NIC is what today's policy has created another one as."""
        if spare.tags.get(MANAGED_TAG) == "false" or set(spare.groups) != set(made.groups):
            return False
        subnet, index = self._truth.model.subnets[spare.subnet_id], made.tags.get(INDEX_TAG)
        interfaces = (nic for group in self._truth.policy().groups for nic in group.interfaces)
        choices = [nic.subnets for nic in interfaces if str(nic.device_index) == index]
        return not choices or any(is_chosen(subnet, choice) for choice in choices)

    def judge_assign(self, call: Ec2Call, eni: Eni) -> None:
        """Report what was assigned beyond the policy; addresses by name are those that pods have lost.

        Of the kind that the call adds: what is there of the other one may be a person's, or go when its pods have gone.
        """
        if not call.took_effect or not any(call.params.get(name) for name in COUNTS):
            return
        excused = self._by_another(eni.id)
        family = IPFamily.IPV6 if "Ipv6" in call.operation else IPFamily.IPV4
        size = self._truth.size(eni, family)
        if size is None:
            return
        most: int | None
        if any(call.params.get(name) for name in PREFIX_COUNTS):
            most, holds, kind = size.prefixes or 0, len(_prefixes(eni, family)), "prefixes"
        else:
            most, holds, kind = _most(size), self._truth.singles(eni, family).count(), "addresses"
        if most is not None and holds > most and not excused:
            self._broken(8, f"{eni.id} got more {family} than the policy asks for: it holds {holds} {kind} now")

    def _by_another(self, eni_id: str) -> bool:
        """Say whether another worker may have assigned something to the NIC, which this one cannot know of."""
        if self._got_of_two is None:
            return False
        before, self._got_of_two = eni_id in self._got_of_two, {*self._got_of_two, eni_id}
        return before

    def judge_unassign(self, call: Ec2Call, named: Mapping[IPFamily, AddressSet]) -> None:
        """Report what was taken from a host, from a NIC that is not to be touched, or below the policy's size."""
        eni = self._truth.model.enis.get(str(call.params.get("NetworkInterfaceId")))
        if eni is None or eni.attachment is None:
            return
        if self._truth.interface_of(eni) is None:
            self._broken(7, f"{call.operation} on {eni.id}, which the policy leaves alone")
        for family in IPFamily:
            if named[family] and named[family] & self._hosts(eni, family):
                self._broken(4, f"{named[family]} of {eni.id} was unassigned, and is the host's own")
            size = self._truth.size(eni, family)
            if size is None or not call.took_effect or not named[family]:
                continue
            if any(call.params.get(name) for name in PREFIXES):
                least, left, kind = size.prefixes or 0, len(_prefixes(eni, family)), "prefixes"
            else:
                least, left, kind = _least(size), self._truth.singles(eni, family).count(), "addresses"
            if left < least:
                self._broken(8, f"{eni.id} was left with {left} {family} {kind}, less than the policy wants")

    def judge_shrink(self, before: Pool | None, after: Pool | None) -> None:
        """Report what a pool lost although its NIC has it and the policy wants it: one look that is old is no loss."""
        if before is None or after is None or before.identity is None:
            return
        eni, family = self._truth.model.enis.get(before.identity.eni_id), before.family
        size = self._truth.size(eni, family) if eni is not None else None
        if eni is None or size is None or (gone := before.spec.ips - after.spec.ips) == EMPTY[family]:
            return
        # A prefix makes way for the single addresses that a size wants in its place.
        kept = gone & self._truth.singles(eni, family)
        kept = kept - self._truth.history.recently_lost(eni.id, family, OLD_LOOKS)
        if kept and after.spec.ips.count() < _least(size):
            self._broken(8, f"pool {before.name} lost {kept}, which {eni.id} has and the policy wants")

    def judge_attach(self, call: Ec2Call) -> None:
        """Remember which NICs EC2 refused to attach: they may go at once."""
        if not call.took_effect:
            self._unattachable.add(str(call.params.get("NetworkInterfaceId")))

    def judge_delete(self, eni_id: str, tags: Mapping[str, str], age: timedelta) -> None:
        """Report a NIC that was deleted although a living instance may have been about to get it."""
        instance = self._truth.model.instances.get(tags.get(INSTANCE_TAG, ""))
        alive = instance is not None and instance.state in LIVE
        if alive and eni_id not in self._unattachable and age < ORPHANED:
            self._broken(10, f"{eni_id} was deleted {age.total_seconds():.0f} s after it was made, and was never noted")

    def _hosts(self, eni: Eni, family: IPFamily) -> AddressSet:
        return self._truth.host_addresses(eni, family)


def _prefixes(eni: Eni, family: IPFamily) -> list[Any]:
    return list(eni.ipv4_prefixes if family is IPFamily.IPV4 else eni.ipv6_prefixes)


def _most(size: Size) -> int | None:
    """Return how many single addresses the size allows; None: as many as the type carries."""
    match size.addresses:
        case Elastic() as elastic:
            return elastic.max
        case int() as count:
            return count
        case "max":
            return None
    return PREFIX_ADDRESSES * (size.prefixes or 0) if size.fallback == "addresses" else 0


def _least(size: Size) -> int:
    match size.addresses:
        case Elastic() as elastic:
            return min(max(elastic.min, elastic.warm), elastic.max)
        case int() as count:
            return count
    return 0
