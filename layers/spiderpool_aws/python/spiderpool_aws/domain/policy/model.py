"""The policy: the user's one file. It says which instances are nodes, and what each of their NICs should hold."""

import hashlib
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.instance import ObservedInstance, Subnet
from spiderpool_aws.domain.policy.errors import explain
from spiderpool_aws.domain.policy.text import read_document

NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL_VALUE = r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
# IFNAMSIZ leaves 15 characters; lower case only, because the name becomes a part of the pool's.
HOST_NIC = r"^[a-z0-9]([-a-z0-9.]{0,13}[a-z0-9])?$"

LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
# No instance type has more NICs on a network card.
MAX_DEVICE_INDEX = 15

# The addresses of the largest subnet; a bound, because Python does not even print any whole number.
MOST = 65_536
# Strict: YAML's `true` would count as 1.
Whole = Annotated[int, Field(strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Elastic(_Model):
    """A size that follows use: at least `min`, `warm` addresses free, at most `max`."""

    min: Whole = Field(ge=1, le=MOST)
    warm: Whole = Field(ge=0, le=MOST)
    max: Whole = Field(ge=1, le=MOST)

    @model_validator(mode="after")
    def _ordered(self) -> "Elastic":
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: lower min or raise max")
        if self.warm > self.max:
            raise ValueError(f"warm {self.warm} is above max {self.max}: lower warm or raise max")
        return self

    def target(self, used: int, withheld: int = 0) -> int:
        """Return how many addresses a NIC should hold of which pods use so many, and so many others serve no pod."""
        return min(max(self.min, used + self.warm) + withheld, self.max)


def _amount(given: object) -> object:
    """Take what `addresses` may be; one function, because a union would report a problem for each of its members."""
    if isinstance(given, Mapping):
        return Elastic.model_validate(given)
    whole = isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MOST
    if whole or given is None or given == "max" or isinstance(given, Elastic):
        return given
    raise ValueError("give a whole number from 1, `max`, or `{min, warm, max}`")


def _one(given: object) -> object:
    # Python's True and 1.0 equal 1, so a Literal takes them.
    if type(given) is int and given == 1:
        return given
    raise ValueError("write `version: 1`")


class Size(_Model):
    """How much a NIC holds of one family: single addresses or delegated prefixes, one of the two."""

    addresses: Annotated[int | Literal["max"] | Elastic | None, PlainValidator(_amount)] = None
    prefixes: Whole | None = Field(default=None, ge=1, le=MOST)
    per_prefix: Whole = Field(default=16, ge=1, le=4096)
    """How many addresses of each IPv6 /80 a pool lists; an IPv4 /28 is listed whole."""
    fallback: Literal["none", "addresses"] = "none"
    """What a NIC gets where the subnet has no room for a whole prefix."""

    @model_validator(mode="after")
    def _one_of(self) -> "Size":
        if (self.addresses is None) == (self.prefixes is None):
            raise ValueError("give either addresses or prefixes, one of the two")
        if "per_prefix" in self.model_fields_set and self.prefixes is None:
            raise ValueError("perPrefix goes with prefixes: remove it, or give prefixes")
        if "fallback" in self.model_fields_set and self.prefixes is None:
            raise ValueError("fallback goes with prefixes: remove it, or give prefixes")
        return self

    def at_first(self, most: int) -> int:
        """Return how many single addresses a NIC begins with, before it serves a pod; `most` is what it carries."""
        match self.addresses:
            case Elastic() as elastic:
                return elastic.target(0)
            case int() as count:
                return count
            case _:
                return most


UNWANTED = Size.model_construct(addresses=0)
"""Of a family that the policy no longer gives: no policy can say it."""


class SubnetChoice(_Model):
    """Where a NIC that is missing may be created, and how many addresses its subnet keeps free."""

    tags: dict[str, str] = Field(default_factory=dict)
    ids: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")], ...] = ()
    reserve: Whole = Field(default=0, ge=0, le=MOST)

    @property
    def names_any(self) -> bool:
        """Tell whether it names subnets at all: without, none is created, and the NIC's own subnet is meant."""
        return bool(self.tags or self.ids)

    def fits(self, subnet: Subnet) -> bool:
        """Tell whether a subnet has all the tags, and is one of the ids where there are any."""
        tags_fit = all(subnet.tags.get(key) == value for key, value in self.tags.items())
        return tags_fit and (not self.ids or subnet.subnet_id in self.ids)


class Interface(_Model):
    """One NIC of a group's instances: its device index decides, `host` is only the host's name for it."""

    device_index: Whole = Field(ge=0, le=MAX_DEVICE_INDEX)
    host: str = Field(pattern=HOST_NIC)
    multus: str = Field(pattern=rf"^{NAME}/{NAME}$")
    subnets: SubnetChoice = SubnetChoice()
    security_groups: tuple[Annotated[str, Field(pattern=r"^sg-[0-9a-f]+$")], ...] = ()
    ipv4: Size
    ipv6: Size | None = None

    @model_validator(mode="after")
    def _whole_ipv4_prefixes(self) -> "Interface":
        if "per_prefix" in self.ipv4.model_fields_set:
            raise ValueError("perPrefix is for ipv6 only, an IPv4 prefix is listed whole: remove it from ipv4")
        return self

    def size(self, family: IPFamily) -> Size | None:
        """Return what the NIC should hold of a family; None when the family is not wanted."""
        return self.ipv4 if family is IPFamily.IPV4 else self.ipv6

    @property
    def families(self) -> tuple[IPFamily, ...]:
        """The families that the NIC's pods get."""
        return (IPFamily.IPV4,) if self.ipv6 is None else (IPFamily.IPV4, IPFamily.IPV6)


class Match(_Model):
    """Which instances belong to a group: all tags equal, and the type fits one of the patterns (`m7i.*`)."""

    tags: dict[str, str] = Field(default_factory=dict)
    instance_types: tuple[str, ...] = ()

    def fits(self, instance: ObservedInstance) -> bool:
        """Tell whether an instance belongs to the group. An empty match fits every instance."""
        tags_fit = all(instance.tags.get(key) == value for key, value in self.tags.items())
        types_fit = not self.instance_types or any(fnmatchcase(instance.instance_type, p) for p in self.instance_types)
        return tags_fit and types_fit


class Group(_Model):
    """Instances that are treated alike."""

    name: str = Field(min_length=1)
    match: Match = Match()
    interfaces: tuple[Interface, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "Group":
        for what in ("device_index", "host", "multus"):
            seen = [getattr(interface, what) for interface in self.interfaces]
            twice = next((value for value in seen if seen.count(value) > 1), None)
            if twice is not None:
                raise ValueError(f"two interfaces have {to_camel(what)} {twice!r}: each NIC needs its own")
        return self


class PoolSettings(_Model):
    """What all pools have in common. `ipv6Gateway: first` is `<subnet>::1`, as the Spiderpool guide has it."""

    default: bool = True
    ipv6_gateway: Literal["first", "none"] = "first"


class NodeSettings(_Model):
    """What is done to the Node objects of the cluster."""

    set_provider_id: bool = Field(default=True, alias="setProviderID")
    delete_terminated: bool = True
    delete_pods_of_terminated: bool = True
    drain_seconds: Whole = Field(default=300, ge=0, le=3600)
    """How long a termination waits for the pods of the node to go."""
    launch_failure: Literal["continue", "abandon"] = "continue"
    """What becomes of a launched instance whose pools cannot be had; `continue` leaves it to the hook's time-out."""
    startup_taint: str | None = Field(default="spiderpool-aws/not-ready", pattern=LABEL_KEY)

    @field_validator("startup_taint")
    @classmethod
    def _not_of_kubernetes(cls, taint: str | None) -> str | None:
        # Kubernetes puts its own on and takes them off: `node.kubernetes.io/unschedulable` is what `cordon` sets.
        namespace = f".{taint.partition('/')[0]}" if taint is not None and "/" in taint else ""
        if namespace.endswith((".kubernetes.io", ".k8s.io")):
            raise ValueError("this namespace is Kubernetes' own: take another one (`spiderpool-aws/not-ready`)")
        return taint


class Policy(_Model):
    """The whole file. See docs/policy.md for each field."""

    version: Annotated[Literal[1], PlainValidator(_one)]
    mode: Literal["observe", "apply", "paused"] = "apply"
    cluster: str = Field(pattern=LABEL_VALUE)
    node_name: str = Field(default="discover", pattern=r"^(discover|private-dns-name|instance-id|tag:.+)$")
    groups: tuple[Group, ...] = Field(min_length=1)
    pools: PoolSettings = PoolSettings()
    nodes: NodeSettings = NodeSettings()

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("two groups have the same name: give each its own")
        interfaces = [interface for group in self.groups for interface in group.interfaces]
        with_ipv6 = [interface.host for interface in interfaces if interface.ipv6 is not None]
        without = [interface.host for interface in interfaces if interface.ipv6 is None]
        if with_ipv6 and without:
            raise ValueError(
                f"ipv6 is given to {', '.join(with_ipv6)} but not to {', '.join(without)}: give it to all interfaces "
                "or to none, because one default IPv6 pool makes Spiderpool refuse every pod on a NIC without one"
            )
        hosts: dict[str, str] = {}
        for interface in interfaces:
            if hosts.setdefault(interface.multus, interface.host) != interface.host:
                raise ValueError(
                    f"multus {interface.multus} is given to {hosts[interface.multus]} and to {interface.host}: a "
                    "network has one host NIC, so use another multus name for the other"
                )
        return self

    @property
    def digest(self) -> str:
        """Name what the policy asks for; the mode does not count, nor does what a file leaves to its default."""
        document = self.model_dump(mode="json", exclude={"mode"}, exclude_defaults=True, warnings=False)
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def has_ipv6(self) -> bool:
        """Tell whether pods get IPv6 addresses: of all interfaces, or of none."""
        return any(nic.ipv6 is not None for group in self.groups for nic in group.interfaces)

    @property
    def is_elastic(self) -> bool:
        """Tell whether a size follows use: then every minute counts."""
        sizes = (nic.size(family) for group in self.groups for nic in group.interfaces for family in nic.families)
        return any(size is not None and isinstance(size.addresses, Elastic) for size in sizes)

    def reserve_of(self, subnet: Subnet, instance: ObservedInstance) -> int:
        """Return how many IPv4 addresses a subnet keeps, whichever NIC of the instance takes from it.

        A reserve is its subnet's: the largest holds of all interfaces whose `subnets` name it, or whose NIC of this
        instance is in it.
        """
        group = self.group_of(instance)
        at_home = [
            nic.subnets.reserve
            for nic in (group.interfaces if group is not None else ())
            if (eni := instance.eni_at(nic.device_index)) is not None and eni.subnet_id == subnet.subnet_id
        ]
        choices = (nic.subnets for known in self.groups for nic in known.interfaces)
        named = (choice.reserve for choice in choices if choice.names_any and choice.fits(subnet))
        return max((*at_home, *named), default=0)

    def group_of(self, instance: ObservedInstance) -> Group | None:
        """Return the first group that an instance matches; None leaves it alone."""
        return next((group for group in self.groups if group.match.fits(instance)), None)


MODELS = (Policy, Group, Match, Interface, SubnetChoice, Size, Elastic, PoolSettings, NodeSettings)
KNOWN_KEYS = {info.alias or name for model in MODELS for name, info in model.model_fields.items()}


def parse_policy(text: str) -> Policy:
    """Return the policy of a YAML (or JSON) text. Raises PolicyError: a line for each problem, with path and fix."""
    document = read_document(text)
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise PolicyError(explain(error, KNOWN_KEYS)) from None
