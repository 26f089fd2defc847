"""The rules of one adoption: what the pool would be, what that changes, and what speaks against it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.adoption.words import SHOWN, changes_of, notes_on
from spiderpool_aws.domain.cluster.node import provider_id
from spiderpool_aws.domain.cluster.pool import Pool, PoolIdentity
from spiderpool_aws.domain.instance import MANAGED_TAG, Eni, InstanceState, ObservedInstance, Subnet
from spiderpool_aws.domain.memory import PoolMemory
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Interface, Policy
from spiderpool_aws.domain.rules.lost import nothing_lost
from spiderpool_aws.domain.rules.nic_family import NicFamily, holding_of, host_ipv6
from spiderpool_aws.domain.rules.overrides import with_overrides
from spiderpool_aws.domain.rules.pools import pool_spec
from spiderpool_aws.domain.words import first_of

LIVE = (InstanceState.PENDING, InstanceState.RUNNING)


@dataclass(frozen=True, slots=True)
class Place:
    """A NIC of which a pool lists addresses."""

    model: ObservedNode
    eni: Eni
    addresses: AddressSet

    def __str__(self) -> str:
        node = f" ({self.model.node.name})" if self.model.node is not None else ""
        return f"{self.addresses} of {self.eni.eni_id} of {self.model.instance_id}{node}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hand-made pool, and what it is found to be for."""

    pool: Pool
    places: tuple[Place, ...]
    rivals: tuple[str, ...]
    """Other hand-made pools with addresses of the same NIC and family."""
    elsewhere: Mapping[str, str]
    """Address -> ENI id, of NICs of no instance of the cluster."""
    unknown: int = 0
    """How many addresses it lists of which nobody asked who holds them: too many."""
    without_ipv6: tuple[str, ...] = ()
    """The NICs that should have an IPv6 pool and have none, not even a hand-made one."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of it."""

    after: Pool | None
    changes: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


def judge(candidate: Candidate, policy: Policy) -> Judgement:
    """Return the pool as it would be, in words too, and all that speaks against it."""
    pool = candidate.pool
    problems = [*_place_problems(candidate, policy)]
    if pool.terminating:
        problems.append("it is being deleted: wait until it is gone, spiderpool-aws then makes one of its own")
    if candidate.rivals:
        problems.append(
            f"{', '.join(candidate.rivals)} is for the same NIC and family, and there is one pool for each: take the "
            "addresses out of one and delete it, or name the one to adopt (--pool) and empty the other later"
        )
    nic = _nic_family(candidate, policy, problems)
    if nic is None:
        return Judgement(None, (), (), tuple(problems))
    host = host_ipv6(nic) if nic.family is IPFamily.IPV6 else EMPTY[nic.family]
    after = _target(nic, pool, host)
    problems += _address_problems(nic, candidate, after, host)
    notes = notes_on(pool, after, nic, candidate.without_ipv6)
    return Judgement(after, changes_of(pool, after, nic, host), notes, tuple(problems))


def _place_problems(candidate: Candidate, policy: Policy) -> list[str]:
    places, held = candidate.places, candidate.elsewhere
    if not places:
        whose = f" ({_held(held)})" if held else ""
        return [
            f"it lists no address of a NIC of an instance with the tag spiderpool-aws/cluster={policy.cluster}{whose}: "
            "tag the instance, or leave the pool as it is"
        ]
    if len(places) > 1:
        nics = "; ".join(map(str, places))
        return [
            f"it lists addresses of {len(places)} NICs ({nics}), and a pool is for one: take those of all but one out "
            "of it when no pod uses them, spiderpool-aws makes the pools of the others"
        ]
    if candidate.unknown:
        return [
            f"it lists {candidate.unknown} addresses that no NIC of the cluster has: take those out of it that "
            f"{places[0].eni.eni_id} does not have"
        ]
    if held:
        return [f"it also lists addresses of a NIC of no instance of the cluster ({_held(held)}): take them out of it"]
    return []


def _held(elsewhere: Mapping[str, str]) -> str:
    return first_of([f"{address} is held by {eni_id}" for address, eni_id in sorted(elsewhere.items())], SHOWN)


def _nic_family(candidate: Candidate, policy: Policy, problems: list[str]) -> NicFamily | None:
    """Return the NIC with the pool as its own, or None; add what speaks against the NIC."""
    if len(candidate.places) != 1:
        return None
    place, family = candidate.places[0], candidate.pool.family
    model, eni, instance = place.model, place.eni, place.model.instance
    if instance is None:
        return None
    problems += _instance_problems(instance, policy)
    interface = _interface(instance, eni, policy)
    problems += _nic_problems(interface, eni, family)
    problems += _own_pool_problems(model, eni, family)
    subnet = model.subnets.get(eni.subnet_id)
    if subnet is None or model.limits is None:
        problems.append(f"the subnet of {eni.eni_id} or the limits of its type could not be read: try again")
        return None
    problems += _subnet_problems(candidate.pool, subnet, eni)
    node_problem = _node_problem(model, instance)
    if node_problem:
        problems.append(node_problem)
    if interface is None or interface.size(family) is None or model.node is None:
        return None
    identity = PoolIdentity(policy.cluster, instance.instance_id, eni.eni_id, eni.attachment_id, family)
    memory = PoolMemory(node_uid=model.node.uid)
    labelled = replace(candidate.pool, identity=identity, memory=memory, owners=())
    with_it = replace(model, pools=(*(p for p in model.pools if not _is_of(p, eni, family)), labelled))
    return NicFamily(with_it, policy, interface, eni, family, subnet, model.limits, model.node.name)


def _is_of(pool: Pool, eni: Eni, family: IPFamily) -> bool:
    return pool.identity is not None and pool.identity.eni_id == eni.eni_id and pool.family is family


def _interface(instance: ObservedInstance, eni: Eni, policy: Policy) -> Interface | None:
    group = policy.group_of(instance)
    if group is None or eni.network_card != 0:
        return None
    found = next((nic for nic in group.interfaces if nic.device_index == eni.device_index), None)
    return with_overrides(found, instance) if found is not None else None


def _instance_problems(instance: ObservedInstance, policy: Policy) -> list[str]:
    problems = []
    if instance.state not in LIVE:
        problems.append(f"{instance.instance_id} is {instance.state}: adopt it when the instance runs")
    if not instance.is_managed:
        problems.append(
            f"{instance.instance_id} carries the tag {MANAGED_TAG}=false: remove the tag to have it managed"
        )
    if policy.group_of(instance) is None:
        problems.append(f"no group of the policy matches {instance.instance_id}: add one, or leave the pool as it is")
    elif instance.platform == "windows":
        problems.append("Windows nodes have no ipvlan: leave the pool as it is")
    return problems


def _nic_problems(interface: Interface | None, eni: Eni, family: IPFamily) -> list[str]:
    problems = []
    if interface is None:
        problems.append(
            f"the policy says nothing of device index {eni.device_index}, at which {eni.eni_id} is: add the interface"
        )
    elif interface.size(family) is None:
        problems.append(f"the policy gives {interface.host} no {family}: add {str(family).lower()} to all interfaces")
    if not eni.attached:
        problems.append(f"{eni.eni_id} is being attached or detached: try again when that is done")
    if eni.why_left_alone:
        problems.append(f"{eni.eni_id} is left alone: {eni.why_left_alone}")
    return problems


def _own_pool_problems(model: ObservedNode, eni: Eni, family: IPFamily) -> list[str]:
    own = next((pool for pool in model.pools if _is_of(pool, eni, family)), None)
    if own is None:
        return []
    if own.terminating:
        return [f"the old pool {own.name} of {eni.eni_id} is still being deleted: try again when it is gone"]
    return [
        f"{eni.eni_id} has the {family} pool {own.name} of spiderpool-aws already: delete this one when no pod uses "
        "it, its addresses then join that pool"
    ]


def _subnet_problems(pool: Pool, subnet: Subnet, eni: Eni) -> list[str]:
    cidr = subnet.cidr(pool.family)
    if cidr is not None and pool.spec.subnet == str(cidr):
        return []
    return [
        f"its subnet is {pool.spec.subnet}, that of {eni.eni_id} is {cidr or 'none'}, and Spiderpool lets no subnet "
        "change: delete the pool when no pod uses it, spiderpool-aws then makes one of its own"
    ]


def _node_problem(model: ObservedNode, instance: ObservedInstance) -> str:
    node = model.node
    if node is None:
        return f"no Node is that of {instance.instance_id}: adopt the pool when the instance has joined the cluster"
    if model.proof.holds(node):
        return ""
    if node.provider_id:
        return f"Node {node.name} has the providerID {node.provider_id}, which is not that of {instance.instance_id}"
    return (
        f"Node {node.name} is not proved to be that of {instance.instance_id}: if it is, say so with kubectl patch "
        f'node {node.name} -p \'{{"spec":{{"providerID":"{provider_id(instance)}"}}}}\''
    )


def _target(nic: NicFamily, pool: Pool, host: AddressSet) -> Pool:
    """Return the pool with what EC2 assigned and it lists, without the host's own; what pods use stays."""
    holding = holding_of(nic, host, nothing_lost(nic.family))
    used = pool.allocated & (nic.eni.assigned(nic.family) - host)
    spec = pool_spec(nic, pool.spec.subnet, pool.spec.ips & (holding.usable | used))
    node = nic.observed.node
    memory = PoolMemory(node_uid=node.uid if node is not None else "")
    return replace(pool, identity=nic.identity, spec=replace(spec, disable=pool.spec.disable), memory=memory, owners=())


def _address_problems(nic: NicFamily, candidate: Candidate, after: Pool, host: AddressSet) -> list[str]:
    pool, eni, problems = candidate.pool, nic.eni, []
    if nic.family is IPFamily.IPV6 and not host and pool.spec.ips & eni.ipv6:
        problems.append(
            f"nothing says which IPv6 address of {eni.eni_id} is the host's own: mark it as primary (PrimaryIpv6), or "
            "let the kubelet report it as InternalIP"
        )
    elif lost := pool.allocated - after.spec.ips:
        users = first_of([f"{pool.users.get(a) or 'a pod'} uses {a}" for a in lost], SHOWN)
        problems.append(
            f"{users}, which {eni.eni_id} does not have for pods: such a pod has no network, delete it first"
        )
    elif not after.spec.ips:
        problems.append(
            f"none of its addresses is one that the policy offers to pods of {eni.eni_id}: raise perPrefix, or delete "
            "the pool"
        )
    if after.spec.gateway is None and pool.spec.gateway is not None:
        # An apply takes nothing away that somebody else has set.
        problems.append(
            f"it has the gateway {pool.spec.gateway}, and the policy wants none: take it out with kubectl patch "
            f'spiderippool {pool.name} --type=merge -p \'{{"spec":{{"gateway":null}}}}\', or set ipv6Gateway: first'
        )
    for name, (_, both) in sorted(nic.observed.claims.listed(after.spec.ips, pool.name).items()):
        if name not in candidate.rivals:
            problems.append(f"pool {name} lists {both}, too: take them out of one of the two")
    return problems
