"""Adoption: what would become of hand-made pools that list addresses of our instances' NICs. Pure.

A pool is adopted in place: it gets the labels of its NIC, and `ips`, `nodeName`, `multusName`, `gateway` and `default`
as the policy wants them. It keeps its name, its uid, every address that a pod uses, and all other fields. What is not
plain is refused, with what to do: nothing here guesses whose a pool is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spiderpool_aws.domain.addresses import EMPTY, AddressSet, IPFamily
from spiderpool_aws.domain.adoption.rules import LIVE, Candidate, Judgement, Place, judge
from spiderpool_aws.domain.cluster.claims import Claims
from spiderpool_aws.domain.cluster.pool import Pool
from spiderpool_aws.domain.instance import Eni, ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.domain.rules.planner import plan_node

MOST_UNPLACED = 4096
"""Of how many addresses of a pool that no NIC of ours has the holders are asked for."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one reading found."""

    models: Mapping[str, ObservedNode]
    """Instance id -> model, of every instance of the cluster."""
    pools: Sequence[Pool]
    """Every pool, of whomever."""
    holders: Mapping[str, str] = field(default_factory=dict)
    """Address -> ENI id, for addresses that hand-made pools list and no NIC of the models has."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What would become of one hand-made pool."""

    before: Pool
    after: Pool | None
    """None: refused, and `problems` says why."""
    places: tuple[Place, ...]
    """The NICs whose addresses it lists; exactly one, unless it is refused."""
    changes: tuple[str, ...] = ()
    """What differs afterwards, in words."""
    notes: tuple[str, ...] = ()
    """What a person should know before."""
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The pool's name; it stays."""
        return self.before.name

    @property
    def instance_id(self) -> str:
        """Whose the pool becomes; empty when that cannot be said."""
        return self.places[0].model.instance_id if len(self.places) == 1 else ""


@dataclass(frozen=True, slots=True)
class AdoptionPlan:
    """All adoptions of a survey, by node and name."""

    adoptions: tuple[Adoption, ...]
    then: Mapping[str, tuple[str, ...]]
    """Instance id -> what the next reconcile would find to do after its adoptions; empty: nothing."""

    @property
    def ready(self) -> tuple[Adoption, ...]:
        """Those that nothing speaks against."""
        return tuple(adoption for adoption in self.adoptions if adoption.after is not None)

    @property
    def refused(self) -> tuple[Adoption, ...]:
        """Those that a person has to look at first."""
        return tuple(adoption for adoption in self.adoptions if adoption.after is None)


def plan_adoption(survey: Survey, policy: Policy, only: frozenset[str] = frozenset()) -> AdoptionPlan:
    """Return what would become of each hand-made pool that lists an address of a NIC of the models.

    `only` names the pools to look at; one of them that lists no such address is refused. Without names such pools are
    somebody else's business.
    """
    hand_made = [pool for pool in survey.pools if pool.identity is None and (not only or pool.name in only)]
    places = _places(hand_made, survey.models.values())
    rivals, without_ipv6 = _rivals(hand_made, places), _without_ipv6(survey, policy)
    adoptions = []
    for pool in hand_made:
        found = places.get(pool.name, ())
        if found or pool.name in only:
            missing = _missing(pool, found)
            few = missing.count() <= MOST_UNPLACED
            elsewhere = {a: survey.holders[a] for a in missing if a in survey.holders} if few else {}
            unknown = 0 if few else missing.count()
            candidate = Candidate(pool, found, tuple(rivals.get(pool.name, ())), elsewhere, unknown, without_ipv6)
            adoptions.append(_adoption(candidate, judge(candidate, policy)))
    adoptions.sort(key=lambda adoption: (adoption.instance_id, adoption.name))
    return AdoptionPlan(tuple(adoptions), _then(adoptions, survey, policy))


def unplaced(survey: Survey, only: frozenset[str] = frozenset()) -> Mapping[IPFamily, AddressSet]:
    """Return what the hand-made pools that may be adopted list and no NIC of the models has: who holds it?"""
    hand_made = [pool for pool in survey.pools if pool.identity is None and (not only or pool.name in only)]
    places = _places(hand_made, survey.models.values())
    rest = dict(EMPTY)
    for pool in hand_made:
        missing = _missing(pool, places.get(pool.name, ()))
        if (pool.name in places or pool.name in only) and missing.count() <= MOST_UNPLACED:
            rest[pool.family] = rest[pool.family] | missing
    for model in survey.models.values():
        for eni in model.instance.enis if model.instance is not None else ():
            for family in IPFamily:
                rest[family] = rest[family] - _all_of(eni, family)
    return rest


def changed_since(adoption: Adoption, instance: ObservedInstance | None) -> str:
    """Return why EC2 no longer shows what the adoption was planned on; empty when it does."""
    after, place = adoption.after, adoption.places[0]
    enis = instance.enis if instance is not None else ()
    eni = next((eni for eni in enis if eni.eni_id == place.eni.eni_id), None)
    if after is None or eni is None or not eni.attached or eni.attachment_id != place.eni.attachment_id:
        return f"{place.eni.eni_id} is no longer attached to {place.model.instance_id} as it was"
    gone = after.spec.ips - eni.assigned(after.family)
    return f"{eni.eni_id} has lost {gone}" if gone else ""


def as_it_is_now(adoption: Adoption, fresh: Pool | None) -> Pool | None:
    """Return what to write when the pool was written meanwhile, and nothing but pods' addresses changed; else None.

    The agent writes the status at every allocation, so a busy pool has another resourceVersion all the time.
    """
    after = adoption.after
    if after is None or fresh is None or not fresh.allocated <= after.spec.ips:
        return None
    if replace(fresh, allocated=adoption.before.allocated, users=adoption.before.users) != adoption.before:
        return None
    return replace(after, allocated=fresh.allocated, users=fresh.users, resource_version=fresh.resource_version)


def _all_of(eni: Eni, family: IPFamily) -> AddressSet:
    own = AddressSet.of(family, [eni.primary_ipv4]) if family is IPFamily.IPV4 and eni.primary_ipv4 else EMPTY[family]
    return eni.assigned(family) | own


def _for_pods(eni: Eni, family: IPFamily) -> AddressSet:
    """Return what a NIC has beside the addresses that are known to be the host's own."""
    own = [eni.primary_ipv6] if family is IPFamily.IPV6 and eni.primary_ipv6 else []
    return eni.assigned(family) - AddressSet.of(family, own)


def _places(pools: Iterable[Pool], models: Iterable[ObservedNode]) -> dict[str, tuple[Place, ...]]:
    """Return pool name -> the NICs of which the pool lists an address that pods may have."""
    claims = Claims(pools)
    found: dict[str, tuple[Place, ...]] = {}
    for model in models:
        for eni in model.instance.enis if model.instance is not None else ():
            for family in IPFamily:
                for name, (_, addresses) in claims.listed(_for_pods(eni, family)).items():
                    found[name] = (*found.get(name, ()), Place(model, eni, addresses))
    return found


def _rivals(pools: Iterable[Pool], places: Mapping[str, tuple[Place, ...]]) -> dict[str, list[str]]:
    """Return pool name -> the other hand-made pools that list addresses of the same NIC and family."""
    of_nic: dict[tuple[str, IPFamily], list[str]] = {}
    families = {pool.name: pool.family for pool in pools}
    for name, found in places.items():
        for place in found:
            of_nic.setdefault((place.eni.eni_id, families[name]), []).append(name)
    rivals: dict[str, list[str]] = {}
    for names in of_nic.values():
        for name in names:
            rivals.setdefault(name, []).extend(sorted(set(names) - {name}))
    return rivals


def _missing(pool: Pool, places: Iterable[Place]) -> AddressSet:
    rest = pool.offered
    for place in places:
        rest = rest - _all_of(place.eni, pool.family)
    return rest


def _without_ipv6(survey: Survey, policy: Policy) -> tuple[str, ...]:
    """Return the NICs of the policy, of instances that run, that no IPv6 pool is for, hand-made or ours."""
    families = [pool for pool in survey.pools if pool.family is IPFamily.IPV6 and not pool.terminating]
    served = {pool.identity.eni_id for pool in families if pool.identity is not None}
    hand_made = _places([pool for pool in families if pool.identity is None], survey.models.values())
    served |= {place.eni.eni_id for places in hand_made.values() for place in places}
    lacking = []
    for model in survey.models.values():
        instance = model.instance
        group = policy.group_of(instance) if instance is not None and instance.state in LIVE else None
        for nic in group.interfaces if instance is not None and group is not None else ():
            eni = instance.eni_at(nic.device_index) if instance is not None and nic.ipv6 is not None else None
            if eni is not None and eni.eni_id not in served:
                lacking.append(eni.eni_id)
    return tuple(lacking)


def _adoption(candidate: Candidate, judgement: Judgement) -> Adoption:
    return Adoption(
        before=candidate.pool,
        after=None if judgement.problems else judgement.after,
        places=candidate.places,
        changes=judgement.changes,
        notes=judgement.notes,
        problems=judgement.problems,
    )


def _then(adoptions: Iterable[Adoption], survey: Survey, policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return what the planner says of each node when all its adoptions are done."""
    after = {adoption.name: adoption.after for adoption in adoptions if adoption.after is not None}
    claims = Claims([after.get(pool.name, pool) for pool in survey.pools])
    adopted: dict[str, list[Pool]] = {}
    for adoption in adoptions:
        if adoption.after is not None:
            adopted.setdefault(adoption.instance_id, []).append(adoption.after)
    then = {}
    for instance_id, pools in adopted.items():
        model = survey.models[instance_id]
        plan = plan_node(replace(model, pools=(*model.pools, *pools), claims=claims), policy)
        then[instance_id] = tuple(str(plan).splitlines()[1:])
    return then
