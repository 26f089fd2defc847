"""The state of one region: what exists, who holds which address, and the documents that describes read."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from ipaddress import ip_address, ip_network
from random import Random
from threading import RLock
from typing import Any, TypeVar

from spiderpool_aws.local.clock import Clock
from spiderpool_aws.local.ec2.documents import Document, Documents
from spiderpool_aws.local.ec2.errors import check_id, not_found
from spiderpool_aws.local.ec2.identifiers import Identifiers
from spiderpool_aws.local.ec2.lag import Lag, LaggingCounts
from spiderpool_aws.local.ec2.options import Ec2Options
from spiderpool_aws.local.ec2.rendering import (
    eni_document,
    eni_keys,
    instance_document,
    instance_eni_document,
    instance_keys,
)
from spiderpool_aws.local.ec2.state import Eni, Instance, LaunchTemplate, SecurityGroup, Subnet, Vpc

T = TypeVar("T")


class World:
    """Everything in one account and region. Lookups raise EC2's own not-found errors."""

    def __init__(self, clock: Clock, region: str, account_id: str, partition: str, options: Ec2Options) -> None:
        self.clock = clock
        self.region = region
        self.account_id = account_id
        self.partition = partition
        self.options = options
        self.lock = RLock()
        self.ids = Identifiers()
        self.random = None if options.random_seed is None else Random(options.random_seed)  # noqa: S311
        self.vpcs: dict[str, Vpc] = {}
        self.subnets: dict[str, Subnet] = {}
        self.groups: dict[str, SecurityGroup] = {}
        self.enis: dict[str, Eni] = {}
        self.instances: dict[str, Instance] = {}
        self.templates: dict[str, LaunchTemplate] = {}
        self.enis_by_attachment: dict[str, str] = {}
        self.reservations: dict[str, str] = {}
        self.answers_by_token: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {}
        self.on_state_change: Callable[[Instance], None] = lambda _: None
        self.on_nic_change: Callable[[str], None] = lambda _: None
        self._holders: dict[tuple[str, str], str] = {}
        self.lag = Lag(options.describe_lag_seconds, options.write_lag_seconds, options.lag_seed)
        self.eni_documents = Documents(self._render_eni, eni_keys, clock.now, self.lag)
        self.instance_documents = Documents(self._render_instance, instance_keys, clock.now, self.lag)
        self._free_addresses = LaggingCounts(self.lag)

    def now(self) -> datetime:
        """Return the time of the clock in whole seconds, as EC2 writes its times."""
        return self.clock.now().replace(microsecond=0)

    def later(self, delay_seconds: float, change: Callable[[], None]) -> None:
        """Make a change when the delay has passed."""

        def run() -> None:
            with self.lock:
                change()
                self.settle()

        self.clock.call_later(delay_seconds, run)

    def settle(self) -> None:
        """Say that a change is complete: describes with a lag may see it from here on."""
        self.eni_documents.settle()
        self.instance_documents.settle()
        if self.lag.longest:
            for subnet in self.subnets.values():
                self._free_addresses.note(subnet.id, subnet.ipv4.free_count, self.clock.now())

    def vpc(self, identifier: str) -> Vpc:
        """Return a VPC, or raise as EC2 does."""
        return _lookup(self.vpcs, "vpc", identifier)

    def subnet(self, identifier: str) -> Subnet:
        """Return a subnet, or raise as EC2 does."""
        return _lookup(self.subnets, "subnet", identifier)

    def group(self, identifier: str) -> SecurityGroup:
        """Return a security group, or raise as EC2 does."""
        return _lookup(self.groups, "sg", identifier)

    def eni(self, identifier: str) -> Eni:
        """Return a NIC, or raise as EC2 does, also for one that this call does not see yet."""
        eni = _lookup(self.enis, "eni", identifier)
        if self.clock.now() - eni.created_at < self.lag.write:
            raise not_found("eni", [identifier])
        return eni

    def instance(self, identifier: str) -> Instance:
        """Return an instance, or raise as EC2 does."""
        return _lookup(self.instances, "i", identifier)

    def eni_of_attachment(self, identifier: str) -> Eni:
        """Return the NIC with this attachment, or raise as EC2 does."""
        return self.enis[_lookup(self.enis_by_attachment, "eni-attach", identifier)]

    def enis_of(self, instance: Instance) -> list[Eni]:
        """Return an instance's NICs in order of network card and device index."""
        enis = [self.enis[identifier] for identifier in instance.eni_ids]
        return sorted(enis, key=_place)

    def hold(self, vpc_id: str, address_or_prefix: str, eni_id: str, undo: ExitStack) -> None:
        """Note who holds an address or a prefix, until the call fails or `let_go`."""
        key = (vpc_id, address_or_prefix)
        self._holders[key] = eni_id
        undo.callback(self._holders.pop, key, None)

    def let_go(self, vpc_id: str, address_or_prefix: str) -> None:
        """Note that nobody holds this address or prefix any more."""
        del self._holders[vpc_id, address_or_prefix]

    def holder(self, vpc_id: str, address: str) -> str | None:
        """Return the id of the NIC that holds this address, itself or within a prefix."""
        length = 28 if ip_address(address).version == 4 else 80
        prefix = ip_network(f"{address}/{length}", strict=False)
        return self._holders.get((vpc_id, address)) or self._holders.get((vpc_id, str(prefix)))

    def free_addresses(self, subnet: Subnet) -> int:
        """Return how many IPv4 addresses of a subnet a describe says are free."""
        if not self.lag.longest:
            return subnet.ipv4.free_count
        return self._free_addresses.seen(subnet.id, self.clock.now())

    def reservation_of(self, instance_id: str) -> str:
        """Return the reservation of an instance, also of one that only a late describe still sees."""
        return self.reservations[instance_id]

    def changed(self, thing: Eni | Instance) -> None:
        """Have the documents of a NIC and of its instance, or of an instance, written anew."""
        if isinstance(thing, Instance):
            self.instance_documents.changed(thing.id)
            return
        self.eni_documents.changed(thing.id)
        if thing.attachment:
            self.instance_documents.changed(thing.attachment.instance_id)
        self.on_nic_change(thing.id)

    def security_groups(self, eni: Eni) -> list[SecurityGroup]:
        """Return the groups of a NIC."""
        return [self.groups[identifier] for identifier in eni.groups]

    def render_eni(self, eni: Eni) -> Document:
        """Return the NIC as it is this moment, without the lag of describes."""
        return eni_document(eni, self.security_groups(eni), self.region, self.account_id)

    def _render_eni(self, identifier: str) -> Document | None:
        eni = self.enis.get(identifier)
        return self.render_eni(eni) if eni else None

    def render_instance(self, instance: Instance) -> Document:
        """Return the instance as it is this moment, without the lag of describes."""
        enis = [
            instance_eni_document(eni, self.security_groups(eni), self.region, self.account_id)
            for eni in self.enis_of(instance)
        ]
        return instance_document(instance, enis)

    def _render_instance(self, identifier: str) -> Document | None:
        instance = self.instances.get(identifier)
        return self.render_instance(instance) if instance else None


def _place(eni: Eni) -> tuple[int, int]:
    attachment = eni.attachment
    return (attachment.network_card_index, attachment.device_index) if attachment else (0, 0)


def _lookup(things: dict[str, T], prefix: str, identifier: str) -> T:
    check_id(prefix, identifier)
    if identifier not in things:
        raise not_found(prefix, [identifier])
    return things[identifier]
