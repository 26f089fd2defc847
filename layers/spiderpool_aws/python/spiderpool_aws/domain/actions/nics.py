"""What a plan does to NICs in EC2."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spiderpool_aws.domain.addresses import AddressSet, IPFamily, Network
from spiderpool_aws.domain.stages import PlannedAction, Stage


@dataclass(frozen=True, slots=True)
class Amount:
    """So many single addresses, or prefixes."""

    count: int
    prefixes: bool = False

    def __str__(self) -> str:
        return f"{self.count} {'prefix' if self.prefixes else 'address'}{'' if self.count == 1 else 'es'}"


@dataclass(frozen=True, slots=True)
class _NicAction(PlannedAction):
    @property
    def stage(self) -> Stage:
        return Stage.PROVIDE

    @property
    def lags(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Assign(_NicAction):
    """Assign so many secondary addresses (or prefixes) of a family to a NIC; EC2 chooses which."""

    eni_id: str
    family: IPFamily
    count: int
    prefixes: bool = False

    @property
    def key(self) -> str:
        """Name the action; fewer of them is another try."""
        return f"assign {self.family} {'prefixes' if self.prefixes else 'addresses'} to {self.eni_id} ({self.count})"

    @property
    def scope(self) -> str:
        """The other NICs cannot help it."""
        return self.eni_id

    def __str__(self) -> str:
        what = f"{self.family} {'prefix' if self.prefixes else 'address'}{'' if self.count == 1 else 'es'}"
        return f"assign {self.count} {what} to {self.eni_id}"


@dataclass(frozen=True, slots=True)
class Reassign(_NicAction):
    """Assign again the very addresses that a NIC lost while pods use them."""

    eni_id: str
    addresses: AddressSet
    why: str
    vpc_id: str = ""
    """Where somebody else may hold one of them."""
    has_room: bool = True
    """False: the NIC cannot take them now, and it is only looked up who holds them."""

    @property
    def key(self) -> str:
        """Name the action; with room it is another try."""
        if not self.has_room:
            return f"look up who holds {self.addresses}, which {self.eni_id} has lost and has no room for"
        return f"assign {self.addresses} again to {self.eni_id}"

    @property
    def scope(self) -> str:
        """The other NICs cannot help it."""
        return self.eni_id

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class Unassign(PlannedAction):
    """Give addresses, or whole prefixes, of a NIC back; no pool lists any of them (invariant 2)."""

    eni_id: str
    addresses: AddressSet
    why: str
    prefixes: tuple[Network, ...] = ()
    """Set: these go, and `addresses` is empty."""

    @property
    def stage(self) -> Stage:
        """After every fence."""
        return Stage.UNASSIGN

    @property
    def key(self) -> str:
        """Name the action."""
        what = f"{self.addresses.family} prefixes" if self.prefixes else f"{self.addresses.family} addresses"
        return f"unassign {what} of {self.eni_id}"

    @property
    def scope(self) -> str:
        """The other NICs cannot help it."""
        return self.eni_id

    @property
    def is_removal(self) -> bool:
        """A NIC has fewer afterwards."""
        return True

    def __str__(self) -> str:
        what = ", ".join(map(str, self.prefixes)) if self.prefixes else str(self.addresses)
        return f"unassign {what} of {self.eni_id}: {self.why}"


@dataclass(frozen=True, slots=True)
class CreateNic(_NicAction):
    """Create a NIC for a device index, with all that it should hold; tagged in the same call (invariant 6)."""

    instance_id: str
    device_index: int
    subnet_id: str
    groups: tuple[str, ...]
    amounts: Mapping[IPFamily, Amount]
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """The client token: the same for the same message, so that a repetition creates nothing."""

    @property
    def asks_prefixes(self) -> bool:
        """Tell whether the subnet has to have whole blocks for it."""
        ipv4 = self.amounts.get(IPFamily.IPV4)
        return ipv4 is not None and ipv4.prefixes

    @property
    def key(self) -> str:
        """Name the action; another subnet is another try, and so are single addresses in place of prefixes."""
        what = " with prefixes" if self.asks_prefixes else ""
        return f"create NIC {self.device_index} of {self.instance_id} in {self.subnet_id}{what}"

    @property
    def scope(self) -> str:
        """What the other NICs need is done nevertheless."""
        return f"index {self.device_index}"

    def __str__(self) -> str:
        amounts = ", ".join(f"{amount} of {family}" for family, amount in sorted(self.amounts.items()))
        where = f"in {self.subnet_id}"
        return f"create NIC {self.device_index} of {self.instance_id} {where} with {amounts}"


@dataclass(frozen=True, slots=True)
class AttachNic(_NicAction):
    """Attach a NIC of ours at its device index of network card 0."""

    instance_id: str
    device_index: int
    eni_id: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"attach {self.eni_id} to {self.instance_id} at {self.device_index}"

    @property
    def scope(self) -> str:
        """What the other NICs need is done nevertheless."""
        return self.eni_id

    def __str__(self) -> str:
        return f"attach {self.eni_id} to {self.instance_id} at device index {self.device_index}"


@dataclass(frozen=True, slots=True)
class KeepWithInstance(_NicAction):
    """Have a NIC of ours deleted together with its instance: DeleteOnTermination."""

    eni_id: str
    attachment_id: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"set DeleteOnTermination of {self.eni_id}"

    @property
    def scope(self) -> str:
        """What the other NICs need is done nevertheless."""
        return self.eni_id

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class MarkPrimaryIpv6(_NicAction):
    """Have the first IPv6 address of a NIC of ours marked as its primary one: the host's own, which no pod gets."""

    eni_id: str

    @property
    def key(self) -> str:
        """Name the action."""
        return f"mark an IPv6 address of {self.eni_id} as primary"

    @property
    def scope(self) -> str:
        """What the other NICs need is done nevertheless."""
        return self.eni_id

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class NoteOrphan(PlannedAction):
    """Write on a NIC of ours, as a tag, when it was first seen to belong to nobody."""

    eni_id: str
    since: str

    @property
    def stage(self) -> Stage:
        """Last of all."""
        return Stage.CLEAN_UP

    @property
    def key(self) -> str:
        """Name the action."""
        return f"note that {self.eni_id} belongs to nobody"

    @property
    def scope(self) -> str:
        """Nobody's matter."""
        return self.eni_id

    def __str__(self) -> str:
        return f"{self.key} (since {self.since})"


@dataclass(frozen=True, slots=True)
class DeleteNic(PlannedAction):
    """Delete a NIC of ours that is attached to nothing."""

    eni_id: str
    why: str
    at_once: bool = False
    """It could not be attached, in this pass."""

    @property
    def stage(self) -> Stage:
        """With the attach that failed, else last of all."""
        return Stage.PROVIDE if self.at_once else Stage.CLEAN_UP

    @property
    def key(self) -> str:
        """Name the action."""
        return f"delete {self.eni_id}"

    @property
    def scope(self) -> str:
        """Nobody's matter."""
        return self.eni_id

    @property
    def is_removal(self) -> bool:
        """What was made in this pass is taken back even while removals are held."""
        return not self.at_once

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


NicAction = (
    Assign | Reassign | Unassign | CreateNic | AttachNic | KeepWithInstance | MarkPrimaryIpv6 | NoteOrphan | DeleteNic
)
