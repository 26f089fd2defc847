"""Adopting hand-made pools: observe, plan, and write one pool after the other when a person has agreed.

    read all pools, the cluster's instances and Nodes, and who holds what the pools list beside
    plan: what would become of each pool (domain/adoption/plan.py); a person looks at it
    for each pool that nothing speaks against: look at its NIC once more; write it, if nobody has since it was read

A write has the pool's uid and resourceVersion with it: a pool is adopted whole, or not at all. Pools are independent of
each other, so one that is refused keeps no other waiting; stopping anywhere and starting again goes on with the rest.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from spiderpool_aws.domain.addresses import IPFamily
from spiderpool_aws.domain.adoption.plan import (
    Adoption,
    AdoptionPlan,
    Survey,
    as_it_is_now,
    changed_since,
    plan_adoption,
    unplaced,
)
from spiderpool_aws.domain.cluster.node_index import NodeIndex
from spiderpool_aws.domain.control import Control
from spiderpool_aws.domain.errors import Code, Refused, RetryLater
from spiderpool_aws.domain.instance import ObservedInstance
from spiderpool_aws.domain.observed import ObservedNode
from spiderpool_aws.domain.policy.model import Policy
from spiderpool_aws.node_directory import NodeDirectory
from spiderpool_aws.observation import Observer
from spiderpool_aws.ports import Clock, Systems
from spiderpool_aws.telling import stranger_finding

ATTEMPTS = 3
"""How often a pool is written when pods take and release addresses meanwhile."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one adoption; `refusal` is empty when the pool is ours now."""

    adoption: Adoption
    refusal: str = ""


class Adopter:
    """Plans adoptions, and does them. Every method may raise RetryLater: something cannot be reached."""

    def __init__(self, systems: Systems, clock: Clock) -> None:
        self._ec2 = systems.ec2
        self._cluster = systems.cluster
        self._observer = Observer(systems, clock)

    def plan(self, policy: Policy, only: frozenset[str] = frozenset()) -> AdoptionPlan:
        """Return what would become of the hand-made pools, or of some by name.

        Raises Refused when a name is none of a pool, no instance carries the cluster's tag, or the pools are another
        cluster's.
        """
        pools = self._observer.list_pools(policy)
        if pools.are_anothers:
            raise Refused(stranger_finding(policy, pools).message)
        if unknown := sorted(only - {pool.name for pool in pools.everyone}):
            raise Refused(
                f"there is no SpiderIPPool {', '.join(unknown)}: give names as kubectl get spiderippools does"
            )
        instances = {i.instance_id: i for i in self._ec2.list_instances(policy.cluster).instances}
        if not instances:
            raise Refused(
                f"EC2 lists no instance with the tag spiderpool-aws/cluster={policy.cluster}: tag the nodes' "
                "instances, or look at the region (AWS_REGION), the account and the policy's cluster"
            )
        nodes = NodeDirectory(self._cluster, NodeIndex(self._cluster.list_nodes()))
        models = self._observer.observe(dict(instances), pools, Control(policy), policy, nodes)
        survey = Survey(models, pools.everyone)
        return plan_adoption(replace(survey, holders=self._holders(survey, only)), policy, only)

    def adopt(self, plan: AdoptionPlan) -> Iterator[Adopted]:
        """Adopt what nothing speaks against, one after the other; ends early when all the rest would fail, too."""
        instances: dict[str, ObservedInstance | None] = {}
        for adoption in plan.ready:
            instance_id = adoption.instance_id
            try:
                if instance_id not in instances:
                    instances = {instance_id: self._ec2.observe_instances([instance_id]).get(instance_id)}
                self._adopt(adoption, instances[instance_id])
            except Refused as refused:
                yield Adopted(adoption, refused.reason)
                if refused.code is Code.FORBIDDEN:
                    return
            else:
                yield Adopted(adoption)

    def _adopt(self, adoption: Adoption, instance: ObservedInstance | None) -> None:
        if changed := changed_since(adoption, instance):
            raise Refused(f"{changed}: look at the plan again", Code.CONFLICT)
        target = adoption.after
        for _ in range(ATTEMPTS):
            if target is None:
                raise Refused(
                    f"pool {adoption.name} was changed since it was read: look at the plan again", Code.CONFLICT
                )
            try:
                self._cluster.note_pool(target)
            except Refused as refused:
                if refused.code is not Code.CONFLICT:
                    raise
                fresh = next((pool for pool in self._cluster.list_pools() if pool.name == adoption.name), None)
                target = as_it_is_now(adoption, fresh)
            else:
                return
        raise RetryLater(f"pods take and release addresses of pool {adoption.name} all the time: try again")

    def _holders(self, survey: Survey, only: frozenset[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        rest = unplaced(survey, only)
        for vpc_id in sorted(_vpcs(survey.models.values())):
            for family in IPFamily:
                if rest[family]:
                    found |= self._ec2.holders(rest[family], vpc_id)
        return found


def _vpcs(models: Iterable[ObservedNode]) -> set[str]:
    return {subnet.vpc_id for model in models for subnet in model.subnets.values()}
