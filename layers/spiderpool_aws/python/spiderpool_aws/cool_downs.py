"""Subnets that had no room, and how long each is left in peace: ever longer, and no longer than until it has more room.

What is asked in vain costs EC2's request rate and brings an alarm's noise, so the pauses grow from one minute to half
an hour. Room that appears shows in the subnet's count of free addresses, which may be read as often as one likes: when
it is higher than at the refusal the pause is over. It may be wrong of prefixes, which need a whole block, so that does
not make the next pause shorter.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spiderpool_aws.domain.actions.nics import Assign, CreateNic, Reassign
from spiderpool_aws.domain.actions.plan import Action
from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.rules.desired import cooling_key
from spiderpool_aws.domain.rules.nic_creation import creation_key

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that takes addresses out of a subnet."""

    key: str
    subnet_id: str
    counted: bool
    """The subnet's count of free addresses tells of it: EC2 counts no IPv6."""


def asked_of(action: Action, observed: ObservedNode) -> Asked | None:
    """Return what an action asks of a subnet; None when it asks nothing, or of a NIC that is not known."""
    if isinstance(action, CreateNic):
        return Asked(creation_key(action), action.subnet_id, counted=True)
    eni = observed.eni(action.eni_id) if isinstance(action, Assign | Reassign) else None
    match action:
        case Assign() if eni is not None:
            key = cooling_key(eni.subnet_id, action.family, prefixes=action.prefixes)
            return Asked(key, eni.subnet_id, counted=action.family is IPFamily.IPV4)
        case Reassign() if eni is not None:
            # That there is no room for these says nothing of others.
            return Asked(action.key, eni.subnet_id, counted=action.addresses.family is IPFamily.IPV4)
    return None


@dataclass(frozen=True, slots=True)
class _Pause:
    asked: Asked
    since: datetime
    length: timedelta
    free: int | None
    """How many addresses were free then, if that tells anything."""

    @property
    def until(self) -> datetime:
        return self.since + self.length

    def is_over(self, observed: ObservedNode) -> bool:
        if self.until <= observed.now:
            return True
        count = _free(self.asked, observed)
        has_more = count is not None and self.free is not None and count > self.free
        return has_more and observed.now - self.since >= SHORTEST


@dataclass(slots=True)
class CoolDowns:
    """Of one process. Another one asks the full subnet once more."""

    _pauses: dict[str, _Pause] = field(default_factory=dict)

    def of(self, observed: ObservedNode) -> dict[str, datetime]:
        """Return key -> until when it is not asked again."""
        forgotten = [key for key, pause in self._pauses.items() if pause.until + LONGEST <= observed.now]
        for key in forgotten:
            del self._pauses[key]
        return {key: pause.until for key, pause in self._pauses.items() if not pause.is_over(observed)}

    def begin(self, asked: Asked, observed: ObservedNode) -> None:
        """Note that there was no room: `observed` has the subnet's count of now."""
        known, free = self._pauses.get(asked.key), _free(asked, observed)
        if known is not None and observed.now - known.since < SHORTEST:
            # Asked for less in the same pass, or by a node of the same batch.
            self._pauses[asked.key] = replace(known, free=free)
            return
        length = min(2 * known.length, LONGEST) if known is not None else SHORTEST
        self._pauses[asked.key] = _Pause(asked, observed.now, length, free)

    def succeeded(self, asked: Asked, observed: ObservedNode) -> None:
        """Note that there was room: the next pause is a short one, unless this was only the rest of a full subnet."""
        known = self._pauses.get(asked.key)
        if known is None:
            return
        if known.is_over(observed):
            del self._pauses[asked.key]
        else:
            self._pauses[asked.key] = replace(known, free=_free(asked, observed))


def _free(asked: Asked, observed: ObservedNode) -> int | None:
    subnet = observed.subnets.get(asked.subnet_id)
    return subnet.available_ipv4 if subnet is not None and asked.counted else None
