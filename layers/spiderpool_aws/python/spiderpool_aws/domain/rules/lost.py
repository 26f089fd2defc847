"""Addresses that a pool lists and EC2 does not show: one look proves nothing, a second one 30 s later does."""

from dataclasses import dataclass
from datetime import datetime

from spiderpool_aws.domain.actions.nics import Reassign
from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.errors import Code
from spiderpool_aws.domain.instance import Eni
from spiderpool_aws.domain.memory import SECOND_LOOK
from spiderpool_aws.domain.observed import ObservedNode


@dataclass(frozen=True, slots=True)
class Lost:
    """What is missing of a pool's addresses, and since when."""

    memory: tuple[tuple[datetime, AddressSet], ...]
    """What the pool's annotation should remember: the moment of the first look, and the addresses."""
    confirmed: AddressSet
    """Missing at two looks 30 s apart."""
    in_use: AddressSet
    """Of the confirmed ones, those that pods use."""
    next_look_seconds: float | None
    """When the earliest of the others may be confirmed; None when there is no other."""

    @property
    def dropped(self) -> AddressSet:
        """Confirmed, and no pod uses them: they leave the pool."""
        return self.confirmed - self.in_use

    def without(self, dropped: AddressSet) -> tuple[tuple[datetime, AddressSet], ...]:
        """Return what is still to be remembered when some addresses have left the pool."""
        rest = ((since, addresses - dropped) for since, addresses in self.memory)
        return tuple((since, addresses) for since, addresses in rest if addresses)


def unlisted(eni_id: str, before: ObservedNode, after: ObservedNode) -> bool:
    """Tell whether a NIC got something between two models that no pool of it lists.

    A pool's list is all that remembers an assignment while a describe is stale.
    """
    old, new = before.eni(eni_id), after.eni(eni_id)
    return old is not None and new is not None and any(_unlisted(old, new, family, after) for family in IPFamily)


def _unlisted(old: Eni, new: Eni, family: IPFamily, after: ObservedNode) -> bool:
    listed = EMPTY[family]
    for pool in after.pools:
        known = pool.identity
        if known is not None and known.eni_id == new.eni_id and known.family is family and not pool.terminating:
            listed = listed | pool.spec.ips
    prefixes = [prefix for prefix in new.prefixes(family) if prefix not in old.prefixes(family)]
    singles = new.addresses(family) - old.addresses(family) - listed
    return bool(singles) or any(not AddressSet.from_networks(family, [prefix]) & listed for prefix in prefixes)


def nothing_lost(family: IPFamily) -> Lost:
    """Return the answer for a pool that does not exist."""
    return Lost((), EMPTY[family], EMPTY[family], None)


def lost_addresses(pool: Pool, usable: AddressSet, now: datetime) -> Lost:
    """Compare a pool with what its NIC has; `usable` is the truth of this look."""
    memory: list[tuple[datetime, AddressSet]] = []
    rest, confirmed = pool.spec.ips - usable, EMPTY[pool.family]
    for since, addresses in pool.memory.missing:
        still = addresses & rest
        if still:
            memory.append((since, still))
            rest = rest - still
            if now - since >= SECOND_LOOK:
                confirmed = confirmed | still
    if rest:
        memory.append((now, rest))
    unconfirmed = [since for since, _ in memory if now - since < SECOND_LOOK]
    delay = (min(unconfirmed) + SECOND_LOOK - now).total_seconds() if unconfirmed else None
    return Lost(tuple(memory), confirmed, confirmed & pool.allocated, delay)


def taken_addresses(family: IPFamily, observed: ObservedNode) -> AddressSet:
    """Return what was found in this pass to be held by somebody else.

    Of several that were asked for together nobody knows which one it was: each is then asked for by itself.
    """
    taken = EMPTY[family]
    for tried in observed.tried:
        action = tried.action
        if isinstance(action, Reassign) and tried.code == Code.ADDRESS_TAKEN and action.addresses.family is family:
            taken = taken | (action.addresses if action.addresses.count() == 1 else EMPTY[family])
    return taken
