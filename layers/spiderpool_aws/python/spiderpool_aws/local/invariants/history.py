"""What each NIC held and each tag said, and until when: the product may act on a describe that is no longer true."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily, parse_network
from spiderpool_aws.local.ec2 import Ec2Call, Ec2Model
from spiderpool_aws.local.ec2.state import Eni

STALENESS = timedelta(seconds=30)
"""How long a describe may show what is no longer so (EC2 API guide, "Eventual consistency": seconds; we allow 30)."""

Held = dict[IPFamily, AddressSet]
Place = tuple[str, str]
"""Instance id and attachment id."""


def assigned(eni: Eni, family: IPFamily) -> AddressSet:
    """Return all that EC2 has assigned to a NIC beside its primary IPv4 address."""
    if family is IPFamily.IPV4:
        singles, prefixes = eni.secondary_ips, eni.ipv4_prefixes
    else:
        singles, prefixes = [known.address for known in eni.ipv6_addresses], eni.ipv6_prefixes
    networks = [parse_network(prefix) for prefix in prefixes]
    return AddressSet.of(family, singles) | AddressSet.from_networks(family, networks)


@dataclass(slots=True)
class _Known:
    """A NIC as it was last seen, and what it lost."""

    held: Held = field(default_factory=lambda: dict(EMPTY))
    last: Held = field(default_factory=lambda: dict(EMPTY))
    """The last addresses that were not none: what a deletion frees."""
    place: Place | None = None
    lost: list[tuple[datetime, AddressSet]] = field(default_factory=list)
    left: list[tuple[datetime, Place]] = field(default_factory=list)
    changed_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    born: datetime | None = None
    host: str = ""
    """The primary address, of a NIC that is or was an instance's first: the instance's own."""


class History:
    """Follows every NIC of the model."""

    def __init__(self, model: Ec2Model) -> None:
        self._model = model
        self._known: dict[str, _Known] = {}
        self._eni_of_attachment: dict[str, str] = {}
        self._new: set[str] = set()
        self._retagged: dict[tuple[str, str], datetime] = {}
        """(NIC or instance, tag's key) -> when a call last changed it."""
        model.observe_nics(self.look)
        model.observe(self._note_tags)
        self.catch_up()
        self._new.clear()

    def catch_up(self) -> None:
        """Learn of NICs that appeared without a change of their own: those of a launch."""
        for eni_id in self._model.enis.keys() - self._known.keys():
            self.look(eni_id)

    def take_new(self) -> set[str]:
        """Return the NICs that appeared since the last time that somebody asked."""
        self.catch_up()
        new, self._new = self._new, set()
        return new

    def look(self, eni_id: str) -> None:
        """Compare a NIC with what was known of it."""
        eni, now = self._model.enis.get(eni_id), self._model.clock.now()
        if eni_id not in self._known:
            self._new.add(eni_id)
        known = self._known.setdefault(eni_id, _Known())
        held = {family: assigned(eni, family) if eni else EMPTY[family] for family in IPFamily}
        if held != known.held:
            known.lost += [(now, gone) for family in IPFamily if (gone := known.held[family] - held[family])]
            known.changed_at = now
            known.held = held
        if eni is not None:
            known.last, known.tags, known.born = held, dict(eni.tags), eni.created_at
        place = (eni.attachment.instance_id, eni.attachment.id) if eni and eni.attachment else None
        if eni is not None and eni.attachment is not None:
            known.host = eni.primary_ip if eni.attachment.device_index == 0 else ""
        if place != known.place:
            known.left += [(now, known.place)] if known.place else []
            known.place = place
        if place is not None:
            self._eni_of_attachment[place[1]] = eni_id

    def recently_lost(self, eni_id: str, family: IPFamily, within: timedelta = STALENESS) -> AddressSet:
        """Return what the NIC held until a moment ago, so that a stale describe may still show it."""
        gone = EMPTY[family]
        for at, addresses in self._of(eni_id).lost:
            if addresses.family is family and self._model.clock.now() - at <= within:
                gone |= addresses
        return gone

    def last_held(self, eni_id: str, family: IPFamily) -> AddressSet:
        """Return what the NIC holds; of one that is gone, what it held at its end."""
        return self._of(eni_id).last[family]

    def born(self, eni_id: str) -> tuple[Mapping[str, str], timedelta]:
        """Return a NIC's last tags, and its age."""
        known, now = self._of(eni_id), self._model.clock.now()
        return known.tags, now - (known.born or now)

    def places(self, eni_id: str) -> Iterable[Place]:
        """Return where the NIC is attached, and where a stale describe may still show it."""
        known = self._of(eni_id)
        here = [known.place] if known.place else []
        return [*here, *(place for at, place in known.left if self._is_recent(at))]

    def last_addresses(self, instance_id: str) -> set[str]:
        """Return the IPv4 address that a dead instance had, while a stale describe may still show it."""
        hosts = ((known.host, self.places(eni_id)) for eni_id, known in self._known.items() if known.host)
        return {host for host, places in hosts if any(place[0] == instance_id for place in places)}

    def changed_lately(self, eni_id: str) -> bool:
        """Say whether a describe of the NIC's addresses may be stale."""
        at = self._of(eni_id).changed_at
        return at is not None and self._is_recent(at)

    def retagged_lately(self, identifier: str, key: str) -> bool:
        """Say whether a describe may not show yet what a tag of a NIC or an instance says."""
        at = self._retagged.get((identifier, key))
        return at is not None and self._is_recent(at)

    def eni_of_attachment(self, attachment_id: str) -> str:
        """Return the NIC that has or had this attachment; empty when there was none."""
        return self._eni_of_attachment.get(attachment_id, "")

    def _note_tags(self, call: Ec2Call) -> None:
        if call.operation in ("CreateTags", "DeleteTags") and call.took_effect:
            changed = [(thing, tag["Key"]) for thing in call.params["Resources"] for tag in call.params.get("Tags", ())]
            self._retagged |= dict.fromkeys(changed, self._model.clock.now())

    def _of(self, eni_id: str) -> _Known:
        if eni_id in self._model.enis and eni_id not in self._known:
            self.look(eni_id)
        return self._known.get(eni_id, _Known())

    def _is_recent(self, at: datetime) -> bool:
        return self._model.clock.now() - at <= STALENESS
