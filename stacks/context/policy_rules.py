"""What the policy asks of the context: names, IPv6, instance types that can carry it, subnets that have room for it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Network

from spiderpool_aws.deployment import cluster_problem
from spiderpool_aws.domain.addresses import AWS_RESERVED, IPFamily
from spiderpool_aws.domain.instance import InstanceTypeLimits
from spiderpool_aws.domain.policy.model import Group, Interface, Policy
from stacks.addressing import Layout, kept_for_prefixes
from stacks.at_launch import at_launch, own_addresses
from stacks.context.model import Context
from stacks.context.rules import Problem
from stacks.instance_types import known_type, nearest_type


def problems(context: Context, policy: Policy) -> Iterator[Problem]:
    """Yield why the policy cannot be deployed with the context."""
    if problem := cluster_problem(policy.cluster):
        yield "policyFile", f"{context.policy_file}: {problem}"
    if context.alone:
        return
    hosts = [interface.host for group in policy.groups for interface in group.interfaces if interface.ipv6]
    if hosts and not context.ipv6:
        yield "ipv6", f"the policy gives ipv6 to {', '.join(hosts)}: remove it there, or remove ipv6: false"
    group = policy.groups[0]
    for name in context.instance_types:
        yield from (("instanceTypes", problem) for problem in _type_problems(name, group))
    yield from _image(context)
    yield from _room(context, policy)


def _type_problems(name: str, group: Group) -> Iterator[str]:
    patterns = group.match.instance_types
    if patterns and not any(fnmatchcase(name, pattern) for pattern in patterns):
        yield f"{name} fits none of {', '.join(patterns)} of the policy's group {group.name}: change one of the two"
    known = known_type(name)
    if known is None:
        return
    limits = known.limits
    nics = {0, *(interface.device_index for interface in group.interfaces)}
    if len(nics) > limits.enis:
        yield (
            f"{name} has {limits.enis} NICs, and the policy's group {group.name} has {len(nics)}: take a larger type, "
            "or fewer interfaces"
        )
    for interface in group.interfaces:
        for family in interface.families:
            yield from _slot_problem(limits, interface, family)


def _slot_problem(limits: InstanceTypeLimits, interface: Interface, family: IPFamily) -> Iterator[str]:
    size = interface.size(family)
    if size is None:
        return
    if size.prefixes is not None and not limits.nitro:
        yield f"{limits.instance_type} cannot carry prefixes (not a Nitro type): give {interface.host} addresses"
        return
    slots, needed = limits.per_eni(family), own_addresses(interface, family) + at_launch(size, max_is=1)
    if needed > slots:
        yield (
            f"{limits.instance_type} has {slots} {family} slots a NIC, "
            f"{interface.host} needs {needed} with its own address: take a larger type, or lower the policy"
        )


def _image(context: Context) -> Iterator[Problem]:
    known = {name: known_type(name) for name in context.instance_types}
    unknown = [name for name, found in known.items() if found is None]
    if unknown and "imageParameter" not in context.given:
        for name in unknown:
            yield (
                "instanceTypes",
                f"{name} is not in stacks/instance_types.txt, did you mean {nearest_type(name)!r}? For a newer type "
                "give imageParameter, an image of its architecture",
            )
        return
    of = {name: found.architecture for name, found in known.items() if found}
    if len(set(of.values())) > 1:
        written = ", ".join(f"{name} is {architecture}" for name, architecture in of.items())
        yield "instanceTypes", f"all nodes have one image, so one architecture, but {written}"
        return
    for architecture in ("arm64", "x86_64"):
        wrong = next((name for name, own in of.items() if own != architecture), None)
        if wrong and context.image_parameter.endswith(architecture):
            yield "imageParameter", f"{context.image_parameter} is for {architecture}, and {wrong} is {of[wrong]}"


@dataclass(frozen=True, slots=True)
class SubnetUse:
    """What the policy's NICs of index 0, or all others, take of their subnet."""

    interfaces: tuple[Interface, ...]

    @classmethod
    def of(cls, groups: Iterable[Group], *, first_nic: bool) -> "SubnetUse":
        """Return the use of the nodes' first NIC, or that of their others."""
        interfaces = (interface for group in groups for interface in group.interfaces)
        return cls(tuple(i for i in interfaces if (i.device_index == 0) == first_nic))

    def kept(self, subnet: IPv4Network) -> tuple[IPv4Network, ...]:
        """Return what of the subnet is reserved for prefixes; nothing where no NIC holds any."""
        prefixes = [interface.ipv4.prefixes is not None for interface in self.interfaces]
        return kept_for_prefixes(subnet, also_singles=not all(prefixes)) if any(prefixes) else ()

    @property
    def prefixes(self) -> int:
        """Return how many /28 prefixes a node takes."""
        return sum(interface.ipv4.prefixes or 0 for interface in self.interfaces)

    @property
    def singles(self) -> int:
        """Return how many single addresses a node takes, the primary ones included."""
        return sum(1 if i.ipv4.prefixes else 1 + at_launch(i.ipv4, max_is=1) for i in self.interfaces)


def _room(context: Context, policy: Policy) -> Iterator[Problem]:
    """Yield which subnet has no room for the nodes of the first day."""
    layout, nodes = Layout(IPv4Network(context.vpc_cidr)), context.nodes_per_zone
    subnet = next(layout.vpc.subnets(new_prefix=layout.private_length))
    for first_nic, nics in ((True, "first NICs"), (False, "other NICs")):
        kept = SubnetUse.of(policy.groups, first_nic=first_nic).kept(subnet)
        use = SubnetUse.of(policy.groups[:1], first_nic=first_nic)
        reserved = sum(network.num_addresses for network in kept)
        for needed, has, what in (
            (use.prefixes * nodes, reserved // 16, "/28 prefixes"),
            (use.singles * nodes, subnet.num_addresses - AWS_RESERVED - reserved, "single addresses"),
        ):
            if needed > has:
                yield (
                    "vpcCidr",
                    f"{context.vpc_cidr} gives the {nics} a /{subnet.prefixlen} in each zone, with {has} {what}, and "
                    f"{nodes} nodes need {needed}: give a larger CIDR, or fewer nodesPerZone",
                )
